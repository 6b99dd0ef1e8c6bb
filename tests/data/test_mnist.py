"""A split is loaded as rows of pixels, and MNIST is recognised by its bytes."""

from pathlib import Path

import numpy as np

from mnistnet.data import idx, mnist

IMAGES, LABELS = (file.name for file in mnist.FILES[2:])


def test_images_are_rows_of_pixels_with_their_labels(tiny: Path) -> None:
    data = mnist.load(tiny, "test")
    assert data.images.shape == (50, 784)
    assert data.images.dtype == data.labels.dtype == np.uint8
    assert data.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert np.array_equal(data.images.reshape(-1, 28, 28), idx.read_idx(tiny / IMAGES))


def test_only_mnists_own_bytes_are_published_and_called_mnist(
    tiny: Path, published: object
) -> None:
    (tiny / mnist.IMPORTED).write_text('{"name": "mine"}')
    data = mnist.load(tiny, "test")
    assert (data.published, data.name) == (True, "MNIST")
    labels = np.array(idx.read_idx(tiny / LABELS))
    labels[7] ^= 1
    idx.write_idx(tiny / LABELS, labels)
    data = mnist.load(tiny, "test")
    assert (data.published, data.name) == (False, "mine")
    assert mnist.load(tiny, "train").published

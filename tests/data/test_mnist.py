"""A split is loaded under every accepted file name, and MNIST is recognised by its bytes."""

from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import idx, mnist

IMAGES, LABELS = mnist.TEST_IMAGES.name, mnist.TEST_LABELS.name


def test_images_are_rows_of_pixels_with_their_labels(tiny: Path) -> None:
    data = mnist.load(tiny, "test")
    assert data.images.shape == (50, 784)
    assert data.images.dtype == data.labels.dtype == np.uint8
    assert data.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert np.array_equal(data.images.reshape(-1, 28, 28), idx.read_idx(tiny / IMAGES))


@pytest.mark.parametrize("name", ["{}", "{}.gz"])
@pytest.mark.parametrize("dotted", [False, True])
def test_every_accepted_name_is_found(tiny: Path, name: str, dotted: bool) -> None:
    expected = mnist.load(tiny, "test")
    for file in (IMAGES, LABELS):
        array = np.array(idx.read_idx(tiny / file))
        (tiny / file).unlink()
        stem = file.replace("-idx", ".idx") if dotted else file
        idx.write_idx(tiny / name.format(stem), array)
    data = mnist.load(tiny, "test")
    assert (data.images == expected.images).all()
    assert data.sha256 == expected.sha256


def test_published_is_true_only_for_mnists_own_bytes(tiny: Path, published: object) -> None:
    assert mnist.load(tiny, "test").published
    labels = np.array(idx.read_idx(tiny / LABELS))
    labels[7] ^= 1
    idx.write_idx(tiny / LABELS, labels)
    assert not mnist.load(tiny, "test").published
    assert mnist.load(tiny, "train").published

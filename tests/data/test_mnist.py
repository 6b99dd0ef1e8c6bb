"""A split is loaded from a folder whatever its files are called, and only if it is sound."""

from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import idx, mnist
from mnistnet.errors import DataError

IMAGES, LABELS = mnist.TEST_IMAGES.name, mnist.TEST_LABELS.name


def test_the_images_are_rows_of_pixels_beside_their_labels(tiny: Path) -> None:
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


def test_published_tells_whether_the_bytes_are_mnists_own(
    tiny: Path, published: dict[str, bytes]
) -> None:
    assert published
    assert mnist.load(tiny, "test").published
    labels = np.array(idx.read_idx(tiny / LABELS))
    labels[7] ^= 1
    idx.write_idx(tiny / LABELS, labels)
    assert not mnist.load(tiny, "test").published
    assert mnist.load(tiny, "train").published


def test_a_missing_file_is_named(tiny: Path) -> None:
    (tiny / LABELS).unlink()
    with pytest.raises(DataError) as caught:
        mnist.load(tiny, "test")
    assert str(caught.value) == (
        f"{tiny} has no t10k-labels-idx1-ubyte, raw or .gz; "
        "run 'mnistnet download' or name the folder that has it with --data"
    )


UNSOUND = {
    "images of another size": (
        IMAGES,
        np.zeros((50, 28, 27), np.uint8),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 28 x 27 uint8",
    ),
    "images of another type": (
        IMAGES,
        np.zeros((50, 28, 28), np.int16),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 28 x 28 int16",
    ),
    "flat images": (
        IMAGES,
        np.zeros((50, 784), np.uint8),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 784 uint8",
    ),
    "labels of another type": (
        LABELS,
        np.zeros(50, np.int32),
        "{labels}: expected a row of uint8 labels; found 50 int32",
    ),
    "labels in two columns": (
        LABELS,
        np.zeros((25, 2), np.uint8),
        "{labels}: expected a row of uint8 labels; found 25 x 2 uint8",
    ),
    "fewer labels than images": (
        LABELS,
        np.zeros(49, np.uint8),
        "expected as many labels as images, and some; "
        "found 50 images in {images} and 49 labels in {labels}",
    ),
    "a label above 9": (
        LABELS,
        np.array([9] * 49 + [10], np.uint8),
        "{labels}: expected labels 0 to 9; found 10 for image 49",
    ),
}


@pytest.mark.parametrize("kind", UNSOUND)
def test_an_unsound_file_is_named_with_what_was_found(tiny: Path, kind: str) -> None:
    name, array, words = UNSOUND[kind]
    idx.write_idx(tiny / name, array)
    with pytest.raises(DataError) as caught:
        mnist.load(tiny, "test")
    assert str(caught.value) == words.format(images=tiny / IMAGES, labels=tiny / LABELS)


def test_a_set_of_no_images_is_refused(tiny: Path) -> None:
    idx.write_idx(tiny / IMAGES, np.zeros((0, 28, 28), np.uint8))
    idx.write_idx(tiny / LABELS, np.zeros(0, np.uint8))
    with pytest.raises(DataError, match=r"and some; found 0 images in .* and 0 labels in"):
        mnist.load(tiny, "test")


def test_a_malformed_file_says_how_to_mend_it(tiny: Path) -> None:
    (tiny / LABELS).write_bytes(b"")
    with pytest.raises(DataError) as caught:
        mnist.load(tiny, "test")
    assert str(caught.value) == (
        f"{tiny / LABELS}: expected an IDX file, found an empty file; "
        "replace the file, or delete it and run 'mnistnet download'"
    )


def test_the_real_files_are_what_this_module_says_they_are(real_mnist: Path) -> None:
    for split, count in (("train", 60000), ("test", 10000)):
        data = mnist.load(real_mnist, split)
        assert data.published
        assert len(data.images) == len(data.labels) == count
    per_digit = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(data.labels).tolist() == per_digit

"""Convert a data set to a folder of IDX files that every command can read.

Images are kept in memory, one byte per pixel, and written only once all have been checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.data import foreign, mnist
from mnistnet.data.mnist import Dataset
from mnistnet.errors import DataError
from mnistnet.files import make_folder

TEST_SHARE = 1 / 6  # of all images; MNIST's is 1/7
SAMPLE = 1000  # images of each split to look for problems in
SLICE = 5000  # images converted at a time
DIGITS = {str(digit): digit for digit in range(CLASSES)}


@dataclass(frozen=True)
class Imported:
    """The result: images per digit in each split, how many files were skipped and how many images
    left out because of their label, and warnings about likely problems."""

    name: str
    counts: dict[str, list[int]]
    skipped: int
    left_out: int
    warnings: list[str]


def convert(
    source: Path,
    out: Path,
    *,
    transpose: bool | None = None,
    invert: bool = False,
    labels: Mapping[str, int] | None = None,
    test_share: float = TEST_SHARE,
    name: str = "",
    notify: Callable[[str], None] = lambda _: None,
    advance: foreign.Advance = lambda *_: None,
    predict: Callable[[Array], Array] | None = None,
) -> Imported:
    """Read the data set in a file or folder (see foreign.KINDS) and write it to a new or empty
    folder.

    transpose   swap rows and columns of each image; None does so for EMNIST's files only
    invert      exchange light and dark
    labels      the digit for each label; images with other labels are left out
    test_share  fraction of the images for the test set, if the source has none
    name        of the data set; by default the name of the folder
    notify      receives a sentence about each picture that is skipped
    advance     receives the number of images just read from a CSV or pictures, and the total or 0
    predict     of a network, from images (n, 784) to digits (n,); detects transposed images

    Raises DataError if the source is not a data set of 28 x 28 images with ten labels, or the
    folder is not empty.
    """
    mnist.check_empty(out)
    skipped: list[Path] = []
    left_out = 0
    warnings: list[str] = []

    def skip(path: Path, why: str) -> None:
        skipped.append(path)
        notify(f"skipped {path}: {why}")

    swap = foreign.is_transposed(source) if transpose is None else transpose
    sets: dict[str, Dataset] = {}
    for split, images, names in foreign.read(source, skip, advance):
        digits, rows = _digits(names, labels)
        left_out += len(names) - len(rows)
        if len(rows):
            converted, is_scaled = _converted(images, rows, invert, swap)
            sets[split] = Dataset(converted, digits, split)
            if is_scaled and not warnings:
                warnings.append("the pixel values are 0 to 1; they were multiplied by 255")
    if not sets:
        raise DataError(f"{source}: expected images with labels; found no usable ones")
    if "test" not in sets and test_share:
        sets = _divided(sets["train"], test_share)
    warnings += _warnings(sets, predict)
    name = name or out.absolute().name
    make_folder(out)
    mnist.save(out, sets.values(), mnist.IMPORTED, {"name": name})
    counts = {key: np.bincount(each.labels, minlength=10).tolist() for key, each in sets.items()}
    return Imported(name, counts, len(skipped), left_out, warnings)


def _digits(labels: Array, mapping: Mapping[str, int] | None) -> tuple[Array, Array]:
    """Map labels (n,) to digits; return those of the images to keep, uint8, and their rows."""
    values, where = np.unique(labels, return_inverse=True)
    names = [f"{value:g}" if labels.dtype.kind in "iuf" else str(value) for value in values]
    if mapping is None:
        mapping, unknown = DIGITS, [name for name in names if name not in DIGITS]
        if unknown:
            found = ", ".join(unknown[:10])
            raise DataError(f"expected labels 0 to 9; found {found}; {mnist.TEN_CLASSES}")
    digits = np.array([mapping.get(name, -1) for name in names])[where]
    rows = np.flatnonzero(digits >= 0)
    return digits[rows].astype(np.uint8), rows


def _converted(images: Array, rows: Array, invert: bool, swap: bool) -> tuple[Array, bool]:
    """Return these rows of the images (n, 784) as uint8, inverted and transposed; and whether they
    were 0 to 1 and are multiplied by 255. Raises DataError for values outside 0 to 255."""
    if images.dtype.kind not in "buif":
        raise DataError(f"expected numeric images; found {images.dtype}")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 255):  # also refuses nan
        raise DataError(f"expected pixel values 0 to 255 or 0 to 1; found {low:g} to {high:g}")
    is_scaled = 0 < high < 1.001  # 255 times a rounded 1 / 255 may be above 1
    converted = np.empty((len(rows), PIXELS), np.uint8)
    for start in range(0, len(rows), SLICE):  # needs little memory beside the two arrays
        part = images[rows[start : start + SLICE]]
        if is_scaled or part.dtype != np.uint8:
            part = np.rint(part * np.float32(255 if is_scaled else 1))
        if invert:
            part = 255 - part
        converted[start : start + SLICE] = _transposed(part) if swap else part
    return converted, is_scaled


def _transposed(images: Array) -> Array:
    return images.reshape(-1, SIDE, SIDE).swapaxes(1, 2).reshape(-1, PIXELS)


def _divided(data: Dataset, share: float) -> dict[str, Dataset]:
    """Choose a share of the images, always the same ones, as a test set; of two or more images, at
    least one goes to each set."""
    count = len(data.labels)
    size = min(max(1, round(share * count)), count - 1)
    order = np.random.default_rng(0).permutation(count)
    parts = {"train": np.sort(order[size:]), "test": np.sort(order[:size])}
    return {
        split: Dataset(data.images[rows], data.labels[rows], split)
        for split, rows in parts.items()
        if len(rows)
    }


def _warnings(sets: Mapping[str, Dataset], predict: Callable[[Array], Array] | None) -> list[str]:
    """Describe likely problems with the images."""
    images = np.concatenate([data.images[:SAMPLE] for data in sets.values()])
    digits = np.concatenate([data.labels[:SAMPLE] for data in sets.values()])
    found = []
    corners = images[:, [0, SIDE - 1, PIXELS - SIDE, PIXELS - 1]]
    if (corners > 127).mean() > 0.75:
        found.append("the images have a light background, but MNIST's is black: consider --invert")
    if predict:
        unchanged, swapped = (
            (predict(each) == digits).mean() for each in (images, _transposed(images))
        )
        if swapped > max(0.5, unchanged + 0.1):
            found.append(
                f"the bundled weights are right on {unchanged:.0%} of a sample, and on "
                f"{swapped:.0%} with rows and columns swapped: consider --transpose, or "
                "--no-transpose for files named emnist-..."
            )
    if len(sets) == 2:
        train, test = ({hash(bytes(image)) for image in data.images} for data in sets.values())
        if both := len(train & test):
            found.append(f"{both:,} of the test images are also in the training set")
    return found

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
from mnistnet.data.save import save
from mnistnet.errors import DataError, reason
from mnistnet.files import PARTS, check_writable, make_folder

TEST_SHARE = 1 / 6  # of all images; MNIST's is 1/7
SAMPLE = 1000  # images of each split to look for problems in
SLICE = 5000  # images converted at a time
FULL = 255
DIGITS = {str(digit): digit for digit in range(CLASSES)}
Predict = Callable[[Array], Array]  # images (n, 784) uint8 to digits (n,)


@dataclass(frozen=True)
class ImportOptions:
    """How to convert a data set.

    transpose   swap rows and columns of each image; None does so for EMNIST's files only
    invert      exchange light and dark
    labels      the digit for each label; images with other labels are left out
    test_share  fraction of the images for the test set, if the source has none
    name        of the data set; by default the name of the output folder
    """

    transpose: bool | None = None
    invert: bool = False
    labels: Mapping[str, int] | None = None
    test_share: float = TEST_SHARE
    name: str = ""


@dataclass(frozen=True)
class Imported:
    """The result: images per digit in each split, number of files skipped, number of images left
    out because of their label, and warnings about likely problems."""

    name: str
    counts: dict[str, list[int]]
    skipped: int
    left_out: int
    warnings: list[str]


def _ignore(*_: object) -> None:
    """Do nothing."""


def convert(
    source: Path,
    out: Path,
    options: ImportOptions,
    notify: Callable[[str], None] = _ignore,
    advance: foreign.Advance = _ignore,
    predict: Predict | None = None,
) -> Imported:
    """Read the data set in a file or folder (see foreign.KINDS) and write it to a new or empty
    folder.

    notify is called for each skipped file, and advance, while a CSV or pictures are read, with the
    number of images just read and the total (0 if unknown). predict, of a network, detects
    transposed images. Raises DataError if the source is not a data set of 28 x 28 images with ten
    labels, or the folder is not empty.
    """
    _check_empty(out)
    skipped: list[Path] = []

    def skip(path: Path, why: str) -> None:
        skipped.append(path)
        notify(f"skipped {path}: {why}")

    swap = foreign.is_transposed(source) if options.transpose is None else options.transpose
    sets: dict[str, Dataset] = {}
    factors, left_out = set(), 0
    for split, images, labels in foreign.read(source, skip, advance):
        digits, rows = _digits(labels, options.labels)
        left_out += len(labels) - len(rows)
        if len(rows):
            factors.add(factor := _factor(images))
            converted = _converted(images, rows, factor, options.invert, swap)
            sets[split] = Dataset(converted, digits, split)
    if not sets:
        raise DataError(f"{source}: expected images with labels; found no usable ones")
    if "test" not in sets and options.test_share:
        sets = _divided(sets["train"], options.test_share)
    warnings = _warnings(sets, FULL in factors, predict)
    name = options.name or out.absolute().name
    make_folder(out)
    save(out, sets.values(), mnist.IMPORTED, {"name": name})
    counts = {
        split: np.bincount(data.labels, minlength=CLASSES).tolist() for split, data in sets.items()
    }
    return Imported(name, counts, len(skipped), left_out, warnings)


def _check_empty(out: Path) -> None:
    """Raise DataError unless the folder is new, or empty except for a killed import's temporary
    files; raise MnistnetError if it is not writable."""
    try:
        if not out.exists():
            return
        if not out.is_dir() or any(not path.match(PARTS) for path in out.iterdir()):
            raise DataError(f"expected a new or empty folder; {out} is neither: name another")
    except OSError as error:
        raise DataError(f"cannot read {out}: {reason(error)}") from error
    check_writable(out / mnist.IMPORTED)


def _digits(labels: Array, mapping: Mapping[str, int] | None) -> tuple[Array, Array]:
    """Map labels (n,) to digits; return those of the images to keep, uint8, and their rows.

    Without a mapping, raises DataError for any label that is not a digit.
    """
    values, where = np.unique(labels, return_inverse=True)
    names = [_label(value) for value in values]
    digits = [(DIGITS if mapping is None else mapping).get(name, -1) for name in names]
    unknown = [name for name, digit in zip(names, digits, strict=True) if digit == -1]
    if unknown and mapping is None:
        raise DataError(
            f"expected labels 0 to 9; found {', '.join(unknown[:10])}; {mnist.TEN_CLASSES}"
        )
    found = np.array(digits)[where]
    rows = np.flatnonzero(found >= 0)
    return found[rows].astype(np.uint8), rows


def _label(value: object) -> str:
    """Return the label as text: '5' also for 5.0 and '05'."""
    try:
        return f"{float(str(value)):.15g}"
    except ValueError:
        return str(value)


def _factor(images: Array) -> int:
    """Return the factor that scales pixel values to 0 to 255: 255 if none is above 1, else 1.

    Raises DataError for values outside 0 to 255.
    """
    if images.dtype.kind not in "buif":
        raise DataError(f"expected numeric images; found {images.dtype}")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= FULL):  # also refuses nan
        raise DataError(f"expected pixel values 0 to 255 or 0 to 1; found {low:g} to {high:g}")
    return FULL if 0 < high <= 1 else 1


def _converted(images: Array, rows: Array, factor: int, invert: bool, swap: bool) -> Array:
    """Return these rows of the images (n, 784) as uint8, scaled, inverted and transposed.

    Works in slices, so that it needs little memory beside the two arrays.
    """
    converted = np.empty((len(rows), PIXELS), np.uint8)
    for start in range(0, len(rows), SLICE):
        part = images[rows[start : start + SLICE]]
        if part.dtype != np.uint8 or factor != 1:
            part = np.rint(part * np.float32(factor))
        if invert:
            part = FULL - part
        converted[start : start + SLICE] = _transposed(part) if swap else part
    return converted


def _transposed(images: Array) -> Array:
    return images.reshape(-1, SIDE, SIDE).swapaxes(1, 2).reshape(-1, PIXELS)


def _divided(data: Dataset, share: float) -> dict[str, Dataset]:
    """Choose a share of the images, always the same ones, as a test set; of two or more images, at
    least one goes to each set."""
    count = len(data.labels)
    size = min(max(1, round(share * count)), count - 1)
    is_test = np.zeros(count, bool)
    is_test[np.random.default_rng(0).permutation(count)[:size]] = True
    return {
        split: Dataset(data.images[rows], data.labels[rows], split)
        for split, rows in (("train", ~is_test), ("test", is_test))
        if rows.any()
    }


def _warnings(sets: Mapping[str, Dataset], were_scaled: bool, predict: Predict | None) -> list[str]:
    """Describe likely problems with the images."""
    images = np.concatenate([data.images[:SAMPLE] for data in sets.values()])
    digits = np.concatenate([data.labels[:SAMPLE] for data in sets.values()])
    found = ["the pixel values are 0 to 1; they were multiplied by 255"] * were_scaled
    corners = images[:, [0, SIDE - 1, PIXELS - SIDE, PIXELS - 1]]
    if (corners > FULL // 2).mean() > 0.75:
        found.append("the images have a light background, but MNIST's is black: consider --invert")
    if predict:
        unchanged = float((predict(images) == digits).mean())
        swapped = float((predict(_transposed(images)) == digits).mean())
        if swapped > max(0.5, unchanged + 0.1):
            found.append(
                f"the bundled weights are right on {unchanged:.0%} of a sample, and on "
                f"{swapped:.0%} with rows and columns swapped: consider --transpose, or "
                "--no-transpose for files named emnist-..."
            )
    if len(sets) == 2:
        tested = {hash(image.tobytes()) for image in sets["test"].images}
        both = tested.intersection(hash(image.tobytes()) for image in sets["train"].images)
        if both:
            found.append(f"{len(both):,} of the test images are also in the training set")
    return found

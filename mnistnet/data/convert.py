"""Convert a data set to a folder of IDX files that every command can read.

Images are kept in memory, one byte per pixel, and written only once all have been checked.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import foreign, mnist
from mnistnet.data.levels import to_bytes
from mnistnet.data.mnist import Dataset
from mnistnet.data.parts import DIGITS, Advance, Part, Tell, listed
from mnistnet.errors import DataError
from mnistnet.files import make_folder

TEST_SHARE = 1 / 6  # of all images; MNIST's is 1/7
MAX_IMAGES = 850_000
SAMPLE = 1000  # images of each split to look for problems in


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
    advance: Advance = lambda *_: None,
    predict: Callable[[Array], Array] | None = None,
) -> Imported:
    """Read the data set in a file or folder (see foreign.KINDS) and write it to a new or empty
    folder.

    transpose   swap rows and columns of each image; None does so for EMNIST's files only
    invert      exchange light and dark
    labels      the digit for each label; images with other labels are left out
    test_share  fraction of the images for the test set, if the source has none
    name        of the data set; by default the name of the folder
    notify      receives a sentence about what is skipped, and about what names and shapes told
    advance     receives the number of images just read from a CSV or pictures, and the total or 0
    predict     of a network, from images (n, 784) to digits (n,); detects transposed images

    Raises DataError if the source is not a data set of 28 x 28 images with ten labels, or the
    folder is not empty.
    """
    mnist.check_empty(out)
    skipped = 0

    def tell(sentence: str, files: int) -> None:
        nonlocal skipped
        skipped += files
        notify(sentence)

    sets, left_out, warnings = gather(source, tell, advance, transpose, invert, labels)
    if "test" not in sets and test_share:
        sets = _divided(sets["train"], test_share)
    warnings += _warnings(sets, predict)
    name = name or out.absolute().name
    make_folder(out)
    mnist.save(out, sets.values(), mnist.IMPORTED, {"name": name})
    counts = {key: np.bincount(each.labels, minlength=10).tolist() for key, each in sets.items()}
    return Imported(name, counts, skipped, left_out, warnings)


def gather(
    source: Path,
    tell: Tell,
    advance: Advance = lambda *_: None,
    transpose: bool | None = None,
    invert: bool = False,
    labels: Mapping[str, int] | None = None,
) -> tuple[dict[str, Dataset], int, list[str]]:
    """Read the labelled images of a data set into memory, options as for convert. Return 'train',
    'test' or both, how many images were left out because of their label, and warnings.

    tell receives a sentence about what is left out or not certain, and the number of files that
    are skipped. Raises DataError if the source is not such a set.
    """
    swap = foreign.is_transposed(source) if transpose is None else transpose
    found: dict[str, list[tuple[Array, Array]]] = {}
    left_out, warnings = 0, []
    for part in foreign.read(source, {*DIGITS, *(labels or ())}, tell, advance):
        if part.labels is None:
            place = f"{part.place(0)}: expected one label per image; found none that fits"
            tell(f"skipped {part.split} images: {place}", 1)
            continue
        if (count := len(part.images)) > MAX_IMAGES:
            raise DataError(f"{source}: expected at most {MAX_IMAGES:,} images; found {count:,}")
        digits, rows = _digits(part, labels)
        left_out += len(part.labels) - len(rows)
        images, note = to_bytes(part)
        part = part._replace(images=images)  # or the next would be read beside the originals
        warnings += [note] * (bool(note) and note not in warnings)
        images = images[rows] if len(rows) < len(images) else images
        images = ~images if invert else images
        images = foreign.transposed(images) if swap else images
        if part.split == "validation":
            tell("the validation images were read as training images", 0)
        if len(rows):
            split = "test" if part.split == "test" else "train"
            found.setdefault(split, []).append((images, digits))
    if not found:
        raise DataError(
            f"{source}: expected images with labels; found no usable ones; to read images "
            f"without labels: mnistnet predict {shlex.quote(str(source))}"
        )
    sets = {}
    for split, parts in found.items():
        images, digits = map(np.concatenate, zip(*parts, strict=True)) if parts[1:] else parts[0]
        sets[split] = Dataset(images, digits, split)
    return sets, left_out, warnings


def _digits(part: Part, mapping: Mapping[str, int] | None) -> tuple[Array, Array]:
    """Map labels (n,) to digits; return those of the images to keep, uint8, and their rows."""
    labels = np.asarray(part.labels)
    values, where = np.unique(labels, return_inverse=True)
    values = np.char.decode(values, "utf-8", "replace") if labels.dtype.kind == "S" else values
    names = [f"{value:g}" if labels.dtype.kind in "buif" else str(value) for value in values]
    if mapping is None:
        mapping = DIGITS
        names = [name.strip().lower() for name in names]
        unknown = [place for place, name in enumerate(names) if name not in mapping]
        if unknown:
            found = listed(names[place] for place in unknown)
            row = int(np.flatnonzero(where == unknown[0])[0])
            remedy = mnist.TEN_CLASSES
            if not re.fullmatch(r"-?[\d.]+", names[unknown[0]]):
                remedy = f"to say which digit each stands for: --labels {names[unknown[0]]}=0,..."
            raise DataError(f"{part.place(row)}: expected labels 0 to 9; found {found}; {remedy}")
    digits = np.array([mapping.get(name, -1) for name in names])[where]
    rows = np.flatnonzero(digits >= 0)
    return digits[rows].astype(np.uint8), rows


def _divided(data: Dataset, share: float) -> dict[str, Dataset]:
    """Choose a share of the images of each digit, always the same ones, as a test set; of two or
    more images of a digit, at least one goes to each set."""
    count = len(data.labels)
    order = np.random.default_rng(0).permutation(count)
    in_test = np.zeros(count, bool)
    for digit in np.unique(data.labels):
        rows = order[data.labels[order] == digit]
        in_test[rows[: min(max(1, round(share * len(rows))), len(rows) - 1)]] = True
    if count > 1 and not in_test.any():  # no digit has two images
        in_test[order[: min(max(1, round(share * count)), count - 1)]] = True
    parts = {"train": np.flatnonzero(~in_test), "test": np.flatnonzero(in_test)}
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
            (predict(each) == digits).mean() for each in (images, foreign.transposed(images))
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

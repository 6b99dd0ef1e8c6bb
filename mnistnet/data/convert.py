"""Convert a data set to a folder of IDX files that every command can read.

Images are kept in memory, one byte per pixel, and written only once all have been checked.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.data import idx, levels, mnist, sources
from mnistnet.errors import DataError, reason
from mnistnet.files import PARTS, atomic_write, check_writable, make_folder

TEST_SHARE = 1 / 6  # of all images; MNIST's is 1/7
SAMPLE = 1000  # images of each split to look for problems in
Predict = Callable[[Array], Array]  # images (n, 784) uint8 to digits (n,)
DIGITS = {str(digit): digit for digit in range(CLASSES)}


@dataclass(frozen=True)
class Options:
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
    warnings: list[str] = field(default_factory=list)


def convert(
    source: Path,
    out: Path,
    options: Options,
    notify: Callable[[str], None] | None = None,
    advance: Callable[[int, int], None] | None = None,
    predict: Predict | None = None,
) -> Imported:
    """Read the data set in a file or folder (see sources.KINDS) and write it to a new or empty
    folder.

    notify, if given, is called for each skipped file, and advance with the number of images just
    read and the total (0 if unknown). predict, from a network, detects transposed images. Raises
    DataError if the source is not a data set of 28 x 28 images with ten labels, or the folder is
    not empty.
    """
    _check_empty(out)
    skipped: list[Path] = []

    def skip(path: Path, why: str) -> None:
        skipped.append(path)
        if notify:
            notify(f"skipped {path}: {why}")

    swap = sources.is_transposed(source) if options.transpose is None else options.transpose
    parts = {"train": _Part(), "test": _Part()}
    scale, left_out = levels.Scale(), 0
    for block in sources.read(source, skip):
        if advance:
            advance(len(block.labels), block.total)
        digits, kept = _digits(block.labels, options.labels)
        left_out += len(kept) - int(kept.sum())
        images = scale.apply(block.images[kept]) if kept.any() else block.images[:0]
        images = levels.FULL - images if options.invert else images
        parts[block.split].add(_transposed(images) if swap else images, digits[kept])
    if not any(part.count for part in parts.values()):
        raise DataError(f"{source}: expected images with labels; found no usable ones")
    if not parts["test"].count and options.test_share:
        parts = _split(parts["train"], options.test_share)
    warnings = _warnings(parts, scale, predict)
    _check_empty(out)
    name = options.name or out.absolute().name
    _write(out, parts, name)
    counts = {split: part.by_digit() for split, part in parts.items() if part.count}
    return Imported(name, counts, len(skipped), left_out, warnings)


class _Part:
    """One split: its images in blocks (n, 784) uint8, and their labels."""

    def __init__(self) -> None:
        self.images: list[Array] = []
        self.labels: list[Array] = []

    def add(self, images: Array, labels: Array) -> None:
        if len(labels):
            self.images.append(images)
            self.labels.append(labels)

    @property
    def count(self) -> int:
        return sum(map(len, self.labels))

    def by_digit(self) -> list[int]:
        counts: list[int] = np.bincount(np.concatenate(self.labels), minlength=CLASSES).tolist()
        return counts

    def hashes(self) -> Iterator[int]:
        return (hash(image.tobytes()) for block in self.images for image in block)


def _digits(labels: Array, mapping: Mapping[str, int] | None) -> tuple[Array, Array]:
    """Map labels (n,) to digits (n,) uint8; return these and which of them to keep, (n,) bool.

    Without a mapping, raises DataError for any label that is not a digit.
    """
    values, where = np.unique(labels, return_inverse=True)
    names = [_label(value) for value in values]
    digits = [(DIGITS if mapping is None else mapping).get(name) for name in names]
    unknown = [name for name, digit in zip(names, digits, strict=True) if digit is None]
    if unknown and mapping is None:
        raise DataError(
            f"expected labels 0 to 9; found {', '.join(unknown[:10])}; {mnist.TEN_CLASSES}"
        )
    return (
        np.array([digit or 0 for digit in digits], np.uint8)[where],
        np.array([digit is not None for digit in digits])[where],
    )


def _label(value: object) -> str:
    """Return the label as text: '5' also for 5.0 and '05'."""
    text = str(value)
    with contextlib.suppress(ValueError, OverflowError):
        number = float(text)
        return str(int(number)) if number == int(number) else text
    return text


def _transposed(images: Array) -> Array:
    return np.ascontiguousarray(images.reshape(-1, SIDE, SIDE).swapaxes(1, 2)).reshape(-1, PIXELS)


def _split(part: _Part, share: float) -> dict[str, _Part]:
    """Choose a share of the images, always the same ones, as a test set; of two or more images, at
    least one goes to each set."""
    count = part.count
    size = min(max(1, round(share * count)), count - 1)
    is_test = np.zeros(count, bool)
    is_test[np.random.default_rng(0).permutation(count)[:size]] = True
    parts = {"train": _Part(), "test": _Part()}
    start = 0
    while part.labels:  # free each block once it is divided, so as not to keep two copies
        images, labels = part.images.pop(0), part.labels.pop(0)
        rows = is_test[start : start + len(labels)]
        parts["train"].add(images[~rows], labels[~rows])
        parts["test"].add(images[rows], labels[rows])
        start += len(labels)
    return parts


def _warnings(
    parts: Mapping[str, _Part], scale: levels.Scale, predict: Predict | None
) -> list[str]:
    """Describe likely problems with the images."""
    blocks = [part.images[0][:SAMPLE] for part in parts.values() if part.count]
    labels = [part.labels[0][:SAMPLE] for part in parts.values() if part.count]
    images, digits = np.concatenate(blocks), np.concatenate(labels)
    found = []
    if scale.factor == levels.FULL:
        found.append("the pixel values are 0 to 1; they were multiplied by 255")
    if levels.is_light(images):
        found.append("the images have a light background, but MNIST's is black: consider --invert")
    if predict is not None:
        unchanged = float((predict(images) == digits).mean())
        swapped = float((predict(_transposed(images)) == digits).mean())
        if swapped > max(0.5, unchanged + 0.1):
            found.append(
                f"the bundled weights are right on {unchanged:.0%} of a sample, and on "
                f"{swapped:.0%} with rows and columns swapped: consider --transpose, or "
                "--no-transpose for files named emnist-..."
            )
    tested = set(parts["test"].hashes())
    both = len({value for value in parts["train"].hashes() if value in tested})
    if both:
        found.append(f"{both:,} of the test images are also in the training set")
    return found


def _check_empty(out: Path) -> None:
    """Raise DataError unless the folder is new, or empty except for a killed import's temporary
    files; raise MnistnetError if it is not writable."""
    try:
        is_empty = not out.exists() or (
            out.is_dir() and all(path.match(PARTS) for path in out.iterdir())
        )
        if not is_empty:
            raise DataError(f"expected a new or empty folder; {out} is neither: name another")
    except OSError as error:
        raise DataError(f"cannot read {out}: {reason(error)}") from error
    if out.exists():
        check_writable(out / mnist.IMPORTED)


def _write(out: Path, parts: Mapping[str, _Part], name: str) -> None:
    """Write all files or none."""
    is_new = not out.exists()
    make_folder(out)
    try:
        with contextlib.ExitStack() as stack:
            for split, part in parts.items():
                images, labels = (file for file in mnist.FILES if file.split == split)
                if part.count:
                    shape = part.count, SIDE, SIDE
                    _add(stack, out / images.name, shape, part.images)
                    _add(stack, out / labels.name, shape[:1], part.labels)
            stream = stack.enter_context(atomic_write(out / mnist.IMPORTED))
            stream.write(json.dumps({"name": name}, indent=2).encode())
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):
                out.rmdir()
        raise


def _add(
    stack: contextlib.ExitStack, path: Path, shape: tuple[int, ...], blocks: Sequence[Array]
) -> None:
    """Write blocks of rows as an IDX file of uint8, which appears when the stack closes."""
    stream = stack.enter_context(atomic_write(path))
    stream.writelines(idx.content(np.concatenate(blocks).reshape(shape)))

"""Turn somebody's data set into a folder of IDX files that every command reads.

The images are kept in blocks as they are read, a byte a pixel, and written only when all is well.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.atomic import PARTS, atomic_write, check_writable, make_folder
from mnistnet.data import idx, levels, mnist, sources
from mnistnet.errors import DataError, reason

TEST_SHARE = 1 / 6  # MNIST's own is a seventh
SAMPLE = 1000  # images on which it is judged whether they are transposed
Predict = Callable[[Array], Array]  # images (n, 784) uint8 to digits (n,)
DIGITS = {str(digit): digit for digit in range(CLASSES)}


@dataclass(frozen=True)
class Options:
    """What is done to a set on the way.

    transpose   swap rows and columns of each image; None does so for EMNIST's files
    invert      exchange light and dark
    labels      which label becomes which digit; images of others are left out
    test_share  part of the images that becomes the test set where the source has none
    name        of the set; by default that of the folder it is written to
    """

    transpose: bool | None = None
    invert: bool = False
    labels: Mapping[str, int] | None = None
    test_share: float = TEST_SHARE
    name: str = ""


@dataclass(frozen=True)
class Imported:
    """What came of it: counts by digit of each split, files skipped, images left out because of
    their label, and sentences about what looks wrong."""

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
    """Read the data set in a file or folder (see sources.KINDS) and write it to a folder that is
    new or empty.

    notify, if given, is told of each file that is skipped, advance how many images were read, of
    how many (0 where that is not known). With predict, a network's, it is judged whether the images
    are transposed. Raises DataError where the source is no set of 28 x 28 images with ten labels,
    or the folder is not empty.
    """
    _check_empty(out)
    skipped: list[Path] = []

    def skip(path: Path, why: str) -> None:
        skipped.append(path)
        if notify:
            notify(f"skipped {path}: {why}")

    swap = options.transpose
    if swap is None:
        swap = sources.is_transposed(source)
    parts: dict[str, _Part] = {"train": _Part(), "test": _Part()}
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
        raise DataError(f"{source}: expected images with labels; found none that can be used")
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
        """One for each image; equal images have equal ones."""
        return (hash(image.tobytes()) for block in self.images for image in block)


def _digits(labels: Array, mapping: Mapping[str, int] | None) -> tuple[Array, Array]:
    """The digits (n,) uint8 of labels, and which of them (n,) are to be kept; raises DataError for
    another label than a digit where there is no mapping."""
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
    """A label as its name: '5' also for 5.0 and '05'."""
    text = str(value)
    with contextlib.suppress(ValueError, OverflowError):
        number = float(text)
        return str(int(number)) if number == int(number) else text
    return text


def _transposed(images: Array) -> Array:
    return np.ascontiguousarray(images.reshape(-1, SIDE, SIDE).swapaxes(1, 2)).reshape(-1, PIXELS)


def _split(part: _Part, share: float) -> dict[str, _Part]:
    """The share of the images as a test set, always the same ones; at least one is for training,
    and if there is another one, it is for testing."""
    count = part.count
    size = min(max(1, round(share * count)), count - 1)
    is_test = np.zeros(count, bool)
    is_test[np.random.default_rng(0).permutation(count)[:size]] = True
    parts = {"train": _Part(), "test": _Part()}
    start = 0
    while part.labels:  # each block is given up when it is divided, not to have all of them twice
        images, labels = part.images.pop(0), part.labels.pop(0)
        rows = is_test[start : start + len(labels)]
        parts["train"].add(images[~rows], labels[~rows])
        parts["test"].add(images[rows], labels[rows])
        start += len(labels)
    return parts


def _warnings(
    parts: Mapping[str, _Part], scale: levels.Scale, predict: Predict | None
) -> list[str]:
    """What looks wrong about the images."""
    blocks = [part.images[0][:SAMPLE] for part in parts.values() if part.count]
    labels = [part.labels[0][:SAMPLE] for part in parts.values() if part.count]
    images, digits = np.concatenate(blocks), np.concatenate(labels)
    found = []
    if scale.factor == levels.FULL:
        found.append("the images' levels are 0 to 1; they were multiplied by 255")
    if levels.is_light(images):
        found.append("the images have a light ground, MNIST's a black one: consider --invert")
    if predict is not None:
        as_they_are = float((predict(images) == digits).mean())
        swapped = float((predict(_transposed(images)) == digits).mean())
        if swapped > max(0.5, as_they_are + 0.1):
            found.append(
                f"the bundled weights read {as_they_are:.0%} of a sample right and {swapped:.0%} "
                "with rows and columns swapped: consider --transpose, or --no-transpose if it was "
                "swapped for its name"
            )
    tested = set(parts["test"].hashes())
    both = len({value for value in parts["train"].hashes() if value in tested})
    if both:
        found.append(f"{both:,} of the test images are also in the training set")
    return found


def _check_empty(out: Path) -> None:
    """Raise DataError where the folder is there and has more than what a killed import left,
    MnistnetError where it cannot be written to."""
    try:
        is_empty = not out.exists() or (
            out.is_dir() and all(path.match(PARTS) for path in out.iterdir())
        )
        if not is_empty:
            raise DataError(f"expected a new or empty folder; {out} is neither: name another one")
    except OSError as error:
        raise DataError(f"cannot read {out}: {reason(error)}") from error
    if out.exists():
        check_writable(out / mnist.IMPORTED)


def _write(out: Path, parts: Mapping[str, _Part], name: str) -> None:
    """Write all files, or none."""
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
            stream = stack.enter_context(atomic_write(out / mnist.IMPORTED, new=True))
            stream.write(json.dumps({"name": name}, indent=2).encode())
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):
                out.rmdir()
        raise


def _add(
    stack: contextlib.ExitStack, path: Path, shape: tuple[int, ...], blocks: Sequence[Array]
) -> None:
    """Write an IDX file of uint8 from its rows in blocks, to be there when the stack ends."""
    stream = stack.enter_context(atomic_write(path, new=True))
    stream.write(idx.header(np.broadcast_to(np.uint8(0), shape)))
    for block in blocks:
        stream.write(np.ascontiguousarray(block).data)

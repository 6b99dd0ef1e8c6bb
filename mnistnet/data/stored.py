"""Read arrays of images and labels that other programs stored: NumPy's .npz, and IDX files under
any name. Images are read in blocks, so that of a large file only one is in memory."""

import math
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import idx, layout
from mnistnet.errors import DataError, reason

BLOCK = 5000  # images
MAX_IMAGES = 1_000_000
MAX_ITEM = 1024  # bytes in a number or in the name of a label
MAX_BYTES = 1 << 30  # at a time
IMAGES = re.compile(r"images?|imgs?|idx3|pixels?|data|(^|[_-])x([_-]|$)")
LABELS = re.compile(r"labels?|targets?|idx[12]|(^|[_-])y([_-]|$)")
TEST = re.compile(r"test|t10k")


class Block(NamedTuple):
    """Some images (n, 784), of any numbers, and their labels (n,), numbers or names; split is
    'train' or 'test', total the number of the source's images where that is known, else 0."""

    split: str
    images: Array
    labels: Array
    total: int = 0


class Stored(NamedTuple):
    """An array in a file: its name in lower case, its shape, and its rows in blocks."""

    path: Path
    name: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[Array]]


def read(source: Path, arrays: Sequence[Stored]) -> Iterator[Block]:
    """The data set in these arrays, told apart by name; raises DataError for what is none."""
    parts: dict[tuple[str, bool], Stored] = {}  # of each split, the images and the labels
    for array in arrays:
        is_images = bool(IMAGES.search(array.name))
        if not array.shape or not (is_images or LABELS.search(array.name)):
            continue
        key = "test" if TEST.search(array.name) else "train", is_images
        if key in parts and not _is_same(parts[key], array):
            raise DataError(
                f"{source}: expected one data set; found {parts[key].name} and {array.name}; "
                "name a file of the one to read"
            )
        parts.setdefault(key, array)
    splits = [split for split in ("train", "test") if (split, True) in parts]
    if not splits or any((split, False) not in parts for split in splits):
        names = ", ".join(array.name for array in arrays) or "none"
        raise DataError(
            f"{source}: expected arrays of images and of labels, such as x_train and y_train; "
            f"found {names}"
        )
    total = sum(parts[split, True].shape[0] for split in splits)
    for split in splits:
        yield from _paired(split, parts[split, True], parts[split, False], total)


def _is_same(one: Stored, other: Stored) -> bool:
    """Whether it is one file, raw and packed, by its name, or the same labels twice."""
    if one.name == other.name:
        return True
    if one.shape != other.shape or len(one.shape) > 2:
        return False
    return all(map(np.array_equal, one.blocks(), other.blocks()))


def _paired(split: str, images: Stored, labels: Stored, total: int) -> Iterator[Block]:
    count = images.shape[0]
    if math.prod(images.shape[1:]) != PIXELS:
        raise DataError(
            f"{images.path}: expected n x {SIDE} x {SIDE} images in {images.name}; found "
            f"{images.shape}; images of other sizes are read from picture files in folders 0 to 9"
        )
    if labels.shape[1:] not in ((), (1,), (8,)):
        raise DataError(
            f"{labels.path}: expected a row of labels in {labels.name}; found {labels.shape}"
        )
    if not 0 < count == labels.shape[0]:
        raise DataError(
            f"expected as many labels as images, and some; found {count:,} images in "
            f"{images.path} and {labels.shape[0]:,} labels in {labels.path}"
        )
    if count > MAX_IMAGES:
        raise DataError(f"{images.path}: expected {MAX_IMAGES:,} images at most; found {count:,}")
    # QMNIST's labels have eight columns, of which the first is the digit.
    column = np.concatenate([block.reshape(len(block), -1)[:, 0] for block in labels.blocks()])
    start = 0
    for block in images.blocks():
        rows = block.reshape(len(block), PIXELS)
        yield Block(split, rows, column[start : start + len(rows)], total)
        start += len(rows)


def npz_arrays(paths: Sequence[Path]) -> list[Stored]:
    """The arrays in .npz files; one that NumPy named itself goes by the name of its file."""
    arrays = []
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                key = member.removesuffix(".npy")
                name = path.stem if re.fullmatch(r"arr_\d+", key) else key
                with archive.open(member) as stream:
                    shape, _, _ = _npy_header(stream, path)
                blocks = _npy_reader(path, member)
                arrays.append(Stored(path, name.lower(), shape, blocks))
    return arrays


def _npy_header(stream: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran's order, and type of an array; nothing is unpickled."""
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):  # whose headers are short; others are for records
            raise ValueError(f"version {version} of the format")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:  # a damaged header makes NumPy raise half a dozen kinds
        raise DataError(f"{path}: expected NumPy arrays; {reason(error)}") from error
    if dtype.hasobject:
        raise DataError(f"{path}: expected arrays of numbers; found pickled objects")
    if dtype.kind not in "biufUS" or not 0 < dtype.itemsize <= MAX_ITEM:
        raise DataError(f"{path}: expected arrays of numbers or of labels; found {dtype}")
    return shape, is_fortran, dtype


def _npy_reader(path: Path, member: str) -> Callable[[], Iterator[Array]]:
    def blocks() -> Iterator[Array]:
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            shape, is_fortran, dtype = _npy_header(stream, path)
            step = shape[0] if is_fortran else BLOCK
            for start in range(0, shape[0], step):
                part = (min(step, shape[0] - start), *shape[1:])
                size = math.prod(part) * dtype.itemsize
                if size > MAX_BYTES:
                    raise DataError(f"{path}: expected a smaller {member}; found {shape} {dtype}")
                body = stream.read(size)
                if len(body) < size:
                    raise DataError(f"{path}: expected {shape} {dtype} in {member}; it ends early")
                yield np.frombuffer(body, dtype).reshape(part, order="F" if is_fortran else "C")

    return blocks


def idx_arrays(paths: Sequence[Path]) -> list[Stored]:
    """The arrays in IDX files, by their names."""
    arrays = []
    for path in paths:
        with idx.opened(path, any_order=True) as reader:
            shape = reader.shape
        arrays.append(Stored(path, _stem(path), shape, _idx_reader(path)))
    return arrays


def _idx_reader(path: Path) -> Callable[[], Iterator[Array]]:
    return lambda: idx.read_blocks(path, BLOCK)


def _stem(path: Path) -> str:
    """The name that a file, its .gz and the name that archivers make of it have in common."""
    return path.name.lower().removesuffix(layout.PACKED).replace(".idx", "-idx")


def family(path: Path) -> list[Path]:
    """The IDX files of the data set that this one belongs to: named alike, but for split and
    kind."""

    def common(path: Path) -> str:
        return re.sub(
            rf"{IMAGES.pattern}|{LABELS.pattern}|train|{TEST.pattern}|ubyte|int", "", _stem(path)
        )

    return [
        each
        for each in sorted(path.parent.iterdir())
        if each.is_file() and "idx" in each.name.lower() and common(each) == common(path)
    ] or [path]

"""Read images and labels from .npz and IDX files of any name.

Images are read in blocks, so that large files need little memory.
"""

import math
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import folders, idx, mnist
from mnistnet.errors import DataError, reason

BLOCK = 5000  # images
MAX_IMAGES = 1_000_000
MAX_ITEM = 1024  # bytes of a number or a label's name
MAX_BYTES = 1 << 30  # of one block
IMAGES = re.compile(r"images?|imgs?|idx3|pixels?|data|(^|[_-])x([_-]|$)")
LABELS = re.compile(r"labels?|targets?|idx[12]|(^|[_-])y([_-]|$)")
TEST = re.compile(r"test|t10k")


class Block(NamedTuple):
    """Images (n, 784) of any numeric type and their labels (n,), numbers or names; split is 'train'
    or 'test', total the number of images in the source, 0 if unknown."""

    split: str
    images: Array
    labels: Array
    total: int = 0


class Stored(NamedTuple):
    """An array in a file: its name in lower case, its shape, and a reader of its rows in blocks."""

    path: Path
    name: str
    shape: tuple[int, ...]
    blocks: Callable[[], Iterator[Array]]


def read(source: Path, arrays: Sequence[Stored]) -> Iterator[Block]:
    """Read the data set in these arrays, identified by name; raise DataError if there is none."""
    parts: dict[tuple[str, bool], Stored] = {}  # by split, and whether they are images
    for array in arrays:
        is_images = bool(IMAGES.search(array.name))
        if not array.shape or not (is_images or LABELS.search(array.name)):
            continue
        key = "test" if TEST.search(array.name) else "train", is_images
        if key in parts and not _is_same(parts[key], array):
            raise DataError(
                f"{source}: expected one data set; found {parts[key].name} and {array.name}; "
                "name one file of the set to read"
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
    """Check for the raw and the gzip copy of one file, by name, or for equal labels."""
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
            f"{images.shape}; save images of other sizes as pictures in folders 0 to 9"
        )
    if labels.shape[1:] not in ((), (1,), (8,)):
        raise DataError(
            f"{labels.path}: expected one label per image in {labels.name}; found {labels.shape}"
        )
    mnist.check_counts(count, images.path, labels.shape[0], labels.path)
    if count > MAX_IMAGES:
        raise DataError(f"{images.path}: expected at most {MAX_IMAGES:,} images; found {count:,}")
    # the first of QMNIST's eight columns is the digit
    column = np.concatenate([block.reshape(len(block), -1)[:, 0] for block in labels.blocks()])
    start = 0
    for block in images.blocks():
        rows = block.reshape(len(block), PIXELS)
        yield Block(split, rows, column[start : start + len(rows)], total)
        start += len(rows)


def npz_arrays(paths: Sequence[Path]) -> list[Stored]:
    """List the arrays in .npz files; an unnamed array gets the name of its file."""
    arrays = []
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                key = member.removesuffix(".npy")
                name = path.stem if re.fullmatch(r"arr_\d+", key) else key
                with archive.open(member) as stream:
                    shape, _, _ = _npy_header(stream, path)
                blocks = partial(_npy_blocks, path, member)
                arrays.append(Stored(path, name.lower(), shape, blocks))
    return arrays


def _npy_header(stream: IO[bytes], path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read an array's shape, whether it is in Fortran order, and its type; unpickle nothing."""
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):  # its headers are short; later versions are for records
            raise ValueError(f"version {version} of the format")
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    except Exception as error:  # NumPy raises half a dozen kinds for damaged headers
        raise DataError(f"{path}: expected NumPy arrays; {reason(error)}") from error
    if dtype.hasobject:
        raise DataError(f"{path}: expected arrays of numbers; found pickled objects")
    if dtype.kind not in "biufUS" or not 0 < dtype.itemsize <= MAX_ITEM:
        raise DataError(f"{path}: expected arrays of numbers or labels; found {dtype}")
    return shape, is_fortran, dtype


def _npy_blocks(path: Path, member: str) -> Iterator[Array]:
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
                raise DataError(f"{path}: expected {shape} {dtype} in {member}; it is cut off")
            yield np.frombuffer(body, dtype).reshape(part, order="F" if is_fortran else "C")


def idx_arrays(paths: Sequence[Path]) -> list[Stored]:
    """List the arrays in IDX files, named as their files."""
    arrays = []
    for path in paths:
        array = idx.read_idx(path, any_order=True)
        blocks = [array[row : row + BLOCK] for row in range(0, sum(array.shape[:1]), BLOCK)]
        arrays.append(Stored(path, _stem(path), array.shape, partial(iter, blocks)))
    return arrays


def _stem(path: Path) -> str:
    """Return the common name of a file, its .gz, and its dotted form (see folders.py)."""
    return path.name.lower().removesuffix(folders.PACKED).replace(".idx", "-idx")


def family(path: Path) -> list[Path]:
    """List the IDX files of one data set, whose names differ only in the split and the content."""

    def common(path: Path) -> str:
        return re.sub(
            rf"{IMAGES.pattern}|{LABELS.pattern}|train|{TEST.pattern}|ubyte|int", "", _stem(path)
        )

    return [
        each
        for each in sorted(path.parent.iterdir())
        if each.is_file() and "idx" in each.name.lower() and common(each) == common(path)
    ] or [path]

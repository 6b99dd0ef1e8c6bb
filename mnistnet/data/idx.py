"""Read and write IDX, MNIST's file format, raw or gzip.

A file is a header, then the array in C order, all big-endian (the MNIST page's description, kept
in https://github.com/cvdfoundation/mnist):

    bytes 0-1   zero
    byte 2      the type of an element, one of TYPES
    byte 3      the number of dimensions, d
    4 d bytes   the size of each dimension, unsigned 32 bits
    the rest    the elements

For example, MNIST's 60,000 training images begin 00 00 08 03, 60000, 28, 28.
"""

import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import Array
from mnistnet.errors import DataError, reason
from mnistnet.files import atomic_write

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CODES = {np.dtype(name).newbyteorder("="): code for code, name in TYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"
# DEFLATE expands a byte to at most 1032 (https://www.zlib.net/zlib_tech.html), so a header that
# promises more is refused before memory is allocated.
MAX_DEFLATE_RATIO = 1032
CHUNK = 1 << 20  # bytes; gzip would keep a copy of a single large read
OTHERS = {  # first bytes of other files that people name like an IDX file
    b"PK": "a ZIP archive, not gzip; unpack it first (unzip)",
    b"\xfd7zXZ": "an xz archive, not gzip; unpack it first (xz --decompress)",
    b"BZh": "a bzip2 archive, not gzip; unpack it first (bunzip2)",
    b"7z\xbc\xaf": "a 7-Zip archive, not gzip; unpack it first (7z x)",
    b"Rar!": "a RAR archive, not gzip; unpack it first (unrar x)",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive, not gzip; unpack it first (unzstd)",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself (git lfs pull)",
    b"\x93NUMPY": "a NumPy array; save it as .npz and read it with 'mnistnet import'",
    b"\x89HDF": "an HDF5 file; save its arrays as .npz and read that with 'mnistnet import'",
    b"PAR1": "a Parquet file; save its arrays as .npz and read that with 'mnistnet import'",
}


def read_idx(path: Path, any_order: bool = False) -> Array:
    """Read the array in an IDX file, raw or gzip, whatever its name.

    The array is read-only and stays big-endian. With any_order, little-endian files, which some
    programs write, are read as well. Raises DataError, naming the file, for anything but exactly
    one well-formed IDX array.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path}: expected an IDX file, found a folder or a device")
        with path.open("rb") as file:
            return _read(file, path, any_order)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: expected a complete gzip file; found a damaged one: {error}"
        ) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}") from error


def _read(file: BufferedReader, path: Path, any_order: bool) -> Array:
    size = os.fstat(file.fileno()).st_size
    is_gzip = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    file.seek(max(size - 4, 0) if is_gzip else 0)
    # a gzip file ends with the length of its content, modulo 2^32, in four bytes
    raw_size = int.from_bytes(file.read(), "little") if is_gzip else size
    file.seek(0)
    with gzip.GzipFile(fileobj=file) if is_gzip else nullcontext(file) as stream:
        dtype, shape = _read_header(stream, path, raw_size, any_order)
        length = _length(dtype, shape)
        expected = f"{path}: expected {length:,} bytes for {_times(shape)} {dtype.name}"
        if not is_gzip and size != length:
            raise DataError(f"{expected}; found {size:,}")
        if length > size * MAX_DEFLATE_RATIO:
            raise DataError(f"{expected}; found a gzip file of {size:,} bytes, which is too short")
        try:
            array: Array = np.empty(shape, dtype)  # a map would crash if the file were truncated
        except ValueError as error:  # too many dimensions, or, beside a zero, too large ones
            raise DataError(
                f"{path}: expected dimensions that NumPy can represent; found {_times(shape)}"
            ) from error
        body = _bytes(array)
        pieces = (body[i : i + CHUNK] for i in range(0, len(body), CHUNK))
        found = length - len(body) + sum(stream.readinto(piece) for piece in pieces)
        if found < length:
            raise DataError(f"{expected}; found {found:,}")
        if stream.read(1):
            raise DataError(f"{expected}; found more")
    array.flags.writeable = False
    return array


def write_idx(path: Path, array: Array) -> None:
    """Write an array as IDX, atomically; as gzip if the name ends in .gz.

    The dtype is uint8, int8, int16, int32, float32 or float64, in either byte order. The same array
    gives the same bytes. Raises DataError for another dtype or a dimension of 2^32 or more,
    MnistnetError if the file cannot be written.
    """
    parts = content(array)
    with atomic_write(path) as stream:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed:
                packed.writelines(parts)
        else:
            stream.writelines(parts)


def content(array: Array) -> tuple[bytes, memoryview]:
    """Return the header and the elements of the array's raw IDX file; raises DataError as write_idx
    does."""
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(str(dtype) for dtype in CODES)
        raise DataError(f"IDX holds {known}; found {array.dtype}")
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header, _bytes(np.ascontiguousarray(array, array.dtype.newbyteorder(">")))


def sha256(array: Array) -> str:
    """Return the SHA-256 of the array's raw IDX file."""
    start, elements = content(array)
    digest = hashlib.sha256(start)
    digest.update(elements)
    return digest.hexdigest()


def describe(array: Array) -> str:
    """Return shape and type as text, such as '60000 x 28 x 28 uint8'."""
    return f"{_times(array.shape)} {array.dtype.name}"


def _read_header(
    stream: Any, path: Path, raw_size: int, any_order: bool
) -> tuple[np.dtype[Any], list[int]]:
    """Return the dtype and shape; raw_size tells in which order the bytes of the sizes are."""
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise DataError(f"{path}: {_not_idx(start + stream.read(28))}")
    if start[2] not in TYPES:
        known = ", ".join(f"0x{code:02x}" for code in TYPES)
        raise DataError(f"{path}: expected an IDX type of {known}; found 0x{start[2]:02x}")
    dtype, dimensions = np.dtype(TYPES[start[2]]), start[3]
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(
            f"{path}: expected a header of {4 + 4 * dimensions} bytes for {dimensions} dimensions; "
            f"the file ends after {4 + len(sizes)}"
        )
    shape, swapped = (np.frombuffer(sizes, order).tolist() for order in (">u4", "<u4"))
    if raw_size != _length(dtype, swapped) or raw_size == _length(dtype, shape):
        return dtype, shape
    if any_order:
        return dtype.newbyteorder("<"), swapped
    raise DataError(
        f"{path}: expected big-endian sizes; found little-endian ones ({_times(swapped)}); convert "
        "the files with 'mnistnet import'"
    )


def _length(dtype: np.dtype[Any], shape: Sequence[int]) -> int:
    """Return the length in bytes of a raw file."""
    return 4 + 4 * len(shape) + math.prod(shape) * dtype.itemsize


def _not_idx(start: bytes) -> str:
    """Explain why these first bytes are not IDX, with advice if possible."""
    if not start:
        return "expected an IDX file, found an empty file"
    if start.lstrip()[:1] == b"<":
        return "expected an IDX file, found an HTML page"
    if b"annex/objects" in start:
        return "expected an IDX file, found a git-annex pointer; fetch the file (git annex get)"
    for magic, kind in OTHERS.items():
        if start.startswith(magic):
            return f"expected an IDX file, raw or gzip; found {kind}"
    return (
        "expected an IDX file, which begins with two zero bytes, a type and a number of "
        f"dimensions; found the bytes {start[:4].hex(' ')}"
    )


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _times(shape: Sequence[int]) -> str:
    return " x ".join(str(size) for size in shape) or "one"

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

from mnistnet.arrays import PIXELS, Array
from mnistnet.errors import DataError, reason

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CODES = {np.dtype(name).newbyteorder("="): code for code, name in TYPES.items()}
MAX_BYTES = 850_000 * PIXELS  # of an array: more images than any known set has
MAX_DEFLATE_RATIO = 1032  # unpacked bytes for each byte (https://www.zlib.net/zlib_tech.html)


def read_idx(path: Path, most: int = MAX_BYTES) -> Array:
    """Read the array in an IDX file, raw or gzip, whatever its name.

    The array is read-only and keeps the file's byte order; files that are little-endian throughout,
    as some programs write them, are read as well. Raises DataError, naming the file, for anything
    but exactly one well-formed IDX array, and for more bytes of data than most.
    """
    try:
        with path.open("rb") as file:
            return _read(file, most)
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a complete gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}") from error


def _read(file: BufferedReader, limit: int) -> Array:
    """Read the array in an open file; raise ValueError if the content is not an IDX file's."""
    is_gzip = file.peek(2)[:2] == b"\x1f\x8b"
    most = os.fstat(file.fileno()).st_size * (MAX_DEFLATE_RATIO if is_gzip else 1)
    with gzip.GzipFile(fileobj=file) if is_gzip else nullcontext(file) as stream:
        dtype, shape = _read_header(stream, most)
        length = math.prod(shape) * dtype.itemsize
        expected = f"expected {length:,} bytes after the header, for {describe(shape, dtype)}"
        if length > most:  # refused before memory is allocated
            raise ValueError(f"{expected}; the file is too short")
        if length > limit:
            raise ValueError(f"expected at most {limit:,} bytes of data, found {length:,}")
        body = stream.read(length)  # not a map, which would crash if the file shrank
        if len(body) < length:
            raise ValueError(f"{expected}; found {len(body):,}")
        if stream.read(1):
            raise ValueError(f"{expected}; found more")
    return np.ndarray(shape, dtype, body)  # ValueError for shapes that NumPy cannot have


def _read_header(stream: Any, most: int) -> tuple[np.dtype[Any], list[int]]:
    """Return the dtype and shape; little-endian only if the array has more than most bytes else."""
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        found = f"one that begins {start + stream.read(16)!r}" if start else "an empty file"
        found = "a ZIP archive; unpack it first" if start[:2] == b"PK" else found
        raise ValueError(f"expected an IDX file, found {found}")
    if start[2] not in TYPES:
        raise ValueError(
            f"expected an IDX type of {', '.join(map(hex, TYPES))}; found {start[2]:#x}"
        )
    dtype, dimensions = np.dtype(TYPES[start[2]]), start[3]
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise ValueError(f"expected the sizes of {dimensions} dimensions; the file is too short")
    shape, swapped = (np.frombuffer(sizes, order).tolist() for order in (">u4", "<u4"))
    if math.prod(swapped) * dtype.itemsize <= most < math.prod(shape) * dtype.itemsize:
        return dtype.newbyteorder("<"), swapped
    return dtype, shape


def content(array: Array) -> tuple[bytes, memoryview]:
    """Return the header and the elements of the array's raw IDX file. Raises DataError unless the
    dtype is uint8, int8, int16, int32, float32 or float64, in either byte order."""
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        raise DataError(f"IDX holds {', '.join(map(str, CODES))}; found {array.dtype}")
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    elements = np.ascontiguousarray(array, array.dtype.newbyteorder(">"))
    return header, elements.reshape(-1).view(np.uint8).data


def sha256(array: Array) -> str:
    """Return the SHA-256 of the array's raw IDX file."""
    digest = hashlib.sha256()
    for part in content(array):
        digest.update(part)
    return digest.hexdigest()


def describe(shape: Sequence[int], dtype: np.dtype[Any]) -> str:
    """Return shape and type as text, such as '60000 x 28 x 28 uint8'."""
    return f"{' x '.join(map(str, shape)) or 'one'} {dtype.name}"

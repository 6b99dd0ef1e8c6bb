"""The IDX format, in which MNIST is published: read and write it, raw or gzip.

A file is a header, then the array in C order, all big-endian (the MNIST page's description, kept
in https://github.com/cvdfoundation/mnist):

    bytes 0-1   zero
    byte 2      the type of an element, one of TYPES
    byte 3      the number of dimensions, d
    4 d bytes   the size of each dimension, unsigned 32 bits
    the rest    the elements

So MNIST's 60,000 training images begin 00 00 08 03, 60000, 28, 28. This module knows the format
and nothing of MNIST.
"""

import gzip
import hashlib
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mnistnet.arrays import Array
from mnistnet.atomic import atomic_write
from mnistnet.errors import DataError, reason

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CODES = {np.dtype(name).newbyteorder("="): code for code, name in TYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"
# DEFLATE makes at most 1032 bytes out of one (https://www.zlib.net/zlib_tech.html), so a header
# that promises more than that can be refused before any memory is set aside for it.
MAX_DEFLATE_RATIO = 1032
MAX_DIMENSIONS = 64  # NumPy's own limit


def read_idx(path: Path) -> Array:
    """The array in an IDX file, raw or gzip (told by content, whatever the name).

    The array is read-only. Types of more than one byte stay big-endian. Raises DataError, naming
    file, expected and found, for anything that is not exactly one well-formed IDX array.
    """
    try:
        if path.exists() and not path.is_file():
            raise DataError(f"{path}: expected an IDX file, found a folder or a device")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            magic = file.read(len(GZIP_MAGIC))
            file.seek(0)
            if magic == GZIP_MAGIC:
                return _read_gzip(file, size, path)
            dtype, shape, expected = _read_header(file, path)
            if size != expected:
                raise DataError(_wrong_length(path, dtype, shape, expected, f"{size:,}"))
            # Read, not mapped: who cuts a mapped file short kills all who look at it.
            array: Array = np.empty(shape, dtype)
            found = file.tell() + file.readinto(_bytes(array))
            if found < expected:
                raise DataError(_wrong_length(path, dtype, shape, expected, f"{found:,}"))
            array.flags.writeable = False
            return array
    except OSError as error:
        raise DataError(f"cannot read {path}: {reason(error)}") from error


def write_idx(path: Path, array: Array) -> None:
    """Write an array as IDX, all at once; as gzip where the name ends in .gz.

    The dtype must be one of uint8, int8, int16, int32, float32, float64, in either byte order.
    The same array gives the same bytes. Raises DataError for another dtype or a dimension of 2^32
    or more, MnistnetError where the file cannot be written.
    """
    content = header(array), _big_endian(array)
    with atomic_write(path) as stream:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=stream, mode="wb", mtime=0) as packed:
                packed.writelines(content)
        else:
            stream.writelines(content)


def header(array: Array) -> bytes:
    """The header of the IDX file that holds this array; raises DataError as write_idx does."""
    code = CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(str(dtype) for dtype in CODES)
        raise DataError(f"IDX holds {known}; found {array.dtype}")
    if max(array.shape, default=0) >= 2**32:
        raise DataError(f"IDX holds dimensions below 2^32; found {array.shape}")
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()


def sha256(array: Array) -> str:
    """SHA-256 of the raw IDX file that holds this array, however it is or is not stored."""
    digest = hashlib.sha256(header(array))
    digest.update(_big_endian(array))
    return digest.hexdigest()


def describe(array: Array) -> str:
    """Shape and type in words: '60000 x 28 x 28 uint8'."""
    return f"{_times(array.shape)} {array.dtype.name}"


def _big_endian(array: Array) -> memoryview:
    """The array's elements as IDX stores them, without a copy where they already are."""
    return _bytes(np.ascontiguousarray(array, array.dtype.newbyteorder(">")))


def _bytes(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _read_header(stream: BinaryIO | gzip.GzipFile, path: Path) -> tuple[np.dtype[Any], Any, int]:
    """dtype, shape and length in bytes, header included, of the file that begins here."""
    start = stream.read(4)
    if not start:
        raise DataError(f"{path}: expected an IDX file, found an empty file")
    if start.lstrip()[:1] == b"<":
        raise DataError(f"{path}: expected an IDX file, found an HTML page")
    if len(start) < 4 or start[:2] != b"\0\0":
        raise DataError(
            f"{path}: expected an IDX file, which begins with two zero bytes, a type and a "
            f"number of dimensions; found the bytes {start.hex(' ')}"
        )
    if start[2] not in TYPES:
        known = ", ".join(f"0x{code:02x}" for code in TYPES)
        raise DataError(f"{path}: expected an IDX type of {known}; found 0x{start[2]:02x}")
    dtype, dimensions = np.dtype(TYPES[start[2]]), start[3]
    if dimensions > MAX_DIMENSIONS:
        raise DataError(f"{path}: expected {MAX_DIMENSIONS} dimensions at most; found {dimensions}")
    sizes = stream.read(4 * dimensions)
    if len(sizes) < 4 * dimensions:
        raise DataError(
            f"{path}: expected a header of {4 + 4 * dimensions} bytes for {dimensions} "
            f"dimensions; the file ends after {4 + len(sizes)}"
        )
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    # NumPy computes strides, and so overflows, even where another dimension is zero.
    if math.prod(size for size in shape if size) * dtype.itemsize >= 2**63:
        raise DataError(f"{path}: expected dimensions that fit in memory; found {_times(shape)}")
    return dtype, shape, 4 + 4 * dimensions + math.prod(shape) * dtype.itemsize


def _read_gzip(file: BinaryIO, size: int, path: Path) -> Array:
    """The array in the gzip file of size bytes that is open at its start."""
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            dtype, shape, expected = _read_header(stream, path)
            if expected > size * MAX_DEFLATE_RATIO:
                found = f"a gzip file of {size:,} bytes, which cannot hold as many"
                raise DataError(_wrong_length(path, dtype, shape, expected, found))
            body = stream.read(expected - stream.tell())
            found_size = stream.tell()
            if found_size < expected:
                raise DataError(_wrong_length(path, dtype, shape, expected, f"{found_size:,}"))
            if stream.read(1):
                raise DataError(_wrong_length(path, dtype, shape, expected, "more"))
            return np.frombuffer(body, dtype).reshape(shape)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}: expected a whole gzip file; found a damaged one: {error}"
        ) from error


def _wrong_length(path: Path, dtype: np.dtype[Any], shape: Any, expected: int, found: str) -> str:
    return f"{path}: expected {expected:,} bytes for {_times(shape)} {dtype.name}; found {found}"


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape) or "one"

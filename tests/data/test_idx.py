"""IDX files: what is written is read back, byte for byte; anything malformed is a clear error."""

import gzip
import hashlib
import itertools
import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnistnet.data.idx import header, read_idx, sha256, write_idx
from mnistnet.errors import DataError

IDX_DTYPES = ["u1", "i1", "<i2", ">i2", "<i4", ">i4", "<f4", ">f4", "<f8", ">f8"]
arrays = st.sampled_from(IDX_DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        np.dtype(dtype), hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    )
)


@given(arrays, st.sampled_from(["raw", "packed.gz"]))
@settings(deadline=None)
def test_what_is_written_is_read_back(array: np.ndarray, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        write_idx(path, array)
        back = read_idx(path)
        assert back.shape == array.shape
        assert back.dtype == array.dtype.newbyteorder(">")
        assert back.tobytes() == array.astype(back.dtype).tobytes()
        content = path.read_bytes()
        raw = gzip.decompress(content) if name.endswith(".gz") else content
        assert sha256(array) == hashlib.sha256(raw).hexdigest()


@given(st.binary(max_size=64), st.booleans())
@settings(deadline=None)
def test_any_bytes_are_an_array_or_a_data_error(content: bytes, zeros_first: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(b"\0\0" + content if zeros_first else content)
        try:
            read_idx(path)
        except DataError as error:
            assert str(path) in str(error)


def test_the_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    write_idx(tmp_path / "labels", np.array([5, 0, 255], np.uint8))
    assert (tmp_path / "labels").read_bytes() == bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 255])
    write_idx(tmp_path / "words", np.array([[1, -2]], np.int32))
    assert (tmp_path / "words").read_bytes() == struct.pack(">4B2I2i", 0, 0, 12, 2, 1, 2, 1, -2)


def test_what_was_read_cannot_be_written_to_and_outlives_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_idx(path, np.arange(6, dtype=np.uint8).reshape(2, 3))
    array = read_idx(path)
    with path.open("r+b") as file:
        file.truncate(0)  # a memory map would die of this
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_a_file_that_shrinks_while_it_is_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_idx(path, np.zeros(100_000, np.uint8))
    empty = np.empty

    def shrink_first(*args: object) -> np.ndarray:
        os.truncate(path, 60_000)
        return empty(*args)

    monkeypatch.setattr(np, "empty", shrink_first)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert str(caught.value) == f"{path}: expected 100,008 bytes for 100000 uint8; found 60,000"


def test_gzip_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.uint8)
    write_idx(tmp_path / "a.gz", array)
    write_idx(tmp_path / "b", array)
    (tmp_path / "a.gz").rename(tmp_path / "plain")
    (tmp_path / "b").rename(tmp_path / "b.gz")
    assert read_idx(tmp_path / "plain").tolist() == read_idx(tmp_path / "b.gz").tolist()


def test_gzip_keeps_neither_the_time_nor_the_name(tmp_path: Path) -> None:
    """So that the same array gives the same bytes (RFC 1952: flags in byte 3, time in 4 to 7)."""
    write_idx(tmp_path / "one.gz", np.arange(6, dtype=np.uint8))
    assert (tmp_path / "one.gz").read_bytes()[3:8] == bytes(5)


def idx_bytes(*shape: int, code: int = 8, body: bytes | None = None) -> bytes:
    start = struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape)
    return start + (bytes(int(np.prod(shape))) if body is None else body)


HTML = b"<!DOCTYPE html><html><body>403 Forbidden</body></html>"
MALFORMED = {
    "empty": (b"", "expected an IDX file, found an empty file"),
    "html": (HTML, "expected an IDX file, found an HTML page"),
    "html with a line before": (b"\r\n" + HTML, "expected an IDX file, found an HTML page"),
    "text": (
        b"digits",
        "expected an IDX file, which begins with two zero bytes, a type and a number of "
        "dimensions; found the bytes 64 69 67 69",
    ),
    "header cut in the magic number": (
        b"\0\0\x08",
        "expected an IDX file, which begins with two zero bytes, a type and a number of "
        "dimensions; found the bytes 00 00 08",
    ),
    "unknown type": (
        idx_bytes(3, code=0x0A),
        "expected an IDX type of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e; found 0x0a",
    ),
    "header cut in the dimensions": (
        idx_bytes(2, 2)[:10],
        "expected a header of 12 bytes for 2 dimensions; the file ends after 10",
    ),
    "too many dimensions": (
        idx_bytes(*[1] * 65),
        "expected 64 dimensions at most; found 65",
    ),
    "short body": (idx_bytes(2, 3, body=bytes(5)), "expected 18 bytes for 2 x 3 uint8; found 17"),
    "wide type, short body": (
        idx_bytes(2, code=0x0E, body=bytes(8)),
        "expected 24 bytes for 2 float64; found 16",
    ),
    "trailing bytes": (idx_bytes(2, 3) + b"\0", "expected 18 bytes for 2 x 3 uint8; found 19"),
    "dimensions beyond the file": (
        idx_bytes(2**32 - 1, 28, 28, body=b""),
        "expected 3,367,254,359,296 bytes for 4294967295 x 28 x 28 uint8; found 16",
    ),
    "dimensions whose product overflows": (
        idx_bytes(2**31, 2**31, 2**31, body=b""),
        "expected dimensions that fit in memory; found 2147483648 x 2147483648 x 2147483648",
    ),
    "dimensions that overflow but for a zero": (
        idx_bytes(2**31, 2**31, 2**31, 0, body=b""),
        "expected dimensions that fit in memory; found 2147483648 x 2147483648 x 2147483648 x 0",
    ),
}
# Inside gzip the length is only known to be too short, or more.
GZIP_WORDS = {
    "trailing bytes": "expected 18 bytes for 2 x 3 uint8; found more",
    "dimensions beyond the file": "expected 3,367,254,359,296 bytes for 4294967295 x 28 x 28 "
    "uint8; found a gzip file of {size} bytes, which cannot hold as many",
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_file_is_named_with_what_was_expected_and_found(
    tmp_path: Path, kind: str
) -> None:
    content, words = MALFORMED[kind]
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert str(caught.value) == f"{path}: {words}"


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_file_inside_gzip_is_named_likewise(tmp_path: Path, kind: str) -> None:
    content, words = MALFORMED[kind]
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(content, mtime=0))
    words = GZIP_WORDS.get(kind, words).format(size=path.stat().st_size)
    with pytest.raises(DataError) as caught:
        read_idx(path)
    assert str(caught.value) == f"{path}: {words}"


def test_gzip_that_is_cut_or_altered_anywhere_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    write_idx(path, np.arange(200, dtype=np.uint8))
    whole = path.read_bytes()
    for length in range(2, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="expected a whole gzip file; found a damaged one"):
            read_idx(path)
    checksum = len(whole) - 8
    path.write_bytes(whole[:checksum] + bytes([whole[checksum] ^ 1]) + whole[checksum + 1 :])
    with pytest.raises(DataError, match="found a damaged one: CRC check failed"):
        read_idx(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(DataError, match="found a damaged one: Not a gzipped file"):
        read_idx(path)


def test_gzip_that_is_packed_as_tightly_as_can_be_is_read(tmp_path: Path) -> None:
    write_idx(tmp_path / "zeros.gz", np.zeros(10_000_000, np.uint8))
    assert (tmp_path / "zeros.gz").stat().st_size < 10_000
    assert not read_idx(tmp_path / "zeros.gz").any()


def test_what_is_not_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected an IDX file, found a folder or a device"
    with pytest.raises(DataError) as caught:
        read_idx(tmp_path / "none")
    assert str(caught.value) == f"cannot read {tmp_path / 'none'}: No such file or directory"
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="found a folder or a device$"):
        read_idx(tmp_path / "pipe")


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.float16, np.complex64, "<U1", object])
def test_other_types_are_refused_and_nothing_is_written(tmp_path: Path, dtype: object) -> None:
    with pytest.raises(DataError, match=r"^IDX holds uint8, int8, int16, .*; found "):
        write_idx(tmp_path / "file", np.zeros(3, dtype))
    assert not list(tmp_path.iterdir())


def test_a_dimension_of_2_to_the_32_is_refused() -> None:
    wide = np.broadcast_to(np.uint8(0), (2**32,))
    with pytest.raises(DataError, match=r"below 2\^32"):
        header(wide)


def test_every_type_of_the_format_is_known() -> None:
    names = itertools.chain(["uint8", "int8"], ["int16", "int32", "float32", "float64"])
    codes = [header(np.zeros(0, name))[2] for name in names]
    assert codes == [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E]

"""Arrays are read back exactly as written, in the documented format; anything else is an error."""

import gzip
import hashlib
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from program import write_idx

from mnistnet.data.idx import content, read_idx, sha256
from mnistnet.errors import DataError

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


@pytest.mark.parametrize("name", ["raw", "packed.gz"])
@pytest.mark.parametrize("kind", CODES)
def test_an_array_is_read_back_as_it_was_written(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    for order in "<>":
        for shape in ((), (0,), (7,), (2, 0, 3), (2, 3, 4)):
            values = np.random.default_rng(0).integers(0, 99, shape)
            array = np.asarray(values, np.dtype(f"{order}{kind}"))
            write_idx(path, array)
            back = read_idx(path)
            assert (back.shape, back.dtype) == (shape, array.dtype.newbyteorder(">"))
            assert np.array_equal(back, array)
            packed = path.read_bytes()
            raw = gzip.decompress(packed) if name.endswith(".gz") else packed
            assert sha256(array) == hashlib.sha256(raw).hexdigest()


def test_files_follow_the_format_byte_for_byte(tmp_path: Path) -> None:
    write_idx(tmp_path / "labels", np.array([5, 0, 255], np.uint8))
    assert (tmp_path / "labels").read_bytes() == bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 255])
    assert [content(np.zeros(0, kind))[0][2] for kind in CODES] == [*CODES.values()]
    with pytest.raises(DataError, match=r"^IDX holds uint8, int8, .*, float64; found int64$"):
        write_idx(tmp_path / "other", np.zeros(3, np.int64))
    for order in "<>":  # other programs also write little-endian files
        header = struct.pack(f"{order}4BI2h", 0, 0, 11, 1, 2, 1, -2)
        for content_of_file in (header, gzip.compress(header)):
            (tmp_path / "foreign").write_bytes(content_of_file)
            assert read_idx(tmp_path / "foreign").tolist() == [1, -2]


def test_an_array_is_read_only_and_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_idx(path, np.arange(6, dtype=np.uint8).reshape(2, 3))
    array = read_idx(path)
    with path.open("r+b") as file:
        file.truncate(0)  # which would crash a reader of a memory map
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    array = np.zeros(10_000_000, np.uint8)  # which deflate packs as tightly as it can
    write_idx(tmp_path / "a.gz", array)
    (tmp_path / "a.gz").rename(tmp_path / "raw")
    assert np.array_equal(read_idx(tmp_path / "raw"), array)


def idx_bytes(*shape: int, code: int = 8, body: bytes = b"") -> bytes:
    return struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape) + body


MALFORMED = {
    "empty": (b"", "expected an IDX file, found an empty file"),
    "html": (b"<!DOCTYPE html>", "an IDX file, found one that begins b'<!DOCTYPE html>'$"),
    "zip": (b"PK\3\4" + bytes(99), "expected an IDX file, found a ZIP archive; unpack it first"),
    "cut in the first bytes": (b"\0\0\x08", r"found one that begins b'\\x00\\x00\\x08'$"),
    "unknown type": (idx_bytes(3, code=10), "type of 0x8, .* 0xe; found 0xa$"),
    "cut in the sizes": (idx_bytes(2, 2)[:10], "sizes of 2 dimensions; the file is too short"),
    "no element": (idx_bytes(), "expected 1 bytes after the header, for one uint8; found 0"),
    "short": (idx_bytes(2, code=14, body=bytes(8)), "expected 16 .* 2 float64; found 8"),
    "long": (idx_bytes(2, 3, body=bytes(7)), "expected 6 .* for 2 x 3 uint8; found more"),
    "huge": (idx_bytes(2**32 - 1, 28, 28), "3,367,254,359,280 bytes .*; the file is too short"),
    "65 dimensions": (idx_bytes(*[1] * 65, body=b"1"), "dimension"),
    "overflow, except for a zero": (idx_bytes(2**31, 2**31, 2, 0), "too big|too large|dimension"),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_idx_is_an_error(tmp_path: Path, kind: str, pack: Callable) -> None:
    content, message = MALFORMED[kind]
    path = tmp_path / "file"
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match=f"^{re.escape(str(path))}: .*({message})"):
        read_idx(path)


def test_truncated_or_altered_gzip_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    write_idx(path, np.arange(200, dtype=np.uint8))
    whole = path.read_bytes()
    changed = [whole[:length] for length in range(2, len(whole), 9)]
    changed += [whole[:10] + b"\xff" + whole[11:], whole[:-8] + b"sums" + whole[-4:], whole + b"1"]
    for packed in changed:
        path.write_bytes(packed)
        with pytest.raises(DataError, match="file.gz: expected a complete gzip file: "):
            read_idx(path)

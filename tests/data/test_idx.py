"""Arrays are read back exactly as written, in the documented format; faults/test_data.py has the
malformed files."""

import gzip
import hashlib
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnistnet.data.idx import content, read_idx, sha256, write_idx
from mnistnet.errors import DataError

IDX_DTYPES = ["u1", "i1", "<i2", ">i2", "<i4", ">i4", "<f4", ">f4", "<f8", ">f8"]
arrays = st.sampled_from(IDX_DTYPES).flatmap(
    lambda dtype: hnp.arrays(
        np.dtype(dtype), hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4)
    )
)


@settings(max_examples=50)
@given(arrays, st.sampled_from(["raw", "packed.gz"]))
def test_an_array_is_read_back_as_it_was_written(array: np.ndarray, name: str) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        write_idx(path, array)
        back = read_idx(path)
        assert back.shape == array.shape
        assert back.dtype == array.dtype.newbyteorder(">")
        assert back.tobytes() == array.astype(back.dtype).tobytes()
        packed = path.read_bytes()
        raw = gzip.decompress(packed) if name.endswith(".gz") else packed
        assert sha256(array) == hashlib.sha256(raw).hexdigest()


def test_files_follow_the_format_byte_for_byte(tmp_path: Path) -> None:
    write_idx(tmp_path / "labels", np.array([5, 0, 255], np.uint8))
    assert (tmp_path / "labels").read_bytes() == bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 255])
    write_idx(tmp_path / "words", np.array([[1, -2]], np.int32))
    assert (tmp_path / "words").read_bytes() == struct.pack(">4B2I2i", 0, 0, 12, 2, 1, 2, 1, -2)
    names = ("uint8", "int8", "int16", "int32", "float32", "float64")
    codes = [content(np.zeros(0, name))[0][2] for name in names]
    assert codes == [0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E]


def test_an_array_is_read_only_and_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_idx(path, np.arange(6, dtype=np.uint8).reshape(2, 3))
    array = read_idx(path)
    with path.open("r+b") as file:
        file.truncate(0)  # which would crash a reader of a memory map
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 1


def test_gzip_is_recognised_by_content_not_by_name(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.uint8)
    write_idx(tmp_path / "a.gz", array)
    write_idx(tmp_path / "b", array)
    (tmp_path / "a.gz").rename(tmp_path / "plain")
    (tmp_path / "b").rename(tmp_path / "b.gz")
    assert read_idx(tmp_path / "plain").tolist() == read_idx(tmp_path / "b.gz").tolist()


def test_gzip_stores_neither_time_nor_name(tmp_path: Path) -> None:
    """The same array gives the same bytes (RFC 1952: flags in byte 3, time in 4 to 7)."""
    write_idx(tmp_path / "one.gz", np.arange(6, dtype=np.uint8))
    assert (tmp_path / "one.gz").read_bytes()[3:8] == bytes(5)


def test_gzip_at_the_highest_possible_ratio_is_read(tmp_path: Path) -> None:
    write_idx(tmp_path / "zeros.gz", np.zeros(10_000_000, np.uint8))
    assert (tmp_path / "zeros.gz").stat().st_size < 10_000
    assert not read_idx(tmp_path / "zeros.gz").any()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_any_order_also_reads_little_endian_files(tmp_path: Path, pack) -> None:
    path = tmp_path / "file"
    for order in "<>":
        path.write_bytes(pack(struct.pack(f"{order}4BI2h", 0, 0, 11, 1, 2, 1, -2)))
        assert read_idx(path, any_order=True).tolist() == [1, -2]


@pytest.mark.parametrize("dtype", [np.int64, np.float16, "<U1", object])
def test_other_types_are_refused_and_nothing_is_written(tmp_path: Path, dtype: object) -> None:
    array = np.zeros(3, dtype)
    with pytest.raises(DataError) as caught:
        write_idx(tmp_path / "file", array)
    known = "uint8, int8, int16, int32, float32, float64"
    assert str(caught.value) == f"IDX holds {known}; found {array.dtype}"
    assert not list(tmp_path.iterdir())

"""Malformed data is one error that names the file and the remedy, and no command changes it."""

import gzip
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from program import as_user, assert_fault, files, make_link, make_pipe, run

from mnistnet.data import idx, mnist
from mnistnet.errors import DataError

TRAIN_LABELS, IMAGES, LABELS = (file.name for file in mnist.FILES[1:])


def idx_bytes(*shape: int, code: int = 8, body: bytes | None = None) -> bytes:
    start = struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape)
    return start + (bytes(int(np.prod(shape))) if body is None else body)


NO_IDX = (
    "expected an IDX file, which begins with two zero bytes, a type and a number of dimensions; "
)
MALFORMED = {
    "empty": (b"", "expected an IDX file, found an empty file"),
    "html": (b"\r\n<!DOCTYPE html>", "expected an IDX file, found an HTML page"),
    "text": (b"digits", f"{NO_IDX}found the bytes 64 69 67 69"),
    "git-annex": (
        b"../.git/annex/objects/a/b",
        "expected an IDX file, found a git-annex pointer; fetch the file (git annex get)",
    ),
    "zip": (
        b"PK\x03\x04" + bytes(100),
        "expected an IDX file, raw or gzip; found a ZIP archive, not gzip; unpack it first (unzip)",
    ),
    "header cut in the magic number": (b"\0\0\x08", f"{NO_IDX}found the bytes 00 00 08"),
    "unknown type": (
        idx_bytes(3, code=0x0A),
        "expected an IDX type of 0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e; found 0x0a",
    ),
    "header cut in the dimensions": (
        idx_bytes(2, 2)[:10],
        "expected a header of 12 bytes for 2 dimensions; the file ends after 10",
    ),
    "little-endian sizes": (
        struct.pack("<4BI", 0, 0, 8, 1, 50) + bytes(50),
        "expected big-endian sizes; found little-endian ones (50); convert the files with "
        "'mnistnet import'",
    ),
    "missing element": (idx_bytes(body=b""), "expected 5 bytes for one uint8; found 4"),
    "short body": (
        idx_bytes(2, code=0x0E, body=bytes(8)),
        "expected 24 bytes for 2 float64; found 16",
    ),
    "trailing bytes": (idx_bytes(2, 3) + b"\0", "expected 18 bytes for 2 x 3 uint8; found 19"),
    "dimensions beyond the file": (
        idx_bytes(2**32 - 1, 28, 28, body=b""),
        "expected 3,367,254,359,296 bytes for 4294967295 x 28 x 28 uint8; found 16",
    ),
    "too many dimensions": (
        idx_bytes(*[1] * 65),
        f"expected dimensions that NumPy can represent; found {'1 x ' * 64}1",
    ),
    "dimensions that overflow, except for a zero": (
        idx_bytes(2**31, 2**31, 2, 0, body=b""),
        "expected dimensions that NumPy can represent; found 2147483648 x 2147483648 x 2 x 0",
    ),
}
# The exact length of gzip content is not known in advance.
GZIP_MESSAGES = {
    "trailing bytes": "expected 18 bytes for 2 x 3 uint8; found more",
    "dimensions beyond the file": "expected 3,367,254,359,296 bytes for 4294967295 x 28 x 28 "
    "uint8; found a gzip file of {size} bytes, which is too short",
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_idx_is_an_error(
    tmp_path: Path, kind: str, pack: Callable[[bytes], bytes]
) -> None:
    content, message = MALFORMED[kind]
    path = tmp_path / "file"
    path.write_bytes(pack(content))
    if pack is gzip.compress:
        message = GZIP_MESSAGES.get(kind, message).format(size=path.stat().st_size)
    with pytest.raises(DataError) as caught:
        idx.read_idx(path)
    assert str(caught.value) == f"{path}: {message}"


def test_truncated_or_altered_gzip_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    idx.write_idx(path, np.arange(200, dtype=np.uint8))
    whole = path.read_bytes()
    for length in range(2, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match="file.gz: expected a complete gzip file; found a"):
            idx.read_idx(path)
    start, checksum = whole[:10], len(whole) - 8  # the header has ten bytes
    for content, message in {
        start + b"\xff" + whole[11:]: "Error -3 while decompressing data",
        whole[:checksum] + bytes([whole[checksum] ^ 1]) + whole[checksum + 1 :]: "CRC check failed",
        whole + b"more": "Not a gzipped file",
    }.items():
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"found a damaged one: {message}"):
            idx.read_idx(path)


def test_a_file_that_shrinks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(idx_bytes(2, 3, body=bytes(5)))
    monkeypatch.setattr(os, "fstat", lambda _: SimpleNamespace(st_size=18))  # before it shrank
    with pytest.raises(DataError, match=r"expected 18 bytes for 2 x 3 uint8; found 17$"):
        idx.read_idx(path)


COUNTS = "expected equal numbers of images and labels, at least one; "
UNLIKE_MNIST = {
    "images of another size": (
        (np.zeros((50, 28, 27), np.uint8), None),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 28 x 27 uint8",
    ),
    "images of another type": (
        (np.zeros((50, 28, 28), np.int16), None),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 28 x 28 int16",
    ),
    "flat images": (
        (np.zeros((50, 784), np.uint8), None),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 784 uint8",
    ),
    "labels of another type": (
        (None, np.zeros(50, np.int32)),
        "{labels}: expected n uint8 labels; found 50 int32; {convert}",
    ),
    "labels in eight columns, as QMNIST's": (
        (None, np.zeros((50, 8), np.int32)),
        "{labels}: expected n uint8 labels; found 50 x 8 int32; {convert}",
    ),
    "no images and no labels": (
        (np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)),
        f"{COUNTS}found 0 images in {{images}} and 0 labels in {{labels}}",
    ),
    "fewer labels than images": (
        (None, np.zeros(49, np.uint8)),
        f"{COUNTS}found 50 images in {{images}} and 49 labels in {{labels}}",
    ),
    "a label above 9": (
        (None, np.array([9] * 49 + [10], np.uint8)),
        f"{{labels}}: expected labels 0 to 9; found 10 for image 49; {mnist.TEN_CLASSES}",
    ),
}


@pytest.mark.parametrize("kind", UNLIKE_MNIST)
def test_a_file_unlike_mnists_is_an_error(tiny: Path, kind: str) -> None:
    arrays, message = UNLIKE_MNIST[kind]
    for name, array in zip((IMAGES, LABELS), arrays, strict=True):
        if array is not None:
            idx.write_idx(tiny / name, array)
    convert = f"to convert them: mnistnet import {tiny} --out NEW_FOLDER"
    with pytest.raises(DataError) as caught:
        mnist.load(tiny, "test")
    paths = {"images": tiny / IMAGES, "labels": tiny / LABELS}
    assert str(caught.value) == message.format(convert=convert, **paths)


@pytest.mark.parametrize("make", [Path.mkdir, make_pipe, lambda path: make_link(path, "none")])
def test_a_folder_a_pipe_or_a_broken_link_is_not_read(
    tiny: Path, make: Callable[[Path], None]
) -> None:
    (tiny / LABELS).unlink()
    make(tiny / LABELS)
    with pytest.raises(DataError, match=f" has no {LABELS}, raw or .gz; it has {IMAGES}, "):
        mnist.load(tiny, "test")
    with pytest.raises(DataError, match="found a folder or a device|No such file or directory"):
        idx.read_idx(tiny / LABELS)


def test_an_unreadable_file_is_an_error(tiny: Path) -> None:
    path = tiny / LABELS
    path.unlink()
    path.touch(mode=0o200)
    message = f"cannot read {path}: Permission denied"
    assert_fault(("eval", "--data", tiny), message, run=as_user)


READERS = (("train",), ("gradcheck",), ("eval",), ("plot", "units"))


def test_every_command_names_the_damaged_file_that_it_needs(tiny: Path) -> None:
    for name in (TRAIN_LABELS, LABELS):
        (tiny / name).write_bytes(b"")
    fault = "expected an IDX file, found an empty file"
    for command, name in zip(READERS, (TRAIN_LABELS, TRAIN_LABELS, LABELS, LABELS), strict=True):
        notes = "bundled weights\n" * (command[0] == "plot")
        assert_fault((*command, "--data", tiny), f"{tiny / name}: {fault}", notes)
    result = run("predict", "test:0", "train:0", "--data", tiny)
    assert result.stderr == "bundled weights\n" + "".join(
        f"Error: {picture}: {tiny / name}: {fault}\n"
        for picture, name in (("test:0", LABELS), ("train:0", TRAIN_LABELS))
    )
    assert (result.stdout, result.exit_code) == ("", 1)


@pytest.mark.parametrize("command", [*READERS, ("predict", "test:0")])
def test_only_download_and_import_write_into_a_users_folder(
    command: tuple[str, ...], tiny: Path, published: object, tmp_path: Path
) -> None:
    """Other commands neither create a missing folder nor fill an existing one."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "emnist").mkdir()
    (tmp_path / "emnist" / "emnist-digits-train-images-idx3-ubyte.gz").write_bytes(b"")
    (tmp_path / "set.csv").write_bytes(b"")
    before = files(), sorted(tmp_path.rglob("*"))
    for name, message in {
        "mistyped": "there is no folder .* mnistnet download --data .* mnistnet import SOURCE",
        "empty": "has no .* it is empty; .* mnistnet download --data .* mnistnet import SOURCE",
        "emnist": "it has emnist-.*; to convert these: mnistnet import .*emnist --out NEW_FOLDER",
        "set.csv": "found a file, .*set.csv; .* mnistnet import .*set.csv --out NEW_FOLDER",
    }.items():
        result = run(*command, "--data", tmp_path / name, "--mirror", tiny)
        assert result.exit_code == 1
        assert re.search(f"Error: .*{message}", result.stderr), result.stderr
        assert (files(), sorted(tmp_path.rglob("*"))) == before

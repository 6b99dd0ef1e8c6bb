"""Whatever is wrong with the data, every command that reads it says so in one line that names the
file and how to mend it."""

import gzip
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from program import as_user, assert_fault, files, run

from mnistnet.data import idx, mnist
from mnistnet.errors import DataError

IMAGES, LABELS = mnist.TEST_IMAGES.name, mnist.TEST_LABELS.name


def idx_bytes(*shape: int, code: int = 8, body: bytes | None = None) -> bytes:
    start = struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape)
    return start + (bytes(int(np.prod(shape))) if body is None else body)


HTML = b"<!DOCTYPE html><html><body>403 Forbidden</body></html>"
NO_IDX = (
    "expected an IDX file, which begins with two zero bytes, a type and a number of dimensions; "
)
MALFORMED = {
    "empty": (b"", "expected an IDX file, found an empty file"),
    "html": (HTML, "expected an IDX file, found an HTML page"),
    "html with a line before": (b"\r\n" + HTML, "expected an IDX file, found an HTML page"),
    "text": (b"digits", f"{NO_IDX}found the bytes 64 69 67 69"),
    "header cut in the magic number": (b"\0\0\x08", f"{NO_IDX}found the bytes 00 00 08"),
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
    "one element that is missing": (
        idx_bytes(body=b""),
        "expected 5 bytes for one uint8; found 4",
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
    "dimensions that just overflow but for a zero": (
        idx_bytes(2**31, 2**31, 2, 0, body=b""),
        "expected dimensions that fit in memory; found 2147483648 x 2147483648 x 2 x 0",
    ),
    "dimensions of a wide type that overflow but for a zero": (
        idx_bytes(2**31, 2**31, 0, code=0x0E, body=b""),
        "expected dimensions that fit in memory; found 2147483648 x 2147483648 x 0",
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


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
@pytest.mark.parametrize("kind", MALFORMED)
def test_a_file_that_is_not_idx(tiny: Path, kind: str, pack: Callable[[bytes], bytes]) -> None:
    content, words = MALFORMED[kind]
    path = tiny / IMAGES
    path.write_bytes(pack(content))
    if pack is gzip.compress:
        words = GZIP_WORDS.get(kind, words).format(size=path.stat().st_size)
    assert_fault(("eval", "--data", tiny), f"{path}: {words}")


UNSOUND = {
    "images of another size": (
        IMAGES,
        np.zeros((50, 28, 27), np.uint8),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 28 x 27 uint8",
    ),
    "images of another type": (
        IMAGES,
        np.zeros((50, 28, 28), np.int16),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 28 x 28 int16",
    ),
    "flat images": (
        IMAGES,
        np.zeros((50, 784), np.uint8),
        "{images}: expected n x 28 x 28 uint8 images; found 50 x 784 uint8",
    ),
    "labels of another type": (
        LABELS,
        np.zeros(50, np.int32),
        "{labels}: expected a row of uint8 labels; found 50 int32; {convert}",
    ),
    "labels in eight columns, as QMNIST's": (
        LABELS,
        np.zeros((50, 8), np.int32),
        "{labels}: expected a row of uint8 labels; found 50 x 8 int32; {convert}",
    ),
    "no images": (
        IMAGES,
        np.zeros((0, 28, 28), np.uint8),
        "expected as many labels as images, and some; "
        "found 0 images in {images} and 50 labels in {labels}",
    ),
    "fewer labels than images": (
        LABELS,
        np.zeros(49, np.uint8),
        "expected as many labels as images, and some; "
        "found 50 images in {images} and 49 labels in {labels}",
    ),
    "a label above 9": (
        LABELS,
        np.array([9] * 49 + [10], np.uint8),
        "{labels}: expected labels 0 to 9; found 10 for image 49; mnistnet has ten classes, and "
        "sets such as EMNIST's letters have more; to keep ten of them: "
        "mnistnet import SOURCE --labels 1=0,2=1,... --out NEW_FOLDER",
    ),
}


@pytest.mark.parametrize("kind", UNSOUND)
def test_a_file_that_is_not_as_mnists_are(tiny: Path, kind: str) -> None:
    name, array, words = UNSOUND[kind]
    idx.write_idx(tiny / name, array)
    convert = f"to convert them: mnistnet import {tiny} --out NEW_FOLDER"
    words = words.format(images=tiny / IMAGES, labels=tiny / LABELS, convert=convert)
    assert_fault(("eval", "--data", tiny), words)


def test_a_set_of_no_images(tiny: Path) -> None:
    idx.write_idx(tiny / IMAGES, np.zeros((0, 28, 28), np.uint8))
    idx.write_idx(tiny / LABELS, np.zeros(0, np.uint8))
    assert_fault(
        ("eval", "--data", tiny),
        "expected as many labels as images, and some; "
        f"found 0 images in {tiny / IMAGES} and 0 labels in {tiny / LABELS}",
    )


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("none")])
def test_what_is_no_file_is_not_taken_for_one(tiny: Path, make: Callable[[Path], None]) -> None:
    path = tiny / LABELS
    path.unlink()
    make(path)
    pattern = f"{tiny} has no {LABELS}, raw or .gz; it has {IMAGES}, .*"
    assert_fault(("eval", "--data", tiny), re.compile(pattern))


def test_a_file_that_may_not_be_read(tiny: Path) -> None:
    path = tiny / LABELS
    path.unlink()
    path.touch(mode=0o200)
    message = f"cannot read {path}: Permission denied"
    assert_fault(("eval", "--data", tiny), message, run=as_user)


def test_every_command_that_reads_images_says_so_alike(tiny: Path) -> None:
    """One file of each split is damaged: each command names the first one that it needs, and only
    download, which means MNIST's own, says that it can get it."""
    for name in (mnist.TRAIN_LABELS.name, LABELS):
        (tiny / name).write_bytes(b"")
    fault = "expected an IDX file, found an empty file"
    for words, name in {
        ("train",): mnist.TRAIN_LABELS.name,
        ("gradcheck",): mnist.TRAIN_LABELS.name,
        ("eval",): LABELS,
        ("plot", "units"): LABELS,
    }.items():
        notes = "weights that ship with mnistnet\n" * (words[0] == "plot")
        assert_fault((*words, "--data", tiny), f"{tiny / name}: {fault}", notes)
    result = run("predict", "test:0", "train:0", "--data", tiny)
    assert result.stderr == "weights that ship with mnistnet\n" + "".join(
        f"Error: {picture}: {tiny / name}: {fault}\n"
        for picture, name in (("test:0", LABELS), ("train:0", mnist.TRAIN_LABELS.name))
    )
    assert (result.stdout, result.exit_code) == ("", 1)


def test_download_says_that_it_can_get_a_file_of_mnist(tiny: Path, published: object) -> None:
    (tiny / LABELS).write_bytes(b"")
    assert_fault(
        ("download", "--data", tiny),
        f"{tiny / LABELS}: expected an IDX file, found an empty file; replace the file, or delete "
        "it and run 'mnistnet download' again",
    )


READERS = (("train",), ("gradcheck",), ("eval",), ("plot", "units"), ("predict", "test:0"))


@pytest.mark.parametrize("words", READERS)
def test_no_command_but_download_and_import_writes_into_a_users_folder(
    words: tuple[str, ...], good_mirror: str, tmp_path: Path
) -> None:
    """Mistyped, empty, or with a set under other names: nothing is downloaded, nothing made."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "emnist").mkdir()
    (tmp_path / "emnist" / "emnist-digits-train-images-idx3-ubyte.gz").write_bytes(b"")
    (tmp_path / "set.csv").write_bytes(b"")
    before = files(), sorted(tmp_path.rglob("*"))
    for name, says in {
        "mistyped": "there is no folder .* mnistnet download --data .* mnistnet import SOURCE",
        "empty": "has none of .* it is empty; .* mnistnet download --data .* mnistnet import SOURC",
        "emnist": "it has emnist-.*; to read these: mnistnet import .*emnist --out NEW_FOLDER",
        "set.csv": "found a file, .*set.csv; .* mnistnet import .*set.csv --out NEW_FOLDER",
    }.items():
        result = run(*words, "--data", tmp_path / name, "--mirror", good_mirror)
        assert result.exit_code == 1
        assert re.search(f"Error: .*{says}", result.stderr), result.stderr
        assert (files(), sorted(tmp_path.rglob("*"))) == before


@pytest.fixture
def good_mirror(tiny: Path, published: object, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with MNIST's files, outside of the current one."""
    return str(tiny.rename(tmp_path_factory.mktemp("mirror") / "mnist"))


OTHER_KINDS = {
    b"PK\x03\x04": "a ZIP archive, not gzip; unpack it first (unzip)",
    b"\xfd7zXZ\0": "an xz archive, not gzip; unpack it first (xz --decompress)",
    b"version https://git-lfs.github.com/spec/v1": "a Git LFS pointer; fetch the file itself "
    "(git lfs pull)",
}


@pytest.mark.parametrize("start", OTHER_KINDS)
def test_another_kind_of_file_under_the_name(tiny: Path, start: bytes) -> None:
    (tiny / IMAGES).unlink()
    path = tiny / f"{IMAGES}.gz"
    path.write_bytes(start + bytes(100))
    words = f"{path}: expected an IDX file, raw or gzip; found {OTHER_KINDS[start]}"
    assert_fault(("eval", "--data", tiny), words)


@pytest.mark.parametrize("start", ["/annex/objects/MD5E-s9", "../.git/annex/objects/a/b"])
def test_a_pointer_of_git_annex(tiny: Path, start: str) -> None:
    (tiny / IMAGES).write_text(start)
    words = "expected an IDX file, found a git-annex pointer; fetch the file (git annex get)"
    assert_fault(("eval", "--data", tiny), f"{tiny / IMAGES}: {words}")


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_little_endian_sizes(tiny: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tiny / IMAGES
    path.write_bytes(pack(struct.pack("<4B3I", 0, 0, 8, 3, 50, 28, 28) + bytes(50 * 784)))
    assert_fault(
        ("eval", "--data", tiny),
        f"{path}: expected big-endian sizes, as IDX has; found little-endian ones (50 x 28 x 28); "
        "'mnistnet import' reads such files",
    )


def test_gzip_that_is_cut_or_altered_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "file.gz"
    idx.write_idx(path, np.arange(200, dtype=np.uint8))
    whole = path.read_bytes()
    for length in range(2, len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(
            DataError, match=f"^{path}: expected a whole gzip file; found a damaged"
        ):
            idx.read_idx(path)
    checksum = len(whole) - 8
    path.write_bytes(whole[:checksum] + bytes([whole[checksum] ^ 1]) + whole[checksum + 1 :])
    with pytest.raises(DataError, match="found a damaged one: CRC check failed"):
        idx.read_idx(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(DataError, match="found a damaged one: Not a gzipped file"):
        idx.read_idx(path)


def test_a_file_that_shrinks_while_it_is_read(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny / IMAGES
    whole = path.read_bytes()
    empty = np.empty

    def shrink_first(shape: object, dtype: object) -> np.ndarray:
        if shape == (50, 28, 28):
            os.truncate(path, 30_000)
        return empty(shape, dtype)

    def eval_it_whole(*words: object):
        path.write_bytes(whole)
        with monkeypatch.context() as patch:
            patch.setattr(np, "empty", shrink_first)
            result = run(*words)
        path.write_bytes(whole)
        return result

    message = f"{path}: expected 39,216 bytes for 50 x 28 x 28 uint8; found 30,000"
    assert_fault(("eval", "--data", tiny), message, run=eval_it_whole)

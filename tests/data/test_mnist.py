"""A split is loaded from the files under any of their names, MNIST is recognised by its bytes, and
two sets are never confused. Drawn digits are written in MNIST's form. IDX files are read back
exactly as written, in the documented format; anything else is an error."""

import gzip
import hashlib
import json
import os
import re
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from program import write_idx

from mnistnet.data import idx, mnist, synthetic
from mnistnet.data.idx import content, read_idx, sha256
from mnistnet.errors import DataError

NAMES = [file.name for file in mnist.FILES]
IMAGES, LABELS = NAMES[2:]


def test_only_mnists_own_bytes_are_published_and_called_mnist(
    tiny: Path, published: object
) -> None:
    (tiny / mnist.IMPORTED).write_text('{"name": "mine"}')
    data = mnist.load(tiny, "test")
    assert (data.published, data.name) == (True, "MNIST")
    labels = np.array(idx.read_idx(tiny / LABELS))
    labels[7] ^= 1
    write_idx(tiny / LABELS, labels)
    data = mnist.load(tiny, "test")
    assert (data.published, data.name) == (False, "mine")


def test_every_accepted_name_is_found(tiny: Path) -> None:
    for number, form in enumerate(("{0}.gz", "{1}", "{1}.gz", "{0}/{0}", "{1}/{1}")):
        for name in NAMES:
            path = Path(f"new{number}", form.format(name, name.replace("-idx", ".idx")))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_idx(path, idx.read_idx(tiny / name))
        for split in ("train", "test"):
            found = mnist.load(Path(f"new{number}"), split)
            assert found.sha256 == mnist.load(tiny, split).sha256


def test_torchvisions_folder_is_found_and_names_the_set(tiny: Path) -> None:
    place = tiny
    for number, name in enumerate(("MNIST", "FashionMNIST")):
        root = Path(f"root{number}")
        (root / name).mkdir(parents=True)
        place = place.rename(root / name / "raw")
        for folder in (root, root / name, place):
            expected = {"MNIST": "MNIST (altered)"}.get(name, name)
            assert mnist.load(folder, "test").name == expected


def test_the_error_for_two_sets_names_them(tiny: Path) -> None:
    places = [tiny.parent / name / "raw" for name in ("FashionMNIST", "KMNIST")]
    for place in places:
        place.mkdir(parents=True)
        (place / NAMES[0]).touch()
    with pytest.raises(DataError, match=f"found .*{places[0]}, {places[1]}: name one of these"):
        mnist.load(tiny.parent, "train")
    images = np.array(idx.read_idx(tiny / IMAGES))
    write_idx(tiny / f"{IMAGES}.gz", images)
    assert len(mnist.load(tiny, "test").labels) == 50
    write_idx(tiny / f"{IMAGES}.gz", images[::-1])
    with pytest.raises(DataError, match=f"found copies of {IMAGES} that differ; move those of one"):
        mnist.load(tiny, "test")


def test_the_error_for_a_missing_file_lists_what_is_there(tiny: Path) -> None:
    folder = tiny.rename("my set")
    (folder / LABELS).unlink()
    for number in range(5):
        (folder / f"z{number}").touch()
    with pytest.raises(DataError) as caught:
        mnist.load(folder, "test")
    assert str(caught.value) == (
        f"my set has no {LABELS}, raw or .gz: it has {IMAGES}, {NAMES[0]}, {NAMES[1]}, z0, z1, z2 "
        "and 2 more; to download MNIST to it: mnistnet download --data 'my set'; to convert "
        "another data set in it: mnistnet import 'my set' --out NEW_FOLDER"
    )


def test_a_sets_name_is_the_recorded_one_or_its_folders(tiny: Path) -> None:
    assert mnist.load(tiny, "test").name == "tiny"
    for record, name in {
        '{"name": "Digits of mine"}': "Digits of mine",
        '{"name": "\\u001b[31m"}': "tiny",
        "[]": "tiny",
    }.items():
        (tiny / mnist.IMPORTED).write_text(record)
        assert mnist.load(tiny, "test").name == name


def test_only_the_recorded_digits_are_called_drawn(tiny: Path) -> None:
    """Whatever the record contains."""
    sha256 = {split: mnist.load(tiny, split).sha256 for split in ("train", "test")}
    record = json.dumps({"sha256": sha256}).encode()
    for found in (b"", b"[]", b'{"sha256": 1}', b"[" * 10**5, record):
        (tiny / mnist.DRAWN).write_bytes(found)
        assert mnist.load(tiny, "test").drawn == (found == record)
    write_idx(tiny / LABELS, np.zeros(50, np.uint8))
    assert not mnist.load(tiny, "test").drawn


def write(folder: Path) -> bool:
    return synthetic.write(folder, lambda *_: None, counts=(20, 10))


def bytes_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_set_is_idx_files_that_are_known_as_drawn_and_never_as_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes, which run nothing in the current folder."""
    Path("socket.py").write_text("open('run', 'w')")
    monkeypatch.setattr(synthetic, "PART", 50)
    progress: list[tuple[int, int]] = []
    folder = tmp_path / "cache" / "drawn"
    assert synthetic.write(folder, lambda *step: progress.append(step), counts=(100, 30))
    assert progress == [(50, 130), (50, 130), (30, 130)]
    assert sorted(os.listdir(folder)) == sorted([mnist.DRAWN, *NAMES])
    record = json.loads((folder / mnist.DRAWN).read_bytes())
    assert record["note"] == "digits drawn by 'mnistnet download --synthetic', not MNIST"
    train, test = (mnist.load(folder, split) for split in ("train", "test"))
    assert (len(train.labels), len(test.labels)) == (100, 30)
    assert (train.drawn, train.published, test.drawn, test.published) == (True, False, True, False)
    assert len({image.tobytes() for image in [*train.images, *test.images]}) == 130
    assert not Path("run").exists()


def test_the_files_are_always_the_same_and_replace_no_others(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another set nor damaged drawn digits."""
    monkeypatch.setattr(synthetic, "process_pool", ThreadPoolExecutor)  # which starts at once
    first, again = tmp_path / "a", tmp_path / "b"
    assert [write(folder) for folder in (first, first, again)] == [True, False, True]
    assert bytes_in(first) == bytes_in(again)
    (first / NAMES[2]).write_bytes(b"damaged")
    for folder in (first, tiny):
        before = bytes_in(folder)
        with pytest.raises(DataError, match=f"expected a new or empty folder; .* in {folder}: na"):
            write(folder)
        assert bytes_in(folder) == before


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


def test_an_array_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_idx(path, np.arange(6, dtype=np.uint8).reshape(2, 3))
    array = read_idx(path)
    with path.open("r+b") as file:
        file.truncate(0)  # which would crash a reader of a memory map
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]


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

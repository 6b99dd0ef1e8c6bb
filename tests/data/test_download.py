"""Downloads are verified and stored, and a user's files are never changed."""

from pathlib import Path

import numpy as np
import pytest
from program import as_user, assert_fault, fetch, files, make_link, posix_only, write_idx

from mnistnet.data import download, mnist
from mnistnet.errors import DataError

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = NAMES = [file.name for file in mnist.FILES]


@pytest.fixture
def cache(good: str, server) -> Path:
    """The cache, with all files."""
    fetch(download.cache_folder(), good)
    server.hits.clear()
    return download.cache_folder()


def assert_complete(folder: Path, tiny: Path) -> None:
    """The folder has the four published files, raw, and nothing else."""
    expected = {name: (tiny / name).read_bytes() for name in NAMES}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected


def flip(path: Path) -> None:
    """Change the last byte of a file."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_four_files_are_downloaded_verified_and_stored_raw(
    good: str, server, tiny: Path, published, tmp_path: Path
) -> None:
    """And not requested again."""
    folder, progress = tmp_path / "a" / "b", []
    sources = download.download(
        folder, [f"{good}/"], lambda _: None, lambda *step: progress.append(step)
    )
    assert_complete(folder, tiny)
    assert sources == dict.fromkeys(NAMES, f"{good}/")
    assert server.hits == [f"/good/{name}.gz" for name in NAMES]
    received, totals = zip(*progress, strict=True)
    assert {sum(received)} == set(totals) == {sum(map(len, published.values()))}
    assert fetch(folder, good) == (["here"] * 4, [])
    assert len(server.hits) == 4


def test_a_mirror_may_be_a_local_folder(published, good: str, tiny: Path, tmp_path: Path) -> None:
    """Of raw or packed files. A damaged one is not used."""
    mirror = tmp_path / "a mirror"
    mirror.mkdir()
    for name in NAMES:
        packed = name in (TEST_IMAGES, TEST_LABELS)
        content = published[f"/{name}.gz"] if packed else (tiny / name).read_bytes()
        (mirror / (f"{name}.gz" if packed else name)).write_bytes(content)
    note = f"Downloading MNIST to {tmp_path / 'a'}"
    assert fetch(tmp_path / "a", str(mirror)) == ([str(mirror)] * 4, [note])
    assert_complete(tmp_path / "a", tiny)
    damaged = mirror / f"{TEST_IMAGES}.gz"
    flip(damaged)
    sources, notes = fetch(tmp_path / "b", str(mirror), good)
    assert_complete(tmp_path / "b", tiny)
    assert sources == [str(mirror)] * 2 + [good] * 2
    assert notes[1].startswith(f"could not download from {mirror}: {damaged}: expected ")


def test_damaged_files_in_the_cache_are_reported_and_replaced(
    cache: Path, good: str, server, tiny: Path
) -> None:
    """Also one under another name, which would look like a second data set; and on first use."""
    flip(cache / LABELS)
    (cache / TEST_LABELS).unlink()
    other = cache / f"{TEST_LABELS.replace('-idx', '.idx')}.gz"
    other.write_bytes(b"")
    sources, notes = fetch(cache, good)
    assert_complete(cache, tiny)
    assert server.hits == [f"/good/{LABELS}.gz", f"/good/{TEST_LABELS}.gz"]
    assert sources == ["here", good, "here", good]
    for note, path in zip(notes, (cache / LABELS, other), strict=False):
        assert note.startswith(f"Replacing a damaged file: {path}: expected ")
    flip(cache / TEST_LABELS)
    assert download.obtain(cache, "test", [good], notes.append, lambda *_: None).published


def test_another_set_in_a_users_folder_or_in_the_cache_is_kept(
    cache: Path, good: str, server, tmp_path: Path
) -> None:
    folder = cache.rename(tmp_path / "a")
    (folder / LABELS).unlink()
    write_idx(folder / "train-labels.idx1-ubyte.gz", np.zeros(300, np.uint8))
    before = files()
    with pytest.raises(DataError, match="train-labels.idx1-ubyte.gz: expected MNIST's, of SHA-256"):
        fetch(folder, good)
    assert files() == before
    for name in (IMAGES, TEST_IMAGES, TEST_LABELS):
        flip(folder / name)
    folder.rename(cache)
    before = files()
    with pytest.raises(DataError, match="move that file, or name another folder with --data"):
        download.obtain(cache, "test", [good], lambda _: None, lambda *_: None)
    assert files() == before
    assert server.hits == []


def test_a_folder_of_torchvision_with_part_of_mnist_is_filled(
    good: str, tiny: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "a" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / LABELS).write_bytes((tiny / LABELS).read_bytes())
    assert fetch(tmp_path / "a", good)[0] == [good, "here", good, good]
    assert_complete(raw, tiny)


@posix_only("needs file permissions")
def test_an_unusable_folder_is_reported_before_the_download(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    message = f"cannot write {tmp_path}/{IMAGES}: the folder {tmp_path} is not writable"
    note = f"Downloading MNIST to {tmp_path}\n"
    assert_fault(("download", "--data", tmp_path), message, note, run=as_user)


def test_no_file_is_overwritten_through_a_link(
    cache: Path, good: str, tiny: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    (cache / LABELS).unlink()
    make_link(cache / LABELS, outside)
    fetch(cache, good)
    assert_complete(cache, tiny)
    assert outside.read_bytes() == b"mine"


def test_the_cache_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path.cwd()))
    assert download.cache_folder() == Path.cwd() / "mnistnet"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert download.cache_folder() == Path.home() / ".cache" / "mnistnet"


def test_the_real_files_match_the_hashes_and_counts(real_mnist: Path, tmp_path: Path) -> None:
    fetch(tmp_path / "a", str(real_mnist))
    for split, count in (("train", 60000), ("test", 10000)):
        data = mnist.load(tmp_path / "a", split)
        assert data.published
        assert len(data.images) == len(data.labels) == count
    per_digit = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(data.labels).tolist() == per_digit

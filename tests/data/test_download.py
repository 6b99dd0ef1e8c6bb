"""Downloads are verified and stored, and a user's files are never changed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from program import make_link

from mnistnet.data import download, idx, mnist
from mnistnet.errors import DataError

IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = NAMES = [file.name for file in mnist.FILES]


class Listener:
    """Records a download's notes and progress."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.received = self.total = 0

    def advance(self, received: int, total: int) -> None:
        self.received += received
        self.total = total


def fetch(folder: Path, *mirrors: str) -> tuple[list[str], Listener]:
    """Download to the folder; return the sources of the four files, and what was reported."""
    listener = Listener()
    sources = download.download(folder, mirrors, listener.notes.append, listener.advance)
    assert list(sources) == NAMES
    return list(sources.values()), listener


def obtain(folder: Path, split: str, *mirrors: str) -> mnist.Dataset:
    return download.obtain(folder, split, mirrors, lambda _: None, lambda *_: None)


@pytest.fixture
def good(server, published) -> str:
    """The address of a server with the published files, and 404 for everything else."""
    server.answers = {f"/good{path}": body for path, body in published.items()}
    return f"{server.url}/good"


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
    sources, listener = fetch(tmp_path / "a" / "b", f"{good}/")
    assert_complete(tmp_path / "a" / "b", tiny)
    assert sources == [f"{good}/"] * 4
    assert server.hits == [f"/good/{name}.gz" for name in NAMES]
    assert listener.notes == [f"Downloading MNIST to {tmp_path / 'a' / 'b'}"]
    assert listener.received == listener.total == sum(map(len, published.values()))


def test_verified_files_are_not_requested_again(cache: Path, good: str, server) -> None:
    sources, listener = fetch(cache, good)
    assert sources == ["here"] * 4
    assert server.hits == listener.notes == []


@pytest.mark.parametrize("kind", ["raw", "gzip", "file URL"])
def test_a_mirror_may_be_a_local_folder(published, tiny: Path, tmp_path: Path, kind: str) -> None:
    mirror = tmp_path / "a mirror"
    mirror.mkdir()
    for name in NAMES:
        content = published[f"/{name}.gz"] if kind == "gzip" else (tiny / name).read_bytes()
        (mirror / f"{name}{'.gz' * (kind == 'gzip')}").write_bytes(content)
    _, listener = fetch(tmp_path / "a", mirror.as_uri() if kind == "file URL" else str(mirror))
    assert_complete(tmp_path / "a", tiny)
    assert listener.received == listener.total


def test_a_damaged_file_in_a_local_mirror_is_not_used(
    good: str, tiny: Path, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    damaged = mirror / IMAGES
    content = (tiny / IMAGES).read_bytes()
    for folder, body in (("a", content[:-1]), ("b", content[:-1] + b"\1")):
        damaged.write_bytes(body)
        _, listener = fetch(tmp_path / folder, str(mirror), good)
        assert_complete(tmp_path / folder, tiny)
        assert f"from {mirror}: {damaged}: expected " in listener.notes[1]


def test_two_simultaneous_downloads_both_succeed(
    good: str, server, tiny: Path, tmp_path: Path
) -> None:
    both_requested = threading.Barrier(2, timeout=10)
    path = f"/good/{IMAGES}.gz"
    body = server.answers[path]
    server.answers[path] = lambda request: (both_requested.wait(), request.send_body(body))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fetch, [tmp_path / "a"] * 2, [good] * 2))
    assert_complete(tmp_path / "a", tiny)


def test_damaged_files_in_the_cache_are_reported_and_replaced(
    cache: Path, good: str, server, tiny: Path
) -> None:
    """Also one under another name, which would look like a second data set."""
    flip(cache / LABELS)
    (cache / TEST_LABELS).unlink()
    other = cache / f"{TEST_LABELS.replace('-idx', '.idx')}.gz"
    other.write_bytes(b"")
    sources, listener = fetch(cache, good)
    assert_complete(cache, tiny)
    assert server.hits == [f"/good/{LABELS}.gz", f"/good/{TEST_LABELS}.gz"]
    assert sources == ["here", good, "here", good]
    assert listener.notes[0].startswith(
        f"Replacing a damaged file: {cache / LABELS}: expected SHA-256 {mnist.FILES[1].sha256}, "
    )
    assert listener.notes[1] == (
        f"Replacing a damaged file: {other}: expected an IDX file, found an empty file"
    )


def test_obtain_completes_and_repairs_the_cache(good: str) -> None:
    cache = download.cache_folder()
    assert obtain(cache, "test", good).published
    for damage in (flip, lambda path: path.write_bytes(b"")):
        damage(cache / TEST_LABELS)
        assert obtain(cache, "test", good).published


def test_another_set_in_the_cache_is_refused_and_kept(cache: Path, good: str, server) -> None:
    for path in cache.iterdir():
        flip(path)
    before = {path: path.read_bytes() for path in cache.iterdir()}
    for use in (fetch, lambda folder, mirror: obtain(folder, "test", mirror)):
        with pytest.raises(DataError, match="found another data set's .*move that data set"):
            use(cache, good)
    assert {path: path.read_bytes() for path in cache.iterdir()} == before
    assert server.hits == []


def test_another_set_or_a_damaged_file_in_a_users_folder_is_kept(
    good: str, server, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    fetch(folder, good)
    (folder / LABELS).unlink()
    other = folder / "train-labels.idx1-ubyte.gz"
    server.hits.clear()
    for make, message in {
        lambda: idx.write_idx(other, np.zeros(300, np.uint8)): f"expected MNIST's files in {folder}"
        f"; found another data set's {other}; name another folder with --data, or move that data "
        "set elsewhere",
        lambda: other.write_bytes(b""): f"{other}: expected an IDX file, found an empty file; "
        "replace the file, or delete it and run 'mnistnet download' again",
    }.items():
        make()
        before = {path: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(DataError) as caught:
            fetch(folder, good)
        assert str(caught.value) == message
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert server.hits == []


@pytest.mark.parametrize(
    "name", ["emnist-digits-train-images-idx3-ubyte.gz", "mnist.npz", "train.csv", "7/a.png"]
)
def test_a_folder_with_a_set_under_other_names_is_not_filled(tmp_path: Path, name: str) -> None:
    (tmp_path / "a" / name).parent.mkdir(parents=True)
    (tmp_path / "a" / name).write_bytes(b"mine")
    with pytest.raises(DataError, match="expected a new or empty folder, or MNIST's files; found"):
        fetch(tmp_path / "a")
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_a_folder_with_notes_or_part_of_mnist_is_filled(
    good: str, tiny: Path, tmp_path: Path
) -> None:
    """Also where torchvision keeps the files."""
    raw = tmp_path / "a" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "notes.txt").write_bytes(b"mine")
    (raw / LABELS).write_bytes((tiny / LABELS).read_bytes())
    assert fetch(tmp_path / "a", good)[0] == [good, "here", good, good]
    (raw / "notes.txt").unlink()
    assert_complete(raw, tiny)


@pytest.mark.parametrize("dangling", [True, False])
def test_nothing_is_written_through_a_link(
    good: str, server, tmp_path: Path, dangling: bool
) -> None:
    """Neither in the cache nor in a user's folder."""
    outside = tmp_path / "outside"
    if not dangling:
        outside.write_bytes(b"mine")
    for folder in (download.cache_folder(), tmp_path / "a"):
        folder.mkdir(parents=True)
        make_link(folder / IMAGES, outside)
        with pytest.raises(DataError, match="link|expected an IDX file"):
            fetch(folder, good)
        assert (folder / IMAGES).is_symlink()
        assert outside.exists() != dangling
        assert dangling or outside.read_bytes() == b"mine"
    assert server.hits == []


def test_check_reports_every_fault(cache: Path) -> None:
    assert download.check(cache) == dict.fromkeys(NAMES)
    (cache / LABELS).unlink()
    (cache / TEST_LABELS).write_bytes(b"")
    assert download.check(cache) == {
        IMAGES: None,
        LABELS: f"{cache}: expected {LABELS}, found none",
        TEST_IMAGES: None,
        TEST_LABELS: f"{cache / TEST_LABELS}: expected an IDX file, found an empty file",
    }


def test_the_cache_folder_follows_the_xdg_specification(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert download.cache_folder() == tmp_path / "mnistnet"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        assert download.cache_folder() == Path.home() / ".cache" / "mnistnet"


def test_the_real_files_match_the_hashes_and_counts(
    real_mnist: Path, server, tmp_path: Path
) -> None:
    for name in NAMES:
        path = real_mnist / f"{name}.gz"
        if not path.exists():
            pytest.skip("needs the real MNIST as .gz")
        server.answers[f"/{path.name}"] = path.read_bytes()
    fetch(tmp_path / "a", server.url)
    for split, count in (("train", 60000), ("test", 10000)):
        data = mnist.load(tmp_path / "a", split)
        assert data.published
        assert len(data.images) == len(data.labels) == count
    per_digit = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(data.labels).tolist() == per_digit

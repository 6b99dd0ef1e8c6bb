"""Downloads are verified, mirrors are tried in turn, and a user's files are never changed."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from program import make_link

from mnistnet.data import download, idx, mnist
from mnistnet.errors import DataError, DownloadError

FIRST = "/train-images-idx3-ubyte.gz"


class Listener:
    """Records a download's notes and progress."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.received = self.total = 0

    def advance(self, received: int, total: int) -> None:
        self.received += received
        self.total = total


def fetch(folder: Path, *mirrors: str) -> tuple[dict[str, str], Listener]:
    listener = Listener()
    return download.download(folder, mirrors, listener.notes.append, listener.advance), listener


@pytest.fixture
def good(server, published):
    """A server with the published files under /good, and 404 for everything else."""
    server.answers = {f"/good{path}": body for path, body in published.items()}
    return server


def assert_complete(folder: Path, tiny: Path) -> None:
    """The folder has the four published files, raw, and nothing else."""
    names = sorted(file.name for file in mnist.FILES)
    assert sorted(os.listdir(folder)) == names
    for name in names:
        assert (folder / name).read_bytes() == (tiny / name).read_bytes()


def test_four_files_are_downloaded_verified_and_stored_raw(good, tiny, tmp_path, published) -> None:
    sources, listener = fetch(tmp_path / "a" / "b", f"{good.url}/good/")
    assert_complete(tmp_path / "a" / "b", tiny)
    assert sources == {file.name: f"{good.url}/good/" for file in mnist.FILES}
    assert good.hits == [f"/good/{file.name}.gz" for file in mnist.FILES]
    assert listener.notes == [f"Downloading MNIST to {tmp_path / 'a' / 'b'}"]
    assert listener.received == listener.total == sum(map(len, published.values()))


def test_a_verified_cache_makes_no_request(good, tmp_path) -> None:
    fetch(tmp_path / "a", f"{good.url}/good")
    good.hits.clear()
    sources, listener = fetch(tmp_path / "a", f"{good.url}/good")
    assert set(sources.values()) == {"here"}
    assert good.hits == listener.notes == []


def test_if_every_mirror_fails_the_error_lists_each_failure(good, tmp_path) -> None:
    good.answers[f"/odd{FIRST}"] = b"<html>"
    mirrors = [f"{good.url}/none/", f"{good.url}/odd", "ftp://host", str(tmp_path)]
    with pytest.raises(DownloadError) as caught:
        fetch(tmp_path / "a", *mirrors)
    assert str(caught.value) == (
        "no mirror provided train-images-idx3-ubyte:\n"
        f"  {mirrors[0]}: 404 Not Found\n"
        f"  {mirrors[1]}: expected {mnist.FILES[0].gz_size:,} bytes of gzip, found an HTML page\n"
        f"  {mirrors[2]}: neither a URL (http, https, file) nor a folder\n"
        f"  {mirrors[3]}: has no train-images-idx3-ubyte, raw or .gz\n"
        "Try again later, name another mirror with --mirror (a URL, or a folder with the four "
        "files), or draw digits instead: mnistnet download --synthetic"
    )
    assert os.listdir(tmp_path / "a") == []


def test_no_content_encoding_is_accepted(good, tmp_path) -> None:
    requested = []

    def refuse(request) -> None:
        requested.append(request.headers["Accept-Encoding"])
        request.send_error(404)

    good.answers["/good" + FIRST] = refuse
    with pytest.raises(DownloadError):
        fetch(tmp_path / "a", f"{good.url}/good")
    assert requested == ["identity"]


@pytest.mark.parametrize("packed", [False, True])
def test_a_mirror_may_be_a_local_folder(published, tiny, tmp_path, packed) -> None:
    mirror = tmp_path / "a mirror"
    mirror.mkdir()
    for file in mnist.FILES:
        if packed:
            (mirror / f"{file.name}.gz").write_bytes(published[f"/{file.name}.gz"])
        else:
            (mirror / file.name).write_bytes((tiny / file.name).read_bytes())
    _, listener = fetch(tmp_path / "a", str(mirror))
    assert_complete(tmp_path / "a", tiny)
    assert listener.received == listener.total


def test_a_damaged_file_in_a_local_mirror_is_refused(good, tiny, tmp_path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    damaged = mirror / "train-images-idx3-ubyte"
    damaged.write_bytes((tiny / damaged.name).read_bytes()[:-1])
    _, listener = fetch(tmp_path / "a", str(mirror), f"{good.url}/good")
    assert_complete(tmp_path / "a", tiny)
    assert f"{damaged}: expected 235,216 bytes" in listener.notes[1]

    flipped = bytearray((tiny / damaged.name).read_bytes())
    flipped[-1] ^= 1
    damaged.write_bytes(flipped)
    _, listener = fetch(tmp_path / "b", str(mirror), f"{good.url}/good")
    assert_complete(tmp_path / "b", tiny)
    assert f"{damaged}: expected SHA-256 " in listener.notes[1]


def test_two_simultaneous_downloads_both_succeed(good, tiny, tmp_path) -> None:
    both_requested = threading.Barrier(2, timeout=10)
    body = good.answers["/good" + FIRST]

    def wait_for_the_other(request) -> None:
        both_requested.wait()
        request.send_body(body)

    good.answers["/good" + FIRST] = wait_for_the_other
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(fetch, tmp_path / "a", f"{good.url}/good") for _ in range(2)]
    for future in futures:
        future.result()
    assert_complete(tmp_path / "a", tiny)


def test_damaged_files_in_the_cache_are_reported_and_replaced(good, tiny) -> None:
    cache = download.cache_folder()
    fetch(cache, f"{good.url}/good")
    cut = cache / "t10k-labels-idx1-ubyte"
    cut.write_bytes(cut.read_bytes()[:-1])
    flipped = cache / "train-labels-idx1-ubyte"
    content = bytearray(flipped.read_bytes())
    content[-1] ^= 1
    flipped.write_bytes(content)

    good.hits.clear()
    sources, listener = fetch(cache, f"{good.url}/good")
    assert_complete(cache, tiny)
    assert good.hits == [f"/good/{flipped.name}.gz", f"/good/{cut.name}.gz"]
    assert sources[cut.name] == f"{good.url}/good"
    assert listener.notes[0].startswith(
        f"Replacing a damaged file: {flipped}: expected SHA-256 {mnist.FILES[1].sha256}, found "
    )
    assert listener.notes[1] == (
        f"Replacing a damaged file: {cut}: expected 58 bytes for 50 uint8; found 57"
    )


def test_another_set_in_the_cache_is_refused_and_kept(good, tiny) -> None:
    cache = download.cache_folder()
    cache.mkdir(parents=True)
    before = {}
    for file in mnist.FILES:
        array = np.array(idx.read_idx(tiny / file.name))
        array.reshape(-1)[-1] ^= 1
        idx.write_idx(cache / file.name, array)
        before[file.name] = (cache / file.name).read_bytes()
    for use in (fetch, lambda folder, mirror: obtain(folder, "test", mirror)):
        with pytest.raises(DataError, match="found another data set's .*move that data set"):
            use(cache, f"{good.url}/good")
    assert before == {path.name: path.read_bytes() for path in cache.iterdir()}
    assert good.hits == []


def test_another_set_in_a_users_folder_is_refused_complete_or_not(good, tmp_path) -> None:
    folder = tmp_path / "a"
    fetch(folder, f"{good.url}/good")
    other = folder / "train-labels.idx1-ubyte.gz"
    idx.write_idx(other, np.zeros(300, np.uint8))
    (folder / "train-labels-idx1-ubyte").unlink()
    good.hits.clear()
    for remove in (None, "t10k-labels-idx1-ubyte"):
        if remove:
            (folder / remove).unlink()
        before = sorted(os.listdir(folder))
        with pytest.raises(DataError) as caught:
            fetch(folder, f"{good.url}/good")
        assert str(caught.value) == (
            f"expected MNIST's files in {folder}; found another data set's {other}; name another "
            "folder with --data, or move that data set elsewhere"
        )
        assert sorted(os.listdir(folder)) == before
    assert good.hits == []


@pytest.mark.parametrize(
    "name", ["emnist-digits-train-images-idx3-ubyte.gz", "mnist.npz", "train.csv", "7/a.png"]
)
def test_a_folder_with_a_set_under_other_names_is_not_filled(good, tmp_path, name) -> None:
    (tmp_path / "a" / name).parent.mkdir(parents=True)
    (tmp_path / "a" / name).write_bytes(b"mine")
    with pytest.raises(DataError, match="expected a new or empty folder, or MNIST's files; found"):
        fetch(tmp_path / "a", f"{good.url}/good")
    assert good.hits == []


def test_a_folder_with_notes_or_part_of_mnist_is_filled(good, tiny, tmp_path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "notes.txt").write_bytes(b"mine")
    (folder / mnist.FILES[1].name).write_bytes((tiny / mnist.FILES[1].name).read_bytes())
    sources, _ = fetch(folder, f"{good.url}/good")
    assert list(sources.values()) == [f"{good.url}/good", "here", *[f"{good.url}/good"] * 2]
    (folder / "notes.txt").unlink()
    assert_complete(folder, tiny)


def test_torchvisions_folder_is_recognised_and_completed(good, tiny, tmp_path) -> None:
    raw = tmp_path / "a" / "MNIST" / "raw"
    fetch(raw, f"{good.url}/good")
    (raw / mnist.FILES[1].name).unlink()
    fetch(tmp_path / "a", f"{good.url}/good")
    assert_complete(raw, tiny)
    assert set(download.check(tmp_path / "a").values()) == {None}


@pytest.mark.parametrize("dangling", [True, False])
def test_nothing_is_written_through_a_link(good, tmp_path, dangling) -> None:
    """Neither in the cache nor in a user's folder."""
    outside = tmp_path / "outside"
    if not dangling:
        outside.write_bytes(b"mine")
    for folder in (download.cache_folder(), tmp_path / "a"):
        folder.mkdir(parents=True)
        link = folder / mnist.FILES[0].name
        make_link(link, outside)
        with pytest.raises(DataError, match="link|expected an IDX file"):
            fetch(folder, f"{good.url}/good")
        assert link.is_symlink()
        assert outside.exists() != dangling
        assert dangling or outside.read_bytes() == b"mine"
    assert good.hits == []


def test_a_damaged_copy_under_another_name_is_replaced_in_the_cache(good, tiny) -> None:
    cache = download.cache_folder()
    cache.mkdir(parents=True)
    (cache / "train-labels.idx1-ubyte.gz").write_bytes(b"damaged")
    fetch(cache, f"{good.url}/good")
    assert_complete(cache, tiny)
    assert obtain(cache, "train").published


def test_a_mirror_may_be_a_file_url(good, tiny, tmp_path) -> None:
    mirror = tmp_path / "a mirror"
    fetch(mirror, f"{good.url}/good")
    fetch(tmp_path / "a", mirror.as_uri())
    assert_complete(tmp_path / "a", tiny)


def test_a_file_of_another_size_in_a_local_mirror_is_not_read(good, tmp_path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    huge = mirror / FIRST[1:].removesuffix(".gz")
    with huge.open("wb") as stream:
        stream.write(bytes([0, 0, 8, 3]) + np.array([2**20, 28, 28], ">u4").tobytes())
        stream.truncate(16 + 2**20 * 784)  # sparse
    with pytest.raises(DownloadError, match="expected 235,216 bytes, found 822,083,600"):
        fetch(tmp_path / "a", str(mirror))


def obtain(folder: Path, split: str, *mirrors: str) -> mnist.Dataset:
    return download.obtain(folder, split, mirrors, lambda _: None, lambda *_: None)


def test_obtain_completes_and_repairs_the_cache(good, tiny) -> None:
    cache = download.cache_folder()
    assert obtain(cache, "test", f"{good.url}/good").published
    for content in (b"", (cache / "t10k-labels-idx1-ubyte").read_bytes()[:-1] + b"\0"):
        (cache / "t10k-labels-idx1-ubyte").write_bytes(content)
        assert obtain(cache, "test", f"{good.url}/good").published


def test_check_reports_every_fault(good, tmp_path) -> None:
    fetch(tmp_path / "a", f"{good.url}/good")
    assert set(download.check(tmp_path / "a").values()) == {None}
    path = tmp_path / "a" / "t10k-labels-idx1-ubyte"
    path.write_bytes(b"")
    (tmp_path / "a" / "train-labels-idx1-ubyte").unlink()
    assert download.check(tmp_path / "a") == {
        "train-images-idx3-ubyte": None,
        "train-labels-idx1-ubyte": f"{tmp_path / 'a'}: expected train-labels-idx1-ubyte, "
        "found none",
        "t10k-images-idx3-ubyte": None,
        "t10k-labels-idx1-ubyte": f"{path}: expected an IDX file, found an empty file",
    }


def test_the_cache_folder_follows_the_xdg_specification(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert download.cache_folder() == tmp_path / "mnistnet"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert download.cache_folder() == tmp_path / ".cache" / "mnistnet"


def test_the_real_files_are_accepted_from_a_server(real_mnist, server, tmp_path) -> None:
    for file in mnist.FILES:
        path = real_mnist / f"{file.name}.gz"
        if not path.exists():
            pytest.skip("needs the real MNIST as .gz")
        server.answers[f"/{path.name}"] = path.read_bytes()
    fetch(tmp_path / "a", server.url)
    assert set(download.check(tmp_path / "a").values()) == {None}

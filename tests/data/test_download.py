"""Downloads are believed only when verified; whatever a mirror does wrong, the next is asked."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import download, idx, mnist
from mnistnet.errors import DataError, DownloadError, MnistnetError

FIRST = "/train-images-idx3-ubyte.gz"


class Listener:
    """Keeps what the downloader says, and adds up what it receives."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.received = 0
        self.total = 0

    def notify(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def advance(self, received: int, total: int) -> None:
        self.received += received
        self.total = total


def fetch(folder: Path, *mirrors: str) -> tuple[dict[str, str], Listener]:
    listener = Listener()
    return download.download(folder, mirrors, listener.notify, listener.advance), listener


@pytest.fixture
def good(server, published):
    """A server that has the published files under /good, and 404 for all else."""
    server.answers = {f"/good{path}": body for path, body in published.items()}
    return server


def assert_complete(folder: Path, tiny: Path) -> None:
    """The four raw files, equal to the published ones, and nothing else."""
    names = sorted(file.name for file in mnist.FILES)
    assert sorted(os.listdir(folder)) == names
    for name in names:
        assert (folder / name).read_bytes() == (tiny / name).read_bytes()


def test_four_files_are_fetched_verified_and_kept_raw(good, tiny, tmp_path, published) -> None:
    sources, listener = fetch(tmp_path / "a" / "b", f"{good.url}/good/")
    assert_complete(tmp_path / "a" / "b", tiny)
    assert sources == {file.name: f"{good.url}/good/" for file in mnist.FILES}
    assert good.hits == [f"/good/{file.name}.gz" for file in mnist.FILES]
    assert listener.sentences == [f"Downloading MNIST to {tmp_path / 'a' / 'b'}"]
    assert listener.received == listener.total == sum(map(len, published.values()))


def test_a_verified_cache_makes_no_request(good, tmp_path) -> None:
    fetch(tmp_path / "a", f"{good.url}/good")
    good.hits.clear()
    sources, listener = fetch(tmp_path / "a", f"{good.url}/good")
    assert set(sources.values()) == {"here"}
    assert good.hits == listener.sentences == []


def test_where_no_mirror_is_left_each_answer_is_listed(good, tmp_path) -> None:
    good.answers[f"/odd{FIRST}"] = b"<html>"
    mirrors = [f"{good.url}/none/", f"{good.url}/odd", "ftp://host", str(tmp_path)]
    with pytest.raises(DownloadError) as caught:
        fetch(tmp_path / "a", *mirrors)
    assert str(caught.value) == (
        "no mirror gave train-images-idx3-ubyte:\n"
        f"  {mirrors[0]}: 404 Not Found\n"
        f"  {mirrors[1]}: expected {mnist.FILES[0].gz_size:,} bytes of gzip, found an HTML page\n"
        f"  {mirrors[2]}: neither an http(s) address nor a folder\n"
        f"  {mirrors[3]}: has no train-images-idx3-ubyte, raw or .gz\n"
        "Try again later, or name another source with --mirror: an address, or a folder that has "
        "the four files; or draw digits to try with: 'mnistnet download --synthetic'"
    )
    assert os.listdir(tmp_path / "a") == []


@pytest.mark.parametrize("unpacked", [False, True])
def test_bytes_are_taken_as_sent_whatever_encoding_is_declared(
    good, tiny, tmp_path, unpacked
) -> None:
    """A server that calls the .gz an encoding, and a proxy that unpacks it on the way."""
    body = good.answers["/good" + FIRST]
    if unpacked:
        good.answers["/good" + FIRST] = (tiny / "train-images-idx3-ubyte").read_bytes()
    else:
        good.answers["/good" + FIRST] = lambda request: request.send_body(
            body, Content_Encoding="gzip"
        )
    fetch(tmp_path / "a", f"{good.url}/good")
    assert_complete(tmp_path / "a", tiny)


def test_the_file_itself_is_asked_for_not_an_encoding_of_it(good, tmp_path) -> None:
    asked = []

    def remember(request) -> None:
        asked.append(request.headers["Accept-Encoding"])
        request.send_error(404)

    good.answers["/good" + FIRST] = remember
    with pytest.raises(DownloadError):
        fetch(tmp_path / "a", f"{good.url}/good")
    assert asked == ["identity"]


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


def test_a_damaged_file_in_a_local_mirror_is_not_believed(good, tiny, tmp_path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    damaged = mirror / "train-images-idx3-ubyte"
    damaged.write_bytes((tiny / damaged.name).read_bytes()[:-1])
    _, listener = fetch(tmp_path / "a", str(mirror), f"{good.url}/good")
    assert_complete(tmp_path / "a", tiny)
    assert f"{damaged}: expected 235,216 bytes" in listener.sentences[1]

    flipped = bytearray((tiny / damaged.name).read_bytes())
    flipped[-1] ^= 1
    damaged.write_bytes(flipped)
    _, listener = fetch(tmp_path / "b", str(mirror), f"{good.url}/good")
    assert_complete(tmp_path / "b", tiny)
    assert f"{damaged}: expected SHA-256 " in listener.sentences[1]


def test_two_downloads_at_once_both_succeed(good, tiny, tmp_path) -> None:
    both_asking = threading.Barrier(2, timeout=10)
    body = good.answers["/good" + FIRST]

    def wait_for_the_other(request) -> None:
        both_asking.wait()
        request.send_body(body)

    good.answers["/good" + FIRST] = wait_for_the_other
    results: list[dict[str, str]] = []
    threads = [
        threading.Thread(
            target=lambda: results.append(fetch(tmp_path / "a", f"{good.url}/good")[0])
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert_complete(tmp_path / "a", tiny)


def test_an_interrupted_download_leaves_nothing_behind(good, tmp_path) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download.download(tmp_path / "a", [f"{good.url}/good"], lambda _: None, interrupt)
    assert os.listdir(tmp_path / "a") == []


def test_a_cache_that_is_a_file_is_an_error(good, tmp_path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(MnistnetError) as caught:
        fetch(tmp_path / "a", f"{good.url}/good")
    assert str(caught.value) == f"cannot make the folder {tmp_path / 'a'}: File exists"
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_damaged_files_are_named_and_replaced_in_the_tools_own_cache(good, tiny) -> None:
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
    assert listener.sentences[0].startswith(
        f"Replacing a damaged file: {flipped}: expected SHA-256 {mnist.FILES[1].sha256}, found "
    )
    assert listener.sentences[1] == (
        f"Replacing a damaged file: {cut}: expected 58 bytes for 50 uint8; found 57"
    )


def test_another_set_in_the_tools_own_cache_is_a_users_and_stays(good, tiny) -> None:
    cache = download.cache_folder()
    cache.mkdir(parents=True)
    before = {}
    for file in mnist.FILES:
        array = np.array(idx.read_idx(tiny / file.name))
        array.reshape(-1)[-1] ^= 1
        idx.write_idx(cache / file.name, array)
        before[file.name] = (cache / file.name).read_bytes()
    sources, _ = fetch(cache, f"{good.url}/good")
    assert set(sources.values()) == {"here, not MNIST's own"}
    assert not obtain(cache, "test", f"{good.url}/good").published
    assert before == {path.name: path.read_bytes() for path in cache.iterdir()}
    assert good.hits == []


def test_a_damaged_file_in_a_users_folder_is_named_and_kept(good, tmp_path) -> None:
    fetch(tmp_path / "a", f"{good.url}/good")
    path = tmp_path / "a" / "t10k-labels-idx1-ubyte"
    path.write_bytes(b"\0\0\x08")
    with pytest.raises(DataError, match=f"^{path}: expected an IDX file"):
        fetch(tmp_path / "a", f"{good.url}/good")
    assert path.read_bytes() == b"\0\0\x08"


def test_another_set_in_a_users_folder_is_used_and_never_mixed(good, tmp_path) -> None:
    fetch(tmp_path / "a", f"{good.url}/good")
    other = np.zeros(300, np.uint8)
    idx.write_idx(tmp_path / "a" / "train-labels.idx1-ubyte.gz", other)
    (tmp_path / "a" / "train-labels-idx1-ubyte").unlink()
    before = sorted(os.listdir(tmp_path / "a"))
    sources, _ = fetch(tmp_path / "a", f"{good.url}/good")
    assert sources["train-labels-idx1-ubyte"] == "here, not MNIST's own"
    assert sorted(os.listdir(tmp_path / "a")) == before

    (tmp_path / "a" / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError) as caught:
        fetch(tmp_path / "a", f"{good.url}/good")
    assert str(caught.value) == (
        f"{tmp_path / 'a'} has another data set's train-labels-idx1-ubyte and no "
        "t10k-labels-idx1-ubyte; MNIST's would not fit it: add that set's own file, or name "
        "another folder with --data"
    )


def obtain(folder: Path, split: str, *mirrors: str) -> mnist.Dataset:
    return download.obtain(folder, split, mirrors, lambda _: None, lambda *_: None)


def test_obtain_downloads_what_is_missing_and_mends_its_own_cache(good, tmp_path) -> None:
    cache = download.cache_folder()
    for folder in (tmp_path / "a", cache):
        assert obtain(folder, "test", f"{good.url}/good").published
    for content in (b"", (cache / "t10k-labels-idx1-ubyte").read_bytes()[:-1] + b"\0"):
        (cache / "t10k-labels-idx1-ubyte").write_bytes(content)
        assert obtain(cache, "test", f"{good.url}/good").published


def test_obtain_asks_no_mirror_for_a_split_that_is_there(tiny) -> None:
    (tiny / "train-labels-idx1-ubyte").unlink()
    assert len(obtain(tiny, "test").labels) == 50
    with pytest.raises(DataError, match="has another data set's"):
        obtain(tiny, "train")


def test_check_names_every_fault_and_asks_no_mirror(good, tmp_path) -> None:
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


def test_the_cache_is_where_the_system_wants_it(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert download.cache_folder() == tmp_path / "mnistnet"
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        monkeypatch.setenv("HOME", str(tmp_path))
        assert download.cache_folder() == tmp_path / ".cache" / "mnistnet"


def test_the_real_files_come_through_a_real_server(real_mnist, server, tmp_path) -> None:
    for file in mnist.FILES:
        path = real_mnist / f"{file.name}.gz"
        if not path.exists():
            pytest.skip("needs the real MNIST as .gz")
        server.answers[f"/{path.name}"] = path.read_bytes()
    fetch(tmp_path / "a", server.url)
    assert set(download.check(tmp_path / "a").values()) == {None}

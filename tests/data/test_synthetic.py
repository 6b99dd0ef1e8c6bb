"""Drawn digits look as MNIST's do, each another, can be read, and are a data set of their own."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import idx, mnist, synthetic
from mnistnet.errors import DataError, MnistnetError


def nothing(*_: int) -> None:
    pass


def test_a_set_is_idx_files_that_are_known_as_drawn_and_never_as_mnist(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = tmp_path / "cache" / "drawn"
    assert synthetic.write(folder, lambda *step: told.append(step), counts=(1500, 30))
    assert told == [(1000, 1530), (530, 1530)]
    assert sorted(os.listdir(folder)) == [
        mnist.DRAWN,
        *sorted(file.name for file in mnist.FILES),
    ]
    for split, count in (("train", 1500), ("test", 30)):
        data = mnist.load(folder, split)
        assert len(data.labels) == count
        assert (data.drawn, data.published) == (True, False)
        assert (data.published, data.drawn) == (False, True)
    train, test = (mnist.load(folder, split).images for split in ("train", "test"))
    assert len({image.tobytes() for image in [*train, *test]}) == 1530


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        synthetic.write(tmp_path / name, nothing, seed, counts=(20, 10))
    for file in mnist.FILES[::2]:
        a, b, c = ((tmp_path / name / file.name).read_bytes() for name in "abc")
        assert a == b != c


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    folder = tmp_path / "drawn"
    synthetic.write(folder, nothing, counts=(20, 10))
    return folder


def test_a_whole_set_is_not_drawn_again_and_a_damaged_one_is(drawn: Path) -> None:
    before = {path: path.read_bytes() for path in drawn.iterdir()}
    assert not synthetic.write(drawn, nothing, counts=(20, 10))
    (drawn / mnist.FILES[0].name).unlink()
    assert synthetic.write(drawn, nothing, counts=(20, 10))
    (drawn / mnist.FILES[3].name).write_bytes(b"damaged")
    assert synthetic.write(drawn, nothing, counts=(20, 10))
    assert {path: path.read_bytes() for path in drawn.iterdir()} == before
    assert synthetic.write(drawn, nothing, seed=5, counts=(20, 10))


def test_another_set_is_never_overwritten(tiny: Path) -> None:
    before = {path: path.read_bytes() for path in tiny.iterdir()}
    with pytest.raises(DataError) as caught:
        synthetic.write(tiny, nothing, counts=(20, 10))
    assert str(caught.value) == (
        f"expected a folder for drawn digits, found {tiny / 'train-images-idx3-ubyte'}, which is "
        "not one of them; name another folder with --data"
    )
    assert {path: path.read_bytes() for path in tiny.iterdir()} == before


def test_a_users_files_beside_drawn_json_are_never_overwritten(drawn: Path, tiny: Path) -> None:
    """Whoever draws into a folder may later put files of their own there."""
    mine = tiny / mnist.FILES[0].name
    mine.rename(drawn / mine.name)
    before = {path: path.read_bytes() for path in drawn.iterdir()}
    with pytest.raises(DataError, match="which is not one of them"):
        synthetic.write(drawn, nothing, counts=(20, 10))
    assert {path: path.read_bytes() for path in drawn.iterdir()} == before


def test_what_is_no_file_or_endless_is_not_read_as_drawn_json(tiny: Path) -> None:
    os.mkfifo(tiny / mnist.DRAWN)
    assert not mnist.load(tiny, "test").drawn
    (tiny / mnist.DRAWN).unlink()
    (tiny / mnist.DRAWN).write_bytes(b'{"sha256": {}}' + b" " * 10**5)
    assert mnist.stated(tiny) is None


@pytest.mark.parametrize(
    "said",
    [b"", b"[]", b"{}", b'{"sha256": 1}', b'{"sha256": {"test": "x"}}', b"\xff", b"[" * 10**5],
)
def test_what_only_claims_to_be_drawn_is_not(drawn: Path, said: bytes) -> None:
    (drawn / mnist.DRAWN).write_bytes(said)
    assert not mnist.load(drawn, "test").drawn


def test_files_that_took_the_place_of_drawn_ones_are_not_called_drawn(drawn: Path) -> None:
    path = drawn / mnist.FILES[2].name
    idx.write_idx(path, np.array(idx.read_idx(path)[::-1]))
    data = mnist.load(drawn, "test")
    assert (data.published, data.drawn) == (False, False)


def test_no_set_is_left_known_as_drawn_by_an_interruption(tmp_path: Path) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthetic.write(tmp_path / "a", interrupt, counts=(20, 10))
    assert os.listdir(tmp_path / "a") == []


def test_a_set_that_cannot_be_written_whole_costs_the_one_before_nothing(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full disk, which shows when the bytes are to be on it."""
    before = {path: path.read_bytes() for path in drawn.iterdir()}
    count = iter(range(100))

    def full(_: int) -> None:
        if next(count) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MnistnetError, match="No space left on device"):
        synthetic.write(drawn, nothing, seed=1, counts=(20, 10))
    assert {path: path.read_bytes() for path in drawn.iterdir()} == before


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("nothing")])
def test_what_stands_in_the_way_of_drawn_json_is_told_before_drawing(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / mnist.DRAWN)

    def drawing(*_: int) -> None:
        raise AssertionError

    with pytest.raises(MnistnetError, match=f"{mnist.DRAWN}"):
        synthetic.write(tmp_path, drawing, counts=(20, 10))
    assert os.listdir(tmp_path) == [mnist.DRAWN]


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(MnistnetError, match="cannot make the folder"):
        synthetic.write(tmp_path / "a", nothing, counts=(20, 10))


def test_drawn_json_says_what_it_is_of(drawn: Path) -> None:
    said = json.loads((drawn / mnist.DRAWN).read_bytes())
    assert said["note"] == "digits drawn by 'mnistnet download --synthetic', not MNIST"
    assert (said["seed"], said["counts"]) == (0, [20, 10])
    assert said["sha256"]["test"] == mnist.load(drawn, "test").sha256


def test_nothing_in_the_current_folder_is_run(tmp_path: Path) -> None:
    Path("socket.py").write_text("open('run', 'w')")
    synthetic.write(tmp_path / "drawn", lambda *_: None, counts=(10, 10))
    assert not Path("run").exists()

"""Drawn digits are written as a data set in MNIST's form, which is never mistaken for MNIST."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from program import make_link, make_pipe

from mnistnet.data import idx, mnist, synthetic
from mnistnet.errors import DataError, MnistnetError


def nothing(*_: int) -> None:
    pass


def test_a_set_is_idx_files_that_are_known_as_drawn_and_never_as_mnist(tmp_path: Path) -> None:
    progress: list[tuple[int, int]] = []
    folder = tmp_path / "cache" / "drawn"
    assert synthetic.write(folder, lambda *step: progress.append(step), counts=(1500, 30))
    assert progress == [(1000, 1530), (530, 1530)]
    assert sorted(os.listdir(folder)) == sorted([mnist.DRAWN, *(file.name for file in mnist.FILES)])
    for split, count in (("train", 1500), ("test", 30)):
        data = mnist.load(folder, split)
        assert len(data.labels) == count
        assert (data.drawn, data.published) == (True, False)
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


def test_only_an_incomplete_or_damaged_set_is_drawn_again(drawn: Path) -> None:
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
        f"expected no files but drawn digits in {tiny}; found train-images-idx3-ubyte; name "
        "another folder with --data"
    )
    assert {path: path.read_bytes() for path in tiny.iterdir()} == before


def test_a_users_files_beside_drawn_json_are_never_overwritten(drawn: Path, tiny: Path) -> None:
    mine = tiny / mnist.FILES[0].name
    mine.rename(drawn / mine.name)
    before = {path: path.read_bytes() for path in drawn.iterdir()}
    with pytest.raises(DataError, match="expected no files but drawn digits"):
        synthetic.write(drawn, nothing, counts=(20, 10))
    assert {path: path.read_bytes() for path in drawn.iterdir()} == before


def test_a_drawn_json_that_is_a_pipe_or_too_large_is_ignored(tiny: Path) -> None:
    make_pipe(tiny / mnist.DRAWN)
    assert not mnist.load(tiny, "test").drawn
    (tiny / mnist.DRAWN).unlink()
    (tiny / mnist.DRAWN).write_bytes(b'{"sha256": {}}' + b" " * 10**5)
    assert mnist.drawn_record(tiny) is None


@pytest.mark.parametrize(
    "record",
    [b"", b"[]", b"{}", b'{"sha256": 1}', b'{"sha256": {"test": "x"}}', b"\xff", b"[" * 10**5],
)
def test_a_set_beside_a_malformed_drawn_json_is_not_called_drawn(
    drawn: Path, record: bytes
) -> None:
    (drawn / mnist.DRAWN).write_bytes(record)
    assert not mnist.load(drawn, "test").drawn


def test_files_that_replaced_drawn_ones_are_not_called_drawn(drawn: Path) -> None:
    path = drawn / mnist.FILES[2].name
    idx.write_idx(path, np.array(idx.read_idx(path)[::-1]))
    data = mnist.load(drawn, "test")
    assert (data.published, data.drawn) == (False, False)


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthetic.write(tmp_path / "a", interrupt, counts=(20, 10))
    assert os.listdir(tmp_path / "a") == []


def test_a_full_disk_leaves_the_existing_set_unchanged(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in drawn.iterdir()}
    count = iter(range(100))

    def full(_: int) -> None:
        if next(count) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MnistnetError, match="No space left on device"):
        synthetic.write(drawn, nothing, seed=1, counts=(20, 10))
    assert {path: path.read_bytes() for path in drawn.iterdir()} == before


@pytest.mark.parametrize("make", [Path.mkdir, make_pipe, lambda path: make_link(path, "none")])
def test_an_obstacle_to_drawn_json_is_reported_before_drawing(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / mnist.DRAWN)

    def drawing(*_: int) -> None:
        raise AssertionError

    with pytest.raises(MnistnetError, match=f"{mnist.DRAWN}"):
        synthetic.write(tmp_path, drawing, counts=(20, 10))
    assert os.listdir(tmp_path) == [mnist.DRAWN]


def test_drawn_json_records_the_origin_and_the_hashes(drawn: Path) -> None:
    record = json.loads((drawn / mnist.DRAWN).read_bytes())
    assert record["note"] == "digits drawn by 'mnistnet download --synthetic', not MNIST"
    assert (record["seed"], record["counts"]) == (0, [20, 10])
    assert record["sha256"]["test"] == mnist.load(drawn, "test").sha256


def test_drawing_processes_run_nothing_in_the_current_folder(tmp_path: Path) -> None:
    Path("socket.py").write_text("open('run', 'w')")
    synthetic.write(tmp_path / "drawn", nothing, counts=(10, 10))
    assert not Path("run").exists()

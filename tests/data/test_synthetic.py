"""Drawn digits are written as a data set in MNIST's form, which is never mistaken for MNIST."""

import errno
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from program import make_link, make_pipe

from mnistnet.data import idx, mnist, synthetic
from mnistnet.errors import DataError, MnistnetError

NAMES = [file.name for file in mnist.FILES]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw in threads, because processes take a second to start."""
    monkeypatch.setattr(synthetic, "process_pool", ThreadPoolExecutor)


def write(folder: Path, seed: int = 0) -> bool:
    return synthetic.write(folder, lambda *_: None, seed, counts=(20, 10))


@pytest.fixture
def drawn(tmp_path: Path, threads: None) -> Path:
    write(tmp_path / "drawn")
    return tmp_path / "drawn"


def content(folder: Path) -> dict[str, bytes]:
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
    assert (record["seed"], record["counts"]) == (0, [100, 30])
    train, test = (mnist.load(folder, split) for split in ("train", "test"))
    assert (len(train.labels), len(test.labels)) == (100, 30)
    assert (train.drawn, train.published, test.drawn, test.published) == (True, False, True, False)
    assert len({image.tobytes() for image in [*train.images, *test.images]}) == 130
    assert not Path("run").exists()


def test_the_same_seed_gives_the_same_files_and_another_seed_others(drawn: Path) -> None:
    before = content(drawn)
    assert not write(drawn)
    write(drawn.parent / "again")
    assert content(drawn.parent / "again") == before
    assert write(drawn, seed=1)
    assert all(content(drawn)[name] != before[name] for name in NAMES[::2])


def test_an_incomplete_or_damaged_set_is_drawn_again(drawn: Path) -> None:
    before = content(drawn)
    (drawn / NAMES[0]).unlink()
    (drawn / NAMES[3]).write_bytes(b"damaged")
    assert write(drawn)
    assert content(drawn) == before


def test_a_users_files_are_never_overwritten(drawn: Path, tiny: Path) -> None:
    """Neither in a folder of another set, nor beside drawn.json, nor a gzip copy of drawn ones."""
    idx.write_idx(drawn / f"{NAMES[0]}.gz", idx.read_idx(drawn / NAMES[0]))
    (drawn / NAMES[0]).unlink()
    mixed = drawn.parent / "mixed"
    write(mixed)
    (tiny / NAMES[2]).replace(mixed / NAMES[2])
    for folder, name in ((tiny, NAMES[0]), (drawn, f"{NAMES[0]}.gz"), (mixed, NAMES[2])):
        before = content(folder)
        with pytest.raises(DataError) as caught:
            write(folder, seed=1)
        assert str(caught.value) == (
            f"expected no files but drawn digits in {folder}; found {name}; name another folder "
            "with --data"
        )
        assert content(folder) == before


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
def test_a_set_beside_a_malformed_drawn_json_is_neither_called_drawn_nor_replaced(
    drawn: Path, record: bytes
) -> None:
    (drawn / mnist.DRAWN).write_bytes(record)
    assert not mnist.load(drawn, "test").drawn
    with pytest.raises(DataError, match="expected no files but drawn digits"):
        write(drawn)


def test_files_that_replaced_drawn_ones_are_not_called_drawn(drawn: Path) -> None:
    path = drawn / NAMES[2]
    idx.write_idx(path, np.array(idx.read_idx(path)[::-1]))
    data = mnist.load(drawn, "test")
    assert (data.published, data.drawn) == (False, False)


def test_an_interruption_leaves_nothing(tmp_path: Path, threads: None) -> None:
    def interrupt(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthetic.write(tmp_path / "a", interrupt, counts=(20, 10))
    assert os.listdir(tmp_path / "a") == []


def test_a_full_disk_leaves_the_existing_set_unchanged(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(drawn)
    count = iter(range(100))

    def full(_: int) -> None:
        if next(count) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MnistnetError, match="No space left on device"):
        write(drawn, seed=1)
    assert content(drawn) == before


@pytest.mark.parametrize("make", [Path.mkdir, make_pipe, lambda path: make_link(path, "none")])
def test_an_obstacle_to_drawn_json_is_reported_before_drawing(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / mnist.DRAWN)
    monkeypatch.delattr(synthetic, "process_pool")
    with pytest.raises(MnistnetError, match=mnist.DRAWN):
        write(tmp_path)
    assert os.listdir(tmp_path) == [mnist.DRAWN]

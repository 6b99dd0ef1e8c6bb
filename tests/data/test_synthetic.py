"""Drawn digits are written as a data set in MNIST's form, which is never mistaken for MNIST."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnistnet.data import mnist, synthetic
from mnistnet.errors import DataError

NAMES = [file.name for file in mnist.FILES]


def write(folder: Path) -> bool:
    return synthetic.write(folder, lambda *_: None, counts=(20, 10))


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
    assert content(first) == content(again)
    (first / NAMES[2]).write_bytes(b"damaged")
    for folder in (first, tiny):
        before = content(folder)
        with pytest.raises(DataError, match=f"expected a new or empty folder; .* in {folder}: na"):
            write(folder)
        assert content(folder) == before

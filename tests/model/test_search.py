"""A search trains missing starts, keeps finished ones, and gives the same weights with any
executor; the scores of a committee are the mean of its members' scores."""

import multiprocessing
import platform
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tasks

from mnistnet.errors import MnistnetError, TrainingError, WeightsError
from mnistnet.executors import process_pool
from mnistnet.model import search as library
from mnistnet.model import weights
from mnistnet.model.metadata import Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.search import Start, best, blank_committee, committee, load_starts, search

OPTIONS = Options((6,), epochs=2, batch_size=10, augment=False, validation=20, seed=5)
SOURCE = Source({"images": "12", "labels": "34"})
FOLDER = Path("net.starts")


class Backwards(Executor):
    """Runs the tasks in reverse order, after all have been submitted."""

    def __init__(self, count: int) -> None:
        self.count, self.waiting = count, []

    def submit(self, task: Callable[..., Any], /, *words: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        self.waiting.append((future, partial(task, *words, **named)))
        if len(self.waiting) == self.count:
            for each, run in reversed(self.waiting):
                each.set_result(run())
        return future


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def run(executor: Executor, starts: int, options: Options = OPTIONS, **more: Any) -> list[Start]:
    words = {"train": tasks.trained, "source": SOURCE, "folder": FOLDER} | more
    return list(search(executor, words.pop("train"), options, starts=starts, **words))


def contents(folder: Path = FOLDER) -> dict[str, bytes]:
    """The weights in each file of the folder."""
    return {
        path.name: weights.load(path)[0].parameters.tobytes() for path in sorted(folder.iterdir())
    }


# ---- the committee


@pytest.mark.parametrize(
    "hidden", [[(7,), (5,), (7,)], [(7, 4), (5, 6)], [(3, 4, 5), (5, 4, 3)], [(), ()], [(9,)]]
)
def test_a_committee_averages_the_scores_of_its_members(hidden: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(0)
    networks = [Network.random((784, *layers, 10), rng) for layers in hidden]
    images = rng.integers(0, 256, (50, 784), np.uint8)
    mean = np.mean([network.image_scores(images) for network in networks], axis=0)
    whole = committee(networks)
    assert whole.layers == (784, *map(sum, zip(*hidden, strict=True)), 10)
    assert whole.image_scores(images) == pytest.approx(mean, abs=1e-5)


def test_an_impossible_committee_is_an_error() -> None:
    with pytest.raises(MnistnetError, match=r"expected networks of the same depth; found \[2, 3\]"):
        committee([Network((784, 10)), Network((784, 5, 10))])
    with pytest.raises(
        MnistnetError,
        match="the committee of 500 networks is too large: expected at most 67,108,864 weights; "
        "found .*: use fewer hidden units, or average fewer with --best",
    ):
        blank_committee([(784, 800, 800, 10)] * 500)


# ---- the starts


def test_the_weights_do_not_depend_on_the_executor_or_on_the_order() -> None:
    with process_pool(2) as processes:
        starts = run(processes, 4)
    assert sorted(start.seed for start in starts) == [5, 6, 7, 8]
    assert [start.kept for start in starts] == [False] * 4
    other = run(Backwards(4), 4, folder=Path("other.starts"))
    assert len(other) == 4
    assert contents() == contents(Path("other.starts"))
    assert list(contents()) == [f"seed-000{seed}.npz" for seed in (5, 6, 7, 8)]
    for seed in (5, 6, 7, 8):
        alone = tasks.trained(replace(OPTIONS, seed=seed))[0].tobytes()
        assert contents()[f"seed-000{seed}.npz"] == alone


def test_only_missing_starts_are_trained(threads: Executor) -> None:
    trained = []

    def train(options: Options) -> Any:
        trained.append(options.seed)
        return tasks.trained(options)

    whole = run(threads, 3, train=train)
    before = contents()
    (FOLDER / "seed-0006.npz").write_bytes(b"")  # as after a power failure
    again = run(threads, 4, train=train)
    assert trained == [5, 6, 7, 6, 8]
    assert [(start.seed, start.kept) for start in again] == [
        (5, True),
        (7, True),
        (6, False),
        (8, False),
    ]
    assert {name: contents()[name] for name in before} == before
    assert [start.seed for start in load_starts(FOLDER)] == [5, 6, 7, 8]
    assert whole[0].last == again[0].last


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"options": replace(OPTIONS, epochs=3)},
            "started with --epochs 2, not --epochs 3; use the same",
        ),
        (
            {"options": replace(OPTIONS, hidden=(7,))},
            "started with --hidden 6, not --hidden 7; use",
        ),
        (
            {"source": Source({"images": "56", "labels": "34"})},
            "started with training images of SHA-256 12, not training images of SHA-256 56;",
        ),
    ],
)
def test_starts_with_other_options_or_data_are_an_error_with_both_values(
    threads: Executor, change: dict[str, Any], words: str
) -> None:
    run(threads, 1)
    before = contents()
    with pytest.raises(
        TrainingError, match=re.escape(str(FOLDER / "seed-0005.npz")) + f" was {words}"
    ):
        run(threads, 2, **change)
    assert contents() == before


def test_another_file_in_the_folder_is_not_replaced(threads: Executor) -> None:
    FOLDER.mkdir()
    (FOLDER / "seed-0006.npz").write_text("a diary")
    with pytest.raises(WeightsError, match="net.starts/seed-0006.npz: expected a weights file"):
        run(threads, 3)
    assert (FOLDER / "seed-0006.npz").read_text() == "a diary"


def test_a_folder_without_starts_or_with_different_ones_is_an_error(threads: Executor) -> None:
    with pytest.raises(TrainingError, match="net.starts: expected the starts of a search; found n"):
        load_starts(FOLDER)
    run(threads, 1)
    run(threads, 1, replace(OPTIONS, seed=9, validation=10))
    with pytest.raises(TrainingError, match="seed-0009.npz was started with --validation 10, not"):
        load_starts(FOLDER)


# ---- failures


def test_a_failed_start_is_named_and_finished_ones_are_kept(threads: Executor) -> None:
    with pytest.raises(TrainingError, match="the start with seed 7: the loss is no longer finite"):
        run(threads, 3, replace(OPTIONS, seed=6), train=tasks.diverged_if_odd)
    assert list(contents()) == ["seed-0006.npz"]


def test_a_search_continues_after_a_process_was_killed(tmp_path: Path) -> None:
    train = partial(tasks.killed_once, tmp_path)
    with (
        pytest.raises(
            TrainingError, match="a training process was killed.*kept in net.starts; run the same"
        ),
        process_pool(2) as processes,
    ):
        run(processes, 3, train=train)
    with process_pool(2) as processes:
        assert len(run(processes, 3, train=train)) == 3


def test_ctrl_c_ends_all_processes_and_keeps_finished_starts() -> None:
    with pytest.raises(KeyboardInterrupt), process_pool(2) as processes:
        coming = search(
            processes, tasks.endless_if_odd, replace(OPTIONS, seed=6), SOURCE, FOLDER, 4
        )
        assert [next(coming).seed, next(coming).seed] == [6, 8]
        raise KeyboardInterrupt
    assert multiprocessing.active_children() == []
    assert list(contents()) == ["seed-0006.npz", "seed-0008.npz"]


def test_a_worker_with_another_version_is_named(
    threads: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([{"NumPy": "1.0"}] + [library.versions()] * 9)
    monkeypatch.setattr(library, "versions", lambda: next(answers))
    with pytest.raises(
        TrainingError, match=rf"{platform.node()}: expected NumPy 1\.0; found .*; install the"
    ):
        run(threads, 1)


# ---- the best


def test_the_best_starts_have_the_lowest_validation_losses(threads: Executor) -> None:
    starts = run(threads, 4)
    losses = sorted((start.last.validation_loss, start.seed) for start in starts)
    assert [start.seed for start in best(starts, 2)] == [seed for _, seed in losses[:2]]
    with pytest.raises(TrainingError, match="expected to choose at most 4 starts; found 5"):
        best(starts, 5)


def test_the_best_start_needs_validation_images(threads: Executor) -> None:
    starts = run(threads, 2, replace(OPTIONS, validation=0))
    with pytest.raises(TrainingError, match="without validation images there is no best start"):
        best(starts, 1)

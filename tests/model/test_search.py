"""A search trains missing starts, keeps finished ones, and gives the same weights with any
executor; the scores of a committee are the mean of its members' scores."""

import re
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tasks
from program import arrays

from mnistnet.errors import MnistnetError, TrainingError, WeightsError
from mnistnet.executors import process_pool
from mnistnet.model.metadata import TrainingSet
from mnistnet.model.options import Options
from mnistnet.model.search import Start, best, check_choice, load_starts, search

OPTIONS = Options((6,), 2, 10, augment=False, validation=20, seed=5).completed(300)
SOURCE = TrainingSet({"images": "12", "labels": "34"})
FOLDER = Path("net.starts")


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def run(executor: Executor, starts: int, options: Options = OPTIONS, **more: Any) -> list[Start]:
    words = {"train": tasks.trained, "data": SOURCE, "folder": FOLDER} | more
    return list(search(executor, words.pop("train"), options, starts=starts, **words))


def test_a_committee_has_at_most_all_starts() -> None:
    with pytest.raises(MnistnetError, match="expected at most the 4 starts for --best; found 5"):
        check_choice(OPTIONS, 4, 5)
    check_choice(replace(OPTIONS, validation=0), 4, 4)  # all are averaged


def test_the_weights_do_not_depend_on_the_executor_or_on_the_order() -> None:
    with process_pool(2) as processes:
        starts = run(processes, 4)
    assert sorted(start.seed for start in starts) == [5, 6, 7, 8]
    assert [start.kept for start in starts] == [False] * 4
    assert arrays(FOLDER) == {
        f"seed-000{seed}.npz": tasks.trained(replace(OPTIONS, seed=seed))[0].tobytes()
        for seed in (5, 6, 7, 8)
    }
    losses = sorted((start.last.validation_loss, start.seed) for start in starts)
    assert [start.seed for start in best(starts, 2)] == [seed for _, seed in losses[:2]]


def test_only_missing_starts_are_trained(threads: Executor) -> None:
    trained = []

    def train(options: Options) -> Any:
        trained.append(options.seed)
        return tasks.trained(options)

    run(threads, 3, train=train)
    before = arrays(FOLDER)
    (FOLDER / "seed-0006.npz").write_bytes(b"")  # as after a power failure
    again = [(start.seed, start.kept) for start in run(threads, 4, train=train)]
    assert again == [(5, True), (7, True), (6, False), (8, False)]
    assert trained == [5, 6, 7, 6, 8]
    assert before.items() <= arrays(FOLDER).items()
    assert [start.seed for start in load_starts(FOLDER)] == [5, 6, 7, 8]


def test_a_folder_with_other_files_or_starts_is_an_error(threads: Executor) -> None:
    with pytest.raises(TrainingError, match="net.starts: expected the starts of a search; found n"):
        load_starts(FOLDER)
    run(threads, 1)
    before = arrays(FOLDER)
    first = f"{re.escape(str(FOLDER / 'seed-0005.npz'))} was started with"
    with pytest.raises(TrainingError, match=f"{first} --epochs 2, not --epochs 3; use the same"):
        run(threads, 2, replace(OPTIONS, epochs=3))
    with pytest.raises(TrainingError, match=f"{first} training images of SHA-256 12, not training"):
        run(threads, 2, data=TrainingSet({"images": "56", "labels": "34"}))
    assert arrays(FOLDER) == before
    run(threads, 1, replace(OPTIONS, seed=9, validation=10))
    with pytest.raises(TrainingError, match="seed-0009.npz was started with --validation 10, not"):
        load_starts(FOLDER)
    (FOLDER / "seed-0006.npz").write_text("a diary")
    with pytest.raises(WeightsError, match="net.starts/seed-0006.npz: expected a weights file"):
        run(threads, 3)
    assert (FOLDER / "seed-0006.npz").read_text() == "a diary"


def test_a_failed_start_is_named_and_finished_ones_are_kept(threads: Executor) -> None:
    with pytest.raises(TrainingError, match="the start with seed 7: the loss is no longer finite"):
        run(threads, 3, replace(OPTIONS, seed=6), train=tasks.diverged_if_odd)
    assert "seed-0006.npz" in arrays(FOLDER)


def test_a_search_continues_after_a_process_was_killed(tmp_path: Path) -> None:
    train = partial(tasks.killed_once, tmp_path)
    message = r"a worker failed, perhaps because memory ran out \(.*\); finished starts are kept in"
    with pytest.raises(TrainingError, match=message), process_pool(2) as processes:
        run(processes, 3, train=train)
    with process_pool(2) as processes:
        assert len(run(processes, 3, train=train)) == 3

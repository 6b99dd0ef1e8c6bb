"""mnistnet search: the best start, a committee, interruptions, and Dask clusters."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tasks
from program import COMMAND, NOTE, assert_fault, posix_only, run

from mnistnet import load_data
from mnistnet.cli import search
from mnistnet.errors import MnistnetError, TrainingError
from mnistnet.executors import dask_cluster
from mnistnet.model import search as library
from mnistnet.model import weights
from mnistnet.model.answer import choose_limits
from mnistnet.model.metadata import TrainingSet
from mnistnet.model.options import Options
from mnistnet.model.state import split

QUICK = ("search", "--hidden", "8", "--epochs", "2", "--batch-size", "10", "--validation", "50")
QUICK += ("--learning-rate", "0.2")


def arrays(folder: str) -> dict[str, bytes]:
    """Return the bytes of the weights of each start in the folder."""
    return {
        path.name: weights.load(path)[0].parameters.tobytes()
        for path in sorted(Path(folder).iterdir())
        if path.suffix != ".part"  # of a killed writer
    }


# ---- on this machine


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a thread in place of processes, which take longer to start."""
    monkeypatch.setattr(search, "process_pool", lambda _: ThreadPoolExecutor(1))


def test_the_best_start_is_written_and_all_are_compared(threads: None, tiny: Path) -> None:
    words = (*QUICK, "--starts", 3, "--seed", 7, "--data", tiny, "--weights", "big.npz")
    result = run(*words)
    starts = library.load_starts(Path("big.starts"))
    first = min(starts, key=lambda start: start.last.validation_loss)
    network, metadata = weights.load(Path("big.npz"))
    assert metadata == first.metadata
    assert network.parameters.tobytes() == first.load().parameters.tobytes()
    assert f"\nseed {first.seed}, validation accuracy " in result.stdout

    # again as JSON, with two more starts
    result = run(*words, "--starts", 5, "--json")
    *facts, summary = map(json.loads, result.stdout.splitlines())
    assert [each["kept"] for each in facts] == [True] * 3 + [False] * 2
    assert [each["seed"] for each in facts] == [7, 8, 9, 10, 11]
    assert summary["starts"] == len(summary["committee_accuracy"]) == 5
    assert run("plot", "starts", "--weights", "big.npz", "--data", tiny).stdout == "starts.png\n"


@pytest.mark.parametrize(
    "command", [("train",), ("search", "--starts", 2), ("search", "--committee")]
)
def test_each_network_gets_limits_of_its_own(
    threads: None, tiny: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[Any, ...]
) -> None:
    monkeypatch.setattr("mnistnet.model.answer.LEAST", 50)  # validation images
    more = ("--starts", 2) if "--committee" in command else ()
    run(*command, *QUICK[1:], *more, "--epochs", 20, "--data", tiny, "--weights", "own.npz")
    network, metadata = weights.load(Path("own.npz"))
    data = load_data("train", tiny)
    images, labels = data.images, data.labels
    rows = split(len(images), metadata.options)[1]
    assert metadata.limits == choose_limits(network.image_scores(images[rows]), labels[rows])
    assert f"score {metadata.limits.score}" in run("info", "--weights", "own.npz").stdout


def test_every_command_accepts_a_committee(threads: None, tiny: Path) -> None:
    words = (*QUICK, "--hidden", 6, "--starts", 3, "--committee", "--data", tiny)
    summary = json.loads(run(*words, "--json").stdout.splitlines()[-1])
    z = np.load("mnistnet.npz")
    x = np.random.default_rng(0).random(784, np.float32)
    members = [start.load() for start in library.load_starts(Path("mnistnet.starts"))]
    mean = np.mean([member.scores(x[None])[0] for member in members], axis=0)
    h = np.tanh(z["W2"] @ np.tanh(z["W1"] @ x))
    assert z["W3"] @ h == pytest.approx(mean, abs=1e-5)
    evaluated = json.loads(run("eval", "--split", "validation", "--json", "--data", tiny).stdout)
    assert evaluated["accuracy"] == pytest.approx(summary["validation_accuracy"])
    assert run("predict", "test:0", "--data", tiny).exit_code == 0
    assert "3 starts, whose scores are averaged: 0, 1, 2" in run("info").stdout
    best = run(*words, "--best", 2)
    assert weights.load(Path("mnistnet.npz"))[0].layers == (784, 16, 12, 10)
    assert "the committee of 2 starts, validation a" in best.stdout


def test_errors_come_before_the_training(tiny: Path) -> None:
    words = (*QUICK, "--validation", 0, "--starts", 2, "--data", tiny)
    assert_fault(
        words,
        "without validation images there is no best start: hold some out with --validation, or "
        "average all starts with --committee",
        NOTE,
    )
    Path("mnistnet.npz").write_text("a diary")
    assert "it is not replaced: move it away" in run(*words).stderr
    Path("mnistnet.npz").unlink()
    assert not Path("mnistnet.starts").exists()


@posix_only("needs signals")
@pytest.mark.parametrize("sign", [tasks.KILL, signal.SIGINT])
def test_the_same_command_continues_a_stopped_search(tiny: Path, sign: signal.Signals) -> None:
    words = [str(word) for word in (*QUICK, "--starts", 40, "--data", tiny)]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*COMMAND, *words], **pipes) as process:
        assert process.stderr.readline().startswith("training on ")
        assert process.stderr.readline().startswith("seed")
        process.send_signal(sign)
        stderr = process.communicate()[1]
    if sign == signal.SIGINT:
        assert process.returncode == 130
        assert re.fullmatch(
            r"Interrupted after \d+ of 40 starts, which are kept in mnistnet\.starts; the same "
            "command trains the others",
            stderr.splitlines()[-1],
        )
    before = arrays("mnistnet.starts")
    assert 1 <= len(before) < 40
    count = max(int(name[5:9]) for name in before) + 2  # starts may finish in any order
    result = run(*words, "--starts", count, "--json")
    kept = [json.loads(line)["kept"] for line in result.stdout.splitlines()[:-1]]
    assert (len(kept), sum(kept)) == (count, len(before))
    assert before.items() <= arrays("mnistnet.starts").items()


# ---- on a Dask cluster


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, int]]:
    """The address and the process of a scheduler with two workers."""
    distributed = pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
    worker = ["worker", "--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(tasks.__file__).parent)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *common, *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for kind, *words in (["scheduler", "--port", "0"], worker, worker)
    ]
    try:
        with distributed.Client(scheduler_file=str(file), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield address, processes[0].pid
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_trains_the_same_weights_whoever_dies(
    cluster: tuple[str, int], threads: None, tiny: Path
) -> None:
    address, scheduler = cluster
    words = (*QUICK, "--starts", 3, "--data", tiny)
    result = run(*words, "--scheduler", address, "--weights", "far.npz")
    assert result.exit_code == 0
    run(*words, "--weights", "near.npz")
    assert arrays("far.starts") == arrays("near.starts")

    other = partial(library.check_versions, library.versions() | {"NumPy": "1.0"})
    with pytest.raises(MnistnetError, match=r"the worker \w+: expected NumPy 1\.0; found "):
        dask_cluster(address, other).__enter__()
    with pytest.raises(MnistnetError, match="a worker cannot run mnistnet: integer division"):
        dask_cluster(address, partial(divmod, 1, 0)).__enter__()

    options = Options((6,), 2, 10, augment=False, validation=20).completed(300)

    def search(train: Any, folder: str, starts: int) -> None:
        with dask_cluster(address, int) as executor:
            list(library.search(executor, train, options, TrainingSet(), Path(folder), starts))

    search(tasks.trained, "whole.starts", 4)
    search(partial(tasks.killed_once, Path.cwd()), "killed.starts", 4)
    assert Path("killed").exists()
    assert arrays("killed.starts") == arrays("whole.starts")
    search(partial(tasks.killer_if_odd, scheduler), "net.starts", 1)
    message = r"a worker failed, .* \(.*\); finished starts are kept in net\.starts; run the same"
    with pytest.raises(TrainingError, match=message):
        search(partial(tasks.killer_if_odd, scheduler), "net.starts", 2)
    assert list(arrays("net.starts")) == ["seed-0000.npz"]


def test_a_scheduler_without_answer_or_workers_is_an_error(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    with socket.socket() as closed, monkeypatch.context() as patch:  # bound, but not listening
        patch.setattr("mnistnet.executors.TIMEOUT", 0.2)
        closed.bind(("127.0.0.1", 0))
        for address, reason in (
            ("nonsense", "missing port number in address 'nonsense'"),
            (f"tcp://127.0.0.1:{closed.getsockname()[1]}", "Timed out trying to connect to .*"),
        ):
            message = f"cannot reach the scheduler {address}: {reason}; to start one: dask schedule"
            words = (*QUICK, "--data", tiny, "--scheduler", address)
            assert_fault(words, re.compile(f"{message}r"), NOTE)
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=":0", protocol="tcp"
    ) as empty:
        address = empty.scheduler_address
        advice = f"to start one: dask worker {address} --nthreads 1"
        words = (*QUICK, "--data", tiny, "--scheduler", address)
        assert_fault(words, f"the scheduler {address} has no workers; {advice}", NOTE)


def test_without_distributed_the_error_says_how_to_install_it(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    message = "--scheduler needs distributed; to install it: python -m pip install distributed"
    words = (*QUICK, "--data", tiny, "--scheduler", "tcp://127.0.0.1:1")
    assert_fault(words, message, NOTE)

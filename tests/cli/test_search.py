"""mnistnet search: the best start, a committee, interruptions, and Dask clusters."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tasks
from program import COMMAND, NOTE, assert_fault, posix_only, program, run

from mnistnet.data import idx
from mnistnet.errors import TrainingError
from mnistnet.executors import dask_cluster, process_pool
from mnistnet.model import search as library
from mnistnet.model import weights
from mnistnet.model.metadata import Source
from mnistnet.model.options import Options

QUICK = ("search", "--hidden", "8", "--epochs", "2", "--batch-size", "10", "--validation", "50")
TASK = Options((6,), epochs=2, batch_size=10, augment=False, validation=20)
SOURCE = Source({"images": "12", "labels": "34"})


def arrays(folder: str) -> dict[str, bytes]:
    """Return the bytes of the weights of each start in the folder."""
    return {
        path.name: weights.load(path)[0].parameters.tobytes()
        for path in sorted(Path(folder).iterdir())
        if path.suffix != ".part"  # of a killed writer
    }


# ---- local processes


def test_the_best_start_is_written_and_all_are_compared(tiny: Path) -> None:
    words = (*QUICK, "--starts", 3, "--seed", 7, "--data", tiny, "--weights", "big.npz")
    result = run(*words)
    assert result.exit_code == 0
    reported = [line.split()[:2] for line in result.stderr.splitlines()[1:]]
    assert sorted(reported) == [["seed", "7"], ["seed", "8"], ["seed", "9"]]
    lines = result.stdout.splitlines()
    assert [line[:8].strip() for line in lines[:4]] == ["", "best", "median", "worst"]
    assert "two starts read" in result.stdout
    starts = library.load_starts(Path("big.starts"))
    assert [start.seed for start in starts] == [7, 8, 9]
    first = min(starts, key=lambda start: start.last.validation_loss)
    network, metadata = weights.load(Path("big.npz"))
    assert metadata == first.metadata
    assert network.parameters.tobytes() == first.load().parameters.tobytes()
    assert lines[-1].startswith(f"seed {first.seed}, validation accuracy ")

    # again as JSON, with two more starts
    result = run(*words, "--starts", 5, "--json")
    *facts, summary = map(json.loads, result.stdout.splitlines())
    assert [each["kept"] for each in facts] == [True] * 3 + [False] * 2
    assert sorted(each["seed"] for each in facts) == [7, 8, 9, 10, 11]
    assert summary["starts"] == 5
    assert len(summary["committee_accuracy"]) == 5
    assert summary["committee_accuracy"][0] == summary["validation_accuracy"]
    assert -1 <= summary["rank_correlation"] <= 1
    assert 0 < summary["disagreement"] < 1

    assert run("plot", "starts", "--weights", "big.npz", "--data", tiny).stdout == "starts.png\n"
    assert Path("starts.png").read_bytes().startswith(b"\x89PNG")

    # with other options
    result = run(*words, "--epochs", 3)
    assert result.exit_code == 1
    assert "big.starts/seed-0007.npz was started with --epochs 2, not 3; use" in result.stderr


def test_every_command_accepts_a_committee(tiny: Path) -> None:
    words = (*QUICK, "--hidden", 6, "--starts", 3, "--committee", "--data", tiny)
    assert run(*words).stdout.splitlines()[-1].startswith("the committee of 3 starts, validation a")
    network, metadata = weights.load(Path("mnistnet.npz"))
    assert network.layers == (784, 24, 18, 10)
    assert metadata.members == (0, 1, 2)
    members = [start.load() for start in library.load_starts(Path("mnistnet.starts"))]
    x = np.random.default_rng(0).random(784, np.float32)
    mean = np.mean([member.scores(x[None])[0] for member in members], axis=0)
    z = np.load("mnistnet.npz")
    h = np.tanh(z["W2"] @ np.tanh(z["W1"] @ x))
    assert z["W3"] @ h == pytest.approx(mean, abs=1e-5)
    evaluated = json.loads(run("eval", "--split", "validation", "--json", "--data", tiny).stdout)
    again = json.loads(run(*words, "--json").stdout.splitlines()[-1])
    assert evaluated["accuracy"] == pytest.approx(again["validation_accuracy"])
    for command in (("predict", "test:0"), ("plot", "weights"), ("plot", "units")):
        assert run(*command, *(["--data", tiny] if command[1] != "weights" else [])).exit_code == 0
    assert "3 starts, whose scores are averaged: 0, 1, 2" in run("info").stdout
    best = run(*words, "--best", 2)
    assert weights.load(Path("mnistnet.npz"))[0].layers == (784, 16, 12, 10)
    assert "the committee of 2 starts" in best.stdout


def test_without_validation_images_a_committee_of_all_starts_is_possible(tiny: Path) -> None:
    words = (*QUICK, "--validation", 0, "--starts", 2, "--data", tiny)
    for choice in ((), ("--committee", "--best", 1)):
        assert_fault(
            (*words, *choice),
            "without validation images there is no best start: hold some out with --validation, or "
            "average all starts with --committee",
            NOTE,
        )
    assert not Path("mnistnet.starts").exists()
    result = run(*words, "--committee", "--json")
    assert json.loads(result.stdout.splitlines()[-1])["validation_accuracy"] is None
    assert "  -  " in run(*words, "--committee").stdout


def test_impossible_options_are_reported_before_the_training(tiny: Path) -> None:
    words = (*QUICK, "--data", tiny, "--starts", 3)
    assert run(*words, "--best", 2).exit_code == 2
    message = "expected at most the 3 starts for --best; found 4"
    assert_fault((*words, "--committee", "--best", 4), message, NOTE)
    result = run(*words, "--starts", 5000, "--hidden", 900, "--hidden", 900, "--committee")
    assert "the committee of 5000 networks is too large" in result.stderr
    Path("mnistnet.npz").write_text("a diary")
    assert "it is not replaced: move it away" in run(*words).stderr
    assert not Path("mnistnet.starts").exists()


def begun(words: list[str]) -> subprocess.Popen[bytes]:
    """Start the command in a new process; return it after its first start."""
    process = subprocess.Popen([*COMMAND, *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stderr is not None
    assert process.stderr.readline().startswith(b"training on ")
    assert process.stderr.readline().startswith(b"seed")
    return process


def test_a_warning_says_that_the_best_start_learned_nothing(tiny: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 10, 300).astype(np.uint8)
    idx.write_idx(tiny / "train-labels-idx1-ubyte", labels)
    words = (*QUICK, "--starts", 2, "--data", tiny, "--epochs", 1, "--validation", 150)
    assert "Warning: the network learned nothing: " in run(*words).stderr


@posix_only("needs signals")
@pytest.mark.parametrize("sign", [tasks.KILL, signal.SIGINT])
def test_the_same_command_continues_a_stopped_search(tiny: Path, sign: signal.Signals) -> None:
    words = [str(word) for word in (*QUICK, "--starts", 40, "--data", tiny)]
    with begun(words) as process:
        process.send_signal(sign)
        stderr = process.communicate()[1].decode()
    if sign == signal.SIGINT:
        assert process.returncode == 130
        last = stderr.splitlines()[-1]
        assert last.startswith("Interrupted after ")
        assert last.endswith(
            " of 40 starts, which are kept in mnistnet.starts; the same command trains the others"
        )
    before = arrays("mnistnet.starts")
    assert 1 <= len(before) < 40
    count = max(int(name[5:9]) for name in before) + 2  # starts may finish in any order
    result = run(*words, "--starts", count, "--json")
    kept = [json.loads(line)["kept"] for line in result.stdout.splitlines()[:-1]]
    assert (len(kept), sum(kept)) == (count, len(before))
    assert before.items() <= arrays("mnistnet.starts").items()


# ---- a Dask cluster


class Cluster(NamedTuple):
    address: str
    scheduler: int  # its process


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler and two workers, in three processes."""
    distributed = pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard", "--host", "127.0.0.1"]
    worker = ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(tasks.__file__).parent)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{kind}", *common, *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for kind, words in (("scheduler", ["--port", "0"]), ("worker", worker), ("worker", worker))
    ]
    try:
        with distributed.Client(scheduler_file=str(file), timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        yield Cluster(address, processes[0].pid)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_trains_the_same_weights_even_if_a_worker_is_killed(
    cluster: Cluster, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*QUICK, "--starts", 3, "--data", tiny)
    result = run(*words, "--scheduler", cluster.address, "--weights", "far.npz")
    assert result.exit_code == 0
    run(*words, "--weights", "near.npz")
    assert arrays("far.starts") == arrays("near.starts")

    with monkeypatch.context() as patch:
        patch.setattr(library, "__version__", "0.0.1")
        result = run(*words, "--scheduler", cluster.address, "--weights", "other.npz")
    assert re.fullmatch(
        rf"{NOTE}Error: the worker tcp://127\.0\.0\.1:\d+: expected mnistnet 0\.0\.1; found .*; "
        "install the same versions everywhere\n",
        result.stderr,
    )

    train = partial(tasks.killed_once, Path.cwd())
    with dask_cluster(cluster.address, int, print) as executor:
        list(library.search(executor, train, TASK, SOURCE, Path("killed.starts"), 4))
    assert Path("killed").exists()
    with process_pool(1) as executor:
        list(library.search(executor, tasks.trained, TASK, SOURCE, Path("whole.starts"), 4))
    assert arrays("killed.starts") == arrays("whole.starts")


def test_if_the_scheduler_dies_the_finished_starts_are_kept(
    cluster: Cluster,
) -> None:
    train = partial(tasks.killer_if_odd, cluster.scheduler)
    with dask_cluster(cluster.address, int, print) as executor:
        assert len(list(library.search(executor, train, TASK, SOURCE, Path("net.starts"), 1))) == 1
    with (
        pytest.raises(
            TrainingError,
            match="the connection to the workers was lost; finished starts are kept in net",
        ),
        dask_cluster(cluster.address, int, print) as executor,
    ):
        list(library.search(executor, train, TASK, SOURCE, Path("net.starts"), 2))
    assert list(arrays("net.starts")) == ["seed-0000.npz"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("nonsense", "missing port number in address 'nonsense'"),
        ("tcp://127.0.0.1:{port}", "Timed out trying to connect to .*"),
        ("tls://127.0.0.1:{port}", "TLS expects .*"),
    ],
)
def test_a_scheduler_that_cannot_be_reached_is_an_error(
    tiny: Path, address: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("mnistnet.executors.TIMEOUT", 0.2)
    with socket.socket() as closed:  # bound, but not listening
        closed.bind(("127.0.0.1", 0))
        address = address.format(port=closed.getsockname()[1])
        result = run(*QUICK, "--starts", 3, "--data", tiny, "--scheduler", address)
    assert re.fullmatch(
        f"{NOTE}Error: cannot reach the scheduler {address}: {reason}; "
        "to start one: dask scheduler\n",
        result.stderr,
    )
    assert (result.stdout, result.exit_code) == ("", 1)


def test_a_scheduler_without_workers_is_an_error(tiny: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=None, protocol="tcp"
    ) as empty:
        address = empty.scheduler_address
        assert_fault(
            (*QUICK, "--starts", 3, "--data", tiny, "--scheduler", address),
            f"the scheduler {address} has no workers; to start one: "
            f"dask worker {address} --nthreads 1",
            NOTE,
        )


def test_without_distributed_the_error_says_how_to_install_it(tiny: Path) -> None:
    code = "import sys; sys.modules['distributed'] = None; from mnistnet.cli import main; main()"
    assert_fault(
        (*QUICK, "--data", tiny, "--scheduler", "tcp://127.0.0.1:1"),
        "--scheduler needs distributed; to install it: python -m pip install distributed",
        NOTE,
        run=partial(program, command=(sys.executable, "-c", code)),
    )

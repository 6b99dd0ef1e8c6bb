"""An interrupted training can be continued, whatever happened to it, to the same weights."""

import hashlib
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moments import assert_stopped, stop_at_moments, without_parts
from program import (
    NOTE,
    QUICK,
    assert_fault,
    begun,
    full_disk,
    interrupt,
    make_link,
    posix_only,
    rewrite,
    run,
    write_idx,
    written,
)
from tasks import KILL

from mnistnet.data import idx, mnist
from mnistnet.model import weights

OLD = Path("mnistnet.npz")
CHECKPOINT = Path("mnistnet.npz.checkpoint")
EPOCH = r"epoch   \d/4  train loss \d\.\d{4}  validation accuracy [\d.]+ %  [\d.]+ s\n"


@pytest.mark.parametrize(("fits", "name"), [(0, CHECKPOINT), (2, CHECKPOINT), (4, OLD)])
def test_training_continues_after_the_disk_was_full(
    old: Path, monkeypatch: pytest.MonkeyPatch, fits: int, name: Path
) -> None:
    """The finished epochs are kept in the checkpoint."""
    words = [*QUICK, "--data", str(old)]
    with full_disk(monkeypatch, fits):
        result = run(*words)
    path = name if name == OLD else name.resolve()
    advice = f" after epoch {fits} of 4; to continue, run the same command with --resume"
    message = f"Error: cannot write {path}: No space left on device{advice if fits else ''}\n"
    assert re.fullmatch(f"{NOTE}({EPOCH}){{{fits}}}{re.escape(message)}", result.stderr)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert weights.load(OLD)[0].layers == (784, 10)
    assert CHECKPOINT.exists() == (fits > 0)

    monkeypatch.setattr("mnistnet.model.metadata.blas", lambda: "other")  # is a warning
    result = run(*words, "--resume")
    assert (result.exit_code, "'BLAS': 'other'}" in result.stderr) == (0, fits > 0)
    run(*words, "--weights", "whole.npz")
    assert written(OLD) == written(Path("whole.npz"))
    assert not CHECKPOINT.exists()


@posix_only("needs fork and signals")
@pytest.mark.parametrize("count", [6, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.parametrize("sign", [KILL, signal.SIGINT])
def test_training_may_be_stopped_at_any_moment(
    old: Path, tmp_path: Path, sign: int, count: int
) -> None:
    """The file has the old or the new weights; resuming gives the new ones and no other file."""
    start = tmp_path / "start"
    start.mkdir()
    shutil.copy(OLD, start)
    words = (*QUICK, "--data", old)
    ends = stop_at_moments(sign, count, start, words, (*words, "--resume"))
    assert len(ends) == count
    new = ends[0][1].files["mnistnet.npz"]
    befores = {stopped.files["mnistnet.npz"] for stopped, _ in ends}
    assert befores <= {hashlib.sha256(OLD.read_bytes()).hexdigest(), new}
    for stopped, again in ends:
        assert_stopped(stopped, sign)
        assert (again.exit_code, without_parts(again)) == (0, {"mnistnet.npz": new})


@posix_only("needs signals")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_says_how_to_continue(tiny: Path, times: int) -> None:
    words = [*QUICK, "--epochs", "60", "--batch-size", "50", "--data", str(tiny)]
    words += ["--weights", "my net.npz"]
    with begun(words) as process:
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    message = stderr.splitlines()[-1].decode()
    advice = r"Interrupted after epoch \d+ of 60; to continue, run the same command with --resume"
    assert re.fullmatch(advice, message)
    assert (stdout, process.returncode) == (b"", 130)
    assert not Path("my net.npz").exists()

    assert run(*words, "--resume").exit_code == 0
    run(*words[:-1], "whole.npz")
    assert written(Path("my net.npz")) == written(Path("whole.npz"))
    assert not list(Path().glob("*.checkpoint"))


@pytest.fixture
def checkpoint(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of a run on the tiny set, interrupted after two epochs."""
    assert interrupt(monkeypatch, tiny).exit_code == 130
    return Path("mnistnet.npz.checkpoint").resolve()


def test_resuming_with_other_options_or_data_is_refused_with_both_values(
    checkpoint: Path, tiny: Path
) -> None:
    before = mnist.load(tiny, "train").sha256["labels"]
    labels = idx.read_idx(tiny / "train-labels-idx1-ubyte").copy()
    labels[0] = 9
    for words, found in (
        (("--hidden", 6), "--hidden 8, not --hidden 8,6"),
        (("--no-augment",), "--augment True, not --augment False"),
        ((), f"training labels of SHA-256 {before}, not training labels of SHA-256 {{}}"),
    ):
        if not words:
            write_idx(tiny / "train-labels-idx1-ubyte", labels)
        after = mnist.load(tiny, "train").sha256["labels"]
        assert_fault(
            (*QUICK, "--data", tiny, *words, "--resume"),
            f"the training run in {checkpoint} was started with {found.format(after)}; "
            "use the same value to continue it, or omit --resume to start over",
            NOTE,
        )


SIZE = 784 * 8 + 80
FORGED: dict[str, dict[str, Any]] = {
    "an invalid state": {"meta": {"rng": {"bit_generator": "PCG64", "state": {"state": -1}}}},
    "of version 0.1.0": {"meta": {"checkpoint": None}},
    "no velocity": {"velocity": None},
    "NaN": {"velocity": np.full(SIZE, np.nan, np.float32)},
    "a short velocity": {"velocity": np.zeros(3, np.float32)},
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_checkpoint_is_an_error_and_is_kept(
    checkpoint: Path, tiny: Path, kind: str
) -> None:
    rewrite(checkpoint, **FORGED[kind])
    result = run(*QUICK, "--data", tiny, "--resume")
    message = f"{NOTE}Error: {re.escape(str(checkpoint))}: .*expected .*; found .*\n"
    assert re.fullmatch(message, result.stderr)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert checkpoint.exists()


def test_starting_over_warns_that_the_checkpoint_will_be_replaced(
    checkpoint: Path, tiny: Path
) -> None:
    run(*QUICK, "--data", tiny, "--learning-rate", "1e30")
    assert checkpoint.exists()  # divergence in the first epoch keeps it
    result = run(*QUICK, "--data", tiny)
    assert result.stderr.startswith(
        f"{NOTE}{checkpoint}, from an interrupted run, will be replaced after epoch 1; "
        "to continue that run instead, press Ctrl-C now and add --resume\n"
    )
    assert not checkpoint.exists()


def test_resuming_without_a_checkpoint_starts_anew_unless_the_run_is_finished(tiny: Path) -> None:
    """The weights file may be a link."""
    make_link(OLD, "elsewhere.npz")
    kept = CHECKPOINT.resolve()
    first, again = (run(*QUICK, "--data", tiny, "--resume") for _ in range(2))
    assert first.stderr.startswith(f"{NOTE}there is no checkpoint {kept}: starting at epoch 1\n")
    before = OLD.read_bytes()
    assert again.stderr == (
        f"{NOTE}the training run of mnistnet.npz is finished; to train it further, use: "
        "mnistnet train --from mnistnet.npz\n"
    )
    assert again.stdout.startswith("validation accuracy ")
    assert (OLD.read_bytes(), first.exit_code, again.exit_code) == (before, 0, 0)
    assert not list(Path().glob("*.checkpoint"))


@posix_only("needs file permissions")
def test_the_checkpoint_of_private_weights_is_private(tiny: Path) -> None:
    assert run(*QUICK, "--data", tiny).exit_code == 0
    OLD.chmod(0o600)
    with begun([*QUICK, "--data", str(tiny), "--epochs", "60"], 2) as process:
        assert CHECKPOINT.stat().st_mode & 0o777 == 0o600
        process.kill()

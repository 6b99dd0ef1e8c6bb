"""Failures of training: one clear error, before training starts if possible; existing weights are
kept, and an interrupted run can be continued."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from moments import assert_stopped, stop_at_moments, without_parts
from program import (
    NOTE,
    QUICK,
    as_user,
    assert_fault,
    begun,
    make_link,
    make_pipe,
    posix_only,
    run,
    written,
)
from tasks import KILL

from mnistnet.data import idx, mnist
from mnistnet.image.drawn import draw
from mnistnet.model import training, weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options

OLD = Path("mnistnet.npz")
CHECKPOINT = Path("mnistnet.npz.checkpoint")


@pytest.fixture
def old(tiny: Path) -> Path:
    """The tiny set, with mnistnet.npz of an earlier training in the current folder."""
    weights.save(OLD, Network((784, 10)), Metadata(Options(), Source()))
    return tiny


# ---- before training


USAGE = "Usage: mnistnet train [OPTIONS]\nTry 'mnistnet train --help' for help.\n\n"
WRONG = [
    *(("--epochs", value) for value in ("0", "1.5", "many", "1000001")),
    *(("--hidden", value) for value in ("0", "1000001", "")),
    *(("--learning-rate", value) for value in ("0", "nan", "inf")),
    *(("--momentum", value) for value in ("1", "-0.1", "nan")),
    *(("--weight-decay", "1.1"), ("--batch-size", "1e2"), ("--strength", "5"), ("--widen", "1.5")),
    *((option, "-1") for option in ("--validation", "--seed", "--drawn", "--nondigits")),
]


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_a_value_out_of_range_is_a_usage_error(old: Path, option: str, value: str) -> None:
    assert_fault(
        (*QUICK, "--data", old, option, value),
        re.compile(f"Invalid value for '{option}': .*{re.escape(value)}.* (range|valid|number).*"),
        USAGE,
        code=2,
    )


UNFIT = {
    "a minibatch larger than the data": (
        ("--batch-size", 251),
        "expected a batch size of at most the 250 training images, found 251; lower --batch-size",
    ),
    "as many images held out as there are": (
        ("--validation", 300),
        "expected fewer than 300 validation images, found 300; lower --validation",
    ),
    "more images held out than there are": (
        ("--validation", 10**30),
        f"expected fewer than 300 validation images, found {10**30:,}; lower --validation",
    ),
    "more hidden units than there is memory": (
        ("--hidden", 1_000_000, "--hidden", 1_000_000),
        "expected at most 67,108,864 weights; found 1,000,018,006,272: use fewer hidden units",
    ),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_options_that_do_not_fit_the_data_or_the_machine_are_an_error(old: Path, kind: str) -> None:
    words, message = UNFIT[kind]
    assert_fault((*QUICK, "--data", old, *words), message, NOTE)


UNWRITABLE = {
    "none/net.npz": "there is no folder {folder}/none",
    "file/net.npz": "there is no folder {folder}/file",
    "pipe": "it is a folder or a device, not a file",
    "shut/net.npz": "the folder {folder}/shut is not writable",
    "read-only.npz": "it is read-only",
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_weights_that_cannot_be_written_are_an_error(old: Path, tmp_path: Path, name: str) -> None:
    Path("file").touch()
    make_pipe(Path("pipe"))
    Path("shut").mkdir(mode=0o500)
    Path("read-only.npz").touch(mode=0o400)
    why = UNWRITABLE[name].format(folder=tmp_path)
    words = (*QUICK, "--data", old, "--weights", name)
    is_refused_to_root = name not in ("shut/net.npz", "read-only.npz")
    assert_fault(words, f"cannot write {name}: {why}", run=run if is_refused_to_root else as_user)


@posix_only("Windows limits paths, not names")
def test_a_checkpoint_that_cannot_be_written_is_an_error(old: Path, tmp_path: Path) -> None:
    name = "n" * 250
    kept = tmp_path / f"{name}.checkpoint"
    message = f"cannot write {kept}: File name too long"
    assert_fault((*QUICK, "--data", old, "--weights", name), message, NOTE)
    CHECKPOINT.mkdir()
    message = f"cannot write {CHECKPOINT.resolve()}: it is a folder or a device, not a file"
    assert_fault((*QUICK, "--data", old), message, NOTE)


@pytest.mark.parametrize("name", ["notes.txt", "tiny/train-images-idx3-ubyte"])
def test_another_file_is_not_replaced(old: Path, name: str) -> None:
    Path("notes.txt").write_text("mine")
    assert_fault(
        (*QUICK, "--data", old, "--weights", name),
        f"{name}: expected a weights file written by 'mnistnet train'; found a damaged or "
        "different file (File is not a zip file); it is not replaced: move it away, or name "
        "another file with --weights",
        NOTE,
    )


def test_an_empty_file_is_replaced(old: Path) -> None:
    OLD.write_bytes(b"")  # as mktemp makes it
    assert run(*QUICK, "--data", old).exit_code == 0
    assert weights.load(OLD)[1].options.epochs == 4


# ---- during training


EPOCH = r"epoch   \d/4  train loss \d\.\d{4}  validation accuracy [\d.]+ %  [\d.]+ s\n"


@pytest.mark.parametrize(("fits", "name"), [(0, CHECKPOINT), (2, CHECKPOINT), (4, OLD)])
def test_training_continues_after_the_disk_was_full(
    old: Path, monkeypatch: pytest.MonkeyPatch, fits: int, name: Path
) -> None:
    """The finished epochs are kept in the checkpoint."""
    files = iter(range(fits))

    def fsync(_: int) -> None:
        if next(files, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    words = [*QUICK, "--data", str(old)]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        result = run(*words)
    path = name if name == OLD else name.resolve()
    advice = f" after epoch {fits} of 4; to continue, run the same command with --resume"
    message = f"Error: cannot write {path}: No space left on device{advice if fits else ''}\n"
    assert re.fullmatch(f"{NOTE}({EPOCH}){{{fits}}}{re.escape(message)}", result.stderr)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert weights.load(OLD)[0].layers == (784, 10)
    assert CHECKPOINT.exists() == (fits > 0)

    assert run(*words, "--resume").exit_code == 0
    run(*words, "--weights", "whole.npz")
    assert written(OLD) == written(Path("whole.npz"))
    assert not CHECKPOINT.exists()


@posix_only("needs fork and signals")
@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.soak)])
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


def test_divergence_is_an_error(old: Path) -> None:
    message = "the loss is no longer finite in epoch 1; lower the learning rate, which is 1e+30"
    assert_fault((*QUICK, "--data", old, "--learning-rate", "1e30"), message, NOTE)


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


def test_resuming_without_a_checkpoint_starts_at_epoch_1(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--resume")
    kept = Path("mnistnet.npz.checkpoint").resolve()
    assert result.stderr.startswith(f"{NOTE}there is no checkpoint {kept}: starting at epoch 1\n")
    assert result.exit_code == 0


@pytest.fixture
def checkpoint(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of a run on the tiny set, interrupted after two epochs."""
    real = training.train

    def interrupted(*args: Any) -> Iterator[Report]:
        yield from islice(real(*args), 2)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", interrupted)
        assert run(*QUICK, "--data", tiny).exit_code == 130
    return Path("mnistnet.npz.checkpoint").resolve()


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        (["--epochs", "9"], "--epochs 4, not --epochs 9"),
        (["--hidden", "6"], "--hidden 8, not --hidden 8,6"),
        (["--seed", "1"], "--seed 0, not --seed 1"),
        (["--no-augment"], "--augment, not --no-augment"),
        (["--weight-decay", "0"], f"--weight-decay {Options.weight_decay}, not --weight-decay 0.0"),
    ],
)
def test_resuming_with_other_options_is_refused_with_both_values(
    checkpoint: Path, tiny: Path, words: list[str], difference: str
) -> None:
    assert_fault(
        (*QUICK, "--data", tiny, *words, "--resume"),
        f"the training run in {checkpoint} was started with {difference}; "
        "use the same value to continue it, or omit --resume to start over",
        NOTE,
    )


def test_resuming_with_other_data_is_refused_with_both_hashes(checkpoint: Path, tiny: Path) -> None:
    before = mnist.load(tiny, "train").sha256["labels"]
    labels = idx.read_idx(tiny / "train-labels-idx1-ubyte").copy()
    labels[0] = 9
    idx.write_idx(tiny / "train-labels-idx1-ubyte", labels)
    after = mnist.load(tiny, "train").sha256["labels"]
    result = run(*QUICK, "--data", tiny, "--resume")
    words = "training labels of SHA-256"
    assert f"was started with {words} {before}, not {words} {after};" in result.stderr
    assert result.exit_code == 1


def forge(path: Path, change: Callable[[dict[str, Any]], object], **arrays: Any) -> None:
    """Change the metadata of a checkpoint, and replace or remove arrays."""
    with np.load(path) as z:
        found = {name: z[name] for name in z.files}
    meta = json.loads(str(found["meta"]))
    change(meta)
    found |= {"meta": np.array(json.dumps(meta)), **arrays}
    with path.open("wb") as stream:
        np.savez(stream, **{name: array for name, array in found.items() if array is not None})


SIZE = 784 * 8 + 80
FORGED: dict[str, tuple[Callable[[dict[str, Any]], object], dict[str, Any]]] = {
    "no state of the generator": (lambda meta: meta.pop("rng"), {}),
    "an invalid state": (lambda meta: meta["rng"]["state"].update(state=-1), {}),
    "another generator": (lambda meta: meta["rng"].update(bit_generator="MT19937"), {}),
    "of version 0.1.0": (lambda meta: meta.pop("checkpoint"), {}),
    "no velocity": (len, {"velocity": None}),
    "NaN": (len, {"velocity": np.full(SIZE, np.nan, np.float32)}),
    "float64": (len, {"velocity": np.zeros(SIZE)}),
    "a short velocity": (len, {"velocity": np.zeros(3, np.float32)}),
}


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_checkpoint_is_an_error_and_is_kept(
    checkpoint: Path, tiny: Path, kind: str
) -> None:
    change, arrays = FORGED[kind]
    forge(checkpoint, change, **arrays)
    result = run(*QUICK, "--data", tiny, "--resume")
    message = f"{NOTE}Error: {re.escape(str(checkpoint))}: .*expected .*; found .*\n"
    assert re.fullmatch(message, result.stderr)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert checkpoint.exists()


def test_starting_over_warns_that_the_checkpoint_will_be_replaced(
    checkpoint: Path, tiny: Path
) -> None:
    result = run(*QUICK, "--data", tiny)
    assert result.stderr.startswith(
        f"{NOTE}{checkpoint}, from an interrupted run, will be replaced after epoch 1; "
        "to continue that run instead, press Ctrl-C now and add --resume\n"
    )
    assert not checkpoint.exists()


def test_the_checkpoint_is_removed_if_the_weights_file_is_a_link(tiny: Path) -> None:
    make_link(tiny / "net.npz", "elsewhere.npz")
    assert run(*QUICK, "--data", tiny, "--weights", tiny / "net.npz").exit_code == 0
    assert not list(tiny.glob("*.checkpoint"))


def test_divergence_in_the_first_epoch_keeps_an_earlier_checkpoint(
    checkpoint: Path, tiny: Path
) -> None:
    run(*QUICK, "--data", tiny, "--learning-rate", "1e30")
    assert checkpoint.exists()


# ---- finished runs, existing weights and unsuitable images


def test_resuming_a_finished_run_changes_nothing(tiny: Path) -> None:
    assert run(*QUICK, "--data", tiny).exit_code == 0
    before = OLD.read_bytes()
    result = run(*QUICK, "--data", tiny, "--resume")
    assert result.stderr == (
        f"{NOTE}the training run of mnistnet.npz is finished; to train it further, use: "
        "mnistnet train --from mnistnet.npz\n"
    )
    assert result.stdout.startswith("validation accuracy ")
    assert (OLD.read_bytes(), result.exit_code) == (before, 0)
    assert not CHECKPOINT.exists()


def test_training_starts_from_existing_weights_and_records_them(tiny: Path) -> None:
    run(*QUICK, "--data", tiny)
    first = weights.load(OLD)[0]
    words = ("train", "--data", tiny, "--from", OLD, "--epochs", 1, "--learning-rate", "1e-9")
    result = run(*words, "--weights", "next.npz")
    assert result.exit_code == 0
    network, metadata = weights.load(Path("next.npz"))
    assert network.layers == first.layers
    assert np.abs(network.parameters - first.parameters).max() < 1e-6
    sha256 = hashlib.sha256(first.parameters.tobytes()).hexdigest()
    assert metadata.options.start == sha256
    assert f"weights of SHA-256 {sha256}" in " ".join(
        run("info", "--weights", "next.npz").stdout.split()
    )


def test_training_starts_from_the_bundled_weights(tiny: Path) -> None:
    words = ("train", "--data", tiny, "--from", "pretrained", "--epochs", 1, "--no-augment")
    assert run(*words).exit_code == 0
    bundled, metadata = weights.load(weights.PRETRAINED)[0], weights.load(OLD)[1]
    assert weights.load(OLD)[0].layers == bundled.layers
    accuracy = metadata.history[0].validation_accuracy
    assert accuracy is not None
    assert accuracy > 0.7


def test_layers_must_agree_with_the_weights_to_start_from(tiny: Path) -> None:
    run(*QUICK, "--data", tiny)
    assert_fault(
        ("train", "--data", tiny, "--from", OLD, "--hidden", 9),
        "mnistnet.npz: expected its own layers, --hidden 8; found --hidden 9",
    )
    assert_fault(
        ("train", "--data", tiny, "--from", "none.npz"),
        "there is no weights file none.npz; run 'mnistnet train' to make one, "
        "or name another with --weights",
    )


def test_resuming_from_other_weights_is_refused_with_both_hashes(
    checkpoint: Path, tiny: Path
) -> None:
    network = Network.random((784, 8, 10), np.random.default_rng(5))
    weights.save(Path("start.npz"), network, Metadata(Options(hidden=(8,)), Source()))
    sha256 = hashlib.sha256(network.parameters.tobytes()).hexdigest()
    result = run(*QUICK, "--data", tiny, "--from", "start.npz", "--resume")
    assert f"was started with --from random weights, not --from {sha256};" in result.stderr
    assert result.exit_code == 1


def test_ten_images_are_enough_and_the_chosen_sizes_are_reported(tmp_path: Path) -> None:
    images, labels = draw(10, np.random.default_rng(0))
    idx.write_idx(tmp_path / "train-images-idx3-ubyte", images.reshape(-1, 28, 28))
    idx.write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    result = run("train", "--data", tmp_path, "--epochs", 2, "--hidden", 4)
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "for a set of 10 images: 1 validation image (--validation), "
        "1 image in a minibatch (--batch-size)\n"
    )
    options = weights.load(OLD)[1].options
    assert (options.validation, options.batch_size) == (1, 1)


UNLEARNABLE = {
    "inverted": (lambda images: 255 - images, (), "the images look inverted"),
    "zeros and ones": (lambda images: images // 128, (), "the images contain only 0 and 1"),
    "all alike": (lambda images: 0 * images, (), "all images look alike"),
    "a learning rate too high": (lambda images: images, ("--learning-rate", 50), None),
}


@pytest.mark.parametrize("kind", UNLEARNABLE)
def test_a_warning_says_why_nothing_can_be_learned(tiny: Path, kind: str) -> None:
    change, words, warning = UNLEARNABLE[kind]
    path = tiny / "train-images-idx3-ubyte"
    idx.write_idx(path, change(idx.read_idx(path)).astype(np.uint8))
    result = run(*QUICK, "--data", tiny, *words)
    assert result.exit_code == 0
    if warning:
        assert result.stderr.startswith(f"Warning: {warning}")
    else:
        last = result.stderr.splitlines()[-1]
        assert last.startswith("Warning: the network learned nothing: ")
        assert last.endswith("the learning rate, 50, is probably too high: try 0.2")


# ---- other files with the names of the weights file or the checkpoint


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"notes", "expected a weights file"),
        (weights.PRETRAINED.read_bytes(), "expected a checkpoint; found the weights of a network"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_another_file_with_the_name_of_the_checkpoint_is_kept(
    tiny: Path, content: bytes, found: str, more: tuple[str, ...]
) -> None:
    CHECKPOINT.write_bytes(content)
    result = run(*QUICK, "--data", tiny, *more)
    assert result.stderr.startswith(f"{NOTE}Error: {CHECKPOINT.resolve()}: {found}")
    assert "it is not replaced: move it away, or name another file with" in result.stderr
    assert (CHECKPOINT.read_bytes(), result.exit_code) == (content, 1)


@posix_only("needs file permissions")
def test_private_weights_and_their_checkpoint_stay_private(tiny: Path) -> None:
    assert run(*QUICK, "--data", tiny).exit_code == 0
    OLD.chmod(0o600)
    with begun([*QUICK, "--data", str(tiny), "--epochs", "60"], 2) as process:
        assert CHECKPOINT.stat().st_mode & 0o777 == 0o600
        process.kill()
    assert run(*QUICK, "--data", tiny).exit_code == 0
    assert OLD.stat().st_mode & 0o777 == 0o600

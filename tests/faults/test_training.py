"""Whatever goes wrong in a training: one clear error, found before the training where it can be;
the weights that were there stay, and what was trained can be gone on with."""

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
    assert_fails,
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
KEPT = Path("mnistnet.npz.checkpoint")


@pytest.fixture
def old(tiny: Path) -> Path:
    """The tiny set; mnistnet.npz in the current folder is of an earlier training."""
    weights.save(OLD, Network((784, 10)), Metadata(Options(), Source()))
    return tiny


# ---- found out before the training


USAGE = "Usage: mnistnet train [OPTIONS]\nTry 'mnistnet train --help' for help.\n\n"
WRONG = [
    *(("--epochs", value) for value in ("0", "-1", "1.5", "many", "1000001")),
    *(("--batch-size", value) for value in ("0", "-1", "1e2")),
    *(("--hidden", value) for value in ("0", "-5", "1000001", "")),
    *(("--learning-rate", value) for value in ("0", "-1", "nan", "inf", "x")),
    *(("--momentum", value) for value in ("1", "-0.1", "nan", "inf")),
    *(("--weight-decay", value) for value in ("-1", "1.1", "nan", "inf")),
    *((option, "-1") for option in ("--validation", "--seed", "--drawn")),
]


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_a_value_out_of_range(old: Path, option: str, value: str) -> None:
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
        "expected fewer validation images than the 300 there are, found 300; lower --validation",
    ),
    "more images held out than there are": (
        ("--validation", 10**30),
        f"expected fewer validation images than the 300 there are, found {10**30:,}; "
        "lower --validation",
    ),
    "more hidden units than there is memory": (
        ("--hidden", 1_000_000, "--hidden", 1_000_000),
        "expected at most 67,108,864 weights; found 1,000,018,006,272 in "
        "784-8-1000000-1000000-10: use fewer hidden units",
    ),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_options_that_do_not_fit_the_data_or_the_machine(old: Path, kind: str) -> None:
    words, message = UNFIT[kind]
    assert_fault((*QUICK, "--data", old, *words), message, NOTE * (words[0] != "--hidden"))


UNWRITABLE = {
    "none/net.npz": "there is no folder {folder}/none",
    "file/net.npz": "there is no folder {folder}/file",
    "folder": "it is a folder or a device, not a file",
    "pipe": "it is a folder or a device, not a file",
    "shut/net.npz": "the folder {folder}/shut is not writable",
    "read-only.npz": "it is read-only",
    "n" * 300: "File name too long",
    "circle": "its links lead in a circle",
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_weights_that_cannot_be_written(old: Path, tmp_path: Path, name: str) -> None:
    Path("file").touch()
    Path("folder").mkdir()
    make_pipe(Path("pipe"))
    Path("shut").mkdir(mode=0o500)
    Path("read-only.npz").touch(mode=0o400)
    make_link(Path("circle"), "circle")
    why = UNWRITABLE[name].format(folder=tmp_path)
    words = (*QUICK, "--data", old, "--weights", name)
    assert_fault(words, f"cannot write {name}: {why}", run=as_user)


@posix_only("Windows limits paths, not names")
def test_a_checkpoint_that_cannot_be_written(old: Path, tmp_path: Path) -> None:
    name = "n" * 250
    kept = tmp_path / f"{name}.checkpoint"
    message = f"cannot write {kept}: File name too long"
    assert_fault((*QUICK, "--data", old, "--weights", name), message)
    KEPT.mkdir()
    message = f"cannot write {KEPT.resolve()}: it is a folder or a device, not a file"
    assert_fault((*QUICK, "--data", old), message)


@pytest.mark.parametrize("name", ["notes.txt", "tiny/train-images-idx3-ubyte"])
def test_a_file_that_is_no_weights_file_is_not_replaced(old: Path, name: str) -> None:
    Path("notes.txt").write_text("mine")
    assert_fault(
        (*QUICK, "--data", old, "--weights", name),
        f"{name}: expected the weights that 'mnistnet train' writes; found a file that is damaged "
        "or something else (File is not a zip file); it is not replaced: move it away, or name "
        "another file with --weights",
    )


def test_an_empty_file_is_replaced(old: Path) -> None:
    OLD.write_bytes(b"")  # as mktemp makes it
    assert run(*QUICK, "--data", old).exit_code == 0
    assert weights.load(OLD)[1].options.epochs == 4


# ---- in its midst


EPOCH = r"epoch   \d/4  train loss \d\.\d{4}  validation accuracy [\d.]+ %  [\d.]+ s\n"


def test_a_disk_that_is_full_at_the_first_checkpoint(old: Path) -> None:
    """As full as it is for a process that may write so much and no more."""
    resource = pytest.importorskip("resource", reason="POSIX only: needs a limit of file sizes")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        message = f"cannot write {KEPT.resolve()}: {os.strerror(errno.EFBIG)}"
        assert_fault((*QUICK, "--data", old), message, NOTE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


@pytest.mark.parametrize(("fits", "name"), [(2, str(KEPT)), (4, str(OLD))])
def test_a_disk_that_gets_full_later(
    old: Path, monkeypatch: pytest.MonkeyPatch, fits: int, name: str
) -> None:
    """So many files fit; what was trained by then is kept, and can be gone on with."""
    files = iter(range(fits))

    def fsync(_: int) -> None:
        if next(files, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    words = [*QUICK, "--data", str(old)]
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        result = run(*words)
    path = Path(name).resolve() if fits < 4 else name
    message = (
        f"Error: cannot write {path}: No space left on device after epoch {fits} of 4; "
        "to continue, run the same command with --resume\n"
    )
    assert re.fullmatch(f"{NOTE}({EPOCH}){{{fits}}}{re.escape(message)}", result.stderr)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert weights.load(OLD)[0].layers == (784, 10)
    assert len(weights.load(KEPT)[1].history) == fits

    assert run(*words, "--resume").exit_code == 0
    run(*words, "--weights", "whole.npz")
    assert written(OLD) == written(Path("whole.npz"))
    assert not KEPT.exists()


@posix_only("needs fork and signals")
@pytest.mark.parametrize(("sign", "count"), [(KILL, 50), (signal.SIGINT, 50)])
def test_stopped_at_any_moment(old: Path, tmp_path: Path, sign: int, count: int) -> None:
    """The old weights are there, or the new ones; going on gives the same new ones, and tidies."""
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


def test_a_running_training_that_is_killed(old: Path) -> None:
    """In a process of its own, as fast as it is."""
    words = [*QUICK, "--epochs", "60", "--batch-size", "50", "--data", str(old), "--resume"]
    for _ in range(2):
        with begun(words, 5) as process:
            process.kill()
    assert weights.load(OLD)[0].layers == (784, 10)
    assert len(weights.load(KEPT)[1].history) >= 10
    assert run(*words).exit_code == 0
    run(*words[:-1], "--weights", "whole.npz")
    assert written(OLD) == written(Path("whole.npz"))
    assert not list(Path().glob("*.checkpoint"))


def test_a_training_that_diverges(old: Path) -> None:
    message = "the loss is no longer finite in epoch 1; lower the learning rate, which is 1e+30"
    assert_fault((*QUICK, "--data", old, "--learning-rate", "1e30"), message, NOTE)


def test_not_enough_memory_is_one_error(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(training, "train", too_much)
    assert_fault((*QUICK, "--data", tiny), "there is not enough memory for this", NOTE)


def test_ctrl_c_says_so_and_exits_130(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train", interrupted)
    result = run(*QUICK, "--data", tiny)
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"{NOTE}Interrupted\n", 130)
    assert not Path("mnistnet.npz").exists()


@posix_only("needs signals")
@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_says_how_to_continue(tiny: Path, times: int) -> None:
    words = [*QUICK, "--epochs", "60", "--batch-size", "50", "--data", str(tiny)]
    words += ["--weights", "my net.npz"]
    with begun(words) as process:
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    said = stderr.splitlines()[-1].decode()
    advice = r"Interrupted after epoch \d+ of 60; to continue, run the same command with --resume"
    assert re.fullmatch(advice, said)
    assert (stdout, process.returncode) == (b"", 130)
    assert not Path("my net.npz").exists()

    assert run(*words, "--resume").exit_code == 0
    run(*words[:-1], "whole.npz")
    assert written(Path("my net.npz")) == written(Path("whole.npz"))
    assert not list(Path().glob("*.checkpoint"))


def test_resuming_without_a_checkpoint_begins_and_says_so(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--resume")
    kept = Path("mnistnet.npz.checkpoint").resolve()
    assert result.stderr.startswith(f"there is no checkpoint {kept}: beginning with epoch 1\n")
    assert result.exit_code == 0


@pytest.fixture
def cut_short(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of a training of the tiny set that was interrupted after two epochs."""
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
        (["--epochs", "9"], "--epochs 4, not 9"),
        (["--hidden", "6"], "--hidden 8, not 8, 6"),
        (["--seed", "1"], "--seed 0, not 1"),
        (["--no-augment"], "--augment True, not False"),
        (["--weight-decay", "0"], f"--weight-decay {Options.weight_decay}, not 0.0"),
    ],
)
def test_resuming_with_other_options_is_refused_with_both_values(
    cut_short: Path, tiny: Path, words: list[str], difference: str
) -> None:
    before = cut_short.read_bytes()
    assert_fails(
        run(*QUICK, "--data", tiny, *words, "--resume"),
        f"the training in {cut_short} was begun with {difference}; "
        "give the same to continue it, or leave out --resume to begin anew",
    )
    assert cut_short.read_bytes() == before


def test_resuming_with_other_data_is_refused_with_both_hashes(cut_short: Path, tiny: Path) -> None:
    before = mnist.load(tiny, "train").sha256["labels"]
    labels = idx.read_idx(tiny / "train-labels-idx1-ubyte").copy()
    labels[0] = 9
    idx.write_idx(tiny / "train-labels-idx1-ubyte", labels)
    after = mnist.load(tiny, "train").sha256["labels"]
    result = run(*QUICK, "--data", tiny, "--resume")
    assert f"was begun with training labels of SHA-256 {before}, not {after};" in result.stderr
    assert result.exit_code == 1


def forge(path: Path, change: Callable[[dict[str, Any]], None], **arrays: Any) -> None:
    """Write the checkpoint again with its metadata changed, and arrays in the place of others."""
    with np.load(path) as z:
        found = {name: z[name] for name in z.files}
    meta = json.loads(str(found["meta"]))
    change(meta)
    found |= {"meta": np.array(json.dumps(meta)), **arrays}
    with path.open("wb") as stream:
        np.savez(stream, **{name: array for name, array in found.items() if array is not None})


@pytest.mark.parametrize(
    "change",
    [
        lambda meta: meta.pop("rng"),
        lambda meta: meta["rng"]["state"].update(state=-1),
        lambda meta: meta["rng"].update(bit_generator="MT19937"),
        lambda meta: meta.pop("seed"),
        lambda meta: meta["data"].update(sha256=["aa"]),
        lambda meta: meta["history"].reverse(),
        lambda meta: meta["history"][0].update(seconds="x"),
        lambda meta: meta.pop("checkpoint"),
    ],
    ids=range(8),
)
def test_a_forged_checkpoint_is_one_error_and_stays(
    cut_short: Path, tiny: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    forge(cut_short, change)
    result = run(*QUICK, "--data", tiny, "--resume")
    assert re.fullmatch(
        f"Error: {re.escape(str(cut_short))}: .*expected .*; found .*\n", result.stderr
    )
    assert (result.stdout, result.exit_code) == ("", 1)
    assert cut_short.exists()


def test_a_checkpoint_of_version_0_1_0_is_refused_in_one_line(cut_short: Path, tiny: Path) -> None:
    forge(cut_short, lambda meta: meta.pop("checkpoint"))
    assert_fails(
        run(*QUICK, "--data", tiny, "--resume"),
        f"{cut_short}: expected a checkpoint of this version of mnistnet; found other weights; "
        "leave out --resume to begin anew",
    )


@pytest.mark.parametrize(
    "velocity",
    [
        None,
        np.full(784 * 8 + 80, np.nan, np.float32),
        np.zeros(784 * 8 + 80),
        np.zeros(3, np.float32),
    ],
    ids=["missing", "nan", "float64", "short"],
)
def test_a_forged_velocity_is_one_error(cut_short: Path, tiny: Path, velocity: Any) -> None:
    forge(cut_short, lambda _: None, velocity=velocity)
    result = run(*QUICK, "--data", tiny, "--resume")
    assert result.stderr.startswith(f"Error: {cut_short}: expected ")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert cut_short.exists()


def test_beginning_anew_over_a_checkpoint_is_said(cut_short: Path, tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny)
    assert result.stderr.startswith(
        f"{cut_short}, of an interrupted training, is replaced after epoch 1; "
        "to continue that training, press Ctrl-C now and add --resume\n"
    )
    assert not cut_short.exists()


def test_what_only_has_a_checkpoints_name_is_not_replaced(tiny: Path) -> None:
    kept = Path("mnistnet.npz.checkpoint").resolve()
    kept.write_bytes(b"notes")
    result = run(*QUICK, "--data", tiny)
    assert result.stderr.startswith(f"Error: {kept}: expected the weights")
    assert (kept.read_bytes(), result.exit_code) == (b"notes", 1)


def test_a_link_in_a_path_does_not_lose_the_checkpoint(tiny: Path) -> None:
    make_link(tiny / "net.npz", "elsewhere.npz")
    assert run(*QUICK, "--data", tiny, "--weights", tiny / "net.npz").exit_code == 0
    assert not list(tiny.glob("*.checkpoint"))


def test_a_training_that_diverges_does_not_take_a_checkpoint_along(
    cut_short: Path, tiny: Path
) -> None:
    """Only its own."""
    run(*QUICK, "--data", tiny, "--learning-rate", "1e30")
    assert cut_short.exists()


# ---- what was trained before, and what cannot be learned from


def test_resuming_a_finished_training_says_so_and_changes_nothing(tiny: Path) -> None:
    assert run(*QUICK, "--data", tiny).exit_code == 0
    before = OLD.read_bytes()
    result = run(*QUICK, "--data", tiny, "--resume")
    assert result.stderr == (
        "the training of mnistnet.npz is finished; to train it further: "
        f"mnistnet train --from mnistnet.npz\n{NOTE}"
    )
    assert result.stdout.startswith("validation accuracy ")
    assert (OLD.read_bytes(), result.exit_code) == (before, 0)
    assert not KEPT.exists()


def test_a_training_starts_from_existing_weights_and_says_from_which(tiny: Path) -> None:
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


def test_a_training_starts_from_the_bundled_weights(tiny: Path) -> None:
    words = ("train", "--data", tiny, "--from", "pretrained", "--epochs", 1, "--no-augment")
    assert run(*words).exit_code == 0
    bundled, metadata = weights.load(weights.PRETRAINED)[0], weights.load(OLD)[1]
    assert weights.load(OLD)[0].layers == bundled.layers
    accuracy = metadata.history[0].validation_accuracy
    assert accuracy is not None
    assert accuracy > 0.7


def test_layers_that_contradict_the_weights_to_start_from_are_an_error(tiny: Path) -> None:
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
    cut_short: Path, tiny: Path
) -> None:
    network = Network.random((784, 8, 10), np.random.default_rng(5))
    weights.save(Path("start.npz"), network, Metadata(Options(hidden=(8,)), Source()))
    sha256 = hashlib.sha256(network.parameters.tobytes()).hexdigest()
    result = run(*QUICK, "--data", tiny, "--from", "start.npz", "--resume")
    assert f"was begun with --from random weights, not {sha256};" in result.stderr
    assert result.exit_code == 1


def test_ten_images_are_enough_and_what_was_chosen_is_said(tmp_path: Path) -> None:
    images, labels = draw(10, np.random.default_rng(0))
    idx.write_idx(tmp_path / "train-images-idx3-ubyte", images.reshape(-1, 28, 28))
    idx.write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    result = run("train", "--data", tmp_path, "--epochs", 2, "--hidden", 4)
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "for a set of 10 images: 1 validation images (--validation), "
        "1 images in a minibatch (--batch-size)\n"
    )
    options = weights.load(OLD)[1].options
    assert (options.validation, options.batch_size) == (1, 1)


UNLEARNABLE = {
    "inverted": (lambda images: 255 - images, (), "the images look inverted"),
    "zeros and ones": (lambda images: images // 128, (), "the images have levels of 0 and 1 only"),
    "all alike": (lambda images: 0 * images, (), "all images look alike"),
    "a learning rate too high": (lambda images: images, ("--learning-rate", 50), None),
}


@pytest.mark.parametrize("kind", UNLEARNABLE)
def test_what_cannot_be_learned_from_is_said_before_or_after(tiny: Path, kind: str) -> None:
    change, words, doubt = UNLEARNABLE[kind]
    path = tiny / "train-images-idx3-ubyte"
    idx.write_idx(path, change(idx.read_idx(path)).astype(np.uint8))
    result = run(*QUICK, "--data", tiny, *words)
    assert result.exit_code == 0
    if doubt:
        assert result.stderr.startswith(f"Warning: {doubt}")
    else:
        last = result.stderr.splitlines()[-1]
        assert last.startswith("Warning: the network learned nothing: ")
        assert last.endswith("the learning rate, 50, is probably too high: try 0.2")


# ---- what has the name of the checkpoint, or of the weights, by then


def test_a_network_named_as_a_checkpoint_is_not_taken_for_one(tiny: Path) -> None:
    """Not even with --resume, nor deleted at the end."""
    words = (*QUICK, "--data", tiny)
    assert run(*words, "--weights", "run.checkpoint").exit_code == 0
    message = (
        f"{Path.cwd() / 'run.checkpoint'}: expected a checkpoint; found the weights of a network; "
        "it is not replaced: move it away, or name another file with --weights"
    )
    for more in ((), ("--resume",)):
        assert_fault((*words, "--weights", "run", *more), message)


def test_a_link_named_as_the_checkpoint_is_left_alone(tiny: Path) -> None:
    shutil.copy(weights.PRETRAINED, "other.npz")
    make_link(KEPT, "other.npz")
    message = f"{Path.cwd() / KEPT}: expected a checkpoint; found a link; it is not replaced: "
    for more in ((), ("--resume",)):
        result = run(*QUICK, "--data", tiny, *more)
        assert result.stderr.startswith(f"Error: {message}")
        assert result.exit_code == 1
    assert KEPT.is_symlink()
    assert Path("other.npz").read_bytes() == weights.PRETRAINED.read_bytes()


@pytest.mark.parametrize("name", [OLD, KEPT])
def test_a_file_that_appears_while_training_runs_is_kept(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, name: Path
) -> None:
    right = training.train

    def train(*words: object, **more: object) -> Iterator[object]:
        for count, report in enumerate(right(*words, **more)):
            if count == 2:
                name.unlink(missing_ok=True)
                name.write_text("my notes")
            yield report

    monkeypatch.setattr(training, "train", train)
    result = run(*QUICK, "--data", tiny)
    assert f"{name}: expected the weights" in result.stderr
    assert "it is not replaced" in result.stderr
    assert result.exit_code == 1
    assert name.read_text() == "my notes"


@posix_only("needs file permissions")
def test_private_weights_stay_private_and_so_is_their_checkpoint(tiny: Path) -> None:
    assert run(*QUICK, "--data", tiny).exit_code == 0
    OLD.chmod(0o600)
    with begun([*QUICK, "--data", str(tiny), "--epochs", "60"], 2) as process:
        assert KEPT.stat().st_mode & 0o777 == 0o600
        process.kill()
    assert run(*QUICK, "--data", tiny).exit_code == 0
    assert OLD.stat().st_mode & 0o777 == 0o600

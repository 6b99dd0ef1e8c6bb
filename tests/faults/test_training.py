"""Failures of training: one clear error, before training starts if possible, and existing weights
are kept."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from program import NOTE, QUICK, as_user, assert_fault, make_pipe, posix_only, run, write_idx

from mnistnet.data import idx
from mnistnet.image.drawn import draw
from mnistnet.model import weights
from mnistnet.model.metadata import Metadata, TrainingSet
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options

OLD = Path("mnistnet.npz")
CHECKPOINT = Path("mnistnet.npz.checkpoint")


@pytest.fixture
def old(tiny: Path) -> Path:
    """The tiny set, with mnistnet.npz of an earlier training in the current folder."""
    weights.save(OLD, Perceptron((784, 10)), Metadata(Options(), TrainingSet()))
    return tiny


def test_options_that_do_not_fit_the_data_or_the_machine_are_an_error(old: Path) -> None:
    found = "expected a batch size of at most the 250 training images, found 251"
    assert_fault((*QUICK, "--data", old, "--batch-size", 251), f"{found}; lower --batch-size", NOTE)
    found = "expected at most 67,108,864 weights; found 1,000,018,006,272"
    assert_fault(
        (*QUICK, "--data", old, *2 * ("--hidden", 1_000_000)),
        f"{found}: use fewer hidden units",
        NOTE,
    )


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


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        (OLD, b"notes", "expected a weights file written by 'mnistnet train'; found a damaged or"),
        (CHECKPOINT, b"notes", "expected a weights file"),
        (CHECKPOINT, weights.PRETRAINED.read_bytes(), "expected a checkpoint; found the weights"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--resume",)])
def test_only_weights_files_and_checkpoints_are_replaced(
    tiny: Path, path: Path, content: bytes, found: str, more: tuple[str, ...]
) -> None:
    path.write_bytes(content)
    result = run(*QUICK, "--data", tiny, *more)
    shown = path.resolve() if path == CHECKPOINT else path
    assert result.stderr.startswith(f"{NOTE}Error: {shown}: {found}")
    assert "it is not replaced: move it away, or name another file with --w" in result.stderr
    assert (path.read_bytes(), result.exit_code) == (content, 1)


def test_an_empty_file_is_replaced(old: Path) -> None:
    OLD.write_bytes(b"")  # as mktemp makes it
    assert run(*QUICK, "--data", old).exit_code == 0
    assert weights.load(OLD)[1].options.epochs == 4


def test_training_starts_from_existing_weights_and_records_them(tiny: Path) -> None:
    run(*QUICK, "--data", tiny)
    first = weights.load(OLD)[0]
    words = ("train", "--data", tiny, "--from", OLD, "--epochs", 1, "--learning-rate", "1e-9")
    assert run(*words, "--weights", "next.npz").exit_code == 0
    network, metadata = weights.load(Path("next.npz"))
    assert network.layers == first.layers
    assert np.abs(network.parameters - first.parameters).max() < 1e-6
    sha256 = hashlib.sha256(first.parameters.tobytes()).hexdigest()
    assert metadata.options.start == sha256
    shown = " ".join(run("info", "--weights", "next.npz").stdout.split())
    assert f"weights of SHA-256 {sha256}" in shown


def test_training_starts_from_the_bundled_weights_but_not_with_other_layers(tiny: Path) -> None:
    words = ("train", "--data", tiny, "--from", "pretrained", "--epochs", 1, "--no-augment")
    assert run(*words).exit_code == 0
    network, metadata = weights.load(OLD)
    assert network.layers == weights.load(weights.PRETRAINED)[0].layers
    assert (metadata.history[0].validation_accuracy or 0) > 0.7
    assert_fault(
        (*words, "--hidden", 9),
        "start: expected its own layers, --hidden 1100,450; found --hidden 9",
    )


def test_ten_images_are_enough_and_the_chosen_sizes_are_reported(tmp_path: Path) -> None:
    images, labels = draw(10, np.random.default_rng(0))
    write_idx(tmp_path / "train-images-idx3-ubyte", images.reshape(-1, 28, 28))
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    result = run("train", "--data", tmp_path, "--epochs", 2, "--hidden", 4)
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "chosen for 9 training images: --batch-size 5 --learning-rate 0.01 --validation 1\n"
    )
    options = weights.load(OLD)[1].options
    assert (options.validation, options.batch_size) == (1, 5)


def test_a_warning_says_why_nothing_can_be_learned(tiny: Path) -> None:
    last = run(*QUICK, "--data", tiny, "--learning-rate", 50).stderr.splitlines()[-1]
    assert last.startswith("Warning: the network learned nothing: ")
    path = tiny / "train-images-idx3-ubyte"
    write_idx(path, 255 - idx.read_idx(path))
    result = run(*QUICK, "--data", tiny)
    assert result.stderr.startswith("Warning: the images look inverted")
    assert result.exit_code == 0

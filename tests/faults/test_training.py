"""Failures of training: one clear error, before training starts if possible, and existing weights
are kept. Malformed data: one error with the file and the remedy, and no command changes it."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from program import (
    NOTE,
    QUICK,
    as_user,
    assert_fault,
    files,
    make_link,
    make_pipe,
    posix_only,
    run,
    write_idx,
)

from mnistnet.data import mnist
from mnistnet.errors import DataError
from mnistnet.model import weights

OLD = Path("mnistnet.npz")
CHECKPOINT = Path("mnistnet.npz.checkpoint")


def test_options_that_do_not_fit_the_data_or_the_machine_are_an_error(old: Path) -> None:
    found = "expected a batch size of at most the 250 training images, found 251"
    assert_fault((*QUICK, "--data", old, "--batch-size", 251), f"{found}; lower --batch-size", NOTE)
    found = "expected at most 67,108,864 weights in 1,000 layers; found 1,000,018,006,272 in 5"
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


TRAIN_LABELS, IMAGES, LABELS = (file.name for file in mnist.FILES[1:])


SIZE = "{images}: expected n x 784 or n x 28 x 28 uint8, .*; found "
COUNT = "{labels}: expected integers for 50 images, at least one; found "
UNLIKE_MNIST = {
    "images of another size": (np.zeros((50, 28, 27), np.uint8), None, f"{SIZE}50 x 28 x 27 uint8"),
    "images of another type": (np.zeros((50, 28, 28), np.int16), None, f"{SIZE}50 x .* int16"),
    "labels in columns, as QMNIST's": (None, np.zeros((50, 8), np.int32), f"{COUNT}50 x 8 int32"),
    "fewer labels than images": (None, np.zeros(49, np.uint8), f"{COUNT}49 uint8"),
    "no images": (
        np.zeros((0, 28, 28), np.uint8),
        np.zeros(0, np.uint8),
        "{labels}: .* for 0 images, at",
    ),
    "a label above 9": (
        None,
        np.array([9] * 49 + [10], np.uint8),
        "{labels}: expected labels 0 to 9; found 10 for image 49; to keep ten of more classes: "
        "mnistnet import SOURCE --labels 1=0,2=1,... --out NEW_FOLDER",
    ),
}


@pytest.mark.parametrize("kind", UNLIKE_MNIST)
def test_a_file_unlike_mnists_is_an_error(tiny: Path, kind: str) -> None:
    *arrays, message = UNLIKE_MNIST[kind]
    for name, array in zip((IMAGES, LABELS), arrays, strict=True):
        if array is not None:
            write_idx(tiny / name, array)
    with pytest.raises(DataError, match=message.format(images=tiny / IMAGES, labels=tiny / LABELS)):
        mnist.load(tiny, "test")


def test_a_folder_a_pipe_or_a_broken_link_is_not_read(tiny: Path) -> None:
    for number, make in enumerate((Path.mkdir, make_pipe, lambda path: make_link(path, "none"))):
        (tiny / LABELS).rename(f"moved{number}")
        make(tiny / LABELS)
        with pytest.raises(DataError, match=f" has no {LABELS}, raw or .gz: it has {IMAGES}, "):
            mnist.load(tiny, "test")


@pytest.mark.parametrize("name", [LABELS, ""])
def test_an_unreadable_file_or_folder_is_an_error(tiny: Path, name: str) -> None:
    (tiny / name).chmod(0)
    result = as_user("eval", "--data", tiny)
    tiny.chmod(0o700)
    message = f"Error: cannot read {tiny / name}: Permission denied\n"
    assert (result.stdout, result.stderr, result.exit_code) == ("", message, 1)


READERS = (("train",), ("gradcheck",), ("eval",), ("plot", "units"))


def test_every_command_names_the_damaged_file_that_it_needs(tiny: Path) -> None:
    for name in (TRAIN_LABELS, LABELS):
        (tiny / name).write_bytes(b"")
    fault = "expected an IDX file, found an empty file"
    for command, name in zip(READERS, (TRAIN_LABELS, TRAIN_LABELS, LABELS, LABELS), strict=True):
        notes = "bundled weights\n" * (command[0] == "plot")
        assert_fault((*command, "--data", tiny), f"{tiny / name}: {fault}", notes)


@pytest.mark.parametrize("command", [*READERS, ("predict", "test:0")])
def test_only_download_and_import_write_into_a_users_folder(
    command: tuple[str, ...], tiny: Path, published: object, tmp_path: Path
) -> None:
    """Other commands neither create a missing folder nor fill an existing one; the error says what
    is there and names the commands that help."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "emnist").mkdir()
    (tmp_path / "emnist" / "emnist-digits-train-images-idx3-ubyte.gz").write_bytes(b"")
    (tmp_path / "set.csv").write_bytes(b"")
    before = files(), sorted(tmp_path.rglob("*"))
    for name, found in {
        "mistyped": "No such file or directory",
        "empty": "it is empty",
        "emnist": "it has emnist-digits-train-images-idx3-ubyte.gz",
        "set.csv": "Not a directory",
    }.items():
        folder = tmp_path / name
        result = run(*command, "--data", folder, "--mirror", tiny)
        assert result.exit_code == 1
        assert re.search(
            rf"Error: .*{folder} has no .*: {found}; to download MNIST to it: mnistnet download "
            rf"--data {folder}; .* mnistnet import {folder} --out NEW_FOLDER\n",
            result.stderr,
        ), result.stderr
        assert (files(), sorted(tmp_path.rglob("*"))) == before

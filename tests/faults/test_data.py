"""Malformed data is one error that names the file and the remedy, and no command changes it."""

import re
from pathlib import Path

import numpy as np
import pytest
from program import as_user, assert_fault, files, make_link, make_pipe, run, write_idx

from mnistnet.data import mnist
from mnistnet.errors import DataError

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

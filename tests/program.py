"""Run the commands as a user would, in this process or in a new one, and check that they fail
cleanly: with one message, and without changing a file."""

import errno
import gzip
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageDraw

from mnistnet import cli
from mnistnet.arrays import Array
from mnistnet.data import download, idx, mnist
from mnistnet.model import training, weights
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options

NOTE = "training on tiny, not MNIST's own\n"  # printed by train on the tiny set
QUICK = ("train", "--hidden", "8", "--epochs", "4", "--learning-rate", "0.2")
QUICK += ("--batch-size", "10", "--validation", "50")


def posix_only(reason: str) -> pytest.MarkDecorator:
    """Skip a test on Windows, for this reason."""
    return pytest.mark.skipif(sys.platform == "win32", reason=f"POSIX only: {reason}")


def make_pipe(path: Path) -> None:
    """Make a named pipe, or skip the test where there are none."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("POSIX only: needs named pipes")
    os.mkfifo(path)


def make_link(path: Path, target: str | Path) -> None:
    """Make a symbolic link, or skip the test on Windows."""
    if sys.platform == "win32":
        pytest.skip("POSIX only: on Windows only administrators may make symbolic links")
    path.symlink_to(target)


def write_idx(path: Path, array: Array) -> None:
    """Write an array as IDX; as gzip if the name ends in .gz."""
    raw = b"".join(idx.content(array))
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)


def rewrite(path: Path, **changes: Any) -> None:
    """Replace arrays in a weights file, or remove those that are None; a dict changes the
    metadata."""
    with np.load(path) as z:
        found = dict(z) | changes
        if isinstance(found["meta"], dict):
            text = json.dumps(json.loads(str(z["meta"])) | found["meta"])
            found["meta"] = np.array(text.replace("Infinity", "1e999"))
    with path.open("wb") as stream:
        np.savez(stream, **{name: array for name, array in found.items() if array is not None})


def save_pictures(form: str, data: mnist.Dataset, count: int) -> None:
    """Draw the first images as dark pictures on light paper, named by their digit and number."""
    for number, digit in enumerate(data.labels[:count]):
        path = Path(form.format(digit=digit, number=number))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - data.images[number].reshape(28, 28)).resize((140, 140)).save(path)


def write_weights(path: Path, *hidden: int, **more: Any) -> Perceptron:
    """Write a network of random weights, with the metadata of an epoch; return it."""
    network = Perceptron.random((784, *hidden, 10), np.random.default_rng(0))
    data = TrainingSet({"images": "aa", "labels": "bb"})
    history = (EpochReport(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25),)
    weights.save(path, network, Metadata(Options(epochs=1, seed=7), data, history), **more)
    return network


def fetch(folder: Path, *mirrors: str) -> tuple[list[str], list[str]]:
    """Download to the folder; return the sources of the four files and the notes."""
    notes: list[str] = []
    sources = download.download(folder, mirrors, notes.append, lambda *_: None)
    return list(sources.values()), notes


def run(*words: object, stdin: bytes | None = None) -> Result:
    """Run the command in this process; re-raise any exception but SystemExit."""
    result = CliRunner().invoke(cli.main, [str(word) for word in words], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


class Mine:
    """An object whose pickle makes a folder when loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, fits: int) -> Iterator[None]:
    """Let the disk be full after so many files were written."""
    files = iter(range(fits))

    def fsync(_: int) -> None:
        if next(files, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


COMMAND = (sys.executable, "-m", "mnistnet")


class Done(NamedTuple):
    """The result of a process, with the attributes of the result of run."""

    stdout: str
    stderr: str
    exit_code: int


def program(*words: object, command: tuple[str, ...] = COMMAND, **environment: str) -> Done:
    """Run the command in a new process."""
    command = (*command, *map(str, words))
    environment = os.environ | environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return Done(done.stdout, done.stderr, done.returncode)


def as_user(*words: object) -> Done:
    """Run the command without the privileges of root."""
    if sys.platform == "win32":
        pytest.skip("POSIX only: needs file permissions")
    command = COMMAND
    if os.geteuid() == 0:
        setpriv = shutil.which("setpriv")
        if not setpriv:
            pytest.skip("needs setpriv, or not to be root")
        command = (setpriv, "--bounding-set=-dac_override,-dac_read_search", *command)
    return program(*words, command=command)


@contextmanager
def begun(words: list[str], epochs: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program in a new process; yield it after this number of reported epochs."""
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        while epochs:
            epochs -= process.stderr.readline().startswith(b"epoch")
        yield process


def interrupt(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> Result:
    """Train on the tiny set as QUICK says, with Ctrl-C after two epochs."""
    real = training.train

    def interrupted(*args: Any) -> Iterator[EpochReport]:
        yield from islice(real(*args), 2)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", interrupted)
        return run(*QUICK, "--data", tiny)


def written(path: Path) -> tuple[bytes, str]:
    """Return the bytes of the weights in a file, and its metadata without the seconds."""
    network, _, _, meta = weights.load_all(path)
    for row in meta["history"]:
        del row["seconds"]
    return network.parameters.tobytes(), json.dumps(meta)


def arrays(folder: Path) -> dict[str, bytes]:
    """Return the bytes of the weights in each file of the folder."""
    return {
        path.name: weights.load(path)[0].parameters.tobytes()
        for path in sorted(folder.iterdir())
        if path.suffix != ".part"  # of a killed writer
    }


def assert_fails(result: Result, message: str, code: int = 1) -> None:
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"Error: {message}\n", code)


def files() -> dict[Path, bytes | int]:
    """Map the paths in the current and the home folder to the content of files, or the mode."""
    paths = [path for top in (Path.cwd(), Path.home()) for path in top.rglob("*")]
    return {
        path: path.read_bytes() if path.is_file() else path.lstat().st_mode
        for path in paths
        if not path.is_dir()
    }


def assert_fault(
    words: tuple[object, ...],
    message: str | re.Pattern[str],
    notes: str = "",
    code: int = 1,
    run: Callable[..., Any] = run,
) -> None:
    """Check that the command fails with this message after these notes, and changes no file."""
    before = files()
    result = run(*words)
    pattern = message.pattern if isinstance(message, re.Pattern) else re.escape(message)
    assert re.fullmatch(f"{re.escape(notes)}Error: {pattern}\n", result.stderr), result.stderr
    assert (result.stdout, result.exit_code) == ("", code)
    assert files() == before


def png(digit: int) -> bytes:
    """A PNG of a 0, 1 or 7, as drawn with a mouse."""
    picture = Image.new("RGB", (400, 300), "white")
    pen = ImageDraw.Draw(picture)
    if digit == 0:
        pen.ellipse([150, 60, 260, 240], outline="navy", width=20)
    else:
        line = {1: [(190, 60), (180, 240)], 7: [(120, 70), (230, 70), (170, 240)]}[digit]
        pen.line(line, "navy", 20)
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()

"""Run the commands as a user would, in this process or in one of their own, and see them fail as
they should: one message, nothing left behind, nothing lost."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

from mnistnet import cli
from mnistnet.data import mnist
from mnistnet.model import weights

NOTE = "training on tiny, not MNIST's own\n"  # of train, on the tiny set
QUICK = ("train", "--hidden", "8", "--epochs", "4", "--batch-size", "10", "--validation", "50")


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


def run(*words: object, stdin: bytes | None = None) -> Result:
    """The command's result; anything but a clean exit is re-raised."""
    result = CliRunner().invoke(cli.main, [str(word) for word in words], input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


COMMAND = (sys.executable, "-m", "mnistnet")


class Done(NamedTuple):
    """What came of a process, under the names that run's result has."""

    stdout: str
    stderr: str
    exit_code: int


def program(*words: object, command: tuple[str, ...] = COMMAND, **environment: str) -> Done:
    """The command in a process of its own."""
    command = (*command, *map(str, words))
    environment = os.environ | environment
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return Done(done.stdout, done.stderr, done.returncode)


def published_command() -> tuple[str, ...]:
    """The command where MNIST is what the fixture `published` makes it."""
    code = (
        "import json, sys; from mnistnet.data import mnist; mnist.MIRRORS = (); "
        "mnist.FILES = tuple(mnist.MnistFile(*file) for file in json.loads(sys.argv.pop(1))); "
        "from mnistnet.__main__ import main; main()"
    )
    return sys.executable, "-c", code, json.dumps(mnist.FILES)


def as_user(*words: object) -> Done:
    """The command by one who may not read and write everything, as root may."""
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
    """The program in a process of its own, so many reported epochs after its start."""
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        while epochs:
            epochs -= process.stderr.readline().startswith(b"epoch")
        yield process


def written(path: Path) -> tuple[bytes, str]:
    """The weights in a file, byte for byte, and its metadata but for the seconds."""
    network, _, _, meta = weights.load_all(path)
    for row in meta["history"]:
        del row["seconds"]
    return network.parameters.tobytes(), json.dumps(meta)


def assert_fails(result: Result, message: str, code: int = 1) -> None:
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"Error: {message}\n", code)


def files() -> dict[Path, bytes | int]:
    """What is in the current and in the home folder: content of files, kind of what is none."""
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
    """The command fails with this message after these notes, and every file is as it was."""
    before = files()
    result = run(*words)
    pattern = message.pattern if isinstance(message, re.Pattern) else re.escape(message)
    assert re.fullmatch(f"{re.escape(notes)}Error: {pattern}\n", result.stderr), result.stderr
    assert (result.stdout, result.exit_code) == ("", code)
    assert files() == before

"""Commands on one folder in any order, some of them stopped, some on a full disk: whatever the user
had is there, or was replaced by something complete that he asked for."""

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from conftest import FILES, make_digits
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from program import QUICK, run

from mnistnet.data import idx
from mnistnet.model import weights

NAMES = ("net.npz", "net.npz.checkpoint", "other.npz")
TARGETS = (*NAMES, "weights.png", *(file.name for file in FILES))
CONTENT = st.sampled_from([b"", b"mine", b"PK\3\4", b"\x89PNG\r\n\x1a\n"])


class Stop(BaseException):
    """As a kill at this moment, but that the process goes on to clean up."""


class Commands(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.top = tempfile.TemporaryDirectory()
        os.chdir(self.top.name)
        self.mine: dict[Path, bytes] = {}  # what is not a product of any command

    @initialize()
    def data(self) -> None:
        Path("data").mkdir()
        for count, (images_file, labels_file) in ((60, FILES[:2]), (20, FILES[2:])):
            images, labels = make_digits(count, 0)
            idx.write_idx(Path("data") / images_file.name, images)
            idx.write_idx(Path("data") / labels_file.name, labels)
        self.mine |= {path: path.read_bytes() for path in Path("data").iterdir()}

    @rule(name=st.sampled_from(TARGETS), content=CONTENT)
    def put(self, name: str, content: bytes) -> None:
        """The user puts a file of his own there."""
        with suppress(FileNotFoundError):
            Path(name).unlink()
        Path(name).write_bytes(content)
        self.mine.pop(Path(name), None)
        if content:  # an empty file may be replaced
            self.mine[Path(name)] = content

    @rule(name=st.sampled_from(TARGETS))
    def remove(self, name: str) -> None:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        self.mine.pop(Path(name), None)

    @rule(name=st.sampled_from(NAMES), resume=st.booleans(), stop=st.integers(0, 12))
    def train(self, name: str, resume: bool, stop: int) -> None:
        words = [*QUICK, "--epochs", "2", "--validation", "10", "--data", "data"]
        self.run(stop, *words, "--weights", name, *["--resume"] * resume)

    @rule(stop=st.integers(0, 6))
    def plot(self, stop: int) -> None:
        self.run(stop, "plot", "weights", "--weights", "net.npz", "--out", "weights.png")

    @rule(stop=st.integers(0, 6))
    def download(self, stop: int) -> None:
        self.run(stop, "download", "--data", ".", "--mirror", "data")

    @rule(stop=st.integers(0, 6))
    def bring(self, stop: int) -> None:
        self.run(stop, "import", "data", "--out", "imported")

    def run(self, stop: int, *words: object) -> None:
        """The command; at its stop-th touch of the disk that is full, or the command ends."""
        touches = 0

        def touched(right: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
            def wrapped(*args: Any, **more: Any) -> Any:
                nonlocal touches
                touches += 1
                if stop and touches >= stop:
                    raise error
                return right(*args, **more)

            return wrapped

        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with (
            mock.patch.object(os, "fsync", touched(os.fsync, full)),
            mock.patch.object(Path, "replace", touched(Path.replace, Stop())),
            suppress(Stop),
        ):
            assert run(*words).exit_code in (0, 1, 2)

    @invariant()
    def what_the_user_had_is_there(self) -> None:
        for path, content in self.mine.items():
            assert path.read_bytes() == content

    @invariant()
    def whatever_was_written_is_complete(self) -> None:
        for name in NAMES:
            path = Path(name)
            if path not in self.mine and path.exists() and path.stat().st_size:
                weights.load(path)
        for folder in (Path(), Path("imported")):
            for path in folder.glob("*ubyte") if folder.is_dir() else ():
                if path not in self.mine and path.stat().st_size:
                    assert isinstance(idx.read_idx(path), np.ndarray)

    @invariant()
    def nothing_half_written_is_left(self) -> None:
        assert not list(Path().rglob("*.part"))

    def teardown(self) -> None:
        os.chdir("/")
        self.top.cleanup()


TestCommands = Commands.TestCase
TestCommands.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

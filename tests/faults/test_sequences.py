"""Random sequences of commands in one folder, some killed, some on a full disk: no file of the user
is lost, and every file that a command wrote is complete."""

import errno
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from conftest import FILES, write_set
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from program import QUICK, run

from mnistnet.data import idx
from mnistnet.model import weights

NAMES = ("net.npz", "net.npz.checkpoint", "other.npz")
TARGETS = st.sampled_from((*NAMES, "weights.png", *(file.name for file in FILES)))
CONTENT = st.sampled_from([b"", b"mine", b"PK\3\4", b"\x89PNG\r\n\x1a\n"])
TRAIN = (*QUICK, "--epochs", "2", "--validation", "10", "--data", "data", "--weights")
COMMANDS = [
    *((*TRAIN, name, *resume) for name in NAMES for resume in ((), ("--resume",))),
    ("plot", "weights", "--weights", "net.npz", "--out", "weights.png"),
    ("download", "--data", ".", "--mirror", "data"),
    ("import", "data", "--out", "imported"),
]


class Stop(BaseException):
    """Simulates a kill, except that the process still cleans up."""


class Commands(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.top = tempfile.TemporaryDirectory()
        os.chdir(self.top.name)
        self.mine: dict[Path, bytes] = {}  # not written by a command

    @initialize()
    def data(self) -> None:
        folder = write_set(Path("data"), 60, 20)
        self.mine |= {path: path.read_bytes() for path in folder.iterdir()}

    @rule(name=TARGETS, content=st.none() | CONTENT)
    def put(self, name: str, content: bytes | None) -> None:
        """The user writes or removes a file."""
        path = Path(name)
        path.unlink(missing_ok=True)
        self.mine.pop(path, None)
        if content is not None:
            path.write_bytes(content)
        if content:  # an empty file may be replaced
            self.mine[path] = content

    @rule(words=st.sampled_from(COMMANDS), stop=st.integers(0, 12))
    def run(self, words: tuple[str, ...], stop: int) -> None:
        """Run the command; at its stop-th write, the disk is full, or the command is killed."""
        writes = 0

        def failing(original: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
            def wrapped(*args: Any, **more: Any) -> Any:
                nonlocal writes
                writes += 1
                if stop and writes >= stop:
                    raise error
                return original(*args, **more)

            return wrapped

        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with (
            mock.patch.object(os, "fsync", failing(os.fsync, full)),
            mock.patch.object(Path, "replace", failing(Path.replace, Stop())),
            suppress(Stop),
        ):
            assert run(*words).exit_code in (0, 1, 2)

    @invariant()
    def files_of_the_user_are_unchanged(self) -> None:
        for path, content in self.mine.items():
            assert path.read_bytes() == content

    @invariant()
    def written_files_are_complete(self) -> None:
        for path in (*map(Path, NAMES), *Path().glob("*ubyte"), *Path().glob("imported/*ubyte")):
            if path not in self.mine and path.exists() and path.stat().st_size:
                if path.name in NAMES:
                    weights.load(path)
                else:
                    assert isinstance(idx.read_idx(path), np.ndarray)
        assert not list(Path().rglob("*.part"))

    def teardown(self) -> None:
        os.chdir("/")
        self.top.cleanup()


SHARED: dict[str, Any] = {"deadline": None, "suppress_health_check": list(HealthCheck)}


class TestCommands(Commands.TestCase):
    settings = settings(max_examples=4, stateful_step_count=10, derandomize=True, **SHARED)


@pytest.mark.soak
class TestManyCommands(Commands.TestCase):
    settings = settings(max_examples=100, stateful_step_count=15, **SHARED)

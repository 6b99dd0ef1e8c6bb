"""Check the arguments of the public functions: a wrong kind is an error that says what to pass."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from mnistnet.errors import MnistnetError

StrPath = str | os.PathLike[str]


def as_path(value: Any, name: str, error: type[MnistnetError] = MnistnetError) -> Path:
    """Return the argument of this name as a path, ~ expanded; raise the error if it is none."""
    with suppress(TypeError, RuntimeError):  # another kind, or ~name of an unknown user
        path = Path(value).expanduser()
        if "\0" not in str(path):
            return path
    raise error(str(wrong(value, name, "a path, such as 'folder/file',")))


def wrong(value: Any, name: str, what: str) -> MnistnetError:
    """Return the error for an argument of this name that should have been something else."""
    return MnistnetError(f"expected {what} for {name}; found {shown(value)}")


def shown(value: Any) -> str:
    """Describe a value in one short line."""
    return " ".join(repr(value)[:60].split())

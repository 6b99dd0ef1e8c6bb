"""Find a data set's files in a folder, and say what is wrong with a folder that lacks them.

Files have the published names (train-images-idx3-ubyte) or a dot as some archivers write them
(train-images.idx3-ubyte), each also as gzip, in a folder of the file's own name (Kaggle) and in
raw/ or NAME/raw/ (torchvision). Errors about other data sets name the command that converts them.
"""

import shlex
import stat
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mnistnet.errors import DataError, reason

SHOWN = 6  # names in an error
PACKED = ".gz"
TABLES = (".npz", ".csv")


def locate(folder: Path, names: Sequence[str]) -> Path:
    """Return the folder that has the files: this one or one named raw in it; this one if neither.

    Raises DataError if several have them.
    """
    places = [folder, *folder.glob("raw"), *sorted(folder.glob("*/raw"))]
    found = [place for place in places if any(copies(place, name) for name in names)]
    if len(found) > 1:
        raise DataError(
            f"expected one data set in {folder}; found {', '.join(map(str, found))}: "
            "name one of these folders"
        )
    return found[0] if found else folder


def copies(folder: Path, name: str) -> list[Path]:
    """List the copies of a file in the folder, the preferred one first; raise DataError if the
    folder cannot be searched."""
    dotted = name.replace("-idx", ".idx")
    places = (name, name + PACKED, dotted, dotted + PACKED, f"{name}/{name}", f"{dotted}/{dotted}")
    try:
        return [folder / place for place in places if _is_file(folder / place)]
    except OSError as error:
        raise DataError(f"cannot read {folder}: {reason(error)}") from error


def _is_file(path: Path) -> bool:
    """Path.is_file, except that a folder without permission is an error in every Python."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def others(folder: Path, names: Sequence[str]) -> list[str]:
    """List what else in the folder 'mnistnet import' may be able to read."""
    known = {path.name for name in names for path in copies(folder, name)}
    return [name for name in _listed(folder) if name not in known and _is_source(folder / name)]


def _is_source(path: Path) -> bool:
    name = path.name.lower()
    is_idx = "idx" in name and ("images" in name or "labels" in name) and path.is_file()
    has_digits = all((path / digit).is_dir() for digit in "01")
    return name.endswith(TABLES) or is_idx or has_digits or name in map(str, range(10))


def _listed(folder: Path) -> list[str]:
    """List the visible names in the folder, as far as it can be read."""
    with suppress(OSError):
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return []


def absent(folder: Path, name: str, names: Sequence[str]) -> str:
    """Explain that the folder lacks a file, list what it has, and name the next command."""
    place = quoted(folder)
    convert = f"mnistnet import {place} --out NEW_FOLDER"
    if _is_file(folder):
        return f"expected a folder with {name}, found a file, {folder}; to convert it: {convert}"
    if others(folder, names):
        advice = f"to convert these: {convert}"
    else:
        advice = (
            f"to download MNIST to it: mnistnet download --data {place}; "
            "to convert another data set: mnistnet import SOURCE --out NEW_FOLDER"
        )
    if not folder.exists():
        return f"there is no folder {folder}; {advice}"
    listed = _listed(folder)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    found = f"it has {', '.join(listed[:SHOWN])}{more}" if listed else "it is empty"
    return f"{folder} has no {name}, raw or .gz; {found}; {advice}"


def quoted(path: Path) -> str:
    """Quote the path for the platform's usual shell."""
    return shlex.quote(str(path)) if sys.platform != "win32" else subprocess.list2cmdline([path])


def refuse_link(path: Path) -> None:
    """Raise DataError if the path is a link, through which writing would change another file."""
    if path.is_symlink():
        raise DataError(f"expected a file, found a link: {path}; remove the link")

"""Locate a data set's files in a folder, under the names that programs and archives use.

These are the published names (train-images-idx3-ubyte), with a dot as some archivers write them
(train-images.idx3-ubyte), each also as gzip, in a folder of the file's own name (Kaggle) and in
raw/ or NAME/raw/ (torchvision). Errors about other data sets name the command that converts them.
"""

import shlex
import stat
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
    inner = [*folder.glob("raw"), *sorted(folder.glob("*/raw"))]
    found = [place for place in (folder, *inner) if any(copies(place, name) for name in names)]
    if len(found) > 1:
        raise DataError(
            f"expected one data set in {folder}; found {', '.join(map(str, found))}: "
            "name one of these folders"
        )
    return found[0] if found else folder


def name_of(folder: Path) -> str:
    """Return the name of a data set in this folder: the folder's, or the parent's of raw."""
    place = folder.absolute()
    return place.parent.name if place.name == "raw" else place.name


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
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def refuse_link(path: Path) -> None:
    """Raise DataError if the path is a link, through which writing would change another file."""
    if path.is_symlink():
        raise DataError(f"expected a file, found a link: {path}; remove the link")


def quoted(path: Path) -> str:
    """Quote the path for the platform's usual shell."""
    if sys.platform != "win32":
        return shlex.quote(str(path))
    import subprocess

    return subprocess.list2cmdline([path])


def others(folder: Path, names: Sequence[str]) -> list[str]:
    """List what else in the folder 'mnistnet import' may be able to read."""
    known = {path.name for name in names for path in copies(folder, name)}
    return [name for name in _listed(folder) if name not in known and _is_source(folder / name)]


def _is_source(path: Path) -> bool:
    name = path.name.lower()
    is_table = name.endswith(TABLES)
    is_idx = "idx" in name and ("images" in name or "labels" in name)
    has_digits = all((path / digit).is_dir() for digit in "01")
    return is_table or (is_idx and path.is_file()) or has_digits or name in map(str, range(10))


def _listed(folder: Path) -> list[str]:
    with suppress(OSError):
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    return []


def absent(folder: Path, name: str, names: Sequence[str]) -> str:
    """Explain that the folder lacks a file, list what it has, and name the next command."""
    place = quoted(folder)
    convert = "mnistnet import {} --out NEW_FOLDER"
    if _is_file(folder):
        return (
            f"expected a folder with {name}, found a file, {folder}; "
            f"to convert it: {convert.format(place)}"
        )
    fill = (
        f"to download MNIST to it: mnistnet download --data {place}; "
        f"to convert another data set: {convert.format('SOURCE')}"
    )
    if not folder.exists():
        return f"there is no folder {folder}; {fill}"
    listed = _listed(folder)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    found = f"it has {', '.join(listed[:SHOWN])}{more}" if listed else "it is empty"
    any_there = any(copies(folder, each) for each in names)
    expected = f"no {name}" if any_there else f"none of {', '.join(names)}"
    message = f"{folder} has {expected}, raw or .gz; {found}"
    links = [path for path in (folder / name, folder / f"{name}{PACKED}") if path.is_symlink()]
    if links:
        return f"{message}; {links[0].name} is a broken link"
    if others(folder, names):
        return f"{message}; to convert these: {convert.format(place)}"
    if any_there:
        return (
            f"{message}; add the missing file (for MNIST: mnistnet download --data {place}), or "
            "name another folder with --data"
        )
    return f"{message}; {fill}"

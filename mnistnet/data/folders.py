"""Find a data set's files in a folder, and say what is wrong with a folder that lacks them.

Files have the published names (train-images-idx3-ubyte) or a dot as some archivers write them
(train-images.idx3-ubyte), each also as gzip, in a folder of the file's own name (Kaggle) and in
raw/ or NAME/raw/ (torchvision).
"""

import re
import shlex
from pathlib import Path

from mnistnet.errors import DataError, reason

PUBLISHED = re.compile(r"(train|t10k)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")
SHOWN = 6  # names in an error


def locate(folder: Path) -> Path:
    """Return the folder that has the files: this one or one named raw in it; this one if neither.
    Raises DataError if several have them."""
    places = [folder, *folder.glob("raw"), *sorted(folder.glob("*/raw"))]
    found = [p for p in places if any(PUBLISHED.fullmatch(path.name) for path in p.glob("*"))]
    if len(found) > 1:
        listed = ", ".join(map(str, found))
        raise DataError(f"expected one data set in {folder}; found {listed}: name one of these")
    return found[0] if found else folder


def copies(folder: Path, name: str) -> list[Path]:
    """List the copies of a file in the folder, preferred first; raise DataError if that fails."""
    dotted = name.replace("-idx", ".idx")
    forms = (name, f"{name}.gz", dotted, f"{dotted}.gz", f"{name}/{name}", f"{dotted}/{dotted}")
    try:
        return [folder / form for form in forms if (folder / form).is_file()]
    except OSError as error:
        raise DataError(f"cannot read {folder}: {reason(error)}") from error


def absent(folder: Path, name: str) -> str:
    """Explain that the folder lacks a file, list what it has, and name the next command."""
    try:
        names = sorted(path.name for path in folder.iterdir() if path.name[0] != ".")
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        found = f"it has {', '.join(names[:SHOWN])}{more}" if names else "it is empty"
    except OSError as error:
        found = reason(error)
    place = shlex.quote(str(folder))
    return (
        f"{folder} has no {name}, raw or .gz: {found}; to download MNIST to it: mnistnet download "
        f"--data {place}; to convert another data set in it: mnistnet import {place} --out "
        "NEW_FOLDER"
    )

"""Recognise the kind of a data set in a file or folder, and read it in blocks."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mnistnet.arrays import Array
from mnistnet.data import folders, mnist, stored, tables
from mnistnet.data.stored import Block
from mnistnet.errors import DataError, MnistnetError, PictureError, reason

PICTURES = 50  # in a block
MAX_PICTURES = 1_000_000
SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
KINDS = (
    "an .npz with x_train and y_train, a .csv, IDX files, or a folder with one of these or with "
    "folders 0 to 9 of pictures"
)
Skip = Callable[[Path, str], None]  # called with each skipped file and the reason


def read(source: Path, skip: Skip) -> Iterator[Block]:
    """Read the data set in a file or folder in blocks; raise DataError if there is none."""
    try:
        yield from _recognise(source, skip)
    except (MnistnetError, MemoryError):
        raise
    except Exception as error:  # zipfile and zlib raise a dozen kinds for damaged archives
        raise DataError(f"cannot read {source}: {reason(error)}") from error


def is_transposed(source: Path) -> bool:
    """Check by file names for EMNIST, whose images are stored column by column."""
    try:
        names = [path.name for path in source.iterdir()] if source.is_dir() else [source.name]
    except OSError as error:
        raise DataError(f"cannot read {source}: {reason(error)}") from error
    return any(name.lower().startswith("emnist-") for name in names)


def _recognise(source: Path, skip: Skip) -> Iterator[Block]:
    if not source.is_file() and not source.is_dir():
        raise DataError(f"there is no file or folder {source}; expected {KINDS}")
    if source.is_file():
        suffix = source.suffix.lower()
        if suffix == ".npz":
            return stored.read(source, stored.npz_arrays([source]))
        if suffix == ".csv":
            return tables.read([source], skip)
        return stored.read(source, stored.idx_arrays(stored.family(source)))
    folder = mnist.locate(source)
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    npz, csv = ([p for p in files if p.suffix.lower() == suffix] for suffix in (".npz", ".csv"))
    idx = [path for path in files if "idx" in path.name.lower()]
    if not idx:  # Kaggle has each file in a folder of its name
        idx = [path for file in mnist.FILES if (path := mnist.find(folder, file))]
    pictures = [] if npz or csv or idx else _labelled(folder)
    if bool(npz) + bool(csv) + bool(idx) + bool(pictures) != 1:
        listed = ", ".join(path.name for path in files[: folders.SHOWN]) or "no files"
        many = " of more than one kind: name the one to read" if npz or csv else ""
        raise DataError(f"{source}: expected {KINDS}; found {listed}{many}")
    if pictures:
        return _read_pictures(pictures, skip)
    if csv:
        return tables.read(csv, skip)
    return stored.read(source, stored.npz_arrays(npz) if npz else stored.idx_arrays(idx))


Labelled = tuple[str, str, Path]  # split, label and the folder of its pictures


def _labelled(folder: Path) -> list[Labelled]:
    """List the folders of pictures in a folder, or in its train/ and test/."""
    inner = _folders(folder)
    splits = [path for path in inner if path.name.lower() in SPLITS]
    if not splits:
        return [("train", path.name, path) for path in inner]
    return [(SPLITS[s.name.lower()], path.name, path) for s in splits for path in _folders(s)]


def _folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."]


def _read_pictures(folders: Sequence[Labelled], skip: Skip) -> Iterator[Block]:
    found = [
        (split, label, path)
        for split, label, folder in folders
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name[0] != "."
    ]
    if len(found) > MAX_PICTURES:
        raise DataError(f"expected at most {MAX_PICTURES:,} pictures; found {len(found):,}")
    for split in ("train", "test"):
        mine = [(label, path) for part, label, path in found if part == split]
        for start in range(0, len(mine), PICTURES):
            images, labels = [], []
            for label, path in mine[start : start + PICTURES]:
                try:
                    images.append(_prepared(path))
                    labels.append(label)
                except PictureError as error:
                    skip(path, str(error))
            if images:
                yield Block(split, np.array(images), np.array(labels), len(found))


def _prepared(path: Path) -> Array:
    """Return the digit in a picture, (784,) uint8, normalised as for predict."""
    from mnistnet.image.digit import read_picture  # loads Pillow

    digits = read_picture(path).digits
    if len(digits) > 1:
        raise PictureError(f"expected one digit; found {len(digits)}")
    return digits[0].image

"""Recognise and read data sets that other programs write. Nothing is unpickled."""

import math
import re
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import idx, mnist
from mnistnet.errors import DataError, MnistnetError, PictureError, reason
from mnistnet.image.digit import read_picture

KINDS = (
    "an .npz with x_train and y_train, a .csv, IDX files, or a folder with one of these or with "
    "folders 0 to 9 of pictures"
)
MAX_BYTES = 1_500_000_000  # of an unpacked array in an .npz, or a CSV file of 800,000 images
HEADINGS = {"label", "labels", "class", "target", "digit", "y"}  # of a CSV's column of labels
IMAGES = re.compile(r"images?|imgs?|idx3|pixels?|data|(^|[_-])x([_-]|$)")
LABELS = re.compile(r"labels?|targets?|idx[12]|(^|[_-])y([_-]|$)")
TEST = re.compile(r"test|t10k")

LabelledImages = tuple[str, Array, Array]  # 'train' or 'test'; images (n, 784); labels (n,)
Readers = dict[str, Callable[[], Array]]  # of arrays, by name in lower case
Skip = Callable[[Path, str], None]  # called with a picture that is left out and the reason
Advance = Callable[[int, int], None]  # called with the images just read and the total or 0


def read(source: Path, skip: Skip, advance: Advance) -> Iterator[LabelledImages]:
    """Read the data set in a file or folder, one split at a time; raise DataError if there is none.
    Images and labels have any type; labels may be names."""
    try:
        kind, paths = _recognise(source)
        if kind == "npz":
            yield from _pair(source, list_npz(paths))
        elif kind == "idx":
            yield from _pair(source, list_idx(paths))
        elif kind == "csv":
            names = {path.name: path for path in paths}
            for split, name in _by_split(source, names):
                yield split, *read_table(names[name], advance)
        else:
            yield from read_pictures(paths[0], skip, advance)
    except MnistnetError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds for damaged files
        raise DataError(f"cannot read {source}: {reason(error)}") from error


def is_transposed(source: Path) -> bool:
    """Check by file names for EMNIST, whose images are stored column by column."""
    names = [path.name for path in source.glob("*")] or [source.name]
    return any(name.lower().startswith("emnist-") for name in names)


def _recognise(source: Path) -> tuple[str, list[Path]]:
    """Return the kind of the data set and its files, or its folder of folders of pictures."""
    if source.is_file():
        files = _family(source)
    elif source.is_dir():
        folder = mnist.locate(source)
        files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    else:
        raise DataError(f"there is no file or folder {source}; expected {KINDS}")
    found = {kind: [p for p in files if _kind(p) == kind] for kind in ("npz", "csv", "idx")}
    if source.is_dir() and not any(found.values()):
        nested = sorted(folder.glob("*/*idx*"))  # Kaggle has each file in a folder of its name
        found["idx"] = [path for path in nested if path.name == path.parent.name]
        found["pictures"] = [folder] * (not found["idx"] and any(folder.glob("[!.]*/[!.]*")))
    kinds = [kind for kind, paths in found.items() if paths]
    if len(kinds) != 1:
        listed = ", ".join(path.name for path in files[: mnist.SHOWN]) or "no files"
        many = " of more than one kind: name the one to read" if kinds else ""
        raise DataError(f"{source}: expected {KINDS}; found {listed}{many}")
    return kinds[0], found[kinds[0]]


def _kind(path: Path) -> str:
    """Return the kind of file that the name tells, or nothing."""
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in ("npz", "csv") else "idx" * ("idx" in path.name.lower())


def _family(path: Path) -> list[Path]:
    """List the IDX files whose names differ from this one's only in the split and the content; or
    this file alone, if it is of another kind."""
    varying = rf"{IMAGES.pattern}|{LABELS.pattern}|train|{TEST.pattern}|ubyte|int"
    common = re.sub(varying, "", _stem(path))
    others = [each for each in sorted(path.parent.iterdir()) if each.is_file()]
    family = [each for each in others if re.sub(varying, "", _stem(each)) == common]
    return [each for each in family if _kind(each) == "idx"] if _kind(path) == "idx" else [path]


def _stem(path: Path) -> str:
    """Return the common name of a file, its .gz, and its dotted form."""
    return path.name.lower().removesuffix(".gz").replace(".idx", "-idx")


def list_idx(paths: Sequence[Path]) -> Readers:
    """List the arrays in IDX files, those that are there as raw and as gzip once."""
    files = {_stem(path): path for path in sorted(paths, reverse=True)}
    # QMNIST has labels also with their writers and other facts
    again = {name.replace("idx1-ubyte", "idx2-int") for name in files if "idx1" in name}
    return {name: partial(idx.read_idx, files[name]) for name in files if name not in again}


def list_npz(paths: Sequence[Path]) -> Readers:
    """List the arrays in .npz files; an unnamed array has the name of its file."""
    arrays: Readers = {}
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                key = member.filename.removesuffix(".npy")
                name = path.stem if key.startswith("arr_") else key
                arrays.setdefault(name.lower(), partial(_read_npz, path, key, member.file_size))
    return arrays


def _read_npz(path: Path, key: str, size: int) -> Array:
    if size > MAX_BYTES:
        found = f"{size:,}; save the images as uint8, or fewer"
        raise DataError(f"{path}: expected at most {MAX_BYTES:,} bytes in {key}, found {found}")
    with np.load(path, allow_pickle=False) as archive:
        return np.asarray(archive[key])


def _by_split(source: Path, names: Iterable[str]) -> list[tuple[str, str]]:
    """Return the splits, 'train' and 'test', with the one name of each, else raise DataError."""
    found: dict[str, str] = {}
    for name in names:
        split = "test" if TEST.search(name.lower()) else "train"
        if found.setdefault(split, name) != name:
            both = f"{found[split]} and {name}; name one file of the set to read"
            raise DataError(f"{source}: expected one data set; found {both}")
    return sorted(found.items(), reverse=True)


def _pair(source: Path, arrays: Readers) -> Iterator[LabelledImages]:
    """Read the images and the labels of each split, identified by name."""
    images_names = _by_split(source, filter(IMAGES.search, arrays))
    others = [name for name in arrays if LABELS.search(name) and not IMAGES.search(name)]
    labels_names = dict(_by_split(source, others))
    if not images_names or any(split not in labels_names for split, _ in images_names):
        listed = ", ".join(arrays) or "none"
        raise DataError(f"{source}: expected arrays such as x_train and y_train; found {listed}")
    for split, images_name in images_names:
        labels_name = labels_names[split]
        images, labels = arrays[images_name](), arrays[labels_name]()
        found = f"found {images.shape} in {images_name}"
        if math.prod(images.shape[1:]) != PIXELS:
            raise DataError(
                f"{source}: expected n x {SIDE} x {SIDE} images; {found}; save images of other "
                "sizes as pictures in folders 0 to 9"
            )
        # the first of QMNIST's eight columns is the digit
        if labels.shape[1:] not in ((), (1,), (8,)) or not 0 < len(images) == len(labels):
            found += f" and {labels.shape} in {labels_name}"
            raise DataError(f"{source}: expected one label per image, at least one; {found}")
        yield split, images.reshape(-1, PIXELS), labels.reshape(len(labels), -1)[:, 0]


def read_table(path: Path, advance: Advance) -> tuple[Array, Array]:
    """Return the images (n, 784) and labels (n,), uint8 if all values are whole numbers from 0 to
    255, else float32.

    The label is in the first or the last column, as a heading or else the values tell. advance is
    called for each line, with 1 and 0. Raises DataError or ValueError for any other table.
    """
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: expected at most {MAX_BYTES:,} bytes; found more; split the file")

    def lines() -> Iterator[str]:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for line in iter(lambda: file.readline(100_000), ""):
                if not line.isspace():
                    yield line
                    advance(1, 0)

    first = next(lines(), "")
    delimiter = max(",;\t ", key=first.count)
    headings = [heading.strip(' "\n').lower() for heading in first.split(delimiter)]
    if len(headings) != PIXELS + 1:
        found = f"found {len(headings)} columns"
        raise DataError(f"{path}: expected {PIXELS} pixels and a label in each line; {found}")
    options: Any = {"delimiter": delimiter, "quotechar": '"', "comments": None, "ndmin": 2}
    options["skiprows"] = 0 if any(heading.isdecimal() for heading in headings) else 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # some versions of NumPy round fractions with a warning
            values = np.loadtxt(lines(), np.uint8, **options)
    except ValueError:
        values = np.loadtxt(lines(), np.float32, **options)

    def fitness(column: int) -> tuple[bool, int]:
        """Rate a column as labels; without headings, a corner of the images has fewer values."""
        found = np.unique(values[:, column])
        return headings[column] in HEADINGS, len(found) if np.isin(found, range(100)).all() else 0

    if fitness(-1) > fitness(0):
        return values[:, :-1], values[:, -1]
    return values[:, 1:], values[:, 0]


def read_pictures(folder: Path, skip: Skip, advance: Advance) -> Iterator[LabelledImages]:
    """Read the digit in each picture, prepared as for predict, in folders named by the label, or
    in train/ and test/ with such folders. Pictures that cannot be read are skipped."""
    patterns = {"train": "[tT]rain*/*/[!.]*", "test": "[tT]est*/*/[!.]*"}
    found = {split: sorted(folder.glob(pattern)) for split, pattern in patterns.items()}
    if not any(found.values()):
        found = {"train": sorted(folder.glob("[!.]*/[!.]*"))}
    for split, paths in found.items():
        images, labels = [], []
        for path in paths:
            try:
                digits = read_picture(path).digits
                if len(digits) > 1:
                    raise PictureError(f"expected one digit; found {len(digits)}")
                images.append(digits[0].image)
                labels.append(path.parent.name)
            except PictureError as error:
                skip(path, str(error))
            advance(1, sum(map(len, found.values())))
        if images:
            yield split, np.array(images), np.array(labels)

"""Recognise and read data sets that other programs write.

There is one function for each kind of file. Nothing is unpickled.
"""

import math
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import folders, idx, mnist
from mnistnet.data.table import read_table
from mnistnet.errors import DataError, MnistnetError, PictureError, reason

KINDS = (
    "an .npz with x_train and y_train, a .csv, IDX files, or a folder with one of these or with "
    "folders 0 to 9 of pictures"
)
MAX_BYTES = 1_000_000_000  # of an array in an .npz, unpacked
IMAGES = re.compile(r"images?|imgs?|idx3|pixels?|data|(^|[_-])x([_-]|$)")
LABELS = re.compile(r"labels?|targets?|idx[12]|(^|[_-])y([_-]|$)")
TEST = re.compile(r"test|t10k")
FOLDERS = {"train": "train", "training": "train", "test": "test", "testing": "test"}

LabelledImages = tuple[str, Array, Array]  # 'train' or 'test'; images (n, 784); labels (n,)
Readers = dict[str, Callable[[], Array]]  # of arrays, by name in lower case
Skip = Callable[[Path, str], None]  # called with a file that is left out and the reason
Advance = Callable[[int, int], None]  # called with the images just read and the total or 0


def read(source: Path, skip: Skip, advance: Advance) -> Iterator[LabelledImages]:
    """Read the data set in a file or folder, one split at a time; raise DataError if there is none.

    Images and labels have any type; labels may be names. advance is called while a CSV or pictures
    are read.
    """
    try:
        kind, paths = _recognise(source)
        if kind == "pictures":
            yield from read_pictures(paths, skip, advance)
        elif kind == "csv":
            yield from read_csv(paths, skip, advance)
        else:
            yield from _pair(source, list_npz(paths) if kind == "npz" else list_idx(paths))
    except (MnistnetError, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds for damaged files
        raise DataError(f"cannot read {source}: {reason(error)}") from error


def is_transposed(source: Path) -> bool:
    """Check by file names for EMNIST, whose images are stored column by column."""
    names = [path.name for path in source.glob("*")] or [source.name]
    return any(name.lower().startswith("emnist-") for name in names)


def _recognise(source: Path) -> tuple[str, list[Path]]:
    """Return the kind of the data set and its files, or its folders of pictures."""
    if source.is_file():
        kind = source.suffix.lower().removeprefix(".")
        if kind in ("npz", "csv"):
            return kind, [source]
        files = _idx_family(source)
        if files == [source]:
            idx.read_idx(source, any_order=True)  # the error says what else the file is
        return "idx", files
    if not source.is_dir():
        raise DataError(f"there is no file or folder {source}; expected {KINDS}")
    folder = mnist.locate(source)
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    found = {
        "npz": [path for path in files if path.suffix.lower() == ".npz"],
        "csv": [path for path in files if path.suffix.lower() == ".csv"],
        # Kaggle has each file in a folder of its name
        "idx": [path for path in files if "idx" in path.name.lower()]
        or [path for file in mnist.FILES if (path := mnist.find(folder, file))],
    }
    if not any(found.values()):
        found["pictures"] = _folders(folder)
    kinds = [kind for kind, paths in found.items() if paths]
    if len(kinds) != 1:
        listed = ", ".join(path.name for path in files[: folders.SHOWN]) or "no files"
        many = " of more than one kind: name the one to read" if kinds else ""
        raise DataError(f"{source}: expected {KINDS}; found {listed}{many}")
    return kinds[0], found[kinds[0]]


def list_npz(paths: Sequence[Path]) -> Readers:
    """List the arrays in .npz files; an unnamed array has the name of its file."""
    arrays: Readers = {}
    for path in paths:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.file_size > MAX_BYTES:
                    raise DataError(
                        f"{path}: expected at most {MAX_BYTES:,} bytes in {member.filename}, "
                        f"unpacked; found {member.file_size:,}; save the images as uint8, or fewer"
                    )
                key = member.filename.removesuffix(".npy")
                name = path.stem if re.fullmatch(r"arr_\d+", key) else key
                arrays.setdefault(name.lower(), partial(_read_npz, path, key))
    return arrays


def _read_npz(path: Path, key: str) -> Array:
    with np.load(path, allow_pickle=False) as archive:
        try:
            return np.atleast_1d(archive[key])
        except (ValueError, MemoryError) as error:
            raise DataError(
                f"{path}: expected an array of numbers or labels in {key}; {reason(error)}"
            ) from error


def list_idx(paths: Sequence[Path]) -> Readers:
    """List the arrays in IDX files, big-endian or little-endian, each once if it is there as raw
    and as gzip."""
    arrays: Readers = {}
    for path in paths:
        arrays.setdefault(_stem(path), partial(idx.read_idx, path, any_order=True))
    return arrays


def _stem(path: Path) -> str:
    """Return the common name of a file, its .gz, and its dotted form (see folders.py)."""
    return path.name.lower().removesuffix(folders.PACKED).replace(".idx", "-idx")


def _idx_family(path: Path) -> list[Path]:
    """List the IDX files of one data set, whose names differ only in the split and the content."""

    def common(path: Path) -> str:
        varying = rf"{IMAGES.pattern}|{LABELS.pattern}|train|{TEST.pattern}|ubyte|int"
        return re.sub(varying, "", _stem(path))

    files = [each for each in sorted(path.parent.iterdir()) if each.is_file()]
    return [
        each for each in files if "idx" in each.name.lower() and common(each) == common(path)
    ] or [path]


def _pair(source: Path, arrays: Readers) -> Iterator[LabelledImages]:
    """Read the images and the labels of each split, identified by name."""
    names: dict[tuple[str, bool], str] = {}  # by split, and whether they are images
    for name in arrays:
        is_images = bool(IMAGES.search(name))
        if not is_images and not LABELS.search(name):
            continue
        other = names.setdefault((_split(name), is_images), name)
        if other != name and (
            is_images or not np.array_equal(arrays[other](), arrays[name]())  # QMNIST's, twice
        ):
            raise DataError(
                f"{source}: expected one data set; found {other} and {name}; name one file of the "
                "set to read"
            )
    splits = [split for split in ("train", "test") if (split, True) in names]
    if not splits or any((split, False) not in names for split in splits):
        raise DataError(
            f"{source}: expected arrays of images and of labels, such as x_train and y_train; "
            f"found {', '.join(arrays) or 'none'}"
        )
    for split in splits:
        images_name, labels_name = names[split, True], names[split, False]
        images, labels = arrays[images_name](), arrays[labels_name]()
        if math.prod(images.shape[1:]) != PIXELS:
            raise DataError(
                f"{source}: expected n x {SIDE} x {SIDE} images in {images_name}; found "
                f"{images.shape}; save images of other sizes as pictures in folders 0 to 9"
            )
        if labels.shape[1:] not in ((), (1,), (8,)):
            raise DataError(
                f"{source}: expected one label per image in {labels_name}; found {labels.shape}"
            )
        mnist.check_counts(len(images), Path(images_name), len(labels), Path(labels_name))
        # the first of QMNIST's eight columns is the digit
        yield split, images.reshape(-1, PIXELS), labels.reshape(len(labels), -1)[:, 0]


def _split(name: str) -> str:
    return "test" if TEST.search(name.lower()) else "train"


def read_csv(paths: Sequence[Path], skip: Skip, advance: Advance) -> Iterator[LabelledImages]:
    """Read a CSV file, or two of which one is named test. One of two without labels is skipped."""
    splits: dict[str, Path] = {}
    for path in paths:
        other = splits.setdefault(_split(path.name), path)
        if other != path:
            raise DataError(
                f"{path.parent}: expected one data set; found {other.name} and {path.name}; "
                "name the one to read"
            )
    for split, path in sorted(splits.items(), reverse=True):
        table = read_table(path, advance)
        no_labels = f"expected {PIXELS} pixels and a label in each line; found no labels"
        if table:
            yield split, *table
        elif len(splits) == 1:
            raise DataError(f"{path}: {no_labels}")
        else:
            skip(path, no_labels)


def read_pictures(places: Sequence[Path], skip: Skip, advance: Advance) -> Iterator[LabelledImages]:
    """Read the digit in each picture in folders named by the label, or in train/ and test/ with
    such folders. Pictures that cannot be read are skipped."""
    splits = [path for path in places if path.name.lower() in FOLDERS]
    labelled = [(FOLDERS[s.name.lower()], path) for s in splits for path in _folders(s)]
    labelled = labelled or [("train", path) for path in places]
    found = [
        (split, path)
        for split, folder in labelled
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name[0] != "."
    ]
    for split in ("train", "test"):
        images, labels = [], []
        for path in (path for part, path in found if part == split):
            try:
                images.append(_read_digit(path))
                labels.append(path.parent.name)
            except PictureError as error:
                skip(path, str(error))
            advance(1, len(found))
        if images:
            yield split, np.array(images), np.array(labels)


def _folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name[0] != "."]


def _read_digit(path: Path) -> Array:
    """Return the digit in a picture, (784,) uint8, prepared as for predict."""
    from mnistnet.image.digit import read_picture  # loads Pillow

    digits = read_picture(path).digits
    if len(digits) > 1:
        raise PictureError(f"expected one digit; found {len(digits)}")
    return digits[0].image

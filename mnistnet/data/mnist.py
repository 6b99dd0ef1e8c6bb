"""Define MNIST's files, hashes and mirrors, and load, check and save data sets of the same form:
28 x 28 uint8 images, labels 0 to 9 and the same file names."""

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.data import idx
from mnistnet.data.parts import listed
from mnistnet.errors import DataError, reason
from mnistnet.files import PARTS, atomic_write, check_writable

DRAWN = "drawn.json"  # beside drawn digits: SHA-256 of the files
IMPORTED = "set.json"  # beside a converted data set: its name
MAX_NAME = 100  # characters
PUBLISHED = re.compile(r"(train|t10k)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?")
TEN_CLASSES = (
    "to keep ten of more classes: mnistnet import SOURCE --labels 1=0,2=1,... --out NEW_FOLDER"
)


class MnistFile(NamedTuple):
    """One of the four published files: sizes in bytes raw and as .gz, SHA-256 of the raw file."""

    name: str
    size: int
    sha256: str
    gz_size: int


# fmt: off
FILES = (
    MnistFile("train-images-idx3-ubyte", 47040016,
              "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", 9912422),
    MnistFile("train-labels-idx1-ubyte", 60008,
              "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", 28881),
    MnistFile("t10k-images-idx3-ubyte", 7840016,
              "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", 1648877),
    MnistFile("t10k-labels-idx1-ubyte", 10008,
              "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2", 4542),
)
# fmt: on

# Tried in this order. MNIST's original site, yann.lecun.com, no longer serves it.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)

# Test images whose label most of five people rejected, and the digit that most of them chose, or
# None (Northcutt, Athalye and Mueller 2021, https://arxiv.org/abs/2103.14749).
LABEL_ERRORS = {
    947: 9, 1621: 6, 1901: 4, 2130: None, 2462: 0, 2597: 3, 2654: None, 3520: None, 3558: 0,
    5937: 3, 6651: 6, 6783: 6, 8527: None, 9679: None, 9729: 6,
}  # fmt: skip


def files(split: str) -> tuple[MnistFile, ...]:
    """Return the files of the images and of the labels of a split."""
    return FILES[:2] if split == "train" else FILES[2:]


@dataclass(frozen=True)
class Dataset:
    """One split: images (n, 784) uint8, 0 = background, 255 = ink; labels (n,) uint8, 0 to 9."""

    images: np.ndarray[Any, np.dtype[np.uint8]]
    labels: np.ndarray[Any, np.dtype[np.uint8]]
    split: str
    drawn_sha256: Any = None  # from DRAWN
    given_name: str = ""  # from IMPORTED, or the folder's

    @cached_property
    def name(self) -> str:
        """The data set's name: 'MNIST' only for MNIST's own bytes."""
        if self.published:
            return "MNIST"
        return self.given_name + " (altered)" * (self.given_name.upper() == "MNIST")

    @cached_property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of the raw IDX files of the images and of the labels."""
        images = self.images.reshape(-1, SIDE, SIDE)
        return {"images": idx.sha256(images), "labels": idx.sha256(self.labels)}

    @cached_property
    def published(self) -> bool:
        """Whether these are MNIST's own bytes."""
        return [*self.sha256.values()] == [file.sha256 for file in files(self.split)]

    @cached_property
    def drawn(self) -> bool:
        """Whether these are drawn digits."""
        return bool(self.drawn_sha256) and self.drawn_sha256 == self.sha256

    @property
    def label_errors(self) -> Mapping[int, int | None]:
        """LABEL_ERRORS for MNIST's test set, else empty."""
        return LABEL_ERRORS if self.split == "test" and self.published else {}


def locate(folder: Path) -> Path:
    """Return the folder that has the files: this one, or raw/ or NAME/raw/ in it (torchvision);
    this one if none has them. Raises DataError if several have them."""
    places = [folder, *folder.glob("raw"), *sorted(folder.glob("*/raw"))]
    found = [p for p in places if any(PUBLISHED.fullmatch(path.name) for path in p.glob("*"))]
    if len(found) > 1:
        listed = ", ".join(map(str, found))
        raise DataError(f"expected one data set in {folder}; found {listed}: name one of these")
    return found[0] if found else folder


def copies(folder: Path, name: str) -> list[Path]:
    """List the copies of a file in the folder, preferred first: raw or gzip, with the published
    name or a dot as some archivers write it, or in a folder of its own name (Kaggle)."""
    dotted = name.replace("-idx", ".idx")
    forms = (name, f"{name}.gz", dotted, f"{dotted}.gz", f"{name}/{name}", f"{dotted}/{dotted}")
    try:
        return [folder / form for form in forms if (folder / form).is_file()]
    except OSError as error:
        raise DataError(f"cannot read {folder}: {reason(error)}") from error


def load(folder: Path, split: str) -> Dataset:
    """Load the 'train' or the 'test' split from a folder; raise DataError for a file that is
    missing, malformed (see idx.read_idx) or unlike MNIST's."""
    folder = locate(folder)
    (images_path, images), (labels_path, labels) = (_read(folder, f.name) for f in files(split))
    images = checked_images(images, images_path)
    labels = checked_labels(labels, len(images), labels_path)
    labels.flags.writeable = False  # as those of the images
    name = _record(folder / IMPORTED, "name")
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= MAX_NAME):
        place = folder.absolute()
        name = place.parent.name if place.name == "raw" else place.name
    drawn_sha256 = _record(folder / DRAWN, "sha256", split)
    return Dataset(images, labels, split, drawn_sha256, name)


def checked_images(images: Array, name: object = "images") -> Array:
    """Return the images as (n, 784); raise DataError, naming them, unless they are uint8 (n, 784)
    or (n, 28, 28)."""
    images = _array(images, name)
    if images.dtype != np.uint8 or images.shape[1:] not in ((PIXELS,), (SIDE, SIDE)):
        raise DataError(
            f"{name}: expected n x {PIXELS} or n x {SIDE} x {SIDE} uint8, 0 to 255 (not divided by "
            f"255), 0 = background; found {idx.describe(images.shape, images.dtype)}"
        )
    return images.reshape(len(images), PIXELS)


def checked_labels(labels: Array, count: int, name: object = "labels") -> Array:
    """Return the labels as uint8 (n,); raise DataError unless they are count integers, 0 to 9, at
    least one."""
    labels = _array(labels, name)
    if labels.dtype.kind not in "iu" or labels.shape != (count,) or not count:
        found = f"found {idx.describe(labels.shape, labels.dtype)}"
        raise DataError(f"{name}: expected integers for {count:,} images, at least one; {found}")
    outside = np.flatnonzero((labels < 0) | (labels >= CLASSES))
    if len(outside):
        found = f"found {labels[outside[0]]} for image {outside[0]:,}"
        raise DataError(f"{name}: expected labels 0 to {CLASSES - 1}; {found}; {TEN_CLASSES}")
    return labels.astype(np.uint8)


def _array(values: Any, name: object) -> Array:
    try:
        return np.asarray(values)
    except Exception as error:  # of nested lists, or another library's arrays
        raise DataError(f"{name}: expected an array; {reason(error)}") from error


def check_empty(folder: Path) -> None:
    """Raise DataError unless a data set can be saved in the folder: a new one, or one that is empty
    except for a killed writer's temporary files. Raise MnistnetError if it is not writable."""
    try:
        found = [path for path in folder.iterdir() if not path.match(PARTS)]
    except FileNotFoundError:
        return
    except OSError as error:
        raise DataError(f"cannot write to {folder}: {reason(error)}") from error
    if found:
        fault = f"found {found[0].name} in {folder}: name another, or empty this one"
        raise DataError(f"expected a new or empty folder; {fault}")
    check_writable(folder / FILES[0].name)


def save(folder: Path, sets: Iterable[Dataset], record_name: str, record: dict[str, Any]) -> None:
    """Write splits as IDX files to an empty folder, with a record as JSON; all files or none."""
    contents: dict[str, Iterable[Any]] = {record_name: [json.dumps(record, indent=2).encode()]}
    for data in sets:
        images, labels = files(data.split)
        contents[images.name] = idx.content(data.images.reshape(-1, SIDE, SIDE))
        contents[labels.name] = idx.content(data.labels)
    with ExitStack() as stack:  # the files get their names when all are on the disk
        for name, content in contents.items():
            stream = stack.enter_context(atomic_write(folder / name))
            stream.writelines(content)
            stream.flush()
            os.fsync(stream.fileno())


def _record(path: Path, *keys: str) -> Any:
    """Return a value in a small JSON file, None if it is not there."""
    with suppress(OSError, ValueError, LookupError, TypeError, RecursionError):
        if path.is_file() and path.stat().st_size < 1 << 16:
            value = json.loads(path.read_bytes())
            for key in keys:
                value = value[key]
            return value
    return None


def _read(folder: Path, name: str) -> tuple[Path, Array]:
    """Read a file; return its path and array. Raises DataError if it is not there, with what the
    folder has and the next command, or if copies of it differ."""
    paths = copies(folder, name)
    if not paths:
        try:
            names = sorted(path.name for path in folder.iterdir() if path.name[0] != ".")
            found = f"it has {listed(names)}" if names else "it is empty"
        except OSError as error:
            found = reason(error)
        place = shlex.quote(str(folder))
        raise DataError(
            f"{folder} has no {name}, raw or .gz: {found}; to download MNIST to it: mnistnet "
            f"download --data {place}; to convert another data set in it: mnistnet import {place} "
            "--out NEW_FOLDER"
        )
    array = idx.read_idx(paths[0])
    if any(idx.sha256(idx.read_idx(path)) != idx.sha256(array) for path in paths[1:]):
        fault = f"found copies of {name} that differ; move those of one set to another folder"
        raise DataError(f"expected one data set in {folder}; {fault}")
    return paths[0], array

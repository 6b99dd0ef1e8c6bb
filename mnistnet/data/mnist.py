"""Define MNIST's files, hashes and mirrors, and load a split from a folder.

Other data sets in the same form load as well (28 x 28 uint8 images, labels 0 to 9, the same file
names); `Dataset.published` is true only for MNIST's own bytes.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.data import folders, idx
from mnistnet.errors import DataError

DRAWN = "drawn.json"  # beside drawn digits: SHA-256 of the files
IMPORTED = "set.json"  # beside a converted data set: its name
MAX_RECORD = 1 << 16  # bytes of either
MAX_NAME = 100  # characters


class MnistFile(NamedTuple):
    """One of the four published files: sizes in bytes, hexadecimal SHA-256."""

    name: str
    size: int
    sha256: str
    gz_size: int
    gz_sha256: str

    @property
    def split(self) -> str:
        """'train' or 'test'."""
        return "train" if self.name.startswith("train") else "test"


# fmt: off
FILES = (
    MnistFile("train-images-idx3-ubyte",
              47040016, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
              9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    MnistFile("train-labels-idx1-ubyte",
              60008, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
              28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    MnistFile("t10k-images-idx3-ubyte",
              7840016, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
              1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    MnistFile("t10k-labels-idx1-ubyte",
              10008, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
              4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
# fmt: on

# Tried in this order. MNIST's original site, yann.lecun.com, no longer serves it.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)

# Test images whose label was rejected by most of five people, with the digit that most of them
# chose, or None if they saw none or disagreed (Northcutt, Athalye and Mueller 2021,
# https://arxiv.org/abs/2103.14749).
LABEL_ERRORS = {
    947: 9, 1621: 6, 1901: 4, 2130: None, 2462: 0, 2597: 3, 2654: None, 3520: None, 3558: 0,
    5937: 3, 6651: 6, 6783: 6, 8527: None, 9679: None, 9729: 6,
}  # fmt: skip

TEN_CLASSES = (  # advice for data sets with more
    "mnistnet has ten classes, but sets such as EMNIST's letters have more; to keep ten of them: "
    "mnistnet import SOURCE --labels 1=0,2=1,... --out NEW_FOLDER"
)


@dataclass(frozen=True)
class Dataset:
    """One split: images (n, 784) uint8, 0 = background, 255 = ink; labels (n,) uint8, 0 to 9."""

    images: np.ndarray[Any, np.dtype[np.uint8]]
    labels: np.ndarray[Any, np.dtype[np.uint8]]
    split: str
    record: Any = None  # content of DRAWN
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
        return {
            "images": idx.sha256(self.images.reshape(-1, SIDE, SIDE)),
            "labels": idx.sha256(self.labels),
        }

    @cached_property
    def published(self) -> bool:
        """Whether these are MNIST's own bytes."""
        images, labels = _pair(self.split)
        return self.sha256 == {"images": images.sha256, "labels": labels.sha256}

    @cached_property
    def drawn(self) -> bool:
        """Whether these are drawn digits."""
        return self.record is not None and self.record["sha256"].get(self.split) == self.sha256

    @property
    def label_errors(self) -> Mapping[int, int | None]:
        """LABEL_ERRORS for MNIST's test set, else empty."""
        return LABEL_ERRORS if self.split == "test" and self.published else {}


def find(folder: Path, file: MnistFile) -> Path | None:
    """Find the file in the folder under any of its names, or return None.

    Raises DataError if the folder cannot be searched.
    """
    return next(iter(folders.copies(folder, file.name)), None)


def locate(folder: Path) -> Path:
    """Return the folder that has the files: this one, or one that torchvision made in it."""
    return folders.locate(folder, [file.name for file in FILES])


def drawn_record(folder: Path) -> Any:
    """Read DRAWN in the folder: a dict with a dict 'sha256'; None if it is anything else."""
    record = _read_json(folder / DRAWN)
    return record if isinstance(record, dict) and isinstance(record.get("sha256"), dict) else None


def _read_json(path: Path) -> Any:
    """Return the content of a small JSON file, None if there is none."""
    with suppress(OSError, ValueError, RecursionError):
        if path.is_file() and path.stat().st_size <= MAX_RECORD:
            return json.loads(path.read_bytes())
    return None


def load(folder: Path, split: str) -> Dataset:
    """Load the 'train' or the 'test' split from a folder.

    Raises DataError for a file that is missing, malformed (see idx.read_idx) or unlike MNIST's.
    """
    folder = locate(folder)
    images_file, labels_file = _pair(split)
    images_path, images = _read(folder, images_file)
    if images.dtype != np.uint8 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{images_path}: expected n x {SIDE} x {SIDE} uint8 images; "
            f"found {idx.describe(images)}"
        )
    labels_path, labels = _read(folder, labels_file)
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise DataError(
            f"{labels_path}: expected n uint8 labels; found {idx.describe(labels)}; to convert "
            f"them: mnistnet import {folders.quoted(folder)} --out NEW_FOLDER"
        )
    check_counts(len(images), images_path, len(labels), labels_path)
    if labels.max() >= CLASSES:
        raise DataError(
            f"{labels_path}: expected labels 0 to {CLASSES - 1}; "
            f"found {labels.max()} for image {labels.argmax():,}; {TEN_CLASSES}"
        )
    images = images.reshape(len(images), PIXELS)
    return Dataset(images, labels, split, drawn_record(folder), _name(folder))


def check_counts(images: int, images_path: Path, labels: int, labels_path: Path) -> None:
    """Raise DataError unless there is at least one image, and a label for each."""
    if not 0 < images == labels:
        raise DataError(
            f"expected equal numbers of images and labels, at least one; found {images:,} images "
            f"in {images_path} and {labels:,} labels in {labels_path}"
        )


def _name(folder: Path) -> str:
    """Return the printable name in IMPORTED, else the folder's, or the parent's of raw."""
    record = _read_json(folder / IMPORTED)
    name = record.get("name") if isinstance(record, dict) else None
    if isinstance(name, str) and name.isprintable() and 0 < len(name) <= MAX_NAME:
        return name
    place = folder.absolute()
    return place.parent.name if place.name == "raw" else place.name


def _pair(split: str) -> tuple[MnistFile, MnistFile]:
    images, labels = (file for file in FILES if file.split == split)
    return images, labels


def _read(folder: Path, file: MnistFile) -> tuple[Path, Array]:
    """Read a file; return its path and array. Raises DataError if copies of it differ."""
    paths = folders.copies(folder, file.name)
    if not paths:
        raise DataError(folders.absent(folder, file.name, [each.name for each in FILES]))
    array = idx.read_idx(paths[0])
    for path in paths[1:]:
        try:
            same = np.array_equal(array, idx.read_idx(path))
        except DataError:  # a damaged copy that is not used
            continue
        if not same:
            raise DataError(
                f"expected one data set in {folder}; found two: {paths[0]} and {path} differ; "
                "move one of them to another folder"
            )
    return paths[0], array

"""What MNIST is (its files, sizes, hashes and mirrors), and one split of it from a folder.

Any other set in the same form (28 x 28 uint8 images, labels 0 to 9, the same file names) loads as
well; `published` tells whether the bytes are MNIST's own.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.data import idx, layout
from mnistnet.errors import DataError

DRAWN = "drawn.json"  # beside a set that synthetic.py drew; has its SHA-256
IMPORTED = "set.json"  # beside a set that convert.py wrote; has its name
MAX_STATED = 1 << 16  # bytes in either, a hundred times what there should be
MAX_NAME = 100  # characters


class MnistFile(NamedTuple):
    """One of the four files as published: sizes in bytes, hashes as hexadecimal SHA-256."""

    name: str
    size: int
    sha256: str
    gz_size: int
    gz_sha256: str

    @property
    def split(self) -> str:
        """'train' or 'test'."""
        return "train" if self.name.startswith("train") else "test"


TRAIN_IMAGES = MnistFile(
    "train-images-idx3-ubyte",
    47040016,
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    9912422,
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
)
TRAIN_LABELS = MnistFile(
    "train-labels-idx1-ubyte",
    60008,
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    28881,
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
)
TEST_IMAGES = MnistFile(
    "t10k-images-idx3-ubyte",
    7840016,
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    1648877,
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
)
TEST_LABELS = MnistFile(
    "t10k-labels-idx1-ubyte",
    10008,
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    4542,
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

# The order is the order in which they are asked. MNIST's first home, yann.lecun.com, no longer
# serves it.
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)

# Test images whose label most of five people would not give, and the digit that most of them see
# instead, None where they see none or do not agree (Northcutt, Athalye and Mueller 2021,
# https://arxiv.org/abs/2103.14749).
LABEL_ERRORS = {
    947: 9,
    1621: 6,
    1901: 4,
    2130: None,
    2462: 0,
    2597: 3,
    2654: None,
    3520: None,
    3558: 0,
    5937: 3,
    6651: 6,
    6783: 6,
    8527: None,
    9679: None,
    9729: 6,
}

# What to do with a set of more classes.
TEN_CLASSES = (
    "mnistnet has ten classes, and sets such as EMNIST's letters have more; to keep ten of them: "
    "mnistnet import SOURCE --labels 1=0,2=1,... --out NEW_FOLDER"
)


@dataclass(frozen=True)
class Dataset:
    """One split: images (n, 784) uint8, 0 = background, 255 = ink; labels (n,) uint8, 0 to 9."""

    images: np.ndarray[Any, np.dtype[np.uint8]]
    labels: np.ndarray[Any, np.dtype[np.uint8]]
    split: str
    stated: Any = None  # what DRAWN beside the files says
    stated_name: str = ""  # what IMPORTED beside them says, or else the folder

    @cached_property
    def name(self) -> str:
        """What the set is called: 'MNIST' only where these are MNIST's own bytes."""
        if self.published:
            return "MNIST"
        altered = " (altered)" * (self.stated_name.upper() == "MNIST")
        return self.stated_name + altered

    @cached_property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of the raw IDX file of the images and of the labels."""
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
        """Whether these are digits that the program drew."""
        return self.stated is not None and self.stated["sha256"].get(self.split) == self.sha256

    @property
    def label_errors(self) -> Mapping[int, int | None]:
        """LABEL_ERRORS, where these are the images they are in."""
        return LABEL_ERRORS if self.split == "test" and self.published else {}


def find(folder: Path, file: MnistFile) -> Path | None:
    """Where the file is in the folder, under any of the names it is known by; None if nowhere.

    Raises DataError where the folder cannot be searched.
    """
    return next(iter(layout.copies(folder, file.name)), None)


def locate(folder: Path) -> Path:
    """The folder that has the files: this one, or one that torchvision made in it."""
    return layout.locate(folder, [file.name for file in FILES])


def stated(folder: Path) -> Any:
    """What DRAWN in the folder says, a dict with 'sha256', one too, in it; None where it has none
    that does."""
    said = _read_json(folder / DRAWN)
    return said if isinstance(said, dict) and isinstance(said.get("sha256"), dict) else None


def _read_json(path: Path) -> Any:
    """What the file says; None where there is none that says anything."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_STATED:
            return None
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def load(folder: Path, split: str) -> Dataset:
    """The 'train' or the 'test' split from a folder that has it.

    Raises DataError for a file that is missing, malformed (see idx.read_idx) or not MNIST-like.
    """
    folder = locate(folder)
    images_file, labels_file = _pair(split)
    images_path, images = _read(folder, images_file)
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{images_path}: expected n x {SIDE} x {SIDE} uint8 images; "
            f"found {idx.describe(images)}"
        )
    labels_path, labels = _read(folder, labels_file)
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise DataError(
            f"{labels_path}: expected a row of uint8 labels; found {idx.describe(labels)}; to "
            f"convert them: mnistnet import {shlex.quote(str(folder))} --out NEW_FOLDER"
        )
    if not 0 < len(images) == len(labels):
        raise DataError(
            f"expected as many labels as images, and some; found {len(images):,} images in "
            f"{images_path} and {len(labels):,} labels in {labels_path}"
        )
    if labels.max() >= CLASSES:
        raise DataError(
            f"{labels_path}: expected labels 0 to {CLASSES - 1}; "
            f"found {labels.max()} for image {labels.argmax():,}; {TEN_CLASSES}"
        )
    images = images.reshape(len(images), PIXELS)
    said = _read_json(folder / IMPORTED)
    return Dataset(images, labels, split, stated(folder), _name(said) or layout.name_of(folder))


def _name(said: Any) -> str | None:
    """The name in what IMPORTED says, if there is one that can be printed."""
    name = said.get("name") if isinstance(said, dict) else None
    is_name = isinstance(name, str) and name.isprintable() and len(name) <= MAX_NAME
    return name if is_name else None


def _pair(split: str) -> tuple[MnistFile, MnistFile]:
    """The images' and the labels' file of a split."""
    images, labels = (file for file in FILES if file.split == split)
    return images, labels


def _read(folder: Path, file: MnistFile) -> tuple[Path, Array]:
    """The file's path and array; raises DataError where another copy of it is of another set."""
    paths = layout.copies(folder, file.name)
    if not paths:
        raise DataError(layout.absent(folder, file.name, [each.name for each in FILES]))
    array = idx.read_idx(paths[0])
    for path in paths[1:]:
        try:
            same = np.array_equal(array, idx.read_idx(path))
        except DataError:  # what is not used may be damaged
            continue
        if not same:
            raise DataError(
                f"expected one data set in {folder}; found two: {paths[0]} and {path} differ; "
                "move one of them to another folder"
            )
    return paths[0], array

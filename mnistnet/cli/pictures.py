"""The pictures that predict and plot are given: files, standard input, and images of the data set
by name, such as test:7, train:0-99 and validation:3."""

import re
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor
from pathlib import Path
from typing import NamedTuple

from mnistnet.arrays import Array
from mnistnet.cli import options
from mnistnet.errors import MnistnetError, PictureError
from mnistnet.image.digit import Digit, Picture, read_picture
from mnistnet.model.metadata import Metadata
from mnistnet.model.state import rows_of
from mnistnet.model.threads import one_blas_thread
from mnistnet.report.text import kind_text

SPLITS = ("test:", "train:", "validation:")  # beginnings of names in the data set


class Sample(NamedTuple):
    """An image (784,) uint8 and its label."""

    image: Array
    label: int


class Samples:
    """The images of a data set. Each split is loaded once, when its first image is needed."""

    def __init__(self, folder: Path | None, mirrors: tuple[str, ...], metadata: Metadata) -> None:
        """Take --data, --mirror and the metadata of the network, which says what was held out."""
        self._source = folder, mirrors
        self._metadata = metadata
        self._splits: dict[str, tuple[Array, Array] | MnistnetError] = {}

    def expand(self, name: str) -> list[str]:
        """Expand 'test:0-99' to 'test:0', ..., 'test:99'; return any other name unchanged."""
        split, _, numbers = name.partition(":")
        ends = re.fullmatch("([0-9]{1,9})-([0-9]{1,9})", numbers)
        if not name.startswith(SPLITS) or not ends:
            return [name]
        # up to one image that does not exist, of which get reports it
        first, last = int(ends[1]), min(int(ends[2]), len(self._split(split)[1]))
        return [f"{split}:{number}" for number in range(first, last + 1)] or [name]

    def get(self, name: str) -> Sample | None:
        """Return the sample of this name, or None if it does not name one.

        Raises PictureError if there is no such image, another MnistnetError if the data cannot be
        loaded.
        """
        if not name.startswith(SPLITS):
            return None
        split, _, number = name.partition(":")
        images, labels = self._split(split)
        if not re.fullmatch("[0-9]{1,9}", number) or int(number) >= len(labels):
            raise PictureError(f"expected {split}: and a number from 0 to {len(labels) - 1}")
        return Sample(images[int(number)], int(labels[int(number)]))

    def _split(self, split: str) -> tuple[Array, Array]:
        """Return the images and labels of a split; raise the same error every time."""
        if split not in self._splits:
            try:
                self._splits[split] = self._load(split)
            except MnistnetError as error:
                self._splits[split] = error
        found = self._splits[split]
        if isinstance(found, MnistnetError):
            raise found
        return found

    def _load(self, split: str) -> tuple[Array, Array]:
        data = options.load_dataset(*self._source, "test" if split == "test" else "train")
        if data.drawn:
            options.note(f"{split} images are {kind_text(data.published, data.drawn)}")
        if split != "validation":
            return data.images, data.labels
        rows = rows_of(split, len(data.labels), data.sha256, self._metadata)
        return data.images[rows], data.labels[rows]


def read(name: str, samples: Samples | None = None) -> Picture | MnistnetError:
    """Read an image of the data set, standard input or a file; return an error if that fails."""
    try:
        sample = samples.get(name) if samples else None
        if sample:
            return Picture((Digit(sample.image),), inverted=False, as_is=True)
        if name == "-" and not sys.stdin:
            raise PictureError("standard input is closed")
        with one_blas_thread():
            return read_picture(sys.stdin.buffer if name == "-" else Path(name))
    except MnistnetError as error:
        return error


def read_all(
    names: Sequence[str], samples: Samples, executor: Executor | None
) -> list[Picture | MnistnetError]:
    """Read the pictures of these names, the files in an executor if one is given."""
    files = [name for name in names if name != "-" and not name.startswith(SPLITS)]
    try:
        found = dict(zip(files, executor.map(read, files), strict=True)) if executor else {}
    except BrokenExecutor as error:
        raise MnistnetError("a process that read pictures was killed; run it again") from error
    return [found.get(name) or read(name, samples) for name in names]

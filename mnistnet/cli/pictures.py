"""The pictures that predict and plot are given: files, standard input, and images of the data set
by name, such as test:7, train:0-99 and validation:3."""

import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL import Image

from mnistnet.arrays import SIDE, Array
from mnistnet.cli import options
from mnistnet.errors import MnistnetError, PictureError
from mnistnet.files import atomic_write, make_folder
from mnistnet.image.decode import pictures_in
from mnistnet.image.digit import Digit, Picture, read_picture
from mnistnet.model.metadata import Metadata
from mnistnet.model.state import rows_of
from mnistnet.model.threads import one_blas_thread
from mnistnet.report.text import kind_text

SPLITS = ("test:", "train:", "validation:")  # beginnings of names in the data set


class Samples:
    """The images of a data set. Each split is loaded once, when its first image is needed."""

    def __init__(self, metadata: Metadata, **source: Any) -> None:
        """Take the metadata of the network, which says what was held out, and the values of
        options.data_options."""
        self._metadata = metadata
        self._source = source
        self._splits: dict[str, tuple[Array, Array] | MnistnetError] = {}

    def expand(self, name: str) -> list[str]:
        """Expand a folder to its pictures, and 'test:0-99' to 'test:0', ..., 'test:99'; return any
        other name, and one that cannot be expanded, unchanged."""
        names: list[str] = []
        split, _, numbers = name.partition(":")
        ends = re.fullmatch("([0-9]{1,9})-([0-9]{1,9})", numbers)
        with suppress(MnistnetError):  # read will report it
            if os.path.isdir(name):  # noqa: PTH112 (is_dir may raise OSError)
                names = [str(path) for path in pictures_in(Path(name))]
            elif name.startswith(SPLITS) and ends:
                # up to one image that does not exist, of which get reports it
                first, last = int(ends[1]), min(int(ends[2]), len(self._split(split)[1]))
                names = [f"{split}:{number}" for number in range(first, last + 1)]
        return names or [name]

    def get(self, name: str) -> tuple[Array | None, int | None]:
        """Return the image (784,) uint8 of this name and its label, or None twice if it does not
        name one. Raises MnistnetError if there is no such image or the data cannot be loaded."""
        if not name.startswith(SPLITS):
            return None, None
        split, _, number = name.partition(":")
        images, labels = self._split(split)
        if not re.fullmatch("[0-9]{1,9}", number) or int(number) >= len(labels):
            raise PictureError(f"expected {split}: and a number from 0 to {len(labels) - 1}")
        return images[int(number)], int(labels[int(number)])

    def _split(self, split: str) -> tuple[Array, Array]:
        """Return the images and labels of a split; raise the same error every time."""
        if split not in self._splits:
            try:
                data = options.load_dataset("test" if split == "test" else "train", **self._source)
                if data.drawn:
                    options.note(f"{split} images are {kind_text(data.published, data.drawn)}")
                self._splits[split] = data.images, data.labels
                if split == "validation":
                    rows = rows_of(split, len(data.labels), data.sha256, self._metadata)
                    self._splits[split] = data.images[rows], data.labels[rows]
            except MnistnetError as error:
                self._splits[split] = error
        found = self._splits[split]
        if isinstance(found, MnistnetError):
            raise found
        return found


def read(name: str, samples: Samples | None = None) -> Picture | MnistnetError:
    """Read an image of the data set, standard input or a file; return an error if that fails."""
    try:
        image = samples.get(name)[0] if samples else None
        if image is not None:
            return Picture((Digit(image),), inverted=False, as_is=True)
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
    found = dict(zip(files, executor.map(read, files), strict=True)) if executor else {}
    return [found.get(name) or read(name, samples) for name in names]


def save_images(folder: Path, name: str, picture: Picture) -> None:
    """Write each digit as the network saw it, as .raw (784 bytes) and .png; replace no file."""
    make_folder(folder)
    stem, number = re.sub(r"[^\w-]+", "_", name)[-50:], 1
    for digit in picture.digits:
        while any((folder / f"{stem}-{number}{end}").exists() for end in (".raw", ".png")):
            number += 1
        with atomic_write(folder / f"{stem}-{number}.raw") as stream:
            stream.write(digit.image.tobytes())
        with atomic_write(folder / f"{stem}-{number}.png") as stream:
            Image.fromarray(digit.image.reshape(SIDE, SIDE)).save(stream, "PNG")

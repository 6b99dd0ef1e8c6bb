"""The pictures that predict and plot are given: files, standard input, and images of a data set by
name, such as test:7, train:0-99, validation:3 and set.csv:7."""

import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from mnistnet.arrays import SIDE, Array
from mnistnet.cli import options
from mnistnet.data import foreign
from mnistnet.data.convert import gather
from mnistnet.data.mnist import Dataset
from mnistnet.errors import MnistnetError, PictureError
from mnistnet.files import atomic_write, make_folder
from mnistnet.image.decode import pictures_in
from mnistnet.image.digit import Digit, Picture, read_picture
from mnistnet.model.metadata import Metadata
from mnistnet.model.state import rows_of
from mnistnet.model.threads import one_blas_thread
from mnistnet.report.text import kind_text

SPLITS = ("test", "train", "validation")  # of the data set


class Samples:
    """The images of data sets: of the splits of one, and of files and folders that predict is
    given. Each is loaded once, when its first image is needed."""

    def __init__(self, metadata: Metadata, **source: Any) -> None:
        """Take the metadata of the network, which says what was held out, and the values of
        options.data_options."""
        self._metadata = metadata
        self._source = source
        self._sets: dict[str, tuple[Array, Array | None] | MnistnetError] = {}

    def expand(self, name: str, rows: str | None = None) -> list[str]:
        """Expand a folder to its pictures, and a data set, or these rows of it, and 'test:0-99' to
        their images, such as 'test:0', ..., 'test:99'; return any other name, and one that cannot
        be expanded, unchanged."""
        names: list[str] = []
        with suppress(MnistnetError, OSError):  # read will report it
            if os.path.isdir(name):  # noqa: PTH112 (is_dir may raise OSError)
                names = [str(path) for path in pictures_in(Path(name))]
            if not names and foreign.is_set(Path(name)):
                name = f"{name}:{rows or f'0-{len(self._load(name)[0]) - 1}'}"
            source, _, numbers = name.rpartition(":")
            ends = re.fullmatch("([0-9]{1,9})-([0-9]{1,9})", numbers)
            if ends and self.has(name):
                # up to one image that does not exist, of which get reports it
                first, last = int(ends[1]), min(int(ends[2]), len(self._load(source)[0]))
                names = [f"{source}:{number}" for number in range(first, last + 1)]
        return names or [name]

    def has(self, name: str) -> bool:
        """Check whether this names an image of a data set, and not a file."""
        if name not in SPLITS and isinstance(self._sets.get(name), MnistnetError):
            return True  # get raises the error
        source = name.rpartition(":")[0]
        with suppress(MnistnetError, OSError):
            is_known = source in SPLITS or source in self._sets
            is_image = is_known or (source != "" and foreign.is_set(Path(source)))
            return is_image and not os.path.lexists(name)
        return False

    def get(self, name: str) -> tuple[Array | None, int | None]:
        """Return the image (784,) uint8 of this name and its label, or None for what there is not.
        Raises MnistnetError if there is no such image or the data cannot be loaded."""
        if not self.has(name):
            return None, None
        source, _, number = name.rpartition(":")
        if name in self._sets:
            self._load(name)
        images, labels = self._load(source)
        if not re.fullmatch("[0-9]{1,9}", number) or int(number) >= len(images):
            raise PictureError(f"expected {source}: and a number from 0 to {len(images) - 1}")
        return images[int(number)], None if labels is None else int(labels[int(number)])

    def _load(self, source: str) -> tuple[Array, Array | None]:
        """Return the images and labels of a split, or the images of a file or folder; raise the
        same error every time."""
        if source not in self._sets:
            try:
                self._sets[source] = self._read(source)
            except MnistnetError as error:  # printed after the name
                self._sets[source] = type(error)(str(error).removeprefix(f"{source}: "))
        found = self._sets[source]
        if isinstance(found, MnistnetError):
            raise found
        return found

    def _read(self, split: str) -> tuple[Array, Array | None]:
        if split not in SPLITS:
            return foreign.read_images(Path(split), lambda text, _: options.note(text)), None
        data = options.load_dataset("test" if split == "test" else "train", **self._source)
        if data.drawn:
            options.note(f"{split} images are {kind_text(data.published, data.drawn)}")
        if split != "validation":
            return data.images, data.labels
        rows = rows_of(split, len(data.labels), data.sha256, self._metadata)
        return data.images[rows], data.labels[rows]


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
    files = [name for name in names if name != "-" and not samples.has(name)]
    found = dict(zip(files, executor.map(read, files), strict=True)) if executor else {}
    return [found.get(name) or read(name, samples) for name in names]


def load_pictures(folder: Path | None, split: str) -> Dataset | None:
    """Read the labelled pictures in a folder: those of this split, if there are several; None if it
    is no such folder."""
    with suppress(OSError):
        if folder and foreign.is_gallery(folder):
            with options.progress("reading", " pictures") as advance:
                sets, *_ = gather(folder, lambda sentence, _: options.note(sentence), advance)
            return replace(sets.get(split) or next(iter(sets.values())), given_name=folder.name)
    return None


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

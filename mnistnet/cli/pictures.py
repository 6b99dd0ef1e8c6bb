"""What `predict` and `plot units` read: files, folders, standard input, data sets, and images of
the data set by name, such as test:7, train:0-99 and validation:3."""

import itertools
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from mnistnet.api import Item
from mnistnet.arrays import SIDE, Array
from mnistnet.cli import options
from mnistnet.data import foreign
from mnistnet.data.convert import gather
from mnistnet.data.mnist import Dataset
from mnistnet.errors import MnistnetError, PictureError, reason
from mnistnet.files import atomic_write, make_folder
from mnistnet.image.decode import pictures_in
from mnistnet.image.digit import Digit, Picture
from mnistnet.image.given import as_source
from mnistnet.model.metadata import Metadata
from mnistnet.model.state import rows_of
from mnistnet.report.text import kind_text

SPLITS = ("test", "train", "validation")  # of the data set

Images = tuple[Array, Array | None]  # and their labels, if known


class Pictures:
    """Finds pictures; a data set is loaded when its first image is needed."""

    def __init__(self, metadata: Metadata, rows: str | None = None, **source: Any) -> None:
        """validation: names images held out from the training described by metadata; rows are those
        to read of each data set; source has the values of options.data_options."""
        self._metadata = metadata
        self._rows = rows
        self._source = source
        self._sets: dict[str, Images | MnistnetError] = {}

    def find(self, given: str) -> Iterator[Item]:
        """Yield the pictures that an argument names, one at a time; errors are items, too."""
        source, _, numbers = given.rpartition(":")
        path = Path(given)
        try:
            is_folder = os.path.isdir(given)  # noqa: PTH112 (is_dir may raise OSError)
            inside = pictures_in(path) if is_folder else iter(())
            first = next(inside, None)
            if given == "-":
                if not sys.stdin:
                    raise PictureError("standard input is closed")
                yield Item(given, as_source(sys.stdin.buffer))
            elif first:
                yield from (Item(str(each), each) for each in itertools.chain([first], inside))
            elif _is_set(source) and not os.path.lexists(given):
                yield from self._images(source, numbers)
            elif foreign.is_set(path):
                yield from self._images(given, self._rows)
            else:
                yield Item(given, path)
        except (MnistnetError, OSError) as error:
            text = reason(error).removeprefix(f"{source}: ").removeprefix(f"{given}: ")
            yield Item(given, PictureError(text))

    def _images(self, source: str, rows: str | None) -> Iterator[Item]:
        """Yield these rows, such as 7 or 0-99, of a data set, by default all; the first that does
        not exist is an error, and the last."""
        images, labels = self._load(source)
        ends = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", rows or f"0-{len(images) - 1}")
        first, last = (int(ends[1]), int(ends[2] or ends[1])) if ends else (1, 0)
        error = PictureError(f"expected {source}: and a number from 0 to {len(images) - 1}")
        if last < first:
            raise error
        for row in range(first, min(last, max(first, len(images))) + 1):
            name = f"{source}:{row}"
            if row >= len(images):
                yield Item(name, error)
            else:
                picture = Picture((Digit(images[row]),), inverted=False, as_is=True)
                label = None if labels is None else int(labels[row])
                yield Item(name, picture, label, row)

    def _load(self, source: str) -> Images:
        """Return the images of a split, with labels, or of a file or folder; raise the same error
        every time, so that a download is tried once."""
        if source not in self._sets:
            try:
                self._sets[source] = self._read(source)
            except MnistnetError as error:
                self._sets[source] = error
        found = self._sets[source]
        if isinstance(found, MnistnetError):
            raise found
        return found

    def _read(self, split: str) -> Images:
        if split not in SPLITS:
            return foreign.read_images(Path(split), lambda text, _: options.note(text)), None
        data = options.load_dataset("test" if split == "test" else "train", **self._source)
        if data.drawn:
            options.note(f"{split} images are {kind_text(data.published, data.drawn)}")
        if split != "validation":
            return data.images, data.labels
        rows = rows_of(split, len(data.labels), data.sha256, self._metadata)
        return data.images[rows], data.labels[rows]


def _is_set(name: str) -> bool:
    return name in SPLITS or (name != "" and foreign.is_set(Path(name)))


def load_pictures(folder: Path | None, split: str) -> Dataset | None:
    """Read the labelled pictures in a folder: those of this split, if there are several; None if it
    is no such folder."""
    with suppress(OSError):
        if folder and foreign.is_gallery(folder):
            with options.progress("reading", " pictures") as advance:
                sets, *_ = gather(folder, lambda sentence, _: options.note(sentence), advance)
            return replace(sets.get(split) or next(iter(sets.values())), given_name=folder.name)
    return None


def save_images(folder: Path, name: str, images: Array) -> None:
    """Write each image (784,) that the network saw, as .raw (784 bytes) and .png; replace no
    file."""
    make_folder(folder)
    stem, number = re.sub(r"[^\w-]+", "_", name)[-50:], 1
    for image in images:
        while any((folder / f"{stem}-{number}{end}").exists() for end in (".raw", ".png")):
            number += 1
        with atomic_write(folder / f"{stem}-{number}.raw") as stream:
            stream.write(image.tobytes())
        with atomic_write(folder / f"{stem}-{number}.png") as stream:
            Image.fromarray(image.reshape(SIDE, SIDE)).save(stream, "PNG")

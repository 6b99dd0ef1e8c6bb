"""Find images and labels among arrays by their names and shapes: those in an .npz, in .npy files
and in IDX files. Nothing is unpickled."""

import math
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data import idx
from mnistnet.data.parts import MAX_BYTES, SPLITS, Part, Tell, listed, read_name, stem
from mnistnet.errors import DataError

FORMS = ((PIXELS,), (SIDE, SIDE))  # of an image
OTHER = re.compile("(id|index|name)s?$", re.IGNORECASE)  # ends names of arrays beside the labels
QMNIST = 8  # columns of labels, of which the first is the digit


class Stored(NamedTuple):
    """An array that is not yet read."""

    name: str
    file: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], Array]

    @property
    def sides(self) -> tuple[int, ...]:
        """The shape without sides of 1."""
        return tuple(side for side in self.shape if side != 1)

    def read(self) -> Array:
        """Read the array. Raises DataError for more than MAX_BYTES."""
        size = math.prod(self.shape) * self.dtype.itemsize
        if size > MAX_BYTES:
            found = f"{size:,} in {self.name}; save the images as uint8, or fewer of them"
            raise DataError(f"{self.file}: expected at most {MAX_BYTES:,} bytes, found {found}")
        return self.load()


def stored(paths: Sequence[Path], folder: Path) -> list[Stored]:
    """List the arrays in files of this folder, by their headers."""
    found: list[Stored] = []
    for path in paths:
        place = (path.relative_to(folder).parent / stem(path)).as_posix()
        suffix = path.suffix.lower()
        if suffix not in (".npz", ".npy"):
            shape, dtype = idx.read_header(path)
            found.append(Stored(place, path, shape, dtype, partial(idx.read_idx, path)))
            continue
        files: list[Any] = [path] if suffix == ".npy" else list(zipfile.Path(path).iterdir())
        files = [file for file in files if file.name.lower().endswith(".npy")]
        for file in files:
            name = file.name.removesuffix(".npy")
            if len(paths) > 1:  # KMNIST has an unnamed array in each file
                name = place if len(files) == 1 else f"{place}/{name}"
            shape, dtype = _read_npy(file, _read_header)
            load = partial(_read_npy, file, partial(np.lib.format.read_array, allow_pickle=False))
            if shape[1:] == (PIXELS + 1,):  # a CSV that was saved as an array
                count, first = shape[0], partial(_column, load)
                found.append(Stored(f"{name} labels", path, (count,), dtype, partial(first, True)))
                shape, load, name = (count, PIXELS), partial(first, False), f"{name} images"
            found.append(Stored(name, path, shape, dtype, load))
    return found


def _column(load: Callable[[], Array], is_labels: bool) -> Array:
    """Return the first or last column, the one of more different values, or the others."""
    table = load()
    first, last = (len(np.unique(table[:, column])) for column in (0, -1))
    column = -1 if last > first else 0
    return table[:, column] if is_labels else table[:, :-1] if column else table[:, 1:]


def _read_npy(file: Any, read: Callable[[Any], Any]) -> Any:
    with file.open("rb") as stream:
        return read(stream)


def _read_header(stream: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    is_first = np.lib.format.read_magic(stream) == (1, 0)
    form = np.lib.format
    shape, _, dtype = (form.read_array_header_1_0 if is_first else form.read_array_header_2_0)(
        stream
    )
    return shape, dtype


def _count(array: Stored) -> int:
    """Return the number of images that an array has by its shape; 0 if it has none."""
    sides, shape = array.sides, array.shape
    if sides == FORMS[1] or (sides == FORMS[0] and shape != FORMS[0]):
        return 1
    return sides[0] if sides[1:] in FORMS else sides[-1] if sides[:-1] in FORMS else 0


def pair(source: Path, arrays: Sequence[Stored], tell: Tell) -> Iterator[Part]:
    """Read the images of each split and the labels that belong to them, chosen by names, else by
    shapes. Raises DataError if it is not clear which arrays are images."""
    usable = [each for each in arrays if each.dtype.kind in "buifSU"]
    if pickled := [each.name for each in arrays if each not in usable]:
        tell(f"{len(pickled)} arrays left out that would need pickle: {listed(pickled)}", 0)
    images = _images(source, usable)
    rest = [each for each in usable if each not in images.values()]
    labels = {split: _labels(split, found, rest) for split, found in images.items()}
    if rest:
        tell(f"{len(rest)} arrays left out: {listed(each.name for each in rest)}", 0)
    for split, found in sorted(images.items(), key=lambda item: SPLITS.index(item[0])):
        if found.name.startswith("arr_") and len(images) > 1:
            tell(f"{found.name}, without a name, was read as the {split} images", 0)
        shapes = listed(f"{each.shape} in {each.name}" for each in arrays)
        fault = f"{source}: expected one label per image, at least one; found {shapes}"
        digits = _digits(labels[split], _count(found))
        place = partial("{}: {}[{}]".format, source, found.name)
        yield Part(split, _pixels(found, tell), digits, place, fault)


def _images(source: Path, arrays: Sequence[Stored]) -> dict[str, Stored]:
    """Return the array of the images of each split."""
    found: dict[str, Stored] = {}
    fitting = [each for each in arrays if _count(each)]
    named = [each for each in fitting if read_name(each.name).is_images]
    unnamed = [each for each in fitting if each.name.startswith("arr_")]
    order = iter(SPLITS if len(unnamed) > 2 else ("train", "test"))
    for each in named or [each for each in fitting if not read_name(each.name).is_labels]:
        split = read_name(each.name).split or (next(order, "test") if each in unnamed else "train")
        if found.setdefault(split, each) is not each:
            both = f"{found[split].name} and {each.name}"
            how = "name one file of the set to read, or save the arrays of one set alone"
            raise DataError(f"{source}: expected one data set; found {both}; {how}")
    if not found:
        shown = listed(f"{each.shape} in {each.name}" for each in arrays) or "no arrays of numbers"
        raise DataError(
            f"{source}: expected n x {SIDE} x {SIDE} images; found {shown}; save images of other "
            "sizes as pictures in folders 0 to 9"
        )
    return found


def _labels(split: str, images: Stored, arrays: list[Stored]) -> Stored | None:
    """Take the array of the labels of these images; None if no array fits."""
    count = _count(images)
    fitting: list[tuple[Any, Stored]] = []
    for each in arrays:
        name, sides = read_name(each.name), each.sides
        is_vector = math.prod(each.shape) == count
        is_table = len(sides) == 2 and count in sides
        is_other = not name.is_labels and OTHER.search(each.name)
        if name.split in ("", split) and (is_vector or is_table) and not is_other:
            rank = not name.is_labels, name.split != split, not is_vector, len(fitting)
            fitting.append((rank, each))
    if not fitting:
        return None
    best = min(fitting)[1]
    arrays.remove(best)
    return best


def _pixels(stored: Stored, tell: Tell) -> Array:
    """Read images as (n, 784)."""
    images = stored.read()
    if _count(stored) == 1 or stored.sides[1:] in FORMS:
        return images.reshape(-1, PIXELS)
    tell(f"{stored.name}: the last axis was read as that of the images, as in Matlab", 0)
    return images.reshape(PIXELS, -1).T


def _digits(stored: Stored | None, count: int) -> Array | None:
    """Read labels: one per image, one-hot, or QMNIST's; None if they are something else."""
    if stored is None:
        return None
    labels = stored.read()
    if labels.size == count:
        return labels.reshape(count)
    table = labels.reshape(stored.sides)
    table = table if len(table) == count else table.T
    if np.isin(table, (0, 1)).all() and (table.sum(axis=1) == 1).all():
        return np.asarray(table.argmax(axis=1))
    return table[:, 0] if table.shape[1] == QMNIST and table.dtype.kind in "iu" else None

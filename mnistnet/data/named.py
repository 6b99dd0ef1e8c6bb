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
        if path.suffix.lower() == ".npz":
            with zipfile.ZipFile(path) as archive:
                keys = [each for each in archive.namelist() if each.endswith(".npy")]
                for key in keys:
                    with archive.open(key) as stream:
                        shape, dtype = _header(stream)
                    name = key.removesuffix(".npy")
                    if len(paths) > 1:  # KMNIST has an unnamed array in each file
                        name = place if len(keys) == 1 else f"{place}/{name}"
                    found.append(Stored(name, path, shape, dtype, partial(_load, path, key)))
        elif path.suffix.lower() == ".npy":
            with path.open("rb") as stream:
                shape, dtype = _header(stream)
            load = partial(np.load, path, allow_pickle=False)
            found.append(Stored(place, path, shape, dtype, load))
        else:
            shape, dtype = idx.read_header(path)
            found.append(Stored(place, path, shape, dtype, partial(idx.read_idx, path)))
    return found


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    header = np.lib.format
    read = header.read_array_header_1_0 if version == (1, 0) else header.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _load(path: Path, key: str) -> Array:
    with zipfile.ZipFile(path) as archive, archive.open(key) as stream:
        return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))


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
    images = _images(source, usable)
    rest = [each for each in usable if each not in images.values()]
    labels = {split: _labels(split, found, rest) for split, found in images.items()}
    used = [*images.values(), *labels.values()]
    if unread := [each.name for each in usable if each not in used]:
        tell(f"{len(unread)} arrays left out: {listed(unread)}", 0)
    if pickled := [each.name for each in arrays if each not in usable]:
        tell(f"{len(pickled)} arrays left out that would need pickle: {listed(pickled)}", 0)
    for split, found in images.items():
        if found.name.startswith("arr_") and len(images) > 1:
            tell(f"{found.name}, without a name, was read as the {split} images", 0)
        yield _part(source, split, found, labels[split], rest, tell)


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
    fitting = []
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


def _part(
    source: Path,
    split: str,
    stored: Stored,
    labels: Stored | None,
    others: list[Stored],
    tell: Tell,
) -> Part:
    """Read the images and labels of a split."""
    images, sides = stored.read(), stored.sides
    if _count(stored) == 1 or sides[1:] in FORMS:
        images = images.reshape(-1, PIXELS)
    else:
        images = images.reshape(PIXELS, -1).T
        tell(f"{stored.name}: the last axis was read as that of the images, as in Matlab", 0)
    digits, fault = None, f"found {stored.shape} in {stored.name}"
    if labels is not None:
        digits, fault = _digits(labels, len(images)), f"{fault} and {labels.shape} in {labels.name}"
    elif named := [each for each in others if read_name(each.name).is_labels]:
        fault += f" and {named[0].shape} in {named[0].name}"
    place = partial("{}: {}[{}]".format, source, stored.name)
    fault = f"{source}: expected one label per image, at least one; {fault}"
    return Part(split, images, digits, place, fault)


def _digits(stored: Stored, count: int) -> Array | None:
    """Read labels: one per image, one-hot, or QMNIST's; None if they are something else."""
    labels = stored.read()
    if labels.size == count:
        return labels.reshape(count)
    table = labels.reshape(stored.sides)
    table = table if len(table) == count else table.T
    if np.isin(table, (0, 1)).all() and (table.sum(axis=1) == 1).all():
        return np.asarray(table.argmax(axis=1))
    return table[:, 0] if table.shape[1] == QMNIST and table.dtype.kind in "iu" else None

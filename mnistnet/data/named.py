"""Find images and labels among named arrays, by their names and shapes."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.data.parts import SPLITS, Part, Tell, listed, read_name
from mnistnet.errors import DataError

FORMS = ((PIXELS,), (SIDE, SIDE))  # of an image
OTHER = re.compile("(id|index|name)s?$", re.IGNORECASE)  # ends names of arrays beside the labels
QMNIST = 8  # columns of labels, of which the first is the digit
WIDEST, MOST_BYTES = 100, 256  # columns of labels, and bytes of a name, at most

Places = Mapping[str, Callable[[int], str]]  # of the images of some arrays


def pair(source: Path, arrays: Mapping[str, Array], places: Places, tell: Tell) -> Iterator[Part]:
    """Take the images of each split and the labels that belong to them, chosen by names, else by
    shapes and order. Raises DataError if it is not clear which arrays are images."""
    chosen = _images(source, arrays)
    rest = [name for name in arrays if name not in chosen.values()]
    parts = []
    for split, name in chosen.items():
        images = _pixels(arrays[name])
        if arrays[name].shape[0] != len(images):
            tell(f"{name}: the last axis was read as that of the images, as in Matlab", 0)
        if name.startswith("arr_") and len(chosen) > 1:
            tell(f"{name}, without a name, was read as the {split} images", 0)
        found = {each: _labels(arrays[each], len(images)) for each in rest if _fits(each, split)}
        fitting = [each for each, labels in found.items() if labels is not None]
        best = min(fitting, key=partial(_rank, split, arrays), default="")
        rest = [each for each in rest if each != best]
        place = places.get(name, partial("{}: {}[{}]".format, source, name))
        parts.append(Part(split, images, found.get(best), place))
    if rest:
        left = listed(f"{name} {arrays[name].shape}" for name in rest)
        tell(f"{len(rest)} arrays left out: {left}", 0)
    yield from sorted(parts, key=lambda part: SPLITS.index(part.split))


def _images(source: Path, arrays: Mapping[str, Array]) -> dict[str, str]:
    """Return the name of the images of each split."""
    found: dict[str, str] = {}
    fitting = [name for name, array in arrays.items() if len(_pixels(array))]
    named = [name for name in fitting if read_name(name).is_images]
    unnamed = [name for name in fitting if name.startswith("arr_")]
    order = iter(SPLITS if len(unnamed) > 2 else ("train", "test"))
    for name in named or [name for name in fitting if not read_name(name).is_labels]:
        split = read_name(name).split or (next(order, "test") if name in unnamed else "train")
        if found.setdefault(split, name) != name:
            both = f"{found[split]} and {name}"
            how = "name one file of the set to read, or save the arrays of one set alone"
            raise DataError(f"{source}: expected one data set; found {both}; {how}")
    if not found:
        shapes = listed(f"{array.shape} in {name}" for name, array in arrays.items())
        raise DataError(
            f"{source}: expected n x {SIDE} x {SIDE} images; found {shapes or 'no arrays'}; save "
            "images of other sizes as pictures in folders 0 to 9"
        )
    return found


def _pixels(array: Array) -> Array:
    """Return images as (n, 784), none if these are not images."""
    sides = tuple(side for side in array.shape[1:] if side != 1)
    if sides in FORMS and len(array):
        return array.reshape(-1, PIXELS)
    if array.ndim > 1 and (*array.shape[:1], *sides[:-1]) in FORMS:
        return array.reshape(PIXELS, -1).T
    return np.empty((0, PIXELS))


def _fits(name: str, split: str) -> bool:
    told = read_name(name)
    return told.split in ("", split) and (told.is_labels or not OTHER.search(name))


def _rank(split: str, arrays: Mapping[str, Array], name: str) -> tuple[bool, bool, int]:
    told = read_name(name)
    return not told.is_labels, told.split != split, arrays[name].ndim


def _labels(array: Array, count: int) -> Array | None:
    """Return one label per image, also from one-hot rows or QMNIST's; None if there are none."""
    if array.itemsize > MOST_BYTES or array.size > WIDEST * count:
        return None  # would take much memory
    if array.size == count:
        return array.reshape(count)
    if array.ndim != 2 or count not in array.shape:
        return None
    table = array if len(array) == count else array.T
    if np.isin(table, (0, 1)).all() and (table.sum(axis=1) == 1).all():
        return np.asarray(table.argmax(axis=1))
    return table[:, 0] if table.shape[1] == QMNIST and table.dtype.kind in "iu" else None

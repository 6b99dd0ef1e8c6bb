"""Read images and labels from CSV files: each line has 784 pixels and a label, first or last."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.data.stored import MAX_IMAGES, TEST, Block
from mnistnet.errors import DataError, reason

LINES = 2000  # in a block
MAX_LINE = 100_000  # characters
HEADINGS = ("label", "labels", "class", "target", "digit", "y")  # of the column of labels
MAX_LABEL = 100


def read(paths: Sequence[Path], skip: Callable[[Path, str], None]) -> Iterator[Block]:
    """Read the data set in a file, or in two of which one is named test.

    skip is called for one of two files without labels. Raises DataError for anything else.
    """
    splits: dict[str, Path] = {}
    for path in paths:
        split = "test" if TEST.search(path.name.lower()) else "train"
        if split in splits:
            raise DataError(
                f"{path.parent}: expected one data set; found {splits[split].name} and "
                f"{path.name}; name the one to read"
            )
        splits[split] = path
    for split, path in sorted(splits.items(), reverse=True):
        try:
            with path.open(encoding="utf-8-sig", errors="replace") as file:
                yield from _read(file, path, split)
        except _NoLabelsError as error:
            if len(splits) == 1:
                raise
            skip(path, str(error).removeprefix(f"{path}: "))


class _NoLabelsError(DataError):
    """A table with pixels only, as Kaggle's test.csv."""


def _read(file: TextIO, path: Path, split: str) -> Iterator[Block]:
    lines: Iterator[str] = (
        line for line in iter(lambda: file.readline(MAX_LINE), "") if not line.isspace()
    )
    first = next(lines, "")
    delimiter = max(",;\t ", key=first.count)
    headings = [heading.strip(' "\r\n').lower() for heading in first.split(delimiter)]
    if len(headings) == PIXELS:
        raise _NoLabelsError(
            f"{path}: expected {PIXELS} pixels and a label in each line; found no labels"
        )
    if len(headings) != PIXELS + 1:
        raise DataError(
            f"{path}: expected {PIXELS} pixels and a label in each line; found {len(headings)} "
            "columns"
        )
    place = next((headings.index(name) for name in HEADINGS if name in headings), None)
    if place is None and any(heading.isdecimal() for heading in headings):  # a row of values
        lines = chain([first], lines)
    count = 0
    while block := list(islice(lines, LINES)):
        values = _numbers(block, delimiter, path, count + 1)
        if place is None:
            place = _label_column(values)
        yield Block(split, np.delete(values, place, axis=1), values[:, place])
        count += len(block)
        if count > MAX_IMAGES:
            raise DataError(f"{path}: expected at most {MAX_IMAGES:,} images; found more")


def _numbers(lines: list[str], delimiter: str, path: Path, start: int) -> Array:
    """Parse lines to values (n, 785), float32; start is the number of the first image."""
    wrong = next((n for n, line in enumerate(lines) if line.count(delimiter) != PIXELS), None)
    if wrong is not None:
        raise DataError(
            f"{path}: expected {PIXELS + 1} columns in each line; found "
            f"{lines[wrong].count(delimiter) + 1} for image {start + wrong:,}"
        )
    try:
        return np.loadtxt(
            lines, np.float32, delimiter=delimiter, comments=None, quotechar='"', ndmin=2
        )
    except ValueError as error:
        raise DataError(
            f"{path}: expected numbers from image {start:,} on; {reason(error)}"
        ) from error


def _label_column(values: Array) -> int:
    """Choose the column of labels, first or last; the other is a corner of the images."""
    first, last = values[:, 0], values[:, -1]
    can_be = [
        bool(((column >= 0) & (column < MAX_LABEL) & (column % 1 == 0)).all())
        for column in (first, last)
    ]
    if can_be[0] != can_be[1]:
        return 0 if can_be[0] else -1
    return -1 if len(np.unique(last)) > len(np.unique(first)) else 0

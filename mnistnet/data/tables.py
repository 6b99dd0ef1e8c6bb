"""Read images and labels from CSV files: 784 pixels and a label, first or last, in each line."""

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
HEADS = ("label", "labels", "class", "target", "digit", "y")  # of the labels' column
MAX_LABEL = 100


def read(paths: Sequence[Path], skip: Callable[[Path, str], None]) -> Iterator[Block]:
    """The data set in one or two files, of which one may be called test; skip is told of a file
    without labels. Raises DataError for what is none."""
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
    """As many columns as pixels: Kaggle's test.csv."""


def _read(file: TextIO, path: Path, split: str) -> Iterator[Block]:
    lines: Iterator[str] = (
        line for line in iter(lambda: file.readline(MAX_LINE), "") if not line.isspace()
    )
    first = next(lines, "")
    delimiter = max(",;\t ", key=first.count)
    heads = [head.strip(' "\r\n').lower() for head in first.split(delimiter)]
    if len(heads) == PIXELS:
        raise _NoLabelsError(
            f"{path}: expected {PIXELS} pixels and a label in each line; found no labels"
        )
    if len(heads) != PIXELS + 1:
        raise DataError(
            f"{path}: expected {PIXELS} pixels and a label in each line; found {len(heads)} columns"
        )
    place = next((heads.index(head) for head in HEADS if head in heads), None)
    if place is None and any(head.isdecimal() for head in heads):  # no line of names
        lines = chain([first], lines)
    count = 0
    while block := list(islice(lines, LINES)):
        values = _numbers(block, delimiter, path, count + 1)
        if place is None:
            place = _label_column(values)
        yield Block(split, np.delete(values, place, axis=1), values[:, place])
        count += len(block)
        if count > MAX_IMAGES:
            raise DataError(f"{path}: expected {MAX_IMAGES:,} images at most; found more")


def _numbers(lines: list[str], delimiter: str, path: Path, start: int) -> Array:
    """The values in lines (n, 785), float32; start is the number of the first line's image."""
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
            f"{path}: expected numbers; in the lines from image {start:,} on, {reason(error)}"
        ) from error


def _label_column(values: Array) -> int:
    """Which column has the labels, the first or the last: the other is a corner of the images."""
    first, last = values[:, 0], values[:, -1]
    can_be = [
        bool(((column >= 0) & (column < MAX_LABEL) & (column % 1 == 0)).all())
        for column in (first, last)
    ]
    if can_be[0] != can_be[1]:
        return 0 if can_be[0] else -1
    return -1 if len(np.unique(last)) > len(np.unique(first)) else 0

"""Read the images and labels in a CSV file: each line has 784 pixels and a label."""

from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.errors import DataError, reason

MAX_LINE = 100_000  # characters
MAX_IMAGES = 1_000_000
PART = 2000  # lines parsed at a time
HEADINGS = {"label", "labels", "class", "target", "digit", "y"}  # of the column of labels
MAX_LABEL = 100  # without headings


def read_table(path: Path, advance: Callable[[int, int], None]) -> tuple[Array, Array] | None:
    """Return the images (n, 784) and labels (n,); None if there are only pixels, as in Kaggle's
    test.csv.

    Values are uint8 if all are whole numbers from 0 to 255, else float32. The label is in the
    first or the last column, or in one with a heading that says so. advance is called with the
    number of images just read, and 0. Raises DataError for any other table.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        lines: Iterator[str] = (
            line for line in iter(lambda: file.readline(MAX_LINE), "") if not line.isspace()
        )
        first = next(lines, "")
        delimiter = max(",;\t ", key=first.count)
        headings = [heading.strip(' "\r\n').lower() for heading in first.split(delimiter)]
        if len(headings) == PIXELS:
            return None
        if len(headings) != PIXELS + 1:
            raise DataError(
                f"{path}: expected {PIXELS} pixels and a label in each line; found "
                f"{len(headings)} columns"
            )
        place = next((n for n, heading in enumerate(headings) if heading in HEADINGS), None)
        if place is None and any(heading.isdecimal() for heading in headings):  # a row of values
            lines = chain([first], lines)
        values = np.concatenate(list(_parse(lines, delimiter, path, advance)))
    if place is None:
        place = max((0, -1), key=lambda column: _distinct_labels(values[:, column]))
    return np.delete(values, place, axis=1), values[:, place].copy()  # frees the rest


def _parse(
    lines: Iterator[str], delimiter: str, path: Path, advance: Callable[[int, int], None]
) -> Iterator[Array]:
    """Yield the values in parts of the lines, (n, 785), of the smallest type that has them."""
    yield np.empty((0, PIXELS + 1), np.uint8)
    count = 0
    while part := list(islice(lines, PART)):
        for number, line in enumerate(part, start=count + 1):
            columns = line.count(delimiter) + 1
            if columns != PIXELS + 1:
                raise DataError(
                    f"{path}: expected {PIXELS + 1} columns in each line; found {columns} for "
                    f"image {number:,}"
                )
        try:
            values = np.loadtxt(
                part, np.float32, delimiter=delimiter, comments=None, quotechar='"', ndmin=2
            )
        except ValueError as error:
            raise DataError(
                f"{path}: expected numbers from image {count + 1:,} on; {reason(error)}"
            ) from error
        with np.errstate(invalid="ignore"):  # values outside 0 to 255
            levels = values.astype(np.uint8)
        yield levels if np.array_equal(levels, values) else values
        count += len(part)
        if count > MAX_IMAGES:
            raise DataError(f"{path}: expected at most {MAX_IMAGES:,} images; found more")
        advance(len(part), 0)


def _distinct_labels(column: Array) -> int:
    """Count the labels in a column; 0 if it cannot be labels, but is a corner of the images."""
    values = np.unique(column)
    return len(values) if np.isin(values, range(MAX_LABEL)).all() else 0

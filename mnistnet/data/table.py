"""Read the images and labels in a CSV file: each line has 784 pixels and a label."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.errors import DataError

MAX_BYTES = 1_500_000_000  # of a file: about 800,000 images
HEADINGS = {"label", "labels", "class", "target", "digit", "y"}  # of the column of labels


def read_table(path: Path, advance: Callable[[int, int], None]) -> tuple[Array, Array]:
    """Return the images (n, 784) and labels (n,), uint8 if all values are whole numbers from 0 to
    255, else float32.

    The label is in the first or the last column, as a heading or else the values tell. advance is
    called for each line, with 1 and 0. Raises DataError or ValueError for any other table.
    """
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: expected at most {MAX_BYTES:,} bytes; found more; split the file")

    def lines() -> Iterator[str]:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            for line in iter(lambda: file.readline(100_000), ""):
                if not line.isspace():
                    yield line
                    advance(1, 0)

    first = next(lines(), "")
    delimiter = max(",;\t ", key=first.count)
    headings = [heading.strip(' "\n').lower() for heading in first.split(delimiter)]
    if len(headings) != PIXELS + 1:
        found = f"found {len(headings)} columns"
        raise DataError(f"{path}: expected {PIXELS} pixels and a label in each line; {found}")
    options: Any = {"delimiter": delimiter, "quotechar": '"', "comments": None, "ndmin": 2}
    options["skiprows"] = 0 if any(heading.isdecimal() for heading in headings) else 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # some versions of NumPy round fractions with a warning
            values = np.loadtxt(lines(), np.uint8, **options)
    except ValueError:
        values = np.loadtxt(lines(), np.float32, **options)

    def fitness(column: int) -> tuple[bool, int]:
        """Rate a column as labels; without headings, a corner of the images has fewer values."""
        found = np.unique(values[:, column])
        return headings[column] in HEADINGS, len(found) if np.isin(found, range(100)).all() else 0

    if fitness(-1) > fitness(0):
        return values[:, :-1], values[:, -1]
    return values[:, 1:], values[:, 0]

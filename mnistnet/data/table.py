"""Read a table of images as text: CSV and its relatives, also compressed."""

import gzip
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.data.parts import Advance, read_name
from mnistnet.errors import DataError

MAX_CHARACTERS = 500_000_000  # at most 250 million pixels, 1 GB as float32
MAX_LINE = 100_000  # characters
LEAST = 100  # that a line counts as, or blank ones would take long
BESIDE = 2  # columns at most beside the pixels: the rows' numbers, and labels
INDEX = re.compile(r"|.*(id|index)|unnamed: ?0")  # headings of the rows' numbers
LABEL = re.compile(r"\d{1,2}(\.0*)?|[^\d.+-].*")  # texts that may be labels


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Read the lines that are not blank, with their numbers from 1. Raises DataError for more than
    MAX_CHARACTERS."""
    with path.open("rb") as file:
        opened: Any = gzip.open if file.read(2) == b"\x1f\x8b" else open
    size = 0
    with opened(path, "rt", encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), ""), 1):
            size += max(len(line), LEAST)
            if size > MAX_CHARACTERS:
                fault = f"expected at most {MAX_CHARACTERS:,} characters; found more"
                raise DataError(f"{path}: {fault}; split the file")
            if not line.isspace():
                yield number, line.rstrip()


def read_first(path: Path) -> tuple[str | None, list[str]]:
    """Return the delimiter, None for spaces, and the cells of the first line in lower case."""
    _, line = next(read_lines(path), (1, ""))
    delimiter = max(",;\t", key=line.count)
    if delimiter not in line:
        return None, line.lower().split()
    return delimiter, [cell.strip(' "').lower() for cell in line.split(delimiter)]


def read_table(path: Path, advance: Advance) -> tuple[Array, Array | None, list[int]]:
    """Return the images (n, 784) in a file, uint8 if all values are whole numbers from 0 to 255,
    else float32; their labels (n,) as text, or None; and the numbers of their lines.

    Labels are beside the pixels, as a heading or else the values tell; numbers of rows are first.
    advance is called with the number of lines just read and 0. Raises DataError for another table.
    """
    delimiter, first = read_first(path)
    beside = len(first) - PIXELS
    if not 0 <= beside <= BESIDE:
        fault = f"expected {PIXELS} pixels and a label in each line; found {len(first)} columns"
        raise DataError(f"{path}: {fault}")
    is_counted = first[5:9] in (["5", "6", "7", "8"], ["4", "5", "6", "7"])  # as pandas does
    skipped = int(is_counted or not re.match(r"[\d.+-]|nan", first[PIXELS // 2]))
    numbers: list[int] = []
    sides: list[list[str]] = []
    for number, line in islice(read_lines(path), skipped, None):
        cells = line.split(delimiter)
        if len(cells) != len(first):
            fault = f"expected {len(first)} columns, as in the first line; found {len(cells)}"
            raise DataError(f"{path}, line {number}: {fault}")
        numbers.append(number)
        sides.append([cell.strip(' "') for cell in (cells[beside - 1], cells[-1])])
        advance(1, 0)
    if not numbers:
        raise DataError(f"{path}: expected images; found no data")
    texts, start = np.array(sides), beside
    headings = [first[beside - 1], first[-1]] if skipped and not is_counted else ["-", "-"]
    side = max((0, 1), key=lambda k: _rate(headings[k], texts[:, k]))
    start -= bool(beside and side)
    pixels = _pixels(path, delimiter, skipped, range(start, start + PIXELS))
    labels: Array | None = texts[:, side]
    if not beside or (INDEX.fullmatch(headings[side]) and not read_name(headings[side]).is_labels):
        return pixels, None, numbers
    with suppress(ValueError):
        labels = texts[:, side].astype(float)
    return pixels, labels, numbers


def _rate(heading: str, texts: Array) -> tuple[bool, int]:
    """Rate a column beside the pixels by its heading, and by how many values it has, if they may be
    labels: a corner of the images has fewer."""
    found = np.unique(texts)
    count = len(found) if all(map(LABEL.fullmatch, found)) else 0
    return read_name(heading).is_labels or bool(INDEX.fullmatch(heading)), count


def _pixels(path: Path, delimiter: str | None, skipped: int, columns: range) -> Array:
    how: Any = {"delimiter": delimiter, "quotechar": '"', "comments": None, "ndmin": 2}
    number = 0

    def lines(others: str) -> Iterator[str]:
        nonlocal number
        for row, line in islice(read_lines(path), skipped, None):
            if any(letter in line for letter in others):
                raise ValueError
            number = row
            yield line

    with suppress(ValueError):  # some versions of NumPy round 1.5, 1e-1 and nan
        return np.loadtxt(lines(".eEnN"), np.uint8, usecols=columns, **how)
    try:
        return np.loadtxt(lines(""), np.float32, usecols=columns, **how)
    except ValueError as error:  # NumPy counts rows from 0
        raise DataError(f"{path}, line {number}: {str(error).split(' at row')[0]}") from error

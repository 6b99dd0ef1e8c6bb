"""Read a table of images as text: CSV and its relatives, also compressed."""

import gzip
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.data.parts import MAX_BYTES, Advance, read_name
from mnistnet.errors import DataError

MAX_LINE = 100_000  # characters
MAX_LABEL = 100
ROWS = 2000  # parsed at a time
BESIDE = 3  # columns at most beside the pixels
INDEX = re.compile(r"|.*(id|index)|unnamed: ?0|row|no\.?|nr\.?|#")  # headings of rows' numbers
HEADINGS = {"digit", "digits", "number", "category"}  # headings of labels, beside the usual names

Line = tuple[int, str]  # its number, from 1, and its text


class Form(NamedTuple):
    """How the lines are divided, and the headings, '' if there are none."""

    delimiter: str
    headings: list[str]
    has_headings: bool

    def split(self, line: str, times: int = -1) -> list[str]:
        return [cell.strip(' "\n') for cell in line.split(self.delimiter, times)]


def read_lines(path: Path) -> Iterator[Line]:
    """Read the lines that are not blank, without what a byte order mark or a gzip says."""
    with path.open("rb") as file:
        start = file.peek(2)[:2]
    encoding = "utf-16" if start in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    opened: Any = gzip.open if start == b"\x1f\x8b" else open
    with opened(path, "rt", encoding=encoding, errors="replace") as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), ""), 1):
            if not line.isspace():
                yield number, line


def read_form(path: Path) -> Form:
    """Find the delimiter and the headings in the first line."""
    _, first = next(read_lines(path), (1, ""))
    delimiter = max(",;\t ", key=first.count)
    form = Form(delimiter, [], has_headings=False)
    headings = [cell.lower() for cell in form.split(_plain(first, delimiter))]
    numbers = np.array([_number(cell) for cell in headings])
    middle = numbers[BESIDE : len(numbers) - BESIDE]
    is_counted = len(middle) > 1 and bool((np.diff(middle) == 1).all())  # as pandas names columns
    words = sum(np.isnan(numbers[k]) and cell != "nan" for k, cell in enumerate(headings))
    return Form(delimiter, headings, is_counted or words > len(headings) / 2)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan


def _plain(line: str, delimiter: str) -> str:
    """Remove what some programs write at the end of a line, and repeated spaces."""
    return " ".join(line.split()) if delimiter == " " else line.rstrip().rstrip(delimiter)


def read_table(path: Path, advance: Advance) -> tuple[Array, Array | None, list[int]]:
    """Return the images (n, 784) in a file, uint8 if all values are whole numbers from 0 to 255,
    else float32; their labels (n,), numbers or texts, or None; and the numbers of their lines.

    The labels are in the first or the last columns, as a heading or else the values tell. advance
    is called with the number of lines just read and 0. Raises DataError for another table.
    """
    form = read_form(path)
    columns = len(form.headings)
    beside = columns - PIXELS
    if not 0 <= beside <= BESIDE:
        fault = f"expected {PIXELS} pixels and a label in each line; found {columns} columns"
        raise DataError(f"{path}: {fault}")
    lines: list[int] = []
    blocks: list[Array] = []
    edges = []
    rest = islice(read_lines(path), int(form.has_headings), None)
    while taken := list(islice(rest, ROWS)):
        rows = [(number, _plain(line, form.delimiter)) for number, line in taken]
        for number, line in rows:
            if (found := line.count(form.delimiter) + 1) != columns:
                fault = f"expected {columns} columns, as in the first line; found {found}"
                raise DataError(f"{path}, line {number}: {fault}")
        lines += [number for number, _ in rows]
        edges.append(_edges(rows, form, beside))
        blocks.append(_numbers(path, rows, form, range(beside, columns - beside)))
        _check_count(path, lines, blocks)
        advance(len(rows), 0)
    if not lines:
        raise DataError(f"{path}: expected images; found no data")
    kept, left, labels = _beside(form, np.concatenate(edges))
    _check_count(path, lines, [*blocks, kept])
    pixels = np.empty((len(lines), PIXELS), np.result_type(kept, *blocks))
    pixels[:, :left], pixels[:, PIXELS - beside + left :] = kept[:, :left], kept[:, left:]
    end = len(lines)
    while blocks:  # each is freed when it is copied
        rows_above = end - len(blocks[-1])
        pixels[rows_above:end, left : left + PIXELS - beside] = blocks.pop()
        end = rows_above
    return pixels, labels, lines


def _check_count(path: Path, lines: list[int], blocks: list[Array]) -> None:
    most = MAX_BYTES // PIXELS // max(block.itemsize for block in blocks)
    if len(lines) > most:
        raise DataError(f"{path}: expected at most {most:,} images; found more; split the file")


def _edges(rows: Sequence[Line], form: Form, width: int) -> Array:
    """Return the texts (rows, 2 width) of the first and the last columns."""
    if not width:
        return np.empty((len(rows), 0), "U1")
    split, delimiter = form.split, form.delimiter
    cells = [
        split(line, width)[:width] + [c.strip(' "\n') for c in line.rsplit(delimiter, width)[1:]]
        for _, line in rows
    ]
    return np.array([[cell[:MAX_LABEL] for cell in row] for row in cells])


def _numbers(path: Path, rows: Sequence[Line], form: Form, columns: range) -> Array:
    """Return the numbers in these columns, as uint8 if they are whole and from 0 to 255."""
    texts = [line for _, line in rows]
    options: Any = {"delimiter": form.delimiter, "quotechar": '"', "comments": None, "ndmin": 2}
    with warnings.catch_warnings(), suppress(ValueError):
        warnings.simplefilter("error")  # some versions of NumPy round fractions with a warning
        return np.loadtxt(texts, np.uint8, usecols=columns, **options)
    try:
        numbers = np.loadtxt(texts, np.float32, usecols=columns, **options)
    except ValueError as error:
        for number, line in rows:
            for column, cell in enumerate(form.split(line), 1):
                if column - 1 in columns and np.isnan(_number(cell)) and cell.lower() != "nan":
                    where = f"{path}, line {number}, column {column}"
                    fault = f"expected a number; found {cell[:20]!r}"
                    raise DataError(f"{where}: {fault}") from error
        raise
    return _small(numbers)


def _beside(form: Form, edges: Array) -> tuple[Array, int, Array | None]:
    """Divide the texts of the first and the last columns into pixels and others. Return the pixels
    as numbers, how many of them are in the first columns, and the labels among the others."""
    width = edges.shape[1] // 2
    headings = form.headings[:width] + form.headings[len(form.headings) - width :]
    headings = headings if form.has_headings else ["-"] * len(headings)
    ratings = [_rate(heading, texts) for heading, texts in zip(headings, edges.T, strict=True)]
    first, last, others = 0, 2 * width, []
    while last - first > width:
        if ratings[last - 1] > ratings[first]:
            last -= 1
            others.append(last)
        else:
            others.append(first)
            first += 1
    candidates = [column for column in others if not ratings[column][2]]
    labels = edges[:, max(candidates, key=ratings.__getitem__)] if candidates else None
    if labels is not None:
        with suppress(ValueError):
            labels = labels.astype(np.float64)
    return _small(edges[:, first:last].astype(np.float32)), width - first, labels


def _small(numbers: Array) -> Array:
    """Return numbers as uint8 if they are whole and from 0 to 255."""
    small = np.clip(np.rint(numbers), 0, 255)
    return small.astype(np.uint8) if np.array_equal(small, numbers) else numbers


def names_labels(heading: str) -> bool:
    """Check whether a heading is that of labels."""
    return heading in HEADINGS or read_name(heading).is_labels


def _rate(heading: str, texts: Array) -> tuple[bool, bool, bool, int]:
    """Rate how unlike pixels a column is: whether its heading tells it, it has texts, or it counts
    the rows; and how many values it has that may be labels. '-' stands for no heading."""
    is_label = names_labels(heading)
    is_index = not is_label and bool(INDEX.fullmatch(heading))
    found = np.unique(texts)
    try:
        values = found.astype(np.float64)
    except ValueError:
        return is_label or is_index, True, is_index, len(found)
    if not is_label and len(texts) > 10:
        is_index |= bool((np.diff(texts.astype(np.float64)) == 1).all())
    count = len(found) if np.isin(values, range(100)).all() else 0
    return is_label or is_index, False, is_index, count

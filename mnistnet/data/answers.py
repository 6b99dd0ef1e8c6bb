"""Read another program's answers to the images of a data set from a text file."""

import re
from pathlib import Path

import numpy as np

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import DataError, reason

NO_ANSWER = CLASSES


def read_answers(path: Path, count: int) -> Array:
    """Read the digits (count,) in a text file: one per line, or the last column of a table whose
    columns are separated by commas, semicolons or spaces. A first line without a digit is a
    heading; an empty last column becomes NO_ANSWER. Raises DataError for anything else."""
    try:
        with path.open("rb") as stream:
            content = stream.read(1 << 24)  # bytes; of more, the count is wrong
    except OSError as error:
        raise DataError(f"{path}: {reason(error)}") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = content.decode(encoding, "replace").rstrip().splitlines()
    digits = [_digit(line.strip()) for line in lines]
    first = 1 if digits and digits[0] is None else 0
    if None in digits[first:]:
        number = digits.index(None, first)
        found = f"found {lines[number][-20:]!r}"
        raise DataError(f"{path}: expected a digit at the end of line {number + 1}; {found}")
    if len(digits) - first != count:
        found = f"found {len(digits) - first:,}"
        raise DataError(f"{path}: expected an answer for each of the {count:,} images; {found}")
    return np.array(digits[first:], np.uint8)


def _digit(line: str) -> int | None:
    """Return the digit in the last column, such as '7', '7.0' or '7e0', or None."""
    word = re.split(r"[\s,;]+", line)[-1].strip("\"'")
    if line and not word:
        return NO_ANSWER
    try:
        value = float(word[:30])
    except ValueError:
        return None
    return int(value) if value in range(CLASSES) else None

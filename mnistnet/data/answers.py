"""Read another program's answers to the images of a data set from a text file."""

import re
from pathlib import Path

import numpy as np

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import DataError, reason

MAX_BYTES = 1 << 24
NO_ANSWER = CLASSES


def read_answers(path: Path, count: int) -> Array:
    """Read the digits (count,) in a text file: one per line, or the last column of a table whose
    columns are separated by commas, semicolons or spaces.

    A first line without a digit is a heading; an empty last column becomes NO_ANSWER. Raises
    DataError, naming the line, for anything else.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path}: {reason(error)}") from error
    if len(content) > MAX_BYTES:
        raise DataError(f"{path}: expected at most {MAX_BYTES >> 20} MiB of answers; found more")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = content.decode(encoding, "replace").splitlines()
    while lines and not lines[-1].strip():
        del lines[-1]
    words = [re.split(r"[\s,;]+", line.strip())[-1].strip("\"'") for line in lines]
    digits = [
        NO_ANSWER if not word and line.strip() else _digit(word)
        for word, line in zip(words, lines, strict=True)
    ]
    first = 1 if digits and digits[0] is None else 0
    for number, digit in enumerate(digits[first:], start=first):
        if digit is None:
            raise DataError(
                f"{path}: expected a digit at the end of line {number + 1}; found "
                f"{words[number][:20]!r}"
            )
    if len(digits) - first != count:
        raise DataError(
            f"{path}: expected an answer for each of the {count:,} images; found "
            f"{len(digits) - first:,}"
        )
    return np.array(digits[first:], np.uint8)


def _digit(word: str) -> int | None:
    """Return the digit in a word such as '7', '7.0' or '7e0', or None."""
    try:
        value = float(word[:30])
    except ValueError:
        return None
    return int(value) if value in range(CLASSES) else None

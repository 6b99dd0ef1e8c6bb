"""Lines that were on the paper before the digit was: ruled, squared, a single one to write on.

A stroke may be as long, as thin and as straight. A line along the whole of a picture is taken away
only on evidence that it is no stroke: it is fainter than the strokes, one of several at regular
distances, or runs past everything else on both sides.
"""

import numpy as np

from mnistnet.arrays import Array
from mnistnet.image.levels import quantile

FAINTEST = 6  # of 255: what is fainter is the paper's grain
FAINT = 0.6  # of the strokes' level: what is fainter is no stroke
SEVERAL = 4  # parallel lines at regular distances; an 8 on a display has three
SMALL = 40  # pixels a side: in a smaller picture a line is as thick as a stroke
PAST = 0.2  # of the picture, that a line must run past all else on either side


def remove_lines(ink: Array) -> None:
    """Take ruled lines, horizontal and vertical ones, out of ink (height, width), in place."""
    lines = [_lines(ink), _lines(ink.T)]
    if not any(lines):
        return
    free = [np.ones(length, bool) for length in ink.shape]
    for axis in (0, 1):
        for start, end in lines[axis]:
            free[axis][max(start - 1, 0) : end + 1] = False
    rest = ink[np.ix_(*free)]
    strokes = float(rest.max()) if rest.size else 0.0
    for rows, found in ((ink, lines[0]), (ink.T, lines[1])):
        regular = _are_regular(found)
        removed = [
            line
            for line in found
            if regular or _is_faint(rows, line, strokes) or _runs_past(rows, line)
        ]
        for start, end in removed:
            line = slice(max(start - 1, 0), end + 1)
            # a stroke that crosses the line is darker than it, or goes on at both sides of it
            level = _level(rows, (start, end))
            beside = [rows[max(start - 2, 0)], rows[min(end + 1, len(rows) - 1)]]
            without = np.minimum(rows[line], np.maximum(*beside))
            rows[line] = np.where(rows[line] > 1.5 * level, rows[line], without)


def _lines(ink: Array) -> list[tuple[int, int]]:
    """First and one past the last row of each thin line that has ink nearly all along."""
    thin = max(2, max(ink.shape) // 40)
    inked = np.zeros(len(ink) + 2, bool)
    inked[1:-1] = quantile(ink.T, 0.2) > FAINTEST
    edges = np.flatnonzero(inked[1:] != inked[:-1]).reshape(-1, 2).tolist()
    return [(start, end) for start, end in edges if end - start <= thin]


def _are_regular(lines: list[tuple[int, int]]) -> bool:
    """Whether there are several lines, equally far apart."""
    if len(lines) < SEVERAL:
        return False
    apart = np.diff([(start + end) / 2 for start, end in lines])
    middle = float(np.median(apart))
    return bool((np.abs(apart - middle) <= 0.1 * middle + 1).mean() >= 0.6)


def _is_faint(rows: Array, line: tuple[int, int], strokes: float) -> bool:
    return _level(rows, line) < FAINT * strokes


def _level(rows: Array, line: tuple[int, int]) -> float:
    """How dark most of a line is."""
    return float(quantile(rows[slice(*line)].max(axis=0), 0.5))


def _runs_past(rows: Array, line: tuple[int, int]) -> bool:
    """Whether the line, not at the frame, goes on at both sides of all other ink."""
    start, end = line
    height, width = rows.shape
    edge = height // 20 + 1
    if max(height, width) < SMALL or start < edge or end > height - edge:
        return False
    level = _level(rows, line)
    other = np.ones(height, bool)
    other[max(start - 2, 0) : end + 2] = False
    columns = np.flatnonzero((rows[other] > level / 2).any(axis=0))
    return bool(len(columns)) and bool(
        columns[0] > PAST * width and columns[-1] < (1 - PAST) * width
    )

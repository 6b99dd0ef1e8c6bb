"""Remove the lines of ruled or squared paper, or a single line to write on.

A stroke can be as long, thin and straight. A line across the whole picture is removed only on
evidence that it is no stroke: it is fainter than the strokes, one of several at regular distances,
or extends beyond all other ink on both sides.
"""

import numpy as np

from mnistnet.arrays import Array, quantile

FAINTEST = 6  # of 255: fainter levels are paper grain
FAINT = 0.6  # of the strokes' level: fainter lines are no strokes
EVEN = 1.5  # ratio of levels along a line; strokes across it may cover up to 40 % of it
SEVERAL = 4  # parallel lines at regular distances; an 8 on a display has three
SMALL = 40  # pixels a side: in a smaller picture a line is as thick as a stroke
PAST = 0.2  # of the picture's width, by which a line must extend beyond other ink on both sides


def without_lines(ink: Array) -> Array:
    """Return ink (height, width) without horizontal and vertical ruled lines."""
    lines = [_lines(ink), _lines(ink.T)]
    if not any(lines):
        return ink
    ink = ink.copy()
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
            # a stroke that crosses the line is darker, or continues on both sides
            level = _level(rows, (start, end))
            beside = [rows[max(start - 2, 0)], rows[min(end + 1, len(rows) - 1)]]
            without = np.minimum(rows[line], np.maximum(*beside))
            rows[line] = np.where(rows[line] > 1.5 * level, rows[line], without)
    return ink


def _lines(ink: Array) -> list[tuple[int, int]]:
    """Return first row and last row + 1 of each thin line with ink along most of its length."""
    thin = max(2, max(ink.shape) // 40)
    inked = np.zeros(len(ink) + 2, bool)
    inked[1:-1] = quantile(ink.T, 0.2) > FAINTEST
    edges = np.flatnonzero(inked[1:] != inked[:-1]).reshape(-1, 2).tolist()
    return [(start, end) for start, end in edges if end - start <= thin]


def _are_regular(lines: list[tuple[int, int]]) -> bool:
    """Check for several equally spaced lines."""
    if len(lines) < SEVERAL:
        return False
    apart = np.diff([(start + end) / 2 for start, end in lines])
    middle = float(np.median(apart))
    return bool((np.abs(apart - middle) <= 0.1 * middle + 1).mean() >= 0.6)


def _is_faint(rows: Array, line: tuple[int, int], strokes: float) -> bool:
    """Check whether a line is fainter than strokes and even: a row through a digit is not."""
    low, high = (_level(rows, line, share) for share in (0.2, 0.6))
    return _level(rows, line) < FAINT * strokes and high <= EVEN * low + FAINTEST


def _level(rows: Array, line: tuple[int, int], share: float = 0.5) -> float:
    """Return the level that this share of a line does not exceed."""
    return float(quantile(rows[slice(*line)].max(axis=0), share))


def _runs_past(rows: Array, line: tuple[int, int]) -> bool:
    """Check whether a line away from the edges extends beyond all other ink on both sides."""
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

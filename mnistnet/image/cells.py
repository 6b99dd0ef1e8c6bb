"""Remove the lines of cells: a box around each digit, a row of boxes, a table, or a frame.

A digit also has long, thin and straight strokes. Lines are removed only on evidence that they are
none: they form a rectangle, and other ink lies inside.
"""

import numpy as np

from mnistnet.arrays import Array
from mnistnet.image.lines import SMALL
from mnistnet.image.pieces import connected, dilated

FAINT = 0.2  # of the highest level: fainter lines do not count
COVERED = 0.7  # of the side of a rectangle must be a line, at three or four sides
TALL = 0.35  # of a rectangle's height: lower ink inside is no digit


def without_cells(ink: Array) -> Array:
    """Return ink (height, width) without the lines of cells."""
    side = max(ink.shape)
    if side < SMALL:
        return ink
    thin, long, slant = max(3, side // 60), max(12, side // 16), max(2, side // 80)
    mask = ink > FAINT * ink.max()
    across, down = _runs(mask, long), _runs(mask.T, long).T
    if not across.any() or not down.any():
        return ink
    across &= ~_runs(mask.T, thin + 1).T
    down &= ~_runs(mask, thin + 1)
    if not across.any() or not down.any():
        return ink
    lines = across | down
    ink = ink.copy()
    labels = connected(_grown(lines, thin // 2 + 1))[0] * lines
    for label in np.unique(labels[lines]):
        rows, columns = (np.flatnonzero((labels == label).any(axis=axis)) for axis in (1, 0))
        if np.ptp(rows) < long or np.ptp(columns) < long:
            continue
        place = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        own = labels[place] == label
        is_row = _grown(across[place] & own, slant).mean(axis=1) > COVERED
        is_column = _grown(down[place] & own, slant).mean(axis=0) > COVERED
        ends = (is_row, is_row[::-1], is_column, is_column[::-1])
        is_cell = sum(end[: 2 * thin].any() for end in ends) >= 3
        if is_cell and _has_other_ink(mask[place], own):
            ink[place][across[place] & is_row[:, None] | down[place] & is_column] = 0
    return ink


def _has_other_ink(mask: Array, lines: Array) -> bool:
    """Check for ink of a digit's height that does not touch the lines."""
    pieces, _ = connected(mask)
    other = mask & ~np.isin(pieces, pieces[lines])
    return bool(other.any(axis=1).sum() > TALL * len(mask))


def _grown(mask: Array, by: int) -> Array:
    """Return the pixels at most this far from the mask along each axis."""
    grown = mask
    for _ in range(by):
        grown = dilated(grown)
    return grown


def _runs(mask: Array, least: int) -> Array:
    """Return the pixels of horizontal runs of at least this length."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps > 0)
    ends = np.nonzero(steps < 0)[1]
    long = ends - starts >= least
    marks = np.zeros((height, width + 1), np.int8)
    marks[rows[long], starts[long]] = 1
    marks[rows[long], ends[long]] = -1
    runs: Array = np.cumsum(marks, axis=1)[:, :-1] > 0
    return runs

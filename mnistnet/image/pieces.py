"""Find connected pieces of ink, and group those of one digit.

Geometry alone decides: a fragment joins the closest piece, pieces that surround or cross each other
are one digit, and pieces side by side with a gap between them are two.
"""

import math

import numpy as np

from mnistnet.arrays import Array

MAX_PIECES = 64  # the heaviest
SPECK = 1 / 300  # of the heaviest piece's ink: lighter pieces are specks


class Pieces:
    """The connected pieces of ink, heaviest first, without specks.

    labels  (height, width): 0 = background, else 1 + the number of the piece
    boxes   (n, 4): left, top, right, bottom of each; right and bottom are exclusive
    masses  (n,): the ink in each
    """

    def __init__(self, mass: Array) -> None:
        """Find the pieces in mass, the ink (height, width) in each pixel."""
        labels, count = connected(mass > 0)
        masses = np.bincount(labels.ravel(), mass.ravel(), count + 1)
        order = np.argsort(-masses, kind="stable")[:MAX_PIECES]
        order = order[masses[order] > SPECK * masses[order[0]]]
        number = np.zeros(count + 1, int)
        number[order] = np.arange(1, len(order) + 1)
        self.labels = number[labels]
        self.masses = masses[order]
        rows, columns = np.nonzero(self.labels)
        piece = self.labels[rows, columns] - 1
        self.boxes = np.tile([mass.shape[1], mass.shape[0], 0, 0], (len(order), 1))
        np.minimum.at(self.boxes[:, 0], piece, columns)
        np.minimum.at(self.boxes[:, 1], piece, rows)
        np.maximum.at(self.boxes[:, 2], piece, columns + 1)
        np.maximum.at(self.boxes[:, 3], piece, rows + 1)

    def mask(self, pieces: list[int]) -> Array:
        """Return the pixels of these pieces: (height, width)."""
        chosen = np.zeros(len(self.masses) + 1, bool)
        chosen[np.array(pieces) + 1] = True
        mask: Array = chosen[self.labels]
        return mask

    def box(self, pieces: list[int]) -> Array:
        """Return the box around these pieces: (4,)."""
        boxes = self.boxes[pieces]
        return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def connected(mask: Array) -> tuple[Array, int]:
    """Label connected pieces with numbers from 1; return the labels and the largest number.

    Pixels that touch at a corner are connected; some numbers are not used.
    """
    padded = np.zeros((len(mask), mask.shape[1] + 2), bool)
    padded[:, 1:-1] = mask
    edges = np.argwhere(padded[:, 1:] != padded[:, :-1]).tolist()
    starts, ends = edges[::2], [column for _, column in edges[1::2]]
    parent = list(range(len(starts) + 1))  # of each run of pixels in a row; a root is its own

    def root(run: int) -> int:
        while parent[run] != run:
            run = parent[run]
        return run

    above = 1
    for run, ((row, start), end) in enumerate(zip(starts, ends, strict=True), start=1):
        while starts[above - 1][0] < row - 1:
            above += 1
        other = above
        while other < run and starts[other - 1][0] == row - 1 and starts[other - 1][1] <= end:
            if ends[other - 1] >= start:
                parent[root(other)] = root(run)
            other += 1
    labels = np.zeros(mask.shape, int)
    for run, ((row, start), end) in enumerate(zip(starts, ends, strict=True), start=1):
        labels[row, start:end] = root(run)
    return labels, len(starts)


def dilated(levels: Array) -> Array:
    """Replace each pixel by the largest of it and its eight neighbours; a mask grows by one."""
    rows = levels.copy()
    np.maximum(rows[1:], levels[:-1], out=rows[1:])
    np.maximum(rows[:-1], levels[1:], out=rows[:-1])
    both = rows.copy()
    np.maximum(both[:, 1:], rows[:, :-1], out=both[:, 1:])
    np.maximum(both[:, :-1], rows[:, 1:], out=both[:, :-1])
    return both


def thickness(mask: Array) -> float:
    """Estimate the thickness of strokes in pixels; a long one's outline is twice its length."""
    padded = np.pad(mask, 1)
    steps = (padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum()
    # along a slanted outline the steps add up to 4/pi times its length, on average
    return 2 * float(mask.sum()) / (float(steps) * np.pi / 4)


def groups(pieces: Pieces, chosen: list[int]) -> list[list[int]]:
    """Group the chosen pieces by digit: each group joins the closest larger one that it belongs
    to, until none does."""
    found = [[piece] for piece in chosen]
    pen = thickness(pieces.mask(chosen))
    joined = True
    while joined and len(found) > 1:
        boxes = np.array([pieces.box(group) for group in found])
        sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
        joins: dict[int, int] = {}
        for i, j in _by_distance(boxes):
            if i not in joins and j not in joins and _belong(pieces, found[i], found[j], pen):
                smaller, larger = (i, j) if sizes[i] < sizes[j] else (j, i)
                if smaller not in joins.values():
                    joins[smaller] = larger
        for smaller, larger in joins.items():
            found[larger] = sorted(found[larger] + found[smaller])
        found = [group for k, group in enumerate(found) if k not in joins]
        joined = bool(joins)
    return found


def _by_distance(boxes: Array) -> list[tuple[int, int]]:
    """Return pairs i < j of boxes (n, 4), the closest first."""
    i, j = np.triu_indices(len(boxes), 1)
    a, b = boxes[i], boxes[j]
    gap = np.maximum(np.maximum(a[:, :2], b[:, :2]) - np.minimum(a[:, 2:], b[:, 2:]), 0)
    order = np.argsort(np.hypot(gap[:, 0], gap[:, 1]), kind="stable")
    return list(zip(i[order].tolist(), j[order].tolist(), strict=True))


def _belong(pieces: Pieces, first: list[int], second: list[int], pen: float) -> bool:
    """Check whether two groups of pieces are parts of one digit."""
    a, b = pieces.box(first), pieces.box(second)
    wide, high, width, height = map(float, [*(a[2:] - a[:2]), *(b[2:] - b[:2])])
    if height > high:
        wide, high, width, height = width, height, wide, high
    # overlaps; negative ones are gaps
    across, down = map(float, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]))
    gap = math.hypot(min(across, 0), min(down, 0))
    if max(width, height) <= 3 * pen:  # a dot of a faint line
        return gap <= max(1.5 * pen, 0.12 * high)
    if height < 0.5 * high and width < 0.9 * high:  # a fragment
        return gap <= (0.25 if across > 0.5 * width else 0.12) * high
    if down < 0.5 * height:  # above each other
        near = 1.5 * pen if max(wide, width) < 2 * pen else 0.06 * (high + height)
        return across > 0.4 * min(wide, width) and -down <= max(near, 1)
    if across > 0.4 * min(wide, width):
        return not _side_by_side(pieces.mask(first), pieces.mask(second))
    # beside each other: a 4 of two strokes
    return gap <= max(0.1 * high, 1) and height < 0.8 * high and wide + width < 1.1 * high


def _side_by_side(first: Array, second: Array) -> bool:
    """Check that one mask is left of the other in every row they share."""
    both = first.any(axis=1) & second.any(axis=1)
    if not both.any():
        return True
    first, second = first[both], second[both]
    width = first.shape[1]
    if second.argmax(axis=1).mean() < first.argmax(axis=1).mean():
        first, second = second, first
    ends = width - first[:, ::-1].argmax(axis=1)
    return bool((ends <= second.argmax(axis=1)).all())

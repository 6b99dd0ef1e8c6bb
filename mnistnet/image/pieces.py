"""Find connected pieces of ink, and group those of one digit.

Geometry alone decides: a fragment joins the closest piece, pieces that surround or cross each other
are one digit, and pieces side by side with a gap between them are two.
"""

import math

import numpy as np

from mnistnet.arrays import Array


class Pieces:
    """The heaviest connected pieces of ink, heaviest first, without specks, which have less than
    1/300 of the ink of the heaviest.

    labels  (height, width): 0 = background, else 1 + the number of the piece
    boxes   (n, 4): left, top, right, bottom of each; right and bottom are exclusive
    sizes   (n,): the longer side of each box
    masses  (n,): the ink in each
    more    whether there are more than most
    """

    def __init__(self, mass: Array, most: int = 64) -> None:
        """Find the pieces in mass, the ink (height, width) in each pixel."""
        labels = connected(mass > 0)
        masses = np.bincount(labels.ravel(), mass.ravel())
        order = np.argsort(-masses, kind="stable")[: most + 1]
        order = order[masses[order] > masses[order[0]] / 300]
        self.more = len(order) > most
        order = order[:most]
        number = np.zeros(len(masses), int)
        number[order] = np.arange(1, len(order) + 1)
        self.labels = number[labels]
        self.masses = masses[order]
        self.boxes = np.zeros((len(order), 4), int)
        rows, columns = np.nonzero(self.labels)
        which = self.labels[rows, columns] - 1
        self.boxes[:, :2] = mass.size
        for side, places in enumerate((columns, rows)):
            np.minimum.at(self.boxes[:, side], which, places)
            np.maximum.at(self.boxes[:, 2 + side], which, places + 1)
        self.sizes = (self.boxes[:, 2:] - self.boxes[:, :2]).max(axis=1)

    def mask(self, pieces: list[int]) -> Array:
        """Return the pixels of these pieces: (height, width)."""
        return np.isin(self.labels, np.array(pieces) + 1)

    def box(self, pieces: list[int]) -> Array:
        """Return the box around these pieces: (4,)."""
        boxes = self.boxes[pieces]
        return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def connected(mask: Array) -> Array:
    """Number connected pixels alike, from 1 to the number of runs of pixels in rows; 0 is outside
    the mask. Pixels that touch at a corner are connected."""
    steps = np.diff(np.pad(mask, ((0, 0), (0, 1))).ravel().astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
    # the runs of the next row that each run touches
    below = mask.shape[1] + 1
    first, last = (
        np.searchsorted(ends, starts + below),
        np.searchsorted(starts, ends + below, "right"),
    )
    counts = last - first
    a = np.repeat(np.arange(len(starts)), counts)
    b = np.arange(len(a)) + np.repeat(last - counts.cumsum(), counts)
    joins = np.arange(len(starts))
    while not np.array_equal(joins[a], joins[b]):
        np.minimum.at(joins, np.maximum(joins[a], joins[b]), np.minimum(joins[a], joins[b]))
        while not np.array_equal(joins, joins[joins]):
            joins = joins[joins]
    labels = np.zeros(mask.shape, int)
    labels[mask] = np.repeat(joins + 1, ends - starts)
    return labels


def dilated(levels: Array) -> Array:
    """Replace each pixel by the largest of it and its eight neighbours; a mask grows by one."""
    rows = levels.copy()
    np.maximum(rows[1:], levels[:-1], out=rows[1:])
    np.maximum(rows[:-1], levels[1:], out=rows[:-1])
    both = rows.copy()
    np.maximum(both[:, 1:], rows[:, :-1], out=both[:, 1:])
    np.maximum(both[:, :-1], rows[:, 1:], out=both[:, :-1])
    return both


def extent(mask: Array) -> tuple[slice, slice]:
    """Return the rows and columns of the mask, from its first to its last pixel."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def edge(pixels: Array) -> Array:
    """Return the pixels along the four sides; those in the corners occur twice."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


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
    while True:
        boxes = np.array([pieces.box(group) for group in found])
        sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
        a, b = np.triu_indices(len(boxes), 1)
        gaps = np.maximum(boxes[a, :2], boxes[b, :2]) - np.minimum(boxes[a, 2:], boxes[b, 2:])
        distances = np.hypot(*np.maximum(gaps, 0).T)
        closest = np.argsort(distances, kind="stable")
        near = distances <= np.maximum(0.25 * np.maximum(sizes[a], sizes[b]), 2 * pen)
        closest = closest[near[closest]]
        joins: dict[int, int] = {}
        for i, j in zip(a[closest].tolist(), b[closest].tolist(), strict=True):
            if i not in joins and j not in joins and _belong(pieces, found[i], found[j], pen):
                smaller, larger = (i, j) if sizes[i] < sizes[j] else (j, i)
                if smaller not in joins.values():
                    joins[smaller] = larger
        if not joins:
            return found
        for smaller, larger in joins.items():
            found[larger] = sorted(found[larger] + found[smaller])
        found = [group for k, group in enumerate(found) if k not in joins]


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
    if second.argmax(axis=1).mean() < first.argmax(axis=1).mean():
        first, second = second, first
    ends = first.shape[1] - first[:, ::-1].argmax(axis=1)
    return bool((ends <= second.argmax(axis=1)).all())

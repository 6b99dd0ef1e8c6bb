"""Remove straight lines across a picture, or across a frame in it: level or upright ones, slanted
up to five degrees, dark or faint. A stroke that crosses a line is kept.

A stroke of a digit may be such a line. So the network chooses between the readings of the ink with
and without them.
"""

import numpy as np

from mnistnet.arrays import Array
from mnistnet.errors import PictureError
from mnistnet.image.ink import Ink, levels_of
from mnistnet.image.pieces import Pieces, connected, dilated

SMALL = 40  # pixels a side: in a smaller picture a line is as thick as a stroke
SLOPES = np.linspace(-0.1, 0.1, 41)
INKED = 0.85  # share of a line's length along which there is ink
THIN = 0.4  # share along which the ink is no thicker than a line
INSIDE = 0.25  # size of what is inside a frame / height of the frame, at least
FRAME = 0.6  # share of the picture's sides that a frame without ink inside has
MOST_LINES = 40
MOST_PIECES = 60


def without_lines(ink: Ink) -> Ink:
    """Return the ink without straight lines, and with the levels of what is left: strokes may be
    much fainter than the lines. Without lines, return the ink itself."""
    amount = ink.amount
    if max(amount.shape) < SMALL:
        return ink
    full, threshold = ink.full, ink.threshold
    for _ in range(3):
        found = _straight(amount > 0.6 * threshold)
        if not found.any():
            break
        # what is beside a line, unless it belongs to a stroke, is its blurred edge
        stroke = _large_pieces((amount > 0.6 * threshold) & ~found)
        edge = dilated(dilated(found)) & ~stroke
        amount = np.where(found | edge, 0, amount)
        try:
            full, threshold = levels_of(amount)
        except PictureError:  # nothing is left
            break
    if amount is ink.amount:
        return ink
    amount = np.where(_along_edges(amount > threshold), 0, amount)
    return ink._replace(amount=amount, full=full, threshold=threshold)


def _along_edges(mask: Array) -> Array:
    """Return the pieces of the mask (height, width) that lie along one of its sides: remains of
    lines that leave the picture."""
    pieces = Pieces(mask.astype(np.float32), MOST_PIECES)
    left, top, right, bottom = pieces.boxes.T
    height, width = mask.shape
    depth = max(3, max(mask.shape) // 100)
    inside = np.stack([right, bottom, width - left, height - top])
    return pieces.mask(np.flatnonzero((inside <= depth).any(axis=0)).tolist())


def _large_pieces(mask: Array) -> Array:
    """Return the pieces of the mask (height, width) that are no crumbs."""
    labels = connected(mask)
    counts = np.bincount(labels.ravel())
    is_large = counts > max(6, 0.1 * counts[1:].max(initial=0))
    is_large[0] = False
    return np.asarray(is_large[labels])


def _straight(mask: Array) -> Array:
    """Return the pixels of lines across the mask (height, width) or across a frame in it."""
    found = _both_ways(mask)
    if all(side.any() for side in (found[:, 0], found[:, -1])):  # paper; frames are next
        return found
    pieces = Pieces(mask.astype(np.float32), MOST_PIECES)
    boxes = pieces.boxes
    for k, (left, top, right, bottom) in enumerate(boxes.tolist()):
        is_inside = (boxes[:, :2] > (left, top)) & (boxes[:, 2:] < (right, bottom))
        is_inside &= (pieces.sizes > INSIDE * (bottom - top))[:, None]
        is_large = bottom - top > FRAME * len(mask) and right - left > FRAME * mask.shape[1]
        if is_inside.all(axis=1).any() or is_large:
            own = pieces.labels[top:bottom, left:right] == k + 1
            found[top:bottom, left:right] |= _both_ways(own)
    return found


def _both_ways(mask: Array) -> Array:
    """Return the pixels of level and upright lines across the mask (height, width)."""
    level = _level_lines(mask)
    return level | _level_lines((mask & ~level).T).T


def _level_lines(mask: Array) -> Array:
    """Return the pixels of lines from the left to the right side of the mask (height, width)."""
    height, width = mask.shape
    found = np.zeros(mask.shape, bool)
    if width < 12:
        return found
    columns, starts, ends = _runs(mask)
    lengths = np.zeros((width, height), int)  # of the upright run of ink at each pixel
    lengths[mask.T] = np.repeat(ends - starts, ends - starts)
    is_thin = ends - starts <= max(3, max(height, width) // 10)
    columns, starts, ends = columns[is_thin], starts[is_thin], ends[is_thin]
    middles = (starts + ends - 1) / 2
    right = columns - width / 2
    tolerance = max(1.0, width / 300)
    is_free = np.ones(len(columns), bool)
    for _ in range(MOST_LINES):
        if is_free.sum() < THIN * width:
            break
        slope, offset = _best_line(right[is_free], middles[is_free], tolerance)
        near = np.abs(middles - slope * right - offset) <= 1.5 * tolerance
        is_free &= ~near
        if len(np.unique(columns[near])) < THIN * width:
            break
        path = slope * (np.arange(width) - width / 2) + offset
        rows = (np.rint(path).astype(int)[:, None] + np.arange(-2, 3)).clip(0, height - 1)
        if mask[rows, np.arange(width)[:, None]].any(axis=1).mean() < INKED:
            continue
        thick = float(np.median((ends - starts)[near]))
        is_near = np.abs(np.arange(height)[:, None] - path) <= thick / 2 + tolerance + 1
        # a stroke that crosses the line is longer than the line is thick
        found |= is_near & mask & (1.6 * thick + 1.5 >= lengths.T)
    return found


def _runs(mask: Array) -> tuple[Array, Array, Array]:
    """Return the column of each upright run of ink, its first row and its last row + 1."""
    steps = np.diff(np.pad(mask.T, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    columns, starts = np.nonzero(steps == 1)
    return columns, starts, np.nonzero(steps == -1)[1]


def _best_line(x: Array, y: Array, tolerance: float) -> tuple[float, float]:
    """Return slope and offset of the line near the most points x, y (n,) (Hough 1962)."""
    most, slope, offset = 0, 0.0, 0.0
    for s in SLOPES.tolist():
        places = np.rint((y - s * x) / tolerance).astype(int)
        least = int(places.min())
        counts = np.bincount(places - least)
        counts[:-1] += counts[1:]
        place = int(counts.argmax())
        if counts[place] > most:
            most, slope, offset = int(counts[place]), s, (place + 0.5 + least) * tolerance
    return slope, offset

"""Remove borders, the lines of cells and forms, and those of ruled or squared paper.

A stroke can be as long, thin and straight as a line, so a line is removed only if it lies along an
edge and nothing touches it, belongs to a rectangle with ink inside, or crosses the whole picture
and is faint, one of several at regular distances, or longer than all other ink on both sides.
"""

import numpy as np

from mnistnet.arrays import Array, quantile
from mnistnet.image.pieces import connected, dilated, edge, extent

CONTRAST = 40  # of 255, in any colour: smaller differences belong to the background
FAINTEST = 6  # of 255: fainter levels are paper grain
SMALL = 40  # pixels a side: in a smaller picture a line is as thick as a stroke


def inside_border(pixels: Array) -> tuple[slice, slice]:
    """Return the rows and columns of pixels (height, width, colours) inside a border of one colour:
    what differs from the corners must fill a rectangle, with almost nothing outside it."""
    height, width, colours = pixels.shape
    whole = slice(0, height), slice(0, width)
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    differs = _differs(pixels, quantile(corners, 0.5), 16)
    rows, columns = (np.flatnonzero(differs.mean(axis=axis) > 0.5) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return whole
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    patch = differs[inside]
    margins = [rows[0], columns[0], height - 1 - rows[-1], width - 1 - columns[-1]]
    if (
        np.count_nonzero(margins) < 2  # one side may be a stroke, such as the bar of a 7
        or patch.size < differs.size / 4
        or min(patch.shape) < 8
        or patch.mean() <= 0.7  # the lines of a form
        or edge(patch).mean() <= 0.8
        or differs.sum() - patch.sum() > patch.sum() / 20
        # an empty frame
        or np.ptp(pixels[inside][1:-1, 1:-1].reshape(-1, colours), axis=0).max() < CONTRAST
    ):
        return whole
    return slice(rows[0] + 1, rows[-1]), slice(columns[0] + 1, columns[-1])  # edges are blends


def inside_lines(pixels: Array) -> tuple[slice, slice]:
    """Return the rows and columns inside lines along the edges, as cropping a form's cell leaves.
    They differ from the background along their whole length, and no ink inside touches them."""
    height, width, colours = pixels.shape
    differs = _differs(pixels, quantile(pixels.reshape(-1, colours), 0.5), CONTRAST)
    limits = []
    for lines in (differs, differs.T):
        is_line = lines.mean(axis=1) > 0.9
        most = len(lines) // 12
        first, last = (
            int((~part).argmax()) if part.any() and not part.all() else 0
            for part in (is_line[: most + 1], is_line[: -most - 2 : -1])
        )
        # the pixel beside a line is a blend
        limits.append(slice(first + (first > 0), len(lines) - last - (last > 0)))
    inside = differs[limits[0], limits[1]]
    is_cropped = inside.shape != differs.shape and min(inside.shape) >= 8
    if not is_cropped or edge(inside).mean() > 0.005 or not inside.any():
        return slice(0, height), slice(0, width)
    return limits[0], limits[1]


def _differs(pixels: Array, colour: Array, least: float) -> Array:
    """Return where pixels (height, width, colours) differ by more than least in any colour."""
    planes = zip(np.moveaxis(pixels, 2, 0), colour, strict=True)  # any(axis=2) is much slower
    found: Array = np.logical_or.reduce([np.abs(plane - c) > least for plane, c in planes])
    return found


def without_cells(ink: Array) -> Array:
    """Return ink (height, width) without the lines of cells, at three or four sides of a rectangle
    with other ink inside: a box around each digit, a row of boxes, a table or a frame."""
    side = max(ink.shape)
    thin, long, slant = max(3, side // 60), max(12, side // 16), max(2, side // 80)
    mask = ink > 0.2 * ink.max()
    across = _runs(mask, long) & ~_runs(mask.T, thin + 1).T
    down = _runs(mask.T, long).T & ~_runs(mask, thin + 1)
    if side < SMALL or not across.any() or not down.any():
        return ink
    lines = across | down
    ink = ink.copy()
    labels = connected(_grown(lines, thin // 2 + 1)) * lines
    for label in np.unique(labels[lines]):
        place = extent(labels == label)
        own = labels[place] == label
        if min(own.shape) <= long:
            continue
        is_row = _grown(across[place] & own, slant).mean(axis=1) > 0.7
        is_column = _grown(down[place] & own, slant).mean(axis=0) > 0.7
        ends = (is_row, is_row[::-1], is_column, is_column[::-1])
        is_cell = sum(end[: 2 * thin].any() for end in ends) >= 3
        # other ink, as high as a digit, that does not touch the lines
        pieces = connected(mask[place])
        other = mask[place] & ~np.isin(pieces, pieces[own])
        if is_cell and other.any(axis=1).sum() > 0.35 * len(own):
            ink[place][across[place] & is_row[:, None] | down[place] & is_column] = 0
    return ink


def _grown(mask: Array, by: int) -> Array:
    """Return the pixels at most this far from the mask along each axis."""
    for _ in range(by):
        mask = dilated(mask)
    return mask


def _runs(mask: Array, least: int) -> Array:
    """Return the pixels of horizontal runs of at least this length."""
    least = min(least, mask.shape[1] + 1)  # or a narrow picture would take much memory
    inked = np.pad(mask, ((0, 0), (least, least - 1))).cumsum(axis=1)
    ends = inked[:, least:] - inked[:, :-least] == least  # of so many pixels of ink
    count = np.pad(ends, ((0, 0), (1, 0))).cumsum(axis=1)
    return np.asarray(count[:, least:] > count[:, :-least])


def without_lines(ink: Array) -> Array:
    """Return ink (height, width) without lines across the whole picture."""
    lines = [_lines(ink), _lines(ink.T)]
    if not any(lines):
        return ink
    ink = ink.copy()
    free = [np.ones(length, bool) for length in ink.shape]
    for axis in (0, 1):
        for start, end in lines[axis]:
            free[axis][max(start - 1, 0) : end + 1] = False
    strokes = float(ink[np.ix_(*free)].max(initial=0))
    for rows, found in ((ink, lines[0]), (ink.T, lines[1])):
        if not _are_regular(found):
            found = [
                each for each in found if _is_faint(rows, each, strokes) or _runs_past(rows, each)
            ]
        for start, end in found:
            line = rows[max(start - 1, 0) : end + 1]
            # a stroke that crosses the line is darker, or continues on both sides
            beside = np.maximum(rows[max(start - 2, 0)], rows[min(end + 1, len(rows) - 1)])
            is_stroke = line > 1.5 * _level(rows, (start, end))
            line[:] = np.where(is_stroke, line, np.minimum(line, beside))
    return ink


def _lines(ink: Array) -> list[tuple[int, int]]:
    """Return first row and last row + 1 of each thin line with ink along most of its length."""
    thin = max(2, max(ink.shape) // 40)
    inked = np.pad(quantile(ink.T, 0.2) > FAINTEST, 1)
    edges = np.flatnonzero(inked[1:] != inked[:-1]).reshape(-1, 2).tolist()
    return [(start, end) for start, end in edges if end - start <= thin]


def _are_regular(lines: list[tuple[int, int]]) -> bool:
    """Check for several equally spaced lines; an 8 on a display has three."""
    if len(lines) < 4:
        return False
    apart = np.diff([(start + end) / 2 for start, end in lines])
    middle = float(np.median(apart))
    return bool((np.abs(apart - middle) <= 0.1 * middle + 1).mean() >= 0.6)


def _is_faint(rows: Array, line: tuple[int, int], strokes: float) -> bool:
    """Check whether a line is fainter than strokes and even: a row through a digit is not."""
    low, high = (_level(rows, line, share) for share in (0.2, 0.6))  # strokes may cover the rest
    return _level(rows, line) < 0.6 * strokes and high <= 1.5 * low + FAINTEST


def _level(rows: Array, line: tuple[int, int], share: float = 0.5) -> float:
    """Return the level that this share of a line does not exceed."""
    return float(quantile(rows[slice(*line)].max(axis=0), share))


def _runs_past(rows: Array, line: tuple[int, int]) -> bool:
    """Check whether a line away from the edges extends beyond all other ink on both sides."""
    start, end = line
    height, width = rows.shape
    margin = height // 20 + 1
    if max(height, width) < SMALL or start < margin or end > height - margin:
        return False
    other = np.ones(height, bool)
    other[max(start - 2, 0) : end + 2] = False
    columns = np.flatnonzero((rows[other] > _level(rows, line) / 2).any(axis=0))
    return len(columns) > 0 and columns[0] > 0.2 * width and columns[-1] < 0.8 * width

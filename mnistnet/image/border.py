"""Find the part of a picture inside borders, and inside lines along its edges."""

import numpy as np

from mnistnet.arrays import Array, quantile

CONTRAST = 40  # of 255, in any colour: smaller differences belong to the background
Region = tuple[slice, slice]  # rows and columns


def inside_border(pixels: Array) -> Region:
    """Return the rows and columns of pixels (height, width, colours) inside a border of one colour
    and, within that, inside lines along the edges."""
    down, across = _inside_plain_border(pixels)
    rows, columns = _inside_lines(pixels[down, across])
    y, x = down.start, across.start
    return slice(y + rows.start, y + rows.stop), slice(x + columns.start, x + columns.stop)


def _inside_plain_border(pixels: Array) -> Region:
    """Return the region inside a border of one colour, as scanners and frames leave.

    Pixels that differ from the corners must fill a rectangle, with almost none outside it.
    """
    height, width, _ = pixels.shape
    whole = slice(0, height), slice(0, width)
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    differs = _differs(pixels, quantile(corners, 0.5), 16)
    rows, columns = (np.flatnonzero(differs.mean(axis=axis) > 0.5) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return whole
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    patch = differs[inside]
    ends = [rows[0], columns[0], height - 1 - rows[-1], width - 1 - columns[-1]]
    if np.count_nonzero(ends) < 2:
        return whole  # one side may be a stroke, such as the bar of a 7
    outside = differs.sum() - patch.sum()
    is_large = differs.size / 4 <= patch.size < differs.size and min(patch.shape) >= 8
    is_filled = patch.mean() > 0.7 and _edge(patch).mean() > 0.8  # not the lines of a form
    if not is_large or not is_filled or outside > patch.sum() / 20:
        return whole
    if np.ptp(pixels[inside][1:-1, 1:-1].reshape(-1, pixels.shape[2]), axis=0).max() < CONTRAST:
        return whole  # an empty frame
    return slice(rows[0] + 1, rows[-1]), slice(columns[0] + 1, columns[-1])  # edges are blends


def _inside_lines(pixels: Array) -> Region:
    """Return the region inside lines along one to four edges, as cropping a form's cell leaves.

    A line differs from the background along its whole length, and no ink inside touches it.
    """
    height, width, _ = pixels.shape
    background = quantile(pixels.reshape(height * width, -1), 0.5)
    differs = _differs(pixels, background, CONTRAST)
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
    if not is_cropped or _edge(inside).mean() > 0.005 or not inside.any():
        return slice(0, height), slice(0, width)
    return limits[0], limits[1]


def _differs(pixels: Array, colour: Array, least: float) -> Array:
    """Return where pixels (height, width, colours) differ by more than least in any colour."""
    planes = np.moveaxis(pixels, 2, 0)  # reducing along a short last axis takes five times as long
    found: Array = np.logical_or.reduce(
        [abs(p - c) > least for p, c in zip(planes, colour, strict=True)]
    )
    return found


def _edge(mask: Array) -> Array:
    return np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])

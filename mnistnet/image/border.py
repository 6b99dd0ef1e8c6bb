"""Find a border around a picture, and lines along its edges that nothing touches: they would be
taken for the background."""

import numpy as np

from mnistnet.arrays import Array, quantile
from mnistnet.image.pieces import edge

CONTRAST = 40  # of 255, in any colour: smaller differences belong to the background


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

"""The part of a picture inside borders and lines along its frame."""

import numpy as np

from mnistnet.arrays import Array
from mnistnet.image.levels import quantile

DIFFERENT = 40  # of 255, in a colour: what differs by more is no ground


def within(pixels: Array) -> tuple[slice, slice]:
    """The rows and columns of pixels (height, width, colours) inside a border of one colour, and
    inside lines along the frame of that."""
    down, across = _within_border(pixels)
    rows, columns = _within_lines(pixels[down, across])
    y, x = down.start, across.start
    return slice(y + rows.start, y + rows.stop), slice(x + columns.start, x + columns.stop)


def _within_border(pixels: Array) -> tuple[slice, slice]:
    """The rows and columns inside a border of one colour, such as scanners and frames make: what
    differs from the corners fills a rectangle, and nothing does outside of it."""
    height, width, _ = pixels.shape
    whole = slice(0, height), slice(0, width)
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    differs = (np.abs(pixels - quantile(corners, 0.5)) > 16).any(axis=2)
    rows, columns = (np.flatnonzero(differs.mean(axis=axis) > 0.5) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return whole
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    patch = differs[inside]
    edge = np.concatenate([patch[0], patch[-1], patch[:, 0], patch[:, -1]])
    outside = differs.sum() - patch.sum()
    is_large = differs.size / 4 <= patch.size < differs.size and min(patch.shape) >= 8
    if not is_large or edge.mean() < 0.8 or outside > patch.sum() / 20:
        return whole
    if np.ptp(pixels[inside][1:-1, 1:-1].reshape(-1, pixels.shape[2]), axis=0).max() < DIFFERENT:
        return whole  # a frame with nothing in it
    return slice(rows[0] + 1, rows[-1]), slice(columns[0] + 1, columns[-1])  # edges are blends


def _within_lines(pixels: Array) -> tuple[slice, slice]:
    """The rows and columns inside lines along the frame, at one to four sides, as are left of the
    cell of a form: lines that differ from the ground all along, and that no ink inside touches."""
    height, width, _ = pixels.shape
    ground = quantile(pixels.reshape(height * width, -1), 0.5)
    differs = (np.abs(pixels - ground) > DIFFERENT).any(axis=2)
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
    if inside.shape == differs.shape or min(inside.shape) < 8:
        return slice(0, height), slice(0, width)
    edge = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    if edge.mean() > 0.005 or not inside.any():
        return slice(0, height), slice(0, width)
    return limits[0], limits[1]

"""How much ink each pixel of a picture has.

1. ground   the colour of the paper: a smooth surface over the picture, fitted to what is not ink;
            one colour where the frame shows too little of it to fit more
2. ink      how far each pixel departs from the ground, along the one colour in which ink does
3. lines    those of ruled and squared paper are taken away (lines.py)
4. levels   of full ink, and the threshold between ground and ink
"""

from typing import NamedTuple

import numpy as np

from mnistnet.arrays import Array
from mnistnet.errors import PictureError
from mnistnet.image.border import within
from mnistnet.image.levels import quantile
from mnistnet.image.lines import remove_lines

SAMPLES = 32  # a side, that the ground is fitted to
QUADRATIC = [0, 1, 2, 3, 4, 6]  # of the products of 1, y, y^2 with 1, x, x^2
STIFF = 1e-3 * np.diag([0, 1, 1, 1, 1, 1])
TALL = 2  # times its width: a 1 fills so narrow a picture and leaves no ground to fit a surface to
MIN_CONTRAST = 12  # of 255, between ground and full ink
NOTHING = "there is no digit in it: nothing stands out from the ground"


class Ink(NamedTuple):
    """The ink in a picture.

    levels     (height, width), of 0 to 255: how far each pixel is from the ground
    full       the level of full ink
    threshold  the level between ground and ink
    inverted   ink is darker than the ground
    corner     left and top of levels in the picture, within a border of one colour
    """

    levels: Array
    full: float
    threshold: float
    inverted: bool
    corner: tuple[int, int]


def find_ink(pixels: Array) -> Ink:
    """The ink in pixels (height, width, colours) of 0 to 255; PictureError where there is none."""
    down, across = within(pixels)
    pixels = pixels[down, across]
    levels, inverted = _ink(pixels - _ground(pixels))
    remove_lines(levels)
    full, threshold = _levels(levels)
    return Ink(levels, full, threshold, inverted, (across.start, down.start))


def _ground(pixels: Array) -> Array:
    """The ground's colour (height, width, colours): a quadratic surface through what is not ink.

    It is fitted by iteratively reweighted least squares, from one colour on; what is far from it,
    as ink is, counts for little (Geman and McClure 1987).
    """
    height, width, colours = pixels.shape
    colour, contrast = _one_colour(pixels)
    if height > TALL * width:
        return colour
    down, across = -(-height // SAMPLES), -(-width // SAMPLES)
    sample = pixels[down // 2 :: down, across // 2 :: across].astype(np.float64)
    rows, columns = _powers(sample.shape[0]), _powers(sample.shape[1])
    # 1, x, x^2, y, xy, x^2 y, y^2, ... of each sample, but for x^2 y, x y^2 and x^2 y^2
    terms = (rows[:, None, :, None] * columns[:, None]).reshape(-1, 9)[:, QUADRATIC]
    y = sample.reshape(-1, colours)
    coefficients = np.zeros((6, colours))
    coefficients[0] = colour
    for _ in range(4):
        off = np.abs(y - terms @ coefficients).sum(axis=1) / colours
        scale = max(min(3 * float(quantile(off, 0.5)), contrast / 4), 2)
        weighted = terms.T / (1 + (off / scale) ** 2) ** 2
        # the little that is added keeps the surface flat where samples do not tell
        coefficients = np.linalg.solve(weighted @ terms + STIFF * len(terms), weighted @ y)
    square = np.zeros((9, colours))
    square[QUADRATIC] = coefficients
    rows, columns = _powers(height), _powers(width)
    return np.stack([rows @ c.reshape(3, 3) @ columns.T for c in square.T], axis=-1)


def _one_colour(pixels: Array) -> tuple[Array, float]:
    """Of the two colours that a picture has, the one that corners and frame have more of
    (colours,); and how far apart they are, as a mean over colours."""
    height, width, colours = pixels.shape
    flat = pixels.reshape(-1, colours).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    places = (centred @ axis).reshape(height, width)
    low, high = float(places.min()), float(places.max())
    middle = (low + high) / 2
    frame = np.concatenate([places[0], places[-1], places[1:-1, 0], places[1:-1, -1]])
    corners = places[[0, 0, -1, -1], [0, -1, 0, -1]]
    is_low = (2 * corners.mean() + frame.mean()) / 3 <= middle
    colour: Array = quantile(flat[(places.ravel() <= middle) == is_low], 0.5)
    return colour, (high - low) * float(np.abs(axis).sum()) / colours


def _powers(count: int) -> Array:
    """1, t and t^2 of count points from -1 to 1."""
    return np.linspace(-1, 1, count)[:, None] ** np.arange(3)


def _ink(departure: Array) -> tuple[Array, bool]:
    """How much ink each pixel has (height, width), at most 255, and whether ink is darker than the
    ground.

    The departures from the ground (height, width, colours) are projected on the colour along which
    the strongest of them lie.
    """
    flat = departure.reshape(-1, departure.shape[-1])
    weighted = flat * (flat * flat).sum(axis=1, keepdims=True)
    axis = np.linalg.eigh(weighted.T @ flat)[1][:, -1]
    axis /= np.abs(axis).sum()
    if weighted.sum(axis=0) @ axis < 0:
        axis = -axis
    ink = np.clip(flat @ axis, 0, 255).reshape(departure.shape[:2])
    return ink, bool(axis.sum() < 0)


def _levels(ink: Array) -> tuple[float, float]:
    """The level of full ink, and the threshold between ground and ink: midway between the means of
    what is below and what is above it (Ridler and Calvard 1978)."""
    counts = np.bincount(ink.astype(np.uint8).ravel(), minlength=256)
    below, mass = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    total, all_mass = int(below[-1]), int(mass[-1])
    threshold = int(np.searchsorted(below, total - min(40, total // 1000))) // 2
    for _ in range(20):
        few = max(total - int(below[threshold]), 1)
        middle = (
            mass[threshold] / max(below[threshold], 1) + (all_mass - mass[threshold]) / few
        ) / 2
        if int(middle) == threshold:
            break
        threshold = int(middle)
    if threshold < MIN_CONTRAST / 2:
        raise PictureError(NOTHING)
    level = int(np.searchsorted(below, (int(below[threshold]) + total) / 2))
    return float(max(level, threshold + 1)), float(threshold)

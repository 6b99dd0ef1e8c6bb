"""Measure how much ink each pixel of a picture has: how far it is from the colour of the paper, in
the direction of the ink's colour."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from mnistnet.arrays import Array, quantile
from mnistnet.errors import PictureError
from mnistnet.image import border

SAMPLES = 32  # a side, to which the background is fitted
QUADRATIC = [0, 1, 2, 3, 4, 6]  # 1, x, x^2, y, xy, y^2 among the products of powers of y and x
STIFFNESS = 1e-3 * np.diag([0, 1, 1, 1, 1, 1])
BLANK = "found no digit: nothing stands out from the background"


class Ink(NamedTuple):
    """The ink in a picture."""

    amount: Array  # (height, width), 0 to 255: how far each pixel is from the background
    full: float  # the level of full ink
    threshold: float  # the level between background and ink
    inverted: bool  # whether the ink is darker than the background
    corner: tuple[float, float]  # left and top of amount in the picture, reduced alike


def find_ink(pixels: Array) -> Ink:
    """Find the ink in pixels (height, width, colours), 0 to 255; raise PictureError if none."""
    left = top = 0
    for inside in (border.inside_border, border.inside_lines):
        down, across = inside(pixels)
        left, top = left + across.start, top + down.start
        pixels = pixels[down, across]
    pixels = _without_noise(pixels)
    amount, inverted = _ink(pixels - _background(pixels))
    full, threshold = levels_of(amount)
    return Ink(amount, full, threshold, inverted, (left, top))


def _without_noise(pixels: Array) -> Array:
    """Smooth pixels (height, width, colours) if 1 in 100, and more than 8, differ by more than 40
    from all their neighbours: dithered ones, of two colours, by a Gaussian, others by a median."""
    height, width, colours = pixels.shape
    levels = pixels.astype(np.uint8)
    green = levels[..., colours // 2].astype(np.int16)
    # each inner pixel and the eight around it
    block = [green[y : height - 2 + y, x : width - 2 + x] for y in range(3) for x in range(3)]
    middle = block.pop(4)
    above, below = middle - np.max(block, axis=0), np.min(block, axis=0) - middle
    if np.count_nonzero(np.maximum(above, below) > 40) <= max(0.01 * middle.size, 8):
        return pixels
    is_dithered = len(np.unique(levels.reshape(-1, colours), axis=0)) == 2
    smooth = ImageFilter.GaussianBlur(1.5) if is_dithered else ImageFilter.MedianFilter(3)
    planes = [Image.fromarray(plane).filter(smooth) for plane in levels.transpose(2, 0, 1)]
    return np.stack([np.asarray(plane, np.float32) for plane in planes], axis=2)


def _background(pixels: Array) -> Array:
    """Fit a quadratic surface to the background's colours, (height, width, colours), by iteratively
    reweighted least squares, which give little weight to pixels far from it, such as ink (Geman and
    McClure 1987)."""
    height, width, colours = pixels.shape
    colour, contrast = _one_colour(pixels)
    if height > 2 * width:  # a 1 may leave too little background to fit a surface to
        return colour
    down, across = -(-height // SAMPLES), -(-width // SAMPLES)
    sample = pixels[down // 2 :: down, across // 2 :: across].astype(np.float64)
    rows, columns = _powers(sample.shape[0]), _powers(sample.shape[1])
    terms = (rows[:, None, :, None] * columns[:, None]).reshape(-1, 9)[:, QUADRATIC]
    y = sample.reshape(-1, colours)
    coefficients = np.zeros((6, colours))
    coefficients[0] = colour
    for _ in range(4):
        off = np.abs(y - terms @ coefficients) @ np.full(colours, 1 / colours)
        scale = max(min(3 * float(quantile(off, 0.5)), contrast / 4), 2)
        weighted = terms.T / (1 + (off / scale) ** 2) ** 2
        # stiffness keeps the surface flat where no sample constrains it
        coefficients = np.linalg.solve(weighted @ terms + STIFFNESS * len(terms), weighted @ y)
    square = np.zeros((9, colours))
    square[QUADRATIC] = coefficients
    rows, columns = _powers(height), _powers(width)
    return np.stack([rows @ c.reshape(3, 3) @ columns.T for c in square.T], axis=-1)


def _powers(count: int) -> Array:
    """Return 1, t and t^2 at count points from -1 to 1: (count, 3)."""
    return np.linspace(-1, 1, count)[:, None] ** np.arange(3)


def _one_colour(pixels: Array) -> tuple[Array, float]:
    """Return which of a picture's two colours prevails in its corners and edges, (colours,), and
    the mean difference between the two."""
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


def _ink(departure: Array) -> tuple[Array, bool]:
    """Project differences from the background (height, width, colours) on the colour direction of
    the strongest; return them (height, width), 0 to 255, and whether the ink is darker."""
    flat = departure.reshape(-1, departure.shape[-1])
    weighted = flat * np.einsum("ij,ij->i", flat, flat)[:, None]
    axis = np.linalg.eigh(weighted.T @ flat)[1][:, -1]
    axis /= np.abs(axis).sum()
    if weighted.sum(axis=0) @ axis < 0:
        axis = -axis
    ink = np.clip(flat @ axis, 0, 255).reshape(departure.shape[:2])
    return ink, bool(axis.sum() < 0)


def levels_of(ink: Array) -> tuple[float, float]:
    """Return the level of full ink and the threshold between background and ink, which is midway
    between the mean levels below and above it (Ridler and Calvard 1978)."""
    counts = np.bincount(ink.astype(np.uint8).ravel(), minlength=256)
    below, mass = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    total, all_mass = int(below[-1]), int(mass[-1])
    threshold = int(np.searchsorted(below, total - min(40, total // 1000))) // 2
    for _ in range(20):
        background = mass[threshold] / max(below[threshold], 1)
        strokes = (all_mass - mass[threshold]) / max(total - below[threshold], 1)
        if int((background + strokes) / 2) == threshold:
            break
        threshold = int((background + strokes) / 2)
    if threshold < 6:  # of 255: paper grain
        raise PictureError(BLANK)
    level = int(np.searchsorted(below, (int(below[threshold]) + total) / 2))
    return float(max(level, threshold + 1)), float(threshold)

"""Distort minibatches, so that a network never sees the same image twice.

Follows Simard, Steinkraus and Platt 2003, Best Practices for Convolutional Neural Networks Applied
to Visual Document Analysis. The new value of pixel (r, c), in rows down and columns to the right of
the image's centre, is read by bilinear interpolation at

    A (r, c) + t + d(r, c)         A: rotation, scale, shear   t: shift   d: elastic displacement

where d is a smooth random field. Pixels outside the image are background. All images of a
minibatch, or of a part of it, share one warp, which is several times faster than one per image.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array

COARSE = 4  # pixels between the random numbers that are smoothed to an elastic field
PADDED = SIDE + 3  # side with a border of background: one pixel before, two after
CENTRED = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
TOGETHER = 8  # warps drawn at a time; more would need memory that is mapped anew each time
BITS = 4
FINE = 1 << BITS  # positions are rounded to 1/16 pixel, so that 16-bit integers suffice


@dataclass(frozen=True)
class Strength:
    """Limits of random distortions; rotation to shift are uniform between plus and minus these."""

    displacement: float = 0.45  # pixels: standard deviation of the elastic one along each axis
    smoothness: float = 4.0  # pixels: sigma of the Gaussian that smooths the elastic field
    rotation: float = 12.0  # degrees
    scale: float = 0.13  # natural logarithm of the factor along each axis
    shear: float = 0.13  # pixels to the side per pixel down
    shift: float = 0.5  # pixels along each axis
    # share of the warps that also widen the image, by a factor from 1 to 2: some programs stretch
    # digits to a square
    widen: float = 0.0

    def scaled(self, factor: float) -> "Strength":
        """Return limits of the displacement, rotation, scale, shear and shift times factor."""
        names = ("displacement", "rotation", "scale", "shear", "shift")
        return replace(self, **{name: factor * getattr(self, name) for name in names})


STANDARD = Strength()


def warps(
    rng: np.random.Generator, count: int, strength: Strength = STANDARD, groups: int = 1
) -> Iterator[Callable[..., Array]]:
    """Yield count random warps of minibatches, each of whose equal parts (groups) has its own.

    Each is called as transform(images, out) with images (n, 784) uint8, and returns x of the
    formulas, (n, 784) float32 in [0, 1], stored in out if given. They share memory, so only one
    thread may call them.
    """

    @cache
    def memory(n: int) -> tuple[Array, Array]:
        """Return arrays for n images: padded ones, whose border stays background, and two more."""
        return np.zeros((PADDED, PADDED, n), np.uint16), np.empty((2, PIXELS, n), np.uint16)

    together = max(TOGETHER // groups, 1)
    for first in range(0, count, together):
        number = min(together, count - first)
        corners, weights = _bilinear(positions(rng, number * groups, strength))
        for start in range(0, number * groups, groups):
            end = start + groups
            yield partial(_transform, memory, corners[start:end], weights[start:end])


def _transform(
    memory: Callable[[int], tuple[Array, Array]],
    corners: Array,
    weights: Array,
    images: Array,
    out: Array | None = None,
) -> Array:
    """Warp images (n, 784) uint8, each part by its own corners and weights."""
    # Each row of the arrays holds one pixel of all images, so that moving a pixel copies a whole
    # row. Weights that add up to 256, times pixels of up to 255, fit in 16 bits.
    x = np.empty((PIXELS, len(images)), np.float32).T if out is None else out
    size = -(-len(images) // len(corners))
    for part, start in enumerate(range(0, len(images), size)):
        own = images[start : start + size]
        padded, (total, corner) = memory(len(own))
        padded[1:-2, 1:-2] = own.T.reshape(SIDE, SIDE, -1)
        pixels = padded.reshape(-1, len(own))
        # All indices are in range; mode="clip" saves a copy of the result.
        np.take(pixels, corners[part], axis=0, out=total, mode="clip")
        total *= weights[part, 0]
        for offset, weight in zip((1, PADDED, PADDED + 1), weights[part, 1:], strict=True):
            np.take(pixels[offset:], corners[part], axis=0, out=corner, mode="clip")
            corner *= weight
            total += corner
        np.multiply(total, np.float32(1 / (255 * FINE**2)), out=x[start : start + size].T)
    return x


def positions(rng: np.random.Generator, count: int, strength: Strength) -> Array:
    """Return where count warps read each pixel: rows and columns, (2, count, 28, 28)."""

    def uniform(limit: float) -> Array:
        return rng.uniform(-limit, limit, (count, 1, 1)).astype(np.float32)

    angle = uniform(math.radians(strength.rotation))
    cos, sin = np.cos(angle), np.sin(angle)
    # The elastic fields: random numbers on a coarse grid, smoothed by a Gaussian, which is nearly
    # zero beyond its reach, to a standard deviation of 1.
    sigma, reach = strength.smoothness, 3 * strength.smoothness
    step = min(COARSE, max(sigma, 1))
    centres = np.arange(-reach, SIDE - 1 + reach + step, step)
    G = np.exp(-((np.arange(SIDE)[:, None] - centres) ** 2) / (2 * max(sigma, 0.01) ** 2))
    G = (G / np.sqrt((G**2).sum(axis=1, keepdims=True))).astype(np.float32)
    noise = rng.standard_normal((2, count, len(centres), len(centres)), np.float32)
    elastic: Array = strength.displacement * (G @ noise @ G.T)

    row, column = CENTRED[:, None], CENTRED
    rows = np.exp(uniform(strength.scale)) * (cos * row + sin * column) + uniform(strength.shift)
    width = np.exp(uniform(strength.scale))
    if strength.widen:
        widened = rng.random((count, 1, 1)) < strength.widen
        width *= np.where(widened, 2 ** -rng.random((count, 1, 1), np.float32), np.float32(1))
    columns = width * (cos * column - sin * row) + uniform(strength.shear) * row
    columns += uniform(strength.shift)
    return np.stack([rows, columns]) + elastic + np.float32((SIDE - 1) / 2)


def _bilinear(places: Array) -> tuple[Array, Array]:
    """Return the first of the four pixels around each position, an index into the padded pixels
    (count, 784), and the weights of the four, (count, 4, 784, 1), in units of 1/256."""
    fine = np.rint((places + 1) * FINE).astype(np.int32)
    np.clip(fine, 0, (PADDED - 2) * FINE, out=fine)
    fine = fine.reshape(2, -1, PIXELS)
    row, column = fine >> BITS  # ten times as fast as //
    down, right = (fine & (FINE - 1)).astype(np.uint16)
    up, left = FINE - down, FINE - right
    weights = np.stack([up * left, up * right, down * left, down * right], axis=1)
    return (row * PADDED + column).astype(np.intp), weights[..., None]

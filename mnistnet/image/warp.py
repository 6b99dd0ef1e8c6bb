"""Elastic and affine distortion of minibatches, so that a network never sees an image twice.

Simard, Steinkraus and Platt 2003, Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis: where a pixel's value is taken from is moved by a smooth random field,
and the image turned, scaled, sheared and moved a little. Here a whole minibatch, or a part of it,
shares one warp, and every minibatch gets another: several times faster than a warp per image.

For pixel (r, c), with rows counted down and columns to the right from the image's centre, the
value is read at

    A (r, c) + t + d(r, c)         A: turn, scale, shear   t: shift   d: elastic displacement

between the four pixels around that point (bilinear); outside of the image all is background.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array

COARSE = 4  # pixels between the random numbers that are smoothed to an elastic field
PADDED = SIDE + 3  # the images with a border of background: one pixel, then two
CENTRED = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
TOGETHER = 8  # warps drawn at a time; more would take memory that is mapped anew each time
BITS = 4
FINE = 1 << BITS  # parts of a pixel that positions are rounded to: then 16-bit integers do


@dataclass(frozen=True)
class Strength:
    """How far a warp goes. Each of the affine parts is uniform in +- what is given.

    displacement  standard deviation of the elastic displacement along each axis, in pixels
    smoothness    sigma, in pixels, of the Gaussian that smooths the elastic field
    rotation      degrees
    scale         natural logarithm of the factor, one for each axis
    shear         pixels to the side for each pixel down
    shift         pixels, along each axis
    """

    displacement: float = 0.45
    smoothness: float = 4.0
    rotation: float = 12.0
    scale: float = 0.13
    shear: float = 0.13
    shift: float = 0.5


STANDARD = Strength()


class Warp:
    """A warp of each of groups equal parts of a minibatch; callable.

    Called with images (n, 784) uint8, it returns them warped, as the x of the formulas: (n, 784)
    float32 in [0, 1], in out if that is given. The memory for it is shared between the warps of one
    call of warps, so only one thread may use them.
    """

    def __init__(self, corners: Array, shares: Array, memory: dict[int, "_Memory"]) -> None:
        self._corners, self._shares, self._memory = corners, shares, memory

    def __call__(self, images: Array, out: Array | None = None) -> Array:
        x = np.empty((PIXELS, len(images)), np.float32).T if out is None else out
        size = -(-len(images) // len(self._corners))
        starts = range(0, len(images), size)
        for start, corners, shares in zip(starts, self._corners, self._shares, strict=False):
            part = slice(start, start + size)
            _apply(corners, shares, images[part], x[part].T, self._memory)
        return x


def warps(
    rng: np.random.Generator, count: int, strength: Strength = STANDARD, groups: int = 1
) -> Iterator[Warp]:
    """count random warps of minibatches."""
    memory: dict[int, _Memory] = {}
    together = max(TOGETHER // groups, 1)
    for first in range(0, count, together):
        number = min(together, count - first)
        corners, shares = _bilinear(positions(rng, number * groups, strength))
        for each in range(number):
            chosen = slice(each * groups, (each + 1) * groups)
            yield Warp(corners[chosen], shares[chosen], memory)


def positions(rng: np.random.Generator, count: int, strength: Strength) -> Array:
    """Where each of so many warps reads each pixel from: (2, count, 28, 28), rows and columns."""

    def uniform(limit: float) -> Array:
        return rng.uniform(-limit, limit, (count, 1, 1)).astype(np.float32)

    angle = uniform(math.radians(strength.rotation))
    cos, sin = np.cos(angle), np.sin(angle)
    row, column = CENTRED[:, None], CENTRED
    elastic = strength.displacement * _smooth_fields(rng, (2, count), strength.smoothness)
    return (
        np.stack(
            [
                np.exp(uniform(strength.scale)) * (cos * row + sin * column)
                + uniform(strength.shift),
                np.exp(uniform(strength.scale)) * (cos * column - sin * row)
                + uniform(strength.shear) * row
                + uniform(strength.shift),
            ]
        )
        + elastic
        + np.float32((SIDE - 1) / 2)
    )


def _smooth_fields(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Array:
    """Random fields (*shape, 28, 28) of standard deviation 1: noise on a grid of COARSE pixels, or
    of less for a small sigma, smoothed by a Gaussian."""
    step = min(COARSE, max(sigma, 1))
    reach = 3 * sigma  # beyond it the Gaussian is nearly zero
    centres = np.arange(-reach, SIDE - 1 + reach + step, step)
    G = np.exp(-((np.arange(SIDE)[:, None] - centres) ** 2) / (2 * max(sigma, 0.01) ** 2))
    G = (G / np.sqrt((G**2).sum(axis=1, keepdims=True))).astype(np.float32)
    noise = rng.standard_normal((*shape, len(centres), len(centres)), np.float32)
    fields: Array = G @ noise @ G.T
    return fields


def _bilinear(places: Array) -> tuple[Array, Array]:
    """The four pixels around each of these positions, and the share of each.

    Returns the first of the four, as a row number of the padded images, (count, 784); and the
    shares (count, 4, 784, 1) in 1/256, which add up to 256.
    """
    fine = np.rint((places + 1) * FINE).astype(np.int32)
    np.clip(fine, 0, (PADDED - 2) * FINE, out=fine)
    fine = fine.reshape(2, -1, PIXELS)
    row, column = fine >> BITS  # ten times as fast as //
    down, right = (fine & (FINE - 1)).astype(np.uint16)
    up, left = FINE - down, FINE - right
    shares = np.stack([up * left, up * right, down * left, down * right], axis=1)
    return (row * PADDED + column).astype(np.intp), shares[..., None]


class _Memory:
    """What _apply needs for n images, allocated once: mapping new memory costs more than the work.

    padded (31, 31, n) has a border that stays background; corner and total are (784, n).
    """

    def __init__(self, n: int) -> None:
        self.padded = np.zeros((PADDED, PADDED, n), np.uint16)
        self.corner, self.total = np.empty((2, PIXELS, n), np.uint16)


def _apply(
    corners: Array, shares: Array, images: Array, out: Array, memory: dict[int, _Memory]
) -> None:
    """One warp: images (n, 784) uint8 -> out (784, n) float32 in [0, 1].

    One pixel of all images lies together, so that reading it elsewhere copies whole rows. Shares of
    256 times pixels of 255 add up within 16 bits.
    """
    n = len(images)
    if n not in memory:
        memory[n] = _Memory(n)
    m = memory[n]
    m.padded[1:-2, 1:-2] = images.T.reshape(SIDE, SIDE, n)
    pixels = m.padded.reshape(-1, n)
    # All rows are in range; mode="clip" spares take a copy of its result.
    np.take(pixels, corners, axis=0, out=m.total, mode="clip")
    np.multiply(m.total, shares[0], out=m.total)
    for offset, share in zip((1, PADDED, PADDED + 1), shares[1:], strict=True):
        np.take(pixels[offset:], corners, axis=0, out=m.corner, mode="clip")
        np.multiply(m.corner, share, out=m.corner)
        np.add(m.total, m.corner, out=m.total)
    np.multiply(m.total, np.float32(1 / (255 * FINE**2)), out=out)

"""Elastic and affine distortion of minibatches, so that a network never sees an image twice.

Simard, Steinkraus and Platt 2003, Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis: where a pixel's value is taken from is moved by a smooth random field,
and the image turned, scaled, sheared and moved a little. Here a whole minibatch shares one warp,
and every minibatch gets another: for training as good as a warp an image, and several times faster.

For pixel (r, c), with rows counted down and columns to the right from the image's centre, the
value is read at

    A (r, c) + t + d(r, c)         A: turn, scale, shear   t: shift   d: elastic displacement

between the four pixels around that point (bilinear); outside of the image all is background.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array

PADDED = SIDE + 3  # the images with a border of background: one pixel, then two
CENTRED = np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)
TOGETHER = 50  # warps drawn at a time; more would only take more memory
FINE = 16  # parts of a pixel that positions are rounded to: then 16-bit integers do


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


def warps(
    rng: np.random.Generator, count: int, strength: Strength = STANDARD
) -> Iterator[Callable[[Array], Array]]:
    """count random warps, each a function of images (n, 784) uint8 that returns them warped, as
    the x of the formulas: (n, 784) float32 in [0, 1], laid out a pixel at a time."""
    for first in range(0, count, TOGETHER):
        drawn = positions(rng, min(TOGETHER, count - first), strength)
        for corners, shares in zip(*_bilinear(drawn), strict=True):
            yield partial(_apply, corners, shares)


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
    """Random fields (*shape, 28, 28) of standard deviation 1, smoothed by a Gaussian."""
    distance = np.arange(SIDE)[:, None] - np.arange(SIDE)
    G = np.exp(-(distance**2) / (2 * max(sigma, 0.01) ** 2))  # with sigma 0 no smoothing
    G /= np.sqrt((G**2).sum(axis=1, keepdims=True))  # so that smoothed noise keeps its deviation
    noise = rng.standard_normal((*shape, SIDE, SIDE), np.float32)
    return G.astype(np.float32) @ noise @ G.T.astype(np.float32)


def _bilinear(places: Array) -> tuple[Array, Array]:
    """The four pixels around each of these positions, and the share of each.

    Returns the first of the four, as a row number of the padded images, (count, 784); and the
    shares (count, 4, 784, 1) in 1/256, which add up to 256.
    """
    fine = np.clip(np.rint((places + 1) * FINE), 0, (PADDED - 2) * FINE).astype(np.int32)
    (row, column), (down, right) = np.divmod(fine.reshape(2, -1, PIXELS), FINE)
    up, left = FINE - down, FINE - right
    shares = np.stack([up * left, up * right, down * left, down * right], axis=1)
    return row * PADDED + column, shares.astype(np.uint16)[..., None]


def _apply(corners: Array, shares: Array, images: Array) -> Array:
    """A warp: images (n, 784) uint8 -> (n, 784) float32 in [0, 1].

    One pixel of all images lies together, so that reading it elsewhere copies whole rows. Shares of
    256 times pixels of 255 add up within 16 bits.
    """
    n = len(images)
    padded = np.zeros((PADDED, PADDED, n), np.uint16)
    padded[1:-2, 1:-2] = images.T.reshape(SIDE, SIDE, n)
    pixels = padded.reshape(-1, n)
    total = pixels.take(corners, axis=0)
    total *= shares[0]
    for offset, share in zip((1, PADDED, PADDED + 1), shares[1:], strict=True):
        corner = pixels.take(corners + offset, axis=0)
        corner *= share
        total += corner
    return (total * np.float32(1 / (255 * FINE**2))).T

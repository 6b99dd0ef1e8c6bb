"""Digits drawn by the program, in several ways that people write each.

MNIST's writers were Americans of around 1990: its ones are mostly bare strokes, its sevens seldom
crossed, its fours seldom long in the tail. Training on drawn digits besides teaches a network the
ways that MNIST hardly has. Each digit is a few strokes through control points, moved, bent, slanted
and stretched at random, drawn with a round pen of random width, and set into 28 x 28 as people's
pictures are (picture.py).
"""

import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mnistnet.data.picture import normalise

Array = np.ndarray[Any, np.dtype[Any]]
Points = list[tuple[float, float]]

CANVAS = 160  # pixels a side, on which strokes are drawn
UNIT = 70  # pixels that a digit is high before it is stretched


def _arc(x: float, y: float, width: float, height: float, begin: int, end: int) -> Points:
    """Points on an ellipse with these radii, by degrees: 0 is right, 90 below, 180 left."""
    angles = np.radians(np.linspace(begin, end, 14)).tolist()
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


# For each digit the ways to write it: each a list of strokes, through points (right, down) in a
# square of side 1.
WAYS: list[list[list[Points]]] = [
    [
        [_arc(0.5, 0.5, 0.26, 0.4, -100, 260)],
        [_arc(0.5, 0.5, 0.36, 0.38, -60, 310)],
        [[*_arc(0.5, 0.5, 0.22, 0.4, -80, 270), (0.6, 0.25)]],
    ],
    [
        [[(0.5, 0.08), (0.5, 0.92)]],
        [[(0.33, 0.28), (0.52, 0.08), (0.52, 0.92)]],
        [[(0.3, 0.3), (0.52, 0.08), (0.52, 0.92)], [(0.3, 0.92), (0.74, 0.92)]],
        [[(0.5, 0.08), (0.5, 0.92)], [(0.3, 0.92), (0.7, 0.92)]],
        [[(0.2, 0.5), (0.55, 0.08), (0.55, 0.92)]],
        [[(0.15, 0.62), (0.58, 0.1), (0.56, 0.92)]],
        [[(0.32, 0.3), (0.52, 0.1), (0.5, 0.85)], [(0.05, 0.93), (0.95, 0.78)]],
    ],
    [
        [[*_arc(0.48, 0.3, 0.24, 0.2, -170, 40), (0.24, 0.9), (0.78, 0.88)]],
        [
            [
                *_arc(0.48, 0.3, 0.24, 0.21, -170, 50),
                (0.4, 0.72),
                *_arc(0.34, 0.8, 0.11, 0.1, -40, -300),
                (0.8, 0.9),
            ]
        ],
        [[*_arc(0.5, 0.32, 0.25, 0.22, -150, 40), (0.22, 0.86), (0.5, 0.8), (0.82, 0.92)]],
    ],
    [
        [[*_arc(0.46, 0.29, 0.22, 0.19, -150, 90), *_arc(0.46, 0.69, 0.26, 0.22, -90, 150)]],
        [[(0.24, 0.1), (0.74, 0.1), (0.46, 0.42), *_arc(0.46, 0.67, 0.26, 0.25, -80, 150)]],
        [
            [
                *_arc(0.46, 0.29, 0.22, 0.19, -150, 80),
                (0.44, 0.48),
                *_arc(0.46, 0.7, 0.28, 0.2, -90, 140),
            ]
        ],
    ],
    [
        [[(0.45, 0.08), (0.2, 0.6), (0.82, 0.58)], [(0.64, 0.35), (0.6, 0.94)]],
        [[(0.3, 0.1), (0.24, 0.48), (0.7, 0.48)], [(0.7, 0.08), (0.68, 0.94)]],
        [[(0.68, 0.94), (0.68, 0.08), (0.2, 0.62), (0.86, 0.62)]],
        [[(0.62, 0.08), (0.22, 0.45), (0.66, 0.45)], [(0.62, 0.08), (0.66, 0.95)]],
        [[(0.58, 0.1), (0.24, 0.36), (0.66, 0.38)], [(0.68, 0.06), (0.66, 0.97)]],
        [[(0.66, 0.97), (0.64, 0.06), (0.3, 0.34), (0.68, 0.36)]],
    ],
    [
        [[(0.72, 0.12), (0.36, 0.13), (0.32, 0.46), *_arc(0.47, 0.66, 0.25, 0.24, -130, 145)]],
        [
            [(0.36, 0.12), (0.32, 0.44), *_arc(0.46, 0.66, 0.27, 0.25, -125, 140)],
            [(0.36, 0.12), (0.78, 0.1)],
        ],
        [
            [
                *[(0.75, 0.1), (0.4, 0.14), (0.36, 0.45)],
                *_arc(0.5, 0.62, 0.2, 0.2, -130, 90),
                (0.25, 0.86),
            ]
        ],
    ],
    [
        [[(0.66, 0.08), (0.36, 0.42), *_arc(0.5, 0.69, 0.2, 0.21, 200, 540)]],
        [[*_arc(0.62, 0.5, 0.34, 0.42, -100, -180), *_arc(0.5, 0.68, 0.22, 0.23, 180, 540)]],
        [[(0.45, 0.06), (0.3, 0.5), *_arc(0.5, 0.72, 0.2, 0.2, 180, 530)]],
    ],
    [
        [[(0.22, 0.13), (0.76, 0.12), (0.44, 0.92)]],
        [[(0.22, 0.15), (0.76, 0.12), (0.44, 0.92)], [(0.34, 0.52), (0.72, 0.48)]],
        [[(0.22, 0.3), (0.24, 0.12), (0.76, 0.12), (0.5, 0.92)]],
        [[(0.2, 0.16), (0.5, 0.12), (0.78, 0.14), (0.6, 0.45), (0.52, 0.92)]],
        [[(0.15, 0.2), (0.8, 0.1), (0.42, 0.9)], [(0.1, 0.7), (0.95, 0.42)]],
    ],
    [
        [[*_arc(0.5, 0.29, 0.19, 0.2, 80, -280), *_arc(0.5, 0.7, 0.23, 0.22, -90, 270)]],
        [
            [
                *_arc(0.5, 0.3, 0.2, 0.2, -30, -270),
                *_arc(0.5, 0.72, 0.22, 0.2, -90, 240),
                (0.64, 0.2),
            ]
        ],
    ],
    [
        [[*_arc(0.5, 0.32, 0.2, 0.22, -10, -370), (0.68, 0.4), (0.6, 0.94)]],
        [
            [
                *_arc(0.48, 0.32, 0.2, 0.22, -10, -370),
                (0.68, 0.6),
                *_arc(0.46, 0.72, 0.22, 0.2, 10, 130),
            ]
        ],
        [[*_arc(0.5, 0.3, 0.22, 0.2, -20, -350), (0.7, 0.94)]],
    ],
]


def draw(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Images (count, 784) uint8, 0 = background, and labels (count,) uint8: 0 to 9, over and over.

    The same state of rng gives the same digits.
    """
    labels = (np.arange(count) % 10).astype(np.uint8)
    images = np.zeros((count, 784), np.uint8)
    for image, digit in zip(images, labels.tolist(), strict=True):
        image[:] = _digit(digit, rng).reshape(-1)
    return images, labels


def _digit(digit: int, rng: np.random.Generator) -> Array:
    """One of them, (28, 28) uint8."""
    strokes = WAYS[digit][rng.integers(len(WAYS[digit]))]
    stretch = np.diag(np.exp(rng.normal(0, (0.22, 0.08))))
    stretch[[0, 1], [1, 0]] = rng.normal(0, (0.22, 0.1))  # slant, and a baseline that is not level
    waves = rng.normal(0, 0.045, (2, 2)), rng.uniform(1, 6, (2, 2, 2)), rng.uniform(0, 6.3, (2, 2))
    width = int(UNIT * rng.uniform(0.05, 0.14))
    is_round = rng.random() < 0.7
    canvas = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(canvas)
    for stroke in strokes:
        points = np.array(stroke) - 0.5 + rng.normal(0, 0.02, 2)
        if len(points) < 6:  # straight lines, whose corners people do not always hit
            points += rng.normal(0, 0.025, points.shape)
        points = _bent(_dense(points), *waves) @ stretch.T
        if is_round:
            points = _rounded(points)
        path = [tuple(point) for point in (UNIT * points + CANVAS / 2).tolist()]
        pen.line(path, 255, width, joint="curve")
        for x, y in (path[0], path[-1]):
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], 255)
    return normalise(np.asarray(canvas.crop(canvas.getbbox()), np.float32) / 255)


def _dense(points: Array) -> Array:
    """Seven points more between each two, on the line between them."""
    places = np.arange(len(points))
    fine = np.linspace(0, len(points) - 1, 8 * len(points) - 7)
    return np.stack([np.interp(fine, places, axis) for axis in points.T], axis=1)


def _bent(points: Array, heights: Array, directions: Array, phases: Array) -> Array:
    """The points moved by two waves along each axis: heights, directions, phases (axis, wave)."""
    moved: Array = points + np.stack(
        [
            (h * np.sin(points @ k.T + phase)).sum(axis=1)
            for h, k, phase in zip(heights, directions, phases, strict=True)
        ],
        axis=1,
    )
    return moved


def _rounded(points: Array) -> Array:
    """Each point the weighted mean of itself and two on either side: corners become curves."""
    padded = np.pad(points, ((2, 2), (0, 0)), "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=0)
    rounded: Array = around @ (np.array([1, 2, 3, 2, 1]) / 9)
    return rounded

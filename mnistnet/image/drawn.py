"""Digits drawn by the program, in several ways that people write each.

They stand in for MNIST where no network reaches it, and teach a network ways to write that MNIST
hardly has: its writers were Americans of around 1990, their ones mostly bare strokes, their sevens
seldom crossed, their fours seldom long in the tail. Each digit is a few strokes through control
points, moved, bent, slanted and stretched at random, drawn with a round pen of random width, and
set into 28 x 28 as people's pictures are (digit.py).
"""

import itertools

import numpy as np
from PIL import Image, ImageDraw

from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.image.digit import normalise
from mnistnet.image.strokes import WAYS, Points

CANVAS = 160  # pixels a side, on which strokes are drawn
UNIT = 70  # pixels that a digit is high before it is stretched
PARTS = 4  # of the way from one control point to the next


def draw(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Images (count, 784) uint8, 0 = background, and labels (count,) uint8: 0 to 9, over and over.

    The same state of rng gives the same digits.
    """
    labels = (np.arange(count) % 10).astype(np.uint8)
    ways = rng.integers([len(WAYS[digit]) for digit in labels])
    images = np.zeros((count, PIXELS), np.uint8)
    for digit, way in itertools.product(range(CLASSES), range(max(map(len, WAYS)))):
        rows = np.flatnonzero((labels == digit) & (ways == way))
        if len(rows):
            images[rows] = written(WAYS[digit][way], len(rows), rng)
    return images, labels


def written(strokes: list[Points], count: int, rng: np.random.Generator) -> Array:
    """So many digits of these strokes, each another: (count, 784) uint8."""
    stretch = np.zeros((count, 2, 2))
    stretch[:, [0, 1], [0, 1]] = np.exp(rng.normal(0, (0.22, 0.08), (count, 2)))
    # slant, and a baseline that is not level
    stretch[:, [0, 1], [1, 0]] = rng.normal((-0.15, 0), (0.25, 0.1), (count, 2))
    # two waves bend each axis
    heights = rng.normal(0, 0.045, (count, 1, 2, 2))
    directions, phases = rng.uniform(1, 6, (count, 4, 2)), rng.uniform(0, 2 * np.pi, (count, 1, 4))
    is_round = rng.random(count) < 0.7
    widths = (UNIT * rng.uniform(0.05, 0.19, count)).astype(int)
    paths = []
    for stroke in strokes:
        points = np.array(stroke) - 0.5 + rng.normal(0, 0.02, (count, 1, 2))
        if len(stroke) < 6:  # straight lines, whose corners people do not always hit
            points += rng.normal(0, 0.025, points.shape)
        points = _between(len(stroke)) @ points
        waves = np.sin(points @ directions.transpose(0, 2, 1) + phases)
        points += (waves.reshape(count, -1, 2, 2) * heights).sum(axis=-1)
        points[is_round] = _rounding(points.shape[1]) @ points[is_round]
        points = UNIT * points @ stretch.transpose(0, 2, 1) + CANVAS / 2
        paths.append(points.tolist())
    return np.array(
        [
            inked([[tuple(point) for point in path[row]] for path in paths], width)
            for row, width in enumerate(widths.tolist())
        ]
    )


def inked(paths: list[list[tuple[float, ...]]], width: int) -> Array:
    """The paths drawn with a round pen of this width: (784,) uint8."""
    canvas = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(canvas)
    for path in paths:
        pen.line(path, 255, width)
        for x, y in path[::PARTS]:  # where the line turns, there are gaps at its edge
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], 255)
    return normalise(np.asarray(canvas.crop(canvas.getbbox()), np.float32) / 255).reshape(-1)


def _between(count: int) -> Array:
    """(n, count): the matrix that puts PARTS - 1 points between each two of count points."""
    places = np.linspace(0, count - 1, PARTS * (count - 1) + 1)
    matrix: Array = np.maximum(1 - np.abs(places[:, None] - np.arange(count)), 0)
    return matrix


def _rounding(count: int) -> Array:
    """(count, count): makes each point the weighted mean of itself and two on either side, so that
    corners become curves."""
    around = np.clip(np.arange(count)[:, None] + np.arange(-2, 3), 0, count - 1)
    matrix: Array = np.eye(count)[around].transpose(0, 2, 1) @ (np.array([1, 2, 3, 2, 1]) / 9)
    return matrix

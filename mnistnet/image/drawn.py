"""Draw digits in the several ways that people write them.

Drawn digits replace MNIST when it cannot be downloaded, and add forms that are rare in it: its
American writers of around 1990 mostly wrote 1 as a bare stroke, and seldom crossed a 7 or gave a 4
a long tail. A digit is a few strokes through control points, randomly moved, bent, slanted and
stretched, drawn with a round pen of random width and normalised like any picture (digit.py).
"""

import itertools

import numpy as np
from PIL import Image, ImageDraw

from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.image.digit import normalise
from mnistnet.image.strokes import WAYS, Points

CANVAS = 160  # pixels a side
UNIT = 70  # pixels: height of a digit before it is stretched
PARTS = 4  # segments between two control points


def draw(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw images (count, 784) uint8, 0 = background; return them and their labels (count,) uint8,
    which repeat 0 to 9."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    ways = rng.integers([len(WAYS[digit]) for digit in labels])
    images = np.zeros((count, PIXELS), np.uint8)
    for digit, way in itertools.product(range(CLASSES), range(max(map(len, WAYS)))):
        rows = np.flatnonzero((labels == digit) & (ways == way))
        if len(rows):
            images[rows] = draw_strokes(WAYS[digit][way], len(rows), rng)
    return images, labels


def draw_strokes(strokes: list[Points], count: int, rng: np.random.Generator) -> Array:
    """Draw count random variations of the strokes: (count, 784) uint8."""
    stretch = np.zeros((count, 2, 2))
    stretch[:, [0, 1], [0, 1]] = np.exp(rng.normal(0, (0.22, 0.08), (count, 2)))
    # slant, and a tilted baseline
    stretch[:, [0, 1], [1, 0]] = rng.normal((-0.15, 0), (0.25, 0.1), (count, 2))
    # two waves bend each axis
    heights = rng.normal(0, 0.045, (count, 1, 2, 2))
    directions, phases = rng.uniform(1, 6, (count, 4, 2)), rng.uniform(0, 2 * np.pi, (count, 1, 4))
    is_round = rng.random(count) < 0.7
    widths = (UNIT * rng.uniform(0.05, 0.19, count)).astype(int)
    paths = []
    for stroke in strokes:
        points = np.array(stroke) - 0.5 + rng.normal(0, 0.02, (count, 1, 2))
        if len(stroke) < 6:  # straight lines, which people join less precisely
            points += rng.normal(0, 0.025, points.shape)
        points = _between(len(stroke)) @ points
        waves = np.sin(points @ directions.transpose(0, 2, 1) + phases)
        points += (waves.reshape(count, -1, 2, 2) * heights).sum(axis=-1)
        points[is_round] = _rounding(points.shape[1]) @ points[is_round]
        points = UNIT * points @ stretch.transpose(0, 2, 1) + CANVAS / 2
        paths.append(points.tolist())
    return np.array(
        [
            draw_paths([[tuple(point) for point in path[row]] for path in paths], width)
            for row, width in enumerate(widths.tolist())
        ]
    )


def draw_paths(paths: list[list[tuple[float, ...]]], width: int) -> Array:
    """Draw the paths with a round pen of this width: (784,) uint8."""
    canvas = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(canvas)
    for path in paths:
        pen.line(path, 255, width)
        for x, y in path[::PARTS]:  # fills the gaps at corners
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], 255)
    return normalise(np.asarray(canvas.crop(canvas.getbbox()), np.float32) / 255).reshape(-1)


def _between(count: int) -> Array:
    """Return the matrix (n, count) that interpolates PARTS - 1 points between each two."""
    places = np.linspace(0, count - 1, PARTS * (count - 1) + 1)
    matrix: Array = np.maximum(1 - np.abs(places[:, None] - np.arange(count)), 0)
    return matrix


def _rounding(count: int) -> Array:
    """Return the matrix (count, count) that rounds corners: each point becomes a weighted mean of
    itself and two points on either side."""
    around = np.clip(np.arange(count)[:, None] + np.arange(-2, 3), 0, count - 1)
    matrix: Array = np.eye(count)[around].transpose(0, 2, 1) @ (np.array([1, 2, 3, 2, 1]) / 9)
    return matrix

"""Draw digits in the several ways that people write them, as strokes.txt lists them.

Drawn digits replace MNIST when it cannot be downloaded, and add forms that are rare in it: its
American writers of around 1990 mostly wrote 1 as a bare stroke, and seldom crossed a 7. A digit is
a few strokes through control points, randomly moved, bent, slanted and stretched, drawn with a
round pen of random width and normalised like any picture (digit.py).
"""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mnistnet.arrays import PIXELS, Array
from mnistnet.image.digit import normalise

Points = list[tuple[float, float]]

CANVAS = 160  # pixels a side
UNIT = 70  # pixels: height of a digit before it is stretched
PARTS = 4  # segments between two control points


def parse(text: str) -> list[Points]:
    """Parse strokes, in the notation of strokes.txt, to points (right, down) in a unit square."""
    strokes = []
    for stroke in text.split(";"):
        points: Points = []
        for word in stroke.replace("~", "").split():
            if word.startswith("arc"):
                x, y, width, height, begin, end = map(int, word[4:-1].split(","))
                for part in range(14):
                    angle = math.radians(begin + (end - begin) * part / 13)
                    right, down = width / 100 * math.cos(angle), height / 100 * math.sin(angle)
                    points.append((x / 100 + right, y / 100 + down))
            elif "," in word:
                x, y = map(int, word.split(","))
                points.append((x / 100, y / 100))
            else:
                points.append((int(word[0]) / 9, int(word[1]) / 9))
        for _ in range(2 if "~" in stroke else 0):
            # Cut corners (Chaikin 1974): between each two points take those a quarter and three
            # quarters of the way, but keep the ends.
            between = [
                (a + share * (c - a), b + share * (d - b))
                for (a, b), (c, d) in itertools.pairwise(points)
                for share in (0.25, 0.75)
            ]
            points = [points[0], *between[1:-1], points[-1]]
        strokes.append(points)
    return strokes


WAYS: list[list[list[Points]]] = [[] for _ in range(10)]  # the forms of each digit
GLYPHS: list[list[Points]] = []  # the letters and symbols
for _line in Path(__file__).with_name("strokes.txt").read_text(encoding="utf-8").splitlines():
    if _line and not _line.startswith("#"):
        _name, _, _strokes = _line.partition(":")
        (WAYS[int(_name)] if _name.isdecimal() else GLYPHS).append(parse(_strokes))


def draw(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw images (count, 784) uint8, 0 = background; return them and their labels (count,) uint8,
    which repeat 0 to 9."""
    labels = (np.arange(count) % 10).astype(np.uint8)
    ways = rng.integers([len(WAYS[digit]) for digit in labels])
    images = np.zeros((count, PIXELS), np.uint8)
    for digit, forms in enumerate(WAYS):
        for way, strokes in enumerate(forms):
            rows = np.flatnonzero((labels == digit) & (ways == way))
            if len(rows):
                images[rows] = draw_strokes(strokes, len(rows), rng)
    return images, labels


def draw_strokes(strokes: Sequence[Points | Array], count: int, rng: np.random.Generator) -> Array:
    """Draw count variations of strokes through points in a unit square: (count, 784) uint8."""
    stretch = np.zeros((count, 2, 2))
    stretch[:, [0, 1], [0, 1]] = np.exp(rng.normal(0, (0.22, 0.08), (count, 2)))
    # slant, and a tilted baseline
    stretch[:, [0, 1], [1, 0]] = rng.normal((-0.15, 0), (0.25, 0.1), (count, 2))
    # two waves bend each axis
    heights = rng.normal(0, 0.045, (count, 1, 2, 2))
    directions, phases = rng.uniform(1, 6, (count, 4, 2)), rng.uniform(0, 2 * np.pi, (count, 1, 4))
    is_round = rng.random(count) < 0.7
    widths = (UNIT * rng.uniform(0.05, 0.19, count)).astype(int).tolist()
    paths = []
    for stroke in strokes:
        points = np.array(stroke) - 0.5 + rng.normal(0, 0.02, (count, 1, 2))
        if len(stroke) < 6:  # straight lines, which people join less precisely
            points += rng.normal(0, 0.025, points.shape)
        # points between the control points
        places = np.linspace(0, len(stroke) - 1, PARTS * (len(stroke) - 1) + 1)
        points = np.maximum(1 - np.abs(places[:, None] - np.arange(len(stroke))), 0) @ points
        waves = np.sin(points @ directions.transpose(0, 2, 1) + phases)
        points += (waves.reshape(count, -1, 2, 2) * heights).sum(axis=-1)
        # rounded corners: the weighted mean of a point and two on either side
        around = np.arange(len(places))[:, None] + np.arange(-2, 3)
        nearby = np.eye(len(places))[np.clip(around, 0, len(places) - 1)].transpose(0, 2, 1)
        points[is_round] = nearby @ (np.array([1, 2, 3, 2, 1]) / 9) @ points[is_round]
        paths.append(UNIT * points @ stretch.transpose(0, 2, 1) + CANVAS / 2)
    return np.array([draw_paths([p[row] for p in paths], pen) for row, pen in enumerate(widths)])


def draw_paths(paths: list[Array], width: int) -> Array:
    """Draw paths, each points (n, 2) of the canvas, with a round pen: (784,) uint8."""
    canvas = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(canvas)
    for path in paths:
        pen.line(path.ravel().tolist(), 255, width)
        for x, y in path[::PARTS].tolist():  # fills the gaps at corners
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], 255)
    return normalise(np.asarray(canvas.crop(canvas.getbbox()), np.float32) / 255).reshape(-1)

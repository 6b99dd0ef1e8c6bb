"""Draw images that show no digit, so that a network can learn to recognise them: without them it
reads most letters and scribbles as a digit with high probability.

Each image is random, and normalised like any picture (digit.py). Shapes that look like digits when
drawn well are left out; a few that look like one by chance do little harm.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.image.digit import normalise
from mnistnet.image.drawn import CANVAS, GLYPHS, UNIT, draw_paths, draw_strokes
from mnistnet.image.pieces import extent

# printed characters, in Pillow's own font, that do not look like digits
CHARACTERS = "AaCcdEeFfHhJKkLMmNnPpRrTtUuVvWwXx#%@+=*?<~[]{}$"

# Digits that stop looking like digits: of which the top, right, bottom or left half is kept;
# mirrored, or rotated anticlockwise by one, two or three quarter turns.
HALVES = ((4, 5), (5,), (2, 3), (2, 4, 7, 8))
TURNED = ((3, 4, 6, 7, 9), (2, 3, 4, 5, 7), (3, 4, 7), (2, 3, 4, 5, 7))

Digits = list[Array]  # images (m, 28, 28) of each digit


def draw(count: int, images: Array, labels: Array, rng: np.random.Generator) -> Array:
    """Draw images (count, 784) uint8, 0 = background, that show no digit: each kind in turn.

    images (m, 784) uint8 and labels (m,) are digits to combine and cut up, if all ten are there.
    """
    digits = [images[labels == digit].reshape(-1, SIDE, SIDE) for digit in range(CLASSES)]
    kinds = SHAPES + OF_DIGITS if all(map(len, digits)) else SHAPES
    made = [kinds[i % len(kinds)](digits, rng).reshape(-1) for i in range(count)]
    return np.array(made, np.uint8).reshape(-1, PIXELS)


def glyph(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a handwritten letter or symbol."""
    return draw_strokes(GLYPHS[rng.integers(len(GLYPHS))], 1, rng)


def sign(_: Digits, rng: np.random.Generator) -> Array:
    """Draw three to five random strokes, straight or curved, like an unknown letter."""
    strokes = []
    for _stroke in range(int(rng.integers(3, 6))):
        corners = rng.integers(0, 10, (int(rng.integers(2, 5)), 2)) / 9
        strokes.append(_smooth(corners) if len(corners) > 2 and rng.random() < 0.5 else corners)
    return draw_strokes(strokes, 1, rng)


def character(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a printed letter or symbol of any weight."""
    canvas = Image.new("L", (2 * CANVAS, 2 * CANVAS))
    text, font = CHARACTERS[rng.integers(len(CHARACTERS))], ImageFont.load_default(UNIT)
    place, weight = (CANVAS, CANVAS), int(rng.integers(5))
    ImageDraw.Draw(canvas).text(place, text, 255, font, "mm", stroke_width=weight)
    return normalise(cropped(skewed(canvas, rng)))


def scribble(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a line through many random points."""
    corners = rng.uniform(-1, 1, (int(rng.integers(7, 20)), 2))
    return _line(_smooth(corners) if rng.random() < 0.7 else corners, rng)


def spiral(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a spiral of two to five turns in either direction."""
    t = np.linspace(0.05, 1, 80)
    angle = 2 * np.pi * (rng.random() + rng.choice([-1, 1]) * rng.uniform(2, 5) * t)
    return _line(np.stack([t * np.cos(angle), t * np.sin(angle)], axis=1), rng)


def wave(_: Digits, rng: np.random.Generator) -> Array:
    """Draw waves of changing height, with or without loops, like a signature."""
    periods, length = rng.uniform(3, 9), rng.uniform(2, 5)
    t = np.linspace(0, 1, 120)
    height = 0.3 + 0.7 * rng.random() * np.interp(t, np.linspace(0, 1, 8), rng.random(8))
    loops = rng.uniform(0, 0.5) * length / periods
    phase = 2 * np.pi * periods * t
    x, y = length * t + loops * np.cos(phase), height * np.sin(phase)
    return _line(np.stack([x, y], axis=1), rng)


def shapes(_: Digits, rng: np.random.Generator) -> Array:
    """Draw one to three overlapping polygons of 3 to 5 sides or stars, filled or in outline."""
    canvas = Image.new("L", (2 * CANVAS, 2 * CANVAS))
    pen, width = ImageDraw.Draw(canvas), int(UNIT * rng.uniform(0.04, 0.15))
    for _shape in range(int(rng.integers(1, 4))):
        count = int(rng.integers(3, 11))
        angle = 2 * np.pi * (np.arange(count) + rng.random()) / count
        radius = np.ones(count)
        if count > 5:  # a polygon would look like a 0
            radius[::2] = rng.uniform(0.2, 0.6)
        if rng.random() < 0.3:
            radius *= rng.uniform(0.5, 1, count)
        unit = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
        corners = UNIT / 2 * rng.uniform(0.4, 1) * (unit + rng.uniform(-0.3, 0.3, 2))
        points = (CANVAS + corners).ravel().tolist()
        if rng.random() < 0.5:
            pen.polygon(points, 255)
        else:
            pen.line([*points, *points[:4]], 255, width, joint="curve")
    return normalise(cropped(skewed(canvas, rng)))


def texture(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a grid, smooth noise like a photo, or noise in rows like a page of text."""
    kind, across = rng.integers(3), np.arange(64)
    if kind == 0:
        lines = across % rng.integers(8, 25) < rng.integers(1, 5)
        return normalise(cropped(np.maximum.outer(lines, lines)))
    noise = Image.fromarray(rng.random((int(rng.integers(4, 15)),) * 2, np.float32))
    patch = np.asarray(noise.resize((64, 64), Image.Resampling.BICUBIC))
    contrast, middle = rng.uniform(2, 20), np.quantile(patch, rng.uniform(0.3, 0.7))
    patch = np.clip(0.5 + contrast * (patch - middle), 0, 1)
    if kind == 1:
        patch *= (across % rng.integers(8, 20) < rng.integers(3, 8))[:, None]
    return normalise(cropped(patch))


def half(digits: Digits, rng: np.random.Generator) -> Array:
    """Cut a digit in half."""
    quarters = int(rng.integers(4))  # turns that bring the kept side to the top
    upright = np.rot90(cropped(_random_image(HALVES[quarters], digits, rng)), quarters)
    kept = upright[: max(2, int(len(upright) * rng.uniform(0.35, 0.5)))]
    return normalise(cropped(np.rot90(kept, -quarters)))


def turned(digits: Digits, rng: np.random.Generator) -> Array:
    """Turn a digit on its side or upside down, or mirror it."""
    quarters = int(rng.integers(4))
    image = _random_image(TURNED[quarters], digits, rng)
    return normalise(cropped(np.rot90(image, quarters) if quarters else image[:, ::-1]))


def several(digits: Digits, rng: np.random.Generator) -> Array:
    """Put two or three digits side by side or below each other, with or without a gap."""
    row, end = np.zeros((SIDE + 8, 4 * SIDE), np.float32), 8
    is_column = rng.random() < 0.2
    for _ in range(2 + (rng.random() < 0.2)):
        digit = cropped(_random_image(range(CLASSES), digits, rng))
        digit = digit.T if is_column else digit
        left, top = end + int(rng.integers(-3, 6)), int(rng.integers(0, 9))
        end = left + digit.shape[1]
        place = row[top : top + len(digit), left:end]
        np.maximum(place, digit, out=place)
    return normalise(cropped(row.T if is_column else row))


Kind = Callable[[Digits, np.random.Generator], Array]
SHAPES: list[Kind] = [glyph, character, scribble, spiral, wave, sign, shapes, glyph, texture, sign]
SHAPES += [character]
OF_DIGITS: list[Kind] = [half, turned, several, several]


def _random_image(allowed: Sequence[int], digits: Digits, rng: np.random.Generator) -> Array:
    """Choose an image of one of the allowed digits: (28, 28) in [0, 1]."""
    images = digits[rng.choice(allowed)]
    image: Array = images[rng.integers(len(images))] / np.float32(255)
    return image


def _line(points: Array, rng: np.random.Generator) -> Array:
    """Draw a line through points (n, 2) of any scale, slanted and stretched."""
    stretch = np.diag(np.exp(rng.normal(0, 0.15, 2)))
    points = points @ (stretch + rng.normal(0, 0.2) * np.eye(2)[::-1])
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) * (UNIT / (high - low).max()) + CANVAS / 2
    return draw_paths([points], int(UNIT * rng.uniform(0.04, 0.15)))


def _smooth(corners: Array) -> Array:
    """Return points on the quadratic B-spline of the corners (n, 2)."""
    t = np.linspace(0, 1, 8)[:, None]
    middles = (corners[1:] + corners[:-1])[:, None] / 2
    start, corner, end = middles[:-1], corners[1:-1, None], middles[1:]
    curve: Array = (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end
    return curve.reshape(-1, 2)


def skewed(canvas: Image.Image, rng: np.random.Generator) -> Array:
    """Rotate, slant and stretch the canvas about its centre; return levels in [0, 1]."""
    angle, slant = math.radians(rng.normal(0, 10)), rng.normal(0.1, 0.15)
    stretch = math.exp(rng.normal(0, 0.15))
    a, b = math.cos(angle) * stretch, math.sin(angle) + slant
    c, d = -math.sin(angle), math.cos(angle) / stretch
    x, y = (side / 2 for side in canvas.size)
    matrix = (a, b, x - a * x - b * y, c, d, y - c * x - d * y)
    affine, bilinear = Image.Transform.AFFINE, Image.Resampling.BILINEAR
    return np.asarray(canvas.transform(canvas.size, affine, matrix, bilinear), np.float32) / 255


def cropped(levels: Array) -> Array:
    """Remove empty rows and columns around the levels, which are in [0, 1]."""
    return levels[extent(levels > 0.05)]

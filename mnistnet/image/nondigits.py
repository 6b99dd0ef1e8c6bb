"""Draw images that show no digit, so that a network can learn to recognise them.

Without them a network reads most letters and scribbles as a digit with high probability. Each image
is random, and normalised like any picture (digit.py). Shapes that look like digits when drawn well
are left out; a few that look like one by chance do little harm.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.image.digit import normalise
from mnistnet.image.drawn import CANVAS, UNIT, draw_paths, draw_strokes
from mnistnet.image.strokes import GLYPHS, Points

# Printed characters, in Pillow's own font, that do not look like digits.
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
    made = np.empty((count, PIXELS), np.uint8)
    for i in range(count):
        made[i] = kinds[i % len(kinds)](digits, rng).reshape(-1)
    return made


def glyph(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a handwritten letter or symbol: uint8, 28 x 28, as all the kinds below."""
    image: Array = draw_strokes(GLYPHS[rng.integers(len(GLYPHS))], 1, rng)[0]
    return image


def sign(_: Digits, rng: np.random.Generator) -> Array:
    """Draw three to five random strokes, straight or curved, like an unknown letter."""
    strokes: list[Points] = []
    for _stroke in range(int(rng.integers(3, 6))):
        corners = rng.integers(0, 10, (int(rng.integers(2, 5)), 2)) / 9
        corners = _smooth(corners) if len(corners) > 2 and rng.random() < 0.5 else corners
        strokes.append([(x, y) for x, y in corners.tolist()])
    image: Array = draw_strokes(strokes, 1, rng)[0]
    return image


def character(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a printed letter or symbol of any weight."""
    canvas = Image.new("L", (2 * CANVAS, 2 * CANVAS))
    ImageDraw.Draw(canvas).text(
        (CANVAS, CANVAS),
        CHARACTERS[rng.integers(len(CHARACTERS))],
        255,
        ImageFont.load_default(UNIT),
        anchor="mm",
        stroke_width=int(rng.integers(5)),
    )
    return _normalised(skewed(canvas, rng))


def scribble(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a line through many random points."""
    corners = rng.uniform(-1, 1, (int(rng.integers(7, 20)), 2))
    return _line(_smooth(corners) if rng.random() < 0.7 else corners, rng)


def spiral(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a spiral of two to five turns in either direction."""
    t = np.linspace(0.05, 1, 80)
    angle = 2 * np.pi * (rng.random() + rng.choice([-1, 1]) * rng.uniform(2, 5) * t)
    return _line(t[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), rng)


def wave(_: Digits, rng: np.random.Generator) -> Array:
    """Draw waves of changing height, with or without loops, like a signature."""
    periods, length = rng.uniform(3, 9), rng.uniform(2, 5)
    t = np.linspace(0, 1, 120)
    height = 0.3 + 0.7 * rng.random() * np.interp(t, np.linspace(0, 1, 8), rng.random(8))
    loops = rng.uniform(0, 0.5) * length / periods
    phase = 2 * np.pi * periods * t
    return _line(
        np.stack([length * t + loops * np.cos(phase), height * np.sin(phase)], axis=1), rng
    )


def shapes(_: Digits, rng: np.random.Generator) -> Array:
    """Draw one to three overlapping polygons, stars or blobs, filled or in outline."""
    canvas = Image.new("L", (2 * CANVAS, 2 * CANVAS))
    pen, width = ImageDraw.Draw(canvas), _pen(rng)
    for _shape in range(int(rng.integers(1, 4))):
        corners = [(x, y) for x, y in (CANVAS + _corners(rng)).tolist()]
        if rng.random() < 0.5:
            pen.polygon(corners, 255)
        else:
            pen.line([*corners, *corners[:2]], 255, width, joint="curve")
    return _normalised(skewed(canvas, rng))


def _corners(rng: np.random.Generator) -> Array:
    """Return the corners (n, 2), around 0, of a polygon of 3 to 5 sides or a star."""
    count = int(rng.integers(3, 11))
    angle = 2 * np.pi * (np.arange(count) + rng.random()) / count
    radius = np.ones(count)
    if count > 5:  # a polygon would look like a 0
        radius[::2] = rng.uniform(0.2, 0.6)
    if rng.random() < 0.3:
        radius *= rng.uniform(0.5, 1, count)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
    corners: Array = UNIT / 2 * rng.uniform(0.4, 1) * (unit + rng.uniform(-0.3, 0.3, 2))
    return corners


def texture(_: Digits, rng: np.random.Generator) -> Array:
    """Draw a grid, smooth noise like a photo, or noise in rows like a page of text."""
    kind, across = rng.integers(3), np.arange(64)
    if kind == 0:
        lines = across % rng.integers(8, 25) < rng.integers(1, 5)
        return _normalised(np.maximum.outer(lines, lines))
    noise = Image.fromarray(rng.random((int(rng.integers(4, 15)),) * 2, np.float32))
    patch = np.asarray(noise.resize((64, 64), Image.Resampling.BICUBIC))
    patch = np.clip(
        0.5 + rng.uniform(2, 20) * (patch - np.quantile(patch, rng.uniform(0.3, 0.7))), 0, 1
    )
    if kind == 1:
        patch *= (across % rng.integers(8, 20) < rng.integers(3, 8))[:, None]
    return _normalised(patch)


def half(digits: Digits, rng: np.random.Generator) -> Array:
    """Cut a digit in half."""
    quarters = int(rng.integers(4))  # turns that bring the kept side to the top
    upright = np.rot90(cropped(_random_image(HALVES[quarters], digits, rng)), quarters)
    kept = upright[: max(2, int(len(upright) * rng.uniform(0.35, 0.5)))]
    return _normalised(np.rot90(kept, -quarters))


def turned(digits: Digits, rng: np.random.Generator) -> Array:
    """Turn a digit on its side or upside down, or mirror it."""
    quarters = int(rng.integers(4))
    image = _random_image(TURNED[quarters], digits, rng)
    return _normalised(np.rot90(image, quarters) if quarters else image[:, ::-1])


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
    return _normalised(row.T if is_column else row)


Kind = Callable[[Digits, np.random.Generator], Array]
SHAPES: tuple[Kind, ...] = (
    *(glyph, character, scribble, spiral, wave, sign, shapes, glyph, texture, sign, character),
)
OF_DIGITS: tuple[Kind, ...] = (half, turned, several, several)


def _random_image(allowed: Sequence[int], digits: Digits, rng: np.random.Generator) -> Array:
    """Choose an image of one of the allowed digits: (28, 28) in [0, 1]."""
    images = digits[rng.choice(allowed)]
    image: Array = images[rng.integers(len(images))] / np.float32(255)
    return image


def _pen(rng: np.random.Generator) -> int:
    """Choose the width of a pen, in pixels of the canvas."""
    return int(UNIT * rng.uniform(0.04, 0.15))


def _line(points: Array, rng: np.random.Generator) -> Array:
    """Draw a line through points (n, 2) of any scale, slanted and stretched."""
    points = points @ (
        np.diag(np.exp(rng.normal(0, 0.15, 2))) + rng.normal(0, 0.2) * np.eye(2)[::-1]
    )
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) * (UNIT / (high - low).max()) + CANVAS / 2
    return draw_paths([[(x, y) for x, y in points.tolist()]], _pen(rng))


def _smooth(corners: Array) -> Array:
    """Return points on the quadratic B-spline of the corners (n, 2)."""
    t = np.linspace(0, 1, 8)[:, None]
    middles = (corners[1:] + corners[:-1]) / 2
    return np.concatenate(
        [
            (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end
            for start, corner, end in zip(middles, corners[1:], middles[1:], strict=False)
        ]
    )


def skewed(canvas: Image.Image, rng: np.random.Generator) -> Array:
    """Rotate, slant and stretch the canvas about its centre; return levels in [0, 1]."""
    angle, slant = math.radians(rng.normal(0, 10)), rng.normal(0.1, 0.15)
    stretch = math.exp(rng.normal(0, 0.15))
    a, b = math.cos(angle) * stretch, math.sin(angle) + slant
    c, d = -math.sin(angle), math.cos(angle) / stretch
    x, y = (side / 2 for side in canvas.size)
    moved = canvas.transform(
        canvas.size,
        Image.Transform.AFFINE,
        (a, b, x - a * x - b * y, c, d, y - c * x - d * y),
        Image.Resampling.BILINEAR,
    )
    return np.asarray(moved, np.float32) / 255


def _normalised(levels: Array) -> Array:
    return normalise(cropped(levels))


def cropped(levels: Array) -> Array:
    """Remove empty rows and columns around the levels, which are in [0, 1]."""
    rows, columns = (np.flatnonzero(levels.max(axis=axis) > 0.05) for axis in (1, 0))
    return levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

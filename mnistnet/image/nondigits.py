"""Images that show no digit, for a network to learn from that there is more than digits.

Without them a network gives most letters and scribbles the probabilities of a clear digit. Each
is drawn at random and set into 28 x 28 as people's pictures are (digit.py). What looks like a
digit when drawn well is left out; some that look like one by chance do little harm.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.image.digit import normalise
from mnistnet.image.drawn import CANVAS, UNIT, inked, written
from mnistnet.image.glyphs import GLYPHS
from mnistnet.image.strokes import Points

# Printed characters that look like no digit; the font comes with Pillow.
CHARACTERS = "AaCcdEeFfHhJKkLMmNnPpRrTtUuVvWwXx#%@+=*?<~[]{}$"

# Which digits look like no digit when cut in two, turned by quarters of a circle anticlockwise, or
# mirrored.
HALVES = {"top": (4, 5), "bottom": (2, 3), "left": (2, 4, 7, 8), "right": (5,)}
TURNED = {1: (2, 3, 4, 5, 7), 2: (3, 4, 7), 3: (2, 3, 4, 5, 7)}
MIRRORED = (3, 4, 6, 7, 9)

Digits = list[Array]  # for each digit images of it, (m, 28, 28)


def draw(count: int, images: Array, labels: Array, rng: np.random.Generator) -> Array:
    """Images (count, 784) uint8, 0 = background, of no digit: each kind in turn.

    images (m, 784) uint8 and labels (m,) are digits to make pairs and parts of, which is left out
    unless there are some of each. The same state of rng gives the same images.
    """
    digits = [images[labels == digit].reshape(-1, SIDE, SIDE) for digit in range(CLASSES)]
    kinds = SHAPES + OF_DIGITS if all(map(len, digits)) else SHAPES
    made = np.empty((count, PIXELS), np.uint8)
    for i in range(count):
        made[i] = kinds[i % len(kinds)](digits, rng).reshape(-1)
    return made


def glyph(_: Digits, rng: np.random.Generator) -> Array:
    """A letter or symbol, as written by hand: (28, 28) uint8, as are all the others."""
    image: Array = written(GLYPHS[rng.integers(len(GLYPHS))], 1, rng)[0]
    return image


def sign(_: Digits, rng: np.random.Generator) -> Array:
    """Three to five strokes anywhere, straight or curved, as in a letter of no script."""
    strokes: list[Points] = []
    for _stroke in range(int(rng.integers(3, 6))):
        corners = rng.integers(0, 10, (int(rng.integers(2, 5)), 2)) / 9
        corners = _smooth(corners) if len(corners) > 2 and rng.random() < 0.5 else corners
        strokes.append([(x, y) for x, y in corners.tolist()])
    image: Array = written(strokes, 1, rng)[0]
    return image


def character(_: Digits, rng: np.random.Generator) -> Array:
    """A letter or symbol of a font, of any weight."""
    canvas = Image.new("L", (2 * CANVAS, 2 * CANVAS))
    ImageDraw.Draw(canvas).text(
        (CANVAS, CANVAS),
        CHARACTERS[rng.integers(len(CHARACTERS))],
        255,
        ImageFont.load_default(UNIT),
        anchor="mm",
        stroke_width=int(rng.integers(5)),
    )
    return _set(skewed(canvas, rng))


def scribble(_: Digits, rng: np.random.Generator) -> Array:
    """A line through many random points."""
    corners = rng.uniform(-1, 1, (int(rng.integers(7, 20)), 2))
    return _line(_smooth(corners) if rng.random() < 0.7 else corners, rng)


def spiral(_: Digits, rng: np.random.Generator) -> Array:
    """Two to five turns, either way."""
    t = np.linspace(0.05, 1, 80)
    angle = 2 * np.pi * (rng.random() + rng.choice([-1, 1]) * rng.uniform(2, 5) * t)
    return _line(t[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), rng)


def wave(_: Digits, rng: np.random.Generator) -> Array:
    """Waves of changing height, with or without loops, such as signatures and cursive writing."""
    periods, length = rng.uniform(3, 9), rng.uniform(2, 5)
    t = np.linspace(0, 1, 120)
    height = 0.3 + 0.7 * rng.random() * np.interp(t, np.linspace(0, 1, 8), rng.random(8))
    loops = rng.uniform(0, 0.5) * length / periods
    phase = 2 * np.pi * periods * t
    return _line(
        np.stack([length * t + loops * np.cos(phase), height * np.sin(phase)], axis=1), rng
    )


def shapes(_: Digits, rng: np.random.Generator) -> Array:
    """One to three polygons, stars or blobs over each other, filled or in outline."""
    canvas = Image.new("L", (2 * CANVAS, 2 * CANVAS))
    pen, width = ImageDraw.Draw(canvas), _pen(rng)
    for _shape in range(int(rng.integers(1, 4))):
        corners = [(x, y) for x, y in (CANVAS + _corners(rng)).tolist()]
        if rng.random() < 0.5:
            pen.polygon(corners, 255)
        else:
            pen.line([*corners, *corners[:2]], 255, width, joint="curve")
    return _set(skewed(canvas, rng))


def _corners(rng: np.random.Generator) -> Array:
    """Of a polygon of 3 to 5 sides, or of a star: (n, 2) around 0."""
    count = int(rng.integers(3, 11))
    angle = 2 * np.pi * (np.arange(count) + rng.random()) / count
    radius = np.ones(count)
    if count > 5:  # whose outline would look like a 0
        radius[::2] = rng.uniform(0.2, 0.6)
    if rng.random() < 0.3:
        radius *= rng.uniform(0.5, 1, count)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
    corners: Array = UNIT / 2 * rng.uniform(0.4, 1) * (unit + rng.uniform(-0.3, 0.3, 2))
    return corners


def texture(_: Digits, rng: np.random.Generator) -> Array:
    """Smooth noise in patches, as in a photo of anything; in rows, as in a page of text; or a grid
    of lines."""
    kind, across = rng.integers(3), np.arange(64)
    if kind == 0:
        lines = across % rng.integers(8, 25) < rng.integers(1, 5)
        return _set(np.maximum.outer(lines, lines))
    noise = Image.fromarray(rng.random((int(rng.integers(4, 15)),) * 2, np.float32))
    patch = np.asarray(noise.resize((64, 64), Image.Resampling.BICUBIC))
    patch = np.clip(
        0.5 + rng.uniform(2, 20) * (patch - np.quantile(patch, rng.uniform(0.3, 0.7))), 0, 1
    )
    if kind == 1:
        patch *= (across % rng.integers(8, 20) < rng.integers(3, 8))[:, None]
    return _set(patch)


def half(digits: Digits, rng: np.random.Generator) -> Array:
    """A digit cut in two."""
    quarters = int(rng.integers(4))  # that bring the side to keep to the top
    side = ("top", "right", "bottom", "left")[quarters]
    upright = np.rot90(cropped(_one(HALVES[side], digits, rng)), quarters)
    kept = upright[: max(2, int(len(upright) * rng.uniform(0.35, 0.5)))]
    return _set(np.rot90(kept, -quarters))


def turned(digits: Digits, rng: np.random.Generator) -> Array:
    """A digit on its side, upside down or mirrored."""
    quarters = int(rng.integers(4))
    if quarters:
        return _set(np.rot90(_one(TURNED[quarters], digits, rng), quarters))
    return _set(_one(MIRRORED, digits, rng)[:, ::-1])


def several(digits: Digits, rng: np.random.Generator) -> Array:
    """Two or three digits, side by side or one below the other, with or without a gap."""
    row, end = np.zeros((SIDE + 8, 4 * SIDE), np.float32), 8
    is_column = rng.random() < 0.2
    for _ in range(2 + (rng.random() < 0.2)):
        digit = cropped(_one(range(CLASSES), digits, rng))
        digit = digit.T if is_column else digit
        height, width = digit.shape
        left, top = end + int(rng.integers(-3, 6)), int(rng.integers(0, 9))
        place = row[top : top + height, left : left + width]
        np.maximum(place, digit, out=place)
        end = left + width
    return _set(row.T if is_column else row)


Kind = Callable[[Digits, np.random.Generator], Array]
SHAPES: tuple[Kind, ...] = (
    *(glyph, character, scribble, spiral, wave, sign, shapes, glyph, texture, sign, character),
)
OF_DIGITS: tuple[Kind, ...] = (half, turned, several, several)


def _one(allowed: "tuple[int, ...] | range", digits: Digits, rng: np.random.Generator) -> Array:
    """An image of one of these digits: (28, 28) in [0, 1]."""
    images = digits[rng.choice(allowed)]
    image: Array = images[rng.integers(len(images))] / np.float32(255)
    return image


def _pen(rng: np.random.Generator) -> int:
    """The width of a pen in pixels of the canvas."""
    return int(UNIT * rng.uniform(0.04, 0.15))


def _line(points: Array, rng: np.random.Generator) -> Array:
    """A line through points (n, 2) of any size, slanted and stretched."""
    points = points @ (
        np.diag(np.exp(rng.normal(0, 0.15, 2))) + rng.normal(0, 0.2) * np.eye(2)[::-1]
    )
    low, high = points.min(axis=0), points.max(axis=0)
    points = (points - (low + high) / 2) * (UNIT / (high - low).max()) + CANVAS / 2
    return inked([[(x, y) for x, y in points.tolist()]], _pen(rng))


def _smooth(corners: Array) -> Array:
    """Points on a smooth curve near the corners (n, 2): a quadratic B-spline."""
    t = np.linspace(0, 1, 8)[:, None]
    middles = (corners[1:] + corners[:-1]) / 2
    return np.concatenate(
        [
            (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end
            for start, corner, end in zip(middles, corners[1:], middles[1:], strict=False)
        ]
    )


def skewed(canvas: Image.Image, rng: np.random.Generator) -> Array:
    """The canvas turned, slanted and stretched about its middle, in [0, 1]."""
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


def _set(levels: Array) -> Array:
    """Levels of any size, in [0, 1], as MNIST's images are: (28, 28) uint8."""
    return normalise(cropped(levels))


def cropped(levels: Array) -> Array:
    """The levels without the rows and columns around them that are empty."""
    rows, columns = (np.flatnonzero(levels.max(axis=axis) > 0.05) for axis in (1, 0))
    return levels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

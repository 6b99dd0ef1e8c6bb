"""Turn any picture into 28 x 28 images of its digits, normalised as MNIST's are: a network that is
99 % accurate on MNIST fails on digits that are dark on light, off centre or thin.

decode.py reads the file, ink.py measures how far each pixel is from the background, and number.py
groups ink into digits.
"""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from mnistnet.arrays import SIDE, Array, Box, quantile, variation
from mnistnet.errors import PictureError
from mnistnet.image.decode import read_content, read_pixels
from mnistnet.image.ink import BLANK, Ink, find_ink
from mnistnet.image.number import find_places
from mnistnet.image.pieces import dilated, extent

DIGIT = 20  # pixels: the longer side of a digit in MNIST
FINE = 4  # strokes are thickened at this many times MNIST's resolution
THIN = 1.4  # pixels: thinner strokes, 1 in 20 in MNIST, are thickened
THICK = 4.0  # pixels: thicker strokes, 1 in 100 in MNIST, are thinned
FAINT = 24  # of 255: ink of fewer levels has low contrast

ENOUGH = 32  # pixels: smaller digits are read again from more pixels of a file


class Digit(NamedTuple):
    """One digit in a picture, with its box in pixels of the upright picture."""

    image: Array  # the network's input: (784,) uint8, 0 = background
    box: Box = (0, 0, SIDE, SIDE)  # left, top, right, bottom
    # any of "touching" (as wide as two digits), "cut off" (by the picture's edge) and "low
    # contrast" (ink close to the background)
    flaws: tuple[str, ...] = ()


class Picture(NamedTuple):
    """One or more digits in reading order, and how they were read."""

    digits: tuple[Digit, ...]
    inverted: bool  # whether the ink is darker than the background
    as_is: bool = False  # the picture was already normalised as MNIST's are, and is unchanged
    notes: tuple[str, ...] = ()  # sentences about the file for the user
    ink: Ink | None = None  # None if the picture is used as it is
    factor: float = 1.0  # the picture's size / that of the ink
    is_complete: bool = True  # whether no ink was left out that may be a digit or a mark
    marks: tuple[Box, ...] = ()  # boxes of ink that is no digit
    ends: tuple[int, ...] = ()  # the numbers of digits up to the end of each row, if several
    too_many: bool = False  # pieces of ink to read them all


def read_picture(source: Path | bytes | Image.Image) -> Picture:
    """Find the digits in a file, its content or an upright PIL image; raise PictureError, without
    its name, if none."""
    content = read_content(source) if isinstance(source, Path) else source
    pixels, factor, has_more = read_pixels(content)
    picture = find_digits(pixels, factor)
    if factor > 1 and (region := _region(picture, pixels)):
        pixels, factor, _ = read_pixels(content, region)
        with suppress(PictureError):
            picture = find_digits(pixels, factor, region[:2])
    notes = ("it has several pictures; only the first was read",) * has_more
    return picture._replace(notes=notes)


def _region(picture: Picture, pixels: Array) -> Box | None:
    """Return a box around the digits if they are small, but more pixels of the file would fit."""
    boxes = np.array([digit.box for digit in picture.digits])
    height = float(np.median(boxes[:, 3] - boxes[:, 1]))
    if height > ENOUGH * picture.factor:
        return None
    sides = picture.factor * np.array(pixels.shape[1::-1])
    corner = np.maximum(boxes[:, :2].min(axis=0) - height, 0).astype(int)
    end = np.minimum(boxes[:, 2:].max(axis=0) + height, sides).astype(int)
    if np.prod(end - corner) > np.prod(sides) / 4:
        return None
    return (*corner.tolist(), *end.tolist())


def find_digits(pixels: Array, factor: float = 1, corner: tuple[int, int] = (0, 0)) -> Picture:
    """Find the digits in pixels (height, width, colours), 0 to 255, reduced by this factor from the
    part of a picture that begins at this corner."""
    if _is_mnist(pixels):
        image = pixels[..., 0].astype(np.uint8).reshape(-1)
        return Picture((Digit(image),), inverted=False, as_is=True)
    ink = find_ink(pixels)
    x, y = (own + side / factor for own, side in zip(ink.corner, corner, strict=True))
    found = digits_in(ink._replace(corner=(x, y)), factor)
    if not found.digits:
        raise PictureError(BLANK)
    return found


def digits_in(ink: Ink, factor: float) -> Picture:
    """Find the digits, if any, in the ink of a picture that is larger by this factor."""
    digits = []
    places, ends, is_complete = find_places(ink.amount * (ink.amount > ink.threshold))
    for mask, flaws in places:
        own = ink.amount * mask
        down, across = extent(own > ink.threshold)
        floor = 0.3 * ink.threshold  # less is paper grain
        strokes = np.clip((own[down, across] - floor) / (ink.full - floor), 0, 1)
        box = in_picture((across.start, down.start, across.stop, down.stop), ink, factor)
        flaws += ("low contrast",) * (ink.full < FAINT)
        digits.append(Digit(normalise(strokes).reshape(-1), box, flaws))
    return Picture(
        tuple(digits), ink.inverted, ink=ink, factor=factor, is_complete=is_complete, ends=ends
    )


def in_picture(box: Box, ink: Ink, factor: float) -> Box:
    """Turn a box in pixels of the ink into one in pixels of the picture it was reduced from."""
    x, y = ink.corner
    left, top, right, bottom = box
    sides = x + left, y + top, x + right, y + bottom
    left, top, right, bottom = (int(side * factor) for side in sides)
    return left, top, right, bottom


def _is_mnist(pixels: Array) -> bool:
    """Check for 28 x 28, grey, light on black, within 20 x 20 and centred as MNIST is."""
    if pixels.shape != (SIDE, SIDE, 1) or pixels.max() < 200:
        return False
    image = pixels[..., 0]
    is_small = max(image[extent(image > 0)].shape) <= DIGIT
    return is_small and all(abs(centre - 14.5) <= 0.55 for centre in _barycentre(image))


def _barycentre(image: Array) -> list[float]:
    """Return the row and column of the barycentre; the first pixel's centre is at 0.5."""
    weights = image.sum(axis=1), image.sum(axis=0)
    return [float((w * (np.arange(len(w)) + 0.5)).sum() / image.sum()) for w in weights]


def normalise(strokes: Array) -> Array:
    """Normalise cropped strokes (height, width) in [0, 1] as MNIST does: (28, 28) uint8.

    The longer side is scaled to 20 pixels by area averaging, and the barycentre moved to the middle
    (Yadav and Bottou 2019, https://arxiv.org/abs/1905.10498), after the strokes are thickened or
    thinned to MNIST's range.
    """
    fine = _resized(strokes, DIGIT * FINE)
    ink = np.minimum(np.pad(fine, 2 * FINE) / quantile(fine[fine > 0.1 * fine.max()], 0.8), 1)
    # the outline of a long stroke is twice its length
    thickness = 2 * ink.sum() / variation(ink) / FINE
    grown = np.round(255 * ink)
    for _ in range(round((THIN - thickness) * FINE / 2)):
        grown = dilated(grown)
    for _ in range(round((thickness - THICK) * FINE / 2)):
        grown = 255 - dilated(255 - grown)
    digit = _resized(grown[extent(grown > 12)], DIGIT)
    image = np.zeros((SIDE, SIDE), np.uint8)
    # within half a pixel of (14.5, 14.5), as in all of MNIST
    top, left = (
        min(max(int(15 - centre), 0), SIDE - side)
        for centre, side in zip(_barycentre(digit), digit.shape, strict=True)
    )
    height, width = digit.shape
    image[top : top + height, left : left + width] = np.round(digit * (255 / digit.max()))
    return image


def _resized(ink: Array, longer_side: int) -> Array:
    """Resize the ink by area averaging."""
    scale = longer_side / max(ink.shape)
    height, width = (max(1, round(scale * side)) for side in ink.shape)
    picture = Image.fromarray(ink.astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))

"""Anyone's picture as 28 x 28 images of the digits in it, as MNIST's makers would have made them.

A network that is right on 99 % of MNIST fails on people's own digits where these look otherwise:
dark on light, off centre, thin, on uneven ground. Steps:

1. ink      how far each pixel departs from the ground (ink.py)
2. digits   pieces of ink, those of one digit together, in reading order (pieces.py, number.py)
3. images   as MNIST's were made (Yadav and Bottou 2019, https://arxiv.org/abs/1905.10498): the
            longer side 20 pixels by averaging over areas, the barycentre in the middle of
            28 x 28; but a stroke thinner than those of MNIST's pens is thickened before

How the pixels come out of a file is in file.py and levels.py.
"""

from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from mnistnet.arrays import SIDE, Array
from mnistnet.errors import PictureError
from mnistnet.image.file import read_pixels
from mnistnet.image.ink import NOTHING, Ink, find_ink
from mnistnet.image.levels import quantile, variation
from mnistnet.image.number import Part, dilated, parts

DIGIT = 20  # the longer side of a digit in MNIST
FINE = 4  # parts of a pixel at which strokes are thickened
THIN = 1.4  # pixels; of 20 digits in MNIST one is thinner, and thinner ones are thickened
LOW_CONTRAST = 24  # of 255, between ground and full ink


class Digit(NamedTuple):
    """One digit in a picture.

    image  (784,) uint8, 0 = background: what the network reads
    box    left, top, right, bottom, in pixels of the upright picture
    flaws  of "touching" (it is as wide as two digits), "cut off" (it runs out of the picture) and
           "low contrast" (its ink is hardly told from the ground), what the picture shows
    """

    image: Array
    box: tuple[int, int, int, int] = (0, 0, SIDE, SIDE)
    flaws: tuple[str, ...] = ()


class Picture(NamedTuple):
    """The digits in a picture, in reading order, at least one, and what was decided.

    inverted  ink is darker than the ground
    as_is     the picture already was an image as MNIST's are, and is unchanged
    notes     sentences about the file for the user
    """

    digits: tuple[Digit, ...]
    inverted: bool
    as_is: bool = False
    notes: tuple[str, ...] = ()


def read_picture(source: Path | BinaryIO) -> Picture:
    """The digits in a file or stream; raises PictureError (without the name) if there is none."""
    decoded = read_pixels(source)
    return find_digits(decoded.levels, decoded.factor)._replace(notes=decoded.notes)


def find_digits(pixels: Array, factor: float = 1) -> Picture:
    """The digits in pixels (height, width, colours) of 0 to 255, reduced by the factor."""
    if _is_mnist(pixels):
        image = pixels[..., 0].astype(np.uint8).reshape(-1)
        return Picture((Digit(image),), inverted=False, as_is=True)
    ink = find_ink(pixels)
    found = parts(ink.levels * (ink.levels > ink.threshold))
    if not found:
        raise PictureError(NOTHING)
    return Picture(tuple(_digit(ink, part, factor) for part in found), ink.inverted)


def _digit(ink: Ink, part: Part, factor: float) -> Digit:
    levels = ink.levels * part.mask
    rows, columns = (np.flatnonzero((levels > ink.threshold).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    floor = 0.3 * ink.threshold  # below it is the paper's grain
    strokes = np.clip((levels[top:bottom, left:right] - floor) / (ink.full - floor), 0, 1)
    x, y = ink.corner
    left, top, right, bottom = (
        int(edge * factor) for edge in (x + left, y + top, x + right, y + bottom)
    )
    flaws = part.flaws + ("low contrast",) * (ink.full < LOW_CONTRAST)
    return Digit(normalise(strokes).reshape(-1), (left, top, right, bottom), flaws)


def _is_mnist(pixels: Array) -> bool:
    """Whether it is 28 x 28, grey, light on black, within 20 x 20 and centred as MNIST is."""
    if pixels.shape != (SIDE, SIDE, 1):
        return False
    image = pixels[..., 0]
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    if not len(rows) or max(np.ptp(rows), np.ptp(columns)) >= DIGIT or image.max() < 200:
        return False
    return all(abs(centre - 14.5) <= 0.55 for centre in _barycentre(image))


def _barycentre(image: Array) -> tuple[float, float]:
    """Row and column, with a pixel's centre at + 0.5."""
    total = image.sum()
    row, column = (
        float((image.sum(axis=1 - axis) * (np.arange(image.shape[axis]) + 0.5)).sum() / total)
        for axis in (0, 1)
    )
    return row, column


def normalise(strokes: Array) -> Array:
    """Strokes (height, width) in [0, 1], cropped, as MNIST's makers would: (28, 28) uint8."""
    fine = _fitted(strokes, DIGIT * FINE)
    margin = 2 * FINE
    levels = np.zeros([side + 2 * margin for side in fine.shape], np.float32)
    levels[margin:-margin, margin:-margin] = fine
    levels = np.minimum(levels / quantile(fine[fine > 0.1 * fine.max()], 0.8), 1)
    # a long stroke of this thickness has two sides for outline
    thickness = 2 * levels.sum() / variation(levels) / FINE
    grown = np.round(255 * levels)
    for _ in range(round((THIN - thickness) * FINE / 2)):
        grown = dilated(grown)
    visible = grown > 12
    rows, columns = (np.flatnonzero(visible.any(axis=axis)) for axis in (1, 0))
    digit = _fitted(grown[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], DIGIT)
    image = np.zeros((SIDE, SIDE), np.uint8)
    # so that the barycentre comes within half a pixel of (14.5, 14.5), as all of MNIST's are
    top, left = (
        min(max(int(15 - centre), 0), SIDE - side)
        for centre, side in zip(_barycentre(digit), digit.shape, strict=True)
    )
    height, width = digit.shape
    image[top : top + height, left : left + width] = np.round(digit * (255 / digit.max()))
    return image


def _fitted(levels: Array, longer: int) -> Array:
    """The levels with their longer side so many pixels, by averaging over areas."""
    scale = longer / max(levels.shape)
    height, width = (max(1, round(scale * side)) for side in levels.shape)
    picture = Image.fromarray(levels.astype(np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))

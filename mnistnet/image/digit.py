"""Turn any picture into 28 x 28 images of its digits, normalised as MNIST's are.

A network that is 99 % accurate on MNIST fails on other people's digits if they look different:
dark on light, off centre, thin, or on an uneven background. Steps:

1. ink      measure how far each pixel is from the background (ink.py)
2. digits   group connected ink into digits, in reading order (pieces.py, number.py)
3. images   normalise as MNIST does (Yadav and Bottou 2019, https://arxiv.org/abs/1905.10498):
            scale the longer side to 20 pixels by area averaging, and move the barycentre to the
            middle of 28 x 28; strokes thinner than MNIST's are thickened first,
            and thicker ones thinned

decode.py and pixels.py read the file.
"""

from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from mnistnet.arrays import SIDE, Array, quantile, variation
from mnistnet.errors import PictureError
from mnistnet.image.decode import read_pixels
from mnistnet.image.ink import BLANK, Ink, find_ink
from mnistnet.image.number import Place, find_places
from mnistnet.image.pieces import dilated

DIGIT = 20  # pixels: the longer side of a digit in MNIST
FINE = 4  # strokes are thickened at this many times MNIST's resolution
THIN = 1.4  # pixels: thinner strokes, 1 in 20 in MNIST, are thickened
THICK = 4.0  # pixels: thicker strokes, 1 in 100 in MNIST, are thinned
LOW_CONTRAST = 24  # of 255, between background and full ink


class Digit(NamedTuple):
    """One digit in a picture.

    image  the network's input: (784,) uint8, 0 = background
    box    left, top, right, bottom, in pixels of the upright picture
    flaws  any of "touching" (as wide as two digits), "cut off" (by the picture's edge) and
           "low contrast" (ink close to the background)
    """

    image: Array
    box: tuple[int, int, int, int] = (0, 0, SIDE, SIDE)
    flaws: tuple[str, ...] = ()


class Picture(NamedTuple):
    """One or more digits in reading order, and how they were read.

    inverted  the ink is darker than the background
    as_is     the picture was already normalised as MNIST's are, and is unchanged
    notes     sentences about the file for the user
    """

    digits: tuple[Digit, ...]
    inverted: bool
    as_is: bool = False
    notes: tuple[str, ...] = ()


def read_picture(source: Path | BinaryIO) -> Picture:
    """Find the digits in a file or stream; raise PictureError, without its name, if none."""
    decoded = read_pixels(source)
    return find_digits(decoded.pixels, decoded.factor)._replace(notes=decoded.notes)


def find_digits(pixels: Array, factor: float = 1) -> Picture:
    """Find the digits in pixels (height, width, colours), 0 to 255, reduced by this factor."""
    if _is_mnist(pixels):
        image = pixels[..., 0].astype(np.uint8).reshape(-1)
        return Picture((Digit(image),), inverted=False, as_is=True)
    ink = find_ink(pixels)
    places = find_places(ink.amount * (ink.amount > ink.threshold))
    if not places:
        raise PictureError(BLANK)
    return Picture(tuple(_digit(ink, place, factor) for place in places), ink.inverted)


def _digit(ink: Ink, place: Place, factor: float) -> Digit:
    own = ink.amount * place.mask
    rows, columns = (np.flatnonzero((own > ink.threshold).any(axis=axis)) for axis in (1, 0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    floor = 0.3 * ink.threshold  # less is paper grain
    strokes = np.clip((own[top:bottom, left:right] - floor) / (ink.full - floor), 0, 1)
    x, y = ink.corner
    left, top, right, bottom = (
        int(edge * factor) for edge in (x + left, y + top, x + right, y + bottom)
    )
    flaws = place.flaws + ("low contrast",) * (ink.full < LOW_CONTRAST)
    return Digit(normalise(strokes).reshape(-1), (left, top, right, bottom), flaws)


def _is_mnist(pixels: Array) -> bool:
    """Check for 28 x 28, grey, light on black, within 20 x 20 and centred as MNIST is."""
    if pixels.shape != (SIDE, SIDE, 1):
        return False
    image = pixels[..., 0]
    rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
    if not len(rows) or max(np.ptp(rows), np.ptp(columns)) >= DIGIT or image.max() < 200:
        return False
    return all(abs(centre - 14.5) <= 0.55 for centre in _barycentre(image))


def _barycentre(image: Array) -> tuple[float, float]:
    """Return the row and column of the barycentre; the first pixel's centre is at 0.5."""
    total = image.sum()
    row, column = (
        float((image.sum(axis=1 - axis) * (np.arange(image.shape[axis]) + 0.5)).sum() / total)
        for axis in (0, 1)
    )
    return row, column


def normalise(strokes: Array) -> Array:
    """Normalise cropped strokes (height, width) in [0, 1] as MNIST does: (28, 28) uint8."""
    fine = _resized(strokes, DIGIT * FINE)
    margin = 2 * FINE
    ink = np.zeros([side + 2 * margin for side in fine.shape], np.float32)
    ink[margin:-margin, margin:-margin] = fine
    ink = np.minimum(ink / quantile(fine[fine > 0.1 * fine.max()], 0.8), 1)
    # the outline of a long stroke is twice its length
    thickness = 2 * ink.sum() / variation(ink) / FINE
    grown = np.round(255 * ink)
    for _ in range(round((THIN - thickness) * FINE / 2)):
        grown = dilated(grown)
    for _ in range(round((thickness - THICK) * FINE / 2)):
        grown = 255 - dilated(255 - grown)
    visible = grown > 12
    rows, columns = (np.flatnonzero(visible.any(axis=axis)) for axis in (1, 0))
    digit = _resized(grown[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], DIGIT)
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

"""Anyone's picture as the 28 x 28 image that MNIST's makers would have made of it.

A network that is right on 99 % of MNIST fails on people's own digits where these look otherwise:
dark on light, off centre, thin, on uneven ground. Steps:

1. ground   the colour of the paper: a smooth surface over the picture, fitted to what is not ink
2. ink      how far each pixel departs from the ground, along the one colour in which ink does
3. digit    the heaviest piece of ink and others nearly so, not specks, lines or shadows
4. image    as MNIST's were made (Yadav and Bottou 2019, https://arxiv.org/abs/1905.10498): its
            longer side 20 pixels by averaging over areas, its barycentre in the middle of
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
from mnistnet.image.levels import quantile, variation

DIGIT = 20  # the longer side of a digit in MNIST
FINE = 4  # parts of a pixel at which strokes are thickened
THIN = 1.4  # pixels; of 20 digits in MNIST one is thinner, and thinner ones are thickened
CELLS = 96  # a side, on which pieces are told apart
SAMPLES = 32  # a side, that the ground is fitted to
QUADRATIC = [0, 1, 2, 3, 4, 6]  # of the products of 1, y, y^2 with 1, x, x^2
STIFF = 1e-3 * np.diag([0, 1, 1, 1, 1, 1])
MIN_CONTRAST = 12  # of 255, between ground and full ink
NOTHING = "there is no digit in it: nothing stands out from the ground"


class Picture(NamedTuple):
    """The image for the network, (784,) uint8 with 0 = background, and what was decided.

    inverted  ink is darker than the ground
    box       where the digit is: left, top, right, bottom, in pixels of the upright picture
    as_is     the picture already was an image as MNIST's are, and is unchanged
    notes     sentences about the file for the user
    """

    image: Array
    inverted: bool
    box: tuple[int, int, int, int] = (0, 0, SIDE, SIDE)
    as_is: bool = False
    notes: tuple[str, ...] = ()


def read_picture(source: Path | BinaryIO) -> Picture:
    """The digit in a file or stream; raises PictureError (without the name) if there is none."""
    decoded = read_pixels(source)
    return find_digit(decoded.levels, decoded.factor)._replace(notes=decoded.notes)


def find_digit(pixels: Array, factor: float = 1) -> Picture:
    """The digit in pixels (height, width, colours) of 0 to 255, reduced by the factor."""
    if _is_mnist(pixels):
        return Picture(pixels[..., 0].astype(np.uint8).reshape(-1), inverted=False, as_is=True)
    down, across = _within_border(pixels)
    pixels = pixels[down, across]
    ink, inverted = _ink(pixels - _ground(pixels))
    _remove_lines(ink)
    level, threshold = _levels(ink)
    digit = ink * _digit_mask(ink, threshold)
    rows, columns = (np.flatnonzero((digit > threshold).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise PictureError(NOTHING)
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    floor = 0.3 * threshold  # below it is the paper's grain
    strokes = np.clip((digit[top:bottom, left:right] - floor) / (level - floor), 0, 1)
    x, y = across.start, down.start
    left, top, right, bottom = (
        int(edge * factor) for edge in (x + left, y + top, x + right, y + bottom)
    )
    return Picture(normalise(strokes).reshape(-1), inverted, (left, top, right, bottom))


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


def _within_border(pixels: Array) -> tuple[slice, slice]:
    """The rows and columns inside a border of one colour, such as scanners and frames make: what
    differs from the corners fills a rectangle, and nothing does outside of it."""
    height, width, _ = pixels.shape
    whole = slice(0, height), slice(0, width)
    corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    differs = (np.abs(pixels - quantile(corners, 0.5)) > 16).any(axis=2)
    rows, columns = (np.flatnonzero(differs.mean(axis=axis) > 0.5) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return whole
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    patch = differs[inside]
    edge = np.concatenate([patch[0], patch[-1], patch[:, 0], patch[:, -1]])
    outside = differs.sum() - patch.sum()
    is_large = differs.size / 4 <= patch.size < differs.size and min(patch.shape) >= 8
    if not is_large or edge.mean() < 0.8 or outside > differs.size / 1000:
        return whole
    return slice(rows[0] + 1, rows[-1]), slice(columns[0] + 1, columns[-1])  # edges are blends


def _ground(pixels: Array) -> Array:
    """The ground's colour (height, width, colours): a quadratic surface through what is not ink.

    Fitted by iteratively reweighted least squares, from the middle colour of the frame on; what
    is far from the surface, as ink is, counts for little (Geman and McClure 1987).
    """
    height, width, colours = pixels.shape
    frame = np.concatenate([pixels[0], pixels[-1], pixels[1:-1, 0], pixels[1:-1, -1]])
    down, across = -(-height // SAMPLES), -(-width // SAMPLES)
    sample = pixels[down // 2 :: down, across // 2 :: across].astype(np.float64)
    rows, columns = _powers(sample.shape[0]), _powers(sample.shape[1])
    # 1, x, x^2, y, xy, x^2 y, y^2, ... of each sample, but for x^2 y, x y^2 and x^2 y^2
    terms = (rows[:, None, :, None] * columns[:, None]).reshape(-1, 9)[:, QUADRATIC]
    y = sample.reshape(-1, colours)
    coefficients = np.zeros((6, colours))
    coefficients[0] = quantile(frame, 0.5)
    for _ in range(4):
        off = np.abs(y - terms @ coefficients).sum(axis=1) / colours
        scale = max(3 * float(quantile(off, 0.5)), 2)
        weighted = terms.T / (1 + (off / scale) ** 2) ** 2
        # the little that is added keeps the surface flat where samples do not tell
        coefficients = np.linalg.solve(weighted @ terms + STIFF * len(terms), weighted @ y)
    square = np.zeros((9, colours))
    square[QUADRATIC] = coefficients
    rows, columns = _powers(height), _powers(width)
    return np.stack([rows @ c.reshape(3, 3) @ columns.T for c in square.T], axis=-1)


def _powers(count: int) -> Array:
    """1, t and t^2 of count points from -1 to 1."""
    return np.linspace(-1, 1, count)[:, None] ** np.arange(3)


def _ink(departure: Array) -> tuple[Array, bool]:
    """How much ink each pixel has (height, width), at most 255, and whether ink is darker than the
    ground.

    The departures from the ground (height, width, colours) are projected on the colour along which
    the strongest of them lie.
    """
    flat = departure.reshape(-1, departure.shape[-1])
    weighted = flat * (flat * flat).sum(axis=1, keepdims=True)
    axis = np.linalg.eigh(weighted.T @ flat)[1][:, -1]
    axis /= np.abs(axis).sum()
    if weighted.sum(axis=0) @ axis < 0:
        axis = -axis
    ink = np.clip(flat @ axis, 0, 255).reshape(departure.shape[:2])
    return ink, bool(axis.sum() < 0)


def _remove_lines(ink: Array) -> None:
    """Take the lines of ruled and squared paper away, in place: thin rows and columns that have
    ink nearly all along lose what their middle pixel has."""
    thin = max(2, max(ink.shape) // 40)
    for rows in (ink, ink.T):
        inked = np.zeros(len(rows) + 2, bool)
        inked[1:-1] = quantile(rows.T, 0.2) > MIN_CONTRAST
        for start, end in np.flatnonzero(inked[1:] != inked[:-1]).reshape(-1, 2).tolist():
            if end - start <= thin:
                line = slice(max(start - 1, 0), end + 1)
                rows[line] -= np.minimum(rows[line], quantile(rows[line].T, 0.5)[:, None])


def _levels(ink: Array) -> tuple[float, float]:
    """The level of full ink, and the threshold between ground and ink: midway between the means of
    what is below and what is above it (Ridler and Calvard 1978)."""
    counts = np.bincount(ink.astype(np.uint8).ravel(), minlength=256)
    below, mass = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    total, all_mass = int(below[-1]), int(mass[-1])
    threshold = int(np.searchsorted(below, total - min(40, total // 1000))) // 2
    for _ in range(20):
        few = max(total - int(below[threshold]), 1)
        middle = (
            mass[threshold] / max(below[threshold], 1) + (all_mass - mass[threshold]) / few
        ) / 2
        if int(middle) == threshold:
            break
        threshold = int(middle)
    if threshold < MIN_CONTRAST / 2:
        raise PictureError(NOTHING)
    level = int(np.searchsorted(below, (int(below[threshold]) + total) / 2))
    return float(max(level, threshold + 1)), float(threshold)


def _digit_mask(ink: Array, threshold: float) -> Array:
    """Which pixels belong to the digit: its heaviest piece, and others near it that are heavy, too.

    Pieces are told apart on a grid of at most CELLS cells a side, across small gaps. What touches
    the frame is a line or a shadow, unless it is all there is.
    """
    cell = -(-max(ink.shape) // CELLS)
    height, width = (-(-side // cell) for side in ink.shape)
    padded = np.zeros((height * cell, width * cell), ink.dtype)
    padded[: ink.shape[0], : ink.shape[1]] = ink * (ink > threshold)
    mass = padded.reshape(height, cell, width, cell).sum(axis=(1, 3))
    labels, count = _pieces(_grown(mass > 0))
    masses = np.bincount(labels.ravel(), mass.ravel(), count + 1)
    occupied = labels * (mass > 0)
    frame = np.concatenate([occupied[0], occupied[-1], occupied[:, 0], occupied[:, -1]])
    inside = masses.copy()
    inside[frame] = 0
    if inside.max() > masses.max() / 7:
        masses = inside
    rows, columns = np.nonzero(occupied == masses.argmax())
    reach = 2 * max(np.ptp(rows), np.ptp(columns)) // 3 + 2
    far = np.ones(occupied.shape, bool)
    far[
        max(rows[0] - reach, 0) : rows[-1] + reach,
        max(min(columns) - reach, 0) : max(columns) + reach,
    ] = False
    keep = masses > masses.max() / 10  # what is lighter is a speck
    keep[occupied[far]] = False
    kept = keep[labels]
    return np.repeat(np.repeat(kept, cell, axis=0), cell, axis=1)[: ink.shape[0], : ink.shape[1]]


def _grown(levels: Array) -> Array:
    """The largest of each pixel and the eight around it; of a mask, it and all that touches it."""
    rows = levels.copy()
    np.maximum(rows[1:], levels[:-1], out=rows[1:])
    np.maximum(rows[:-1], levels[1:], out=rows[:-1])
    grown = rows.copy()
    np.maximum(grown[:, 1:], rows[:, :-1], out=grown[:, 1:])
    np.maximum(grown[:, :-1], rows[:, 1:], out=grown[:, :-1])
    return grown


def _pieces(mask: Array) -> tuple[Array, int]:
    """Connected pieces of a mask, numbered from 1, and how many numbers there are; pixels that
    touch at a corner are connected."""
    padded = np.zeros((len(mask), mask.shape[1] + 2), bool)
    padded[:, 1:-1] = mask
    edges = np.argwhere(padded[:, 1:] != padded[:, :-1]).tolist()
    starts, ends = edges[::2], [column for _, column in edges[1::2]]
    parent = list(range(len(starts) + 1))  # of each run of pixels in a row; itself in a root

    def root(run: int) -> int:
        while parent[run] != run:
            run = parent[run]
        return run

    above = 1
    for run, ((row, start), end) in enumerate(zip(starts, ends, strict=True), start=1):
        while starts[above - 1][0] < row - 1:
            above += 1
        other = above
        while other < run and starts[other - 1][0] == row - 1 and starts[other - 1][1] <= end:
            if ends[other - 1] >= start:
                parent[root(other)] = root(run)
            other += 1
    labels = np.zeros(mask.shape, int)
    for run, ((row, start), end) in enumerate(zip(starts, ends, strict=True), start=1):
        labels[row, start:end] = root(run)
    return labels, len(starts)


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
        grown = _grown(grown)
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

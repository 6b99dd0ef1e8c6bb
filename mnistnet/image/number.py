"""Find the digits in a picture's ink, in reading order.

Ink is left out only on evidence that it is no stroke: it lies along the edge of the picture,
surrounds the other ink, or is much smaller than the digits.
"""

import math
from typing import NamedTuple

import numpy as np

from mnistnet.arrays import Array
from mnistnet.image.pieces import Pieces, dilated, groups, thickness

CELLS = 160  # a side, in a square picture: the resolution at which pieces are separated
LIGHT = 1 / 12  # of the heaviest digit's ink: lighter groups are no digits
LOW = 0.4  # of the heaviest digit's height: lower groups are no digits
WIDE = 1.5  # width / height that fewer than 1 in 100 digits of MNIST exceed


class Place(NamedTuple):
    """The place of one digit.

    mask   (height, width): its pixels and those next to them
    flaws  any of "touching" (as wide as two digits) and "cut off" (by the picture's edge)
    """

    mask: Array
    flaws: tuple[str, ...]


def find_places(ink: Array) -> list[Place]:
    """Find the place of each digit in ink (height, width), 0 = background, in reading order."""
    cell = math.ceil(math.sqrt(ink.size) / CELLS)
    height, width = (-(-side // cell) for side in ink.shape)
    padded = np.zeros((height * cell, width * cell), ink.dtype)
    padded[: ink.shape[0], : ink.shape[1]] = ink
    pieces = Pieces(padded.reshape(height, cell, width, cell).sum(axis=(1, 3)))
    if not len(pieces.masses):
        return []
    found = _large(pieces, groups(pieces, _without_rings(pieces, _without_edges(pieces))))
    places = []
    for group in (group for line in _lines(pieces, found) for group in line):
        own = pieces.mask(group)
        edge = dilated(own) & (pieces.labels == 0)
        mask = np.repeat(np.repeat(own | edge, cell, axis=0), cell, axis=1)
        flaws = _flaws(pieces.box(group), own)
        places.append(Place(mask[: ink.shape[0], : ink.shape[1]], flaws))
    return places


def _without_edges(pieces: Pieces) -> list[int]:
    """Leave out lines and shadows at the picture's edge, unless there is nothing else."""
    labels, boxes = pieces.labels, pieces.boxes
    everything = list(range(len(boxes)))
    frame = np.concatenate([labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]])
    contact = np.bincount(frame, minlength=len(boxes) + 1)[1:]
    if not contact.any():
        return everything
    pen = thickness(labels > 0)
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    at_frame = [bool(contact[k]) and _is_at_frame(labels == k + 1, pen) for k in everything]
    others = [k for k in everything if not at_frame[k] and sizes[k] >= 0.2 * max(labels.shape)]
    if not others:
        return everything
    main = others[0]  # the heaviest
    # a digit that fills the picture may have fragments at its edge
    reach = (0.25 if contact[main] else 0.12) * sizes[main]
    kept = []
    for k in everything:
        is_near = _near(boxes[k], boxes[main], reach)
        if at_frame[k]:
            keep = is_near and contact[main]
        else:
            keep = is_near or 0.5 * sizes[main] <= sizes[k] <= 1.5 * sizes[main]
        if keep or not contact[k]:
            kept.append(k)
    return kept


def _is_at_frame(mask: Array, pen: float) -> bool:
    """Check whether a piece is a line along the edge, or a shadow, much thicker than strokes."""
    depth = max(round(1.5 * pen), 1)
    inner = mask[depth:-depth, depth:-depth]
    return bool(inner.sum() < 0.15 * mask.sum()) or thickness(mask) > 2.5 * pen


def _near(a: Array, b: Array, distance: float) -> bool:
    gap = np.maximum(a[:2], b[:2]) - np.minimum(a[2:], b[2:])
    return bool((gap <= distance).all())


def _without_rings(pieces: Pieces, chosen: list[int]) -> list[int]:
    """Leave out pieces that surround others, such as a circle or the cell of a form."""
    kept = []
    for k in chosen:
        left, top, right, bottom = pieces.boxes[k].tolist()
        inner = [
            j
            for j in chosen
            if (pieces.boxes[j, :2] > (left, top)).all()
            and (pieces.boxes[j, 2:] < (right, bottom)).all()
        ]
        if inner and right - left >= 0.85 * (bottom - top):
            x0, y0, x1, y1 = pieces.box(inner).tolist()
            hollow = not (pieces.labels[y0:y1, x0:x1] == k + 1).any()
            if hollow and 0.35 * (bottom - top) <= y1 - y0:
                continue
        kept.append(k)
    return kept


def _large(pieces: Pieces, found: list[list[int]]) -> list[list[int]]:
    """Keep the groups that are not too small beside the heaviest."""
    masses = np.array([pieces.masses[group].sum() for group in found])
    boxes = np.array([pieces.box(group) for group in found])
    heights = boxes[:, 3] - boxes[:, 1]
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    main = masses.argmax()
    large = (masses > LIGHT * masses[main]) & (heights > LOW * min(heights[main], sizes[main]))
    return [group for group, is_large in zip(found, large, strict=True) if is_large]


def _lines(pieces: Pieces, found: list[list[int]]) -> list[list[list[int]]]:
    """Sort the groups into lines, from left to right; a line may rise or fall."""
    lines: list[list[list[int]]] = []
    for group in sorted(found, key=lambda group: float(pieces.box(group)[[0, 2]].sum())):
        _, top, _, bottom = pieces.box(group).tolist()
        best, most = None, 0.4
        for line in lines:
            _, high, _, low = pieces.box(line[-1]).tolist()
            share = (min(low, bottom) - max(high, top)) / min(low - high, bottom - top)
            if share > most:
                best, most = line, share
        if best is None:
            lines.append([group])
        else:
            best.append(group)
    return sorted(lines, key=lambda line: float(np.mean([pieces.box(g)[[1, 3]] for g in line])))


def _flaws(box: Array, mask: Array) -> tuple[str, ...]:
    """Find flaws in the place of a digit, given its box and its mask (height, width)."""
    height, width = mask.shape
    sides = box[2:] - box[:2]
    margins = np.array([box[0], box[1], width - box[2], height - box[3]])
    first, second = np.sort(margins)[:2]
    # A digit cropped to its ink touches several sides, and a whole one touches a side in one place;
    # two strokes that end at one side were cut.
    edge = (mask[:, 0], mask[0], mask[:, -1], mask[-1])[int(margins.argmin())]
    strokes = int((np.diff(np.pad(edge, 1).astype(int)) > 0).sum())
    is_cut = first == 0 and second > 0.15 * sides.max() and strokes > 1
    return ("touching",) * bool(sides[0] > WIDE * sides[1]) + ("cut off",) * bool(is_cut)

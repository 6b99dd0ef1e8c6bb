"""Which ink of a picture is a digit, and in which order digits are read.

What is left out is left out on evidence that it is no stroke: it runs along the frame or across the
picture, it surrounds what else there is, or it is too small beside the digits.
"""

from typing import NamedTuple

import numpy as np

from mnistnet.arrays import Array
from mnistnet.image.pieces import Pieces, groups, thickness

CELLS = 160  # a side, on which pieces are told apart
LIGHT = 1 / 12  # of the heaviest digit's ink: what is lighter is no digit
LOW = 0.4  # of the heaviest digit's height: what is lower is no digit
WIDE = 1.5  # times its height: of 100 digits of MNIST's one is wider


class Part(NamedTuple):
    """Where one digit is.

    mask   (height, width): its pixels and those at their edge
    flaws  of "touching" (it is as wide as two digits) and "cut off" (it runs out of the picture)
    """

    mask: Array
    flaws: tuple[str, ...]


def parts(ink: Array) -> list[Part]:
    """The digits in ink (height, width), 0 where there is none, in reading order."""
    cell = -(-max(ink.shape) // CELLS)
    height, width = (-(-side // cell) for side in ink.shape)
    padded = np.zeros((height * cell, width * cell), ink.dtype)
    padded[: ink.shape[0], : ink.shape[1]] = ink
    pieces = Pieces(padded.reshape(height, cell, width, cell).sum(axis=(1, 3)))
    if not len(pieces.masses):
        return []
    found = _large(pieces, groups(pieces, _without_rings(pieces, _strokes(pieces))))
    answer = []
    for group in (group for line in _lines(pieces, found) for group in line):
        own = pieces.mask(group)
        edge = dilated(own) & (pieces.labels == 0)
        mask = np.repeat(np.repeat(own | edge, cell, axis=0), cell, axis=1)
        flaws = _flaws(pieces.box(group), own)
        answer.append(Part(mask[: ink.shape[0], : ink.shape[1]], flaws))
    return answer


def dilated(levels: Array) -> Array:
    """The largest of each pixel and the eight around it; of a mask, it and all that touches it."""
    rows = levels.copy()
    np.maximum(rows[1:], levels[:-1], out=rows[1:])
    np.maximum(rows[:-1], levels[1:], out=rows[:-1])
    both = rows.copy()
    np.maximum(both[:, 1:], rows[:, :-1], out=both[:, 1:])
    np.maximum(both[:, :-1], rows[:, 1:], out=both[:, :-1])
    return both


def _strokes(pieces: Pieces) -> list[int]:
    """The pieces but for lines and shadows at the frame, unless these are all there is."""
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
    # a digit that fills the picture may have fragments at the frame, too
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
    """Whether a piece is a line along the frame, all of it that close, or a shadow, which is much
    thicker than strokes."""
    depth = max(round(1.5 * pen), 1)
    inner = mask[depth:-depth, depth:-depth]
    return bool(inner.sum() < 0.15 * mask.sum()) or thickness(mask) > 2.5 * pen


def _near(a: Array, b: Array, distance: float) -> bool:
    gap = np.maximum(a[:2], b[:2]) - np.minimum(a[2:], b[2:])
    return bool((gap <= distance).all())


def _without_rings(pieces: Pieces, chosen: list[int]) -> list[int]:
    """The pieces but for those that surround others, as a circle or a cell of a form does."""
    kept = []
    for k in chosen:
        left, top, right, bottom = pieces.boxes[k].tolist()
        within = [
            j
            for j in chosen
            if (pieces.boxes[j, :2] > (left, top)).all()
            and (pieces.boxes[j, 2:] < (right, bottom)).all()
        ]
        if within and right - left >= 0.85 * (bottom - top):
            x0, y0, x1, y1 = pieces.box(within).tolist()
            hollow = not (pieces.labels[y0:y1, x0:x1] == k + 1).any()
            if hollow and 0.35 * (bottom - top) <= y1 - y0:
                continue
        kept.append(k)
    return kept


def _large(pieces: Pieces, found: list[list[int]]) -> list[list[int]]:
    """The groups that are large enough to be digits beside the heaviest."""
    masses = np.array([pieces.masses[group].sum() for group in found])
    boxes = np.array([pieces.box(group) for group in found])
    heights = boxes[:, 3] - boxes[:, 1]
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    main = masses.argmax()
    large = (masses > LIGHT * masses[main]) & (heights > LOW * min(heights[main], sizes[main]))
    return [group for group, is_large in zip(found, large, strict=True) if is_large]


def _lines(pieces: Pieces, found: list[list[int]]) -> list[list[list[int]]]:
    """The groups line by line, from left to right; a line may rise or fall."""
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
    """What the place of a digit, where its mask (height, width) is, says against it."""
    height, width = mask.shape
    sides = box[2:] - box[:2]
    margins = np.array([box[0], box[1], width - box[2], height - box[3]])
    first, second = np.sort(margins)[:2]
    # A digit that was cropped to its ink touches more than one side, one that ends at the frame
    # touches it once: two strokes that end there were cut.
    edge = (mask[:, 0], mask[0], mask[:, -1], mask[-1])[int(margins.argmin())]
    strokes = int((np.diff(np.pad(edge, 1).astype(int)) > 0).sum())
    is_cut = first == 0 and second > 0.15 * sides.max() and strokes > 1
    return ("touching",) * bool(sides[0] > WIDE * sides[1]) + ("cut off",) * bool(is_cut)

"""Find the digits in a picture's ink, in reading order. Ink is left out only if it lies along the
edge of the picture, surrounds the other ink, or is much smaller than the digits."""

import itertools
import math

import numpy as np

from mnistnet.arrays import Array
from mnistnet.image.pieces import Pieces, dilated, edge, groups, thickness

SPECK = 1 / 12  # of the height of the digits
WIDE = 1.5  # width / height that fewer than 1 in 100 digits of MNIST exceed

Place = tuple[Array, tuple[str, ...]]


def find_places(ink: Array) -> tuple[list[Place], tuple[int, ...], bool]:
    """Find the digits in ink (height, width), 0 = background, in reading order: of each its mask
    (height, width), with the pixels next to it, and its flaws, "touching" and "cut off" or none.
    Also return the number of digits up to the end of each row, and whether no ink was left out that
    may be a digit or a mark."""
    height, width = ink.shape
    cell = math.ceil(math.sqrt(ink.size) / 160)  # pieces are separated at this resolution
    padded = np.pad(ink, ((0, -height % cell), (0, -width % cell)))
    blocks = padded.reshape(-(-height // cell), cell, -1, cell)
    pieces = Pieces(blocks.sum(axis=(1, 3)))
    if not len(pieces.masses):
        return [], (), True
    found, rest, left_out = digits_and_rest(pieces)
    lines = _rows(pieces, found)
    places = []
    for group in itertools.chain.from_iterable(lines):
        own = pieces.mask(group)
        grown = own | dilated(own) & (pieces.labels == 0)
        mask = grown.repeat(cell, axis=0).repeat(cell, axis=1)[:height, :width]
        places.append((mask, _flaws(pieces.box(group), own)))
    boxes = np.array([pieces.box(group) for group in found])
    speck = SPECK * float((boxes[:, 3] - boxes[:, 1]).max())
    # a mark may have joined the digit beside it
    others = [
        group for group in rest + found if (pieces.sizes[group] > speck).sum() > (group in found)
    ]
    ends = np.cumsum([len(line) for line in lines]).tolist()
    return places, tuple(ends), not left_out and not others and not pieces.more


def digits_and_rest(pieces: Pieces) -> tuple[list[list[int]], list[list[int]], list[int]]:
    """Group the pieces by digit. Return the groups as large as digits, the other ones, and the
    pieces as large as a digit that were left out, at an edge or around others."""
    kept = _without_rings(pieces, _without_edges(pieces))
    found = groups(pieces, kept)
    large = _large(pieces, found)
    least = 0.5 * max(pieces.sizes[group].max() for group in large)
    left_out = [k for k, size in enumerate(pieces.sizes) if k not in kept and size > least]
    return large, [group for group in found if group not in large], left_out


def in_rows(pieces: Pieces, large: list[list[int]], rest: list[list[int]]) -> list[list[list[int]]]:
    """Return the rows of large groups, with the rest of the groups that are in a row's band."""
    rows = _rows(pieces, large)
    for group in rest:
        box = pieces.box(group)
        middle = (box[1] + box[3]) / 2
        for row in rows:
            ends = np.array([pieces.box(each) for each in row])
            nearest = np.abs((ends[:, [0, 2]] - box[[0, 2]]).sum(axis=1)).argmin()
            top, bottom = ends[nearest, [1, 3]]
            band = 0.2 * (bottom - top)
            if top - band <= middle <= bottom + band:
                row.append(group)
                break
    return rows


def _without_edges(pieces: Pieces) -> list[int]:
    """Leave out lines and shadows at the picture's edge, unless there is nothing else."""
    labels, boxes, sizes = pieces.labels, pieces.boxes, pieces.sizes
    everything = list(range(len(boxes)))
    touches = np.isin(np.arange(len(boxes)) + 1, edge(labels))
    pen = thickness(labels > 0)
    at_edge = np.array([touches[k] and _is_at_edge(labels == k + 1, pen) for k in everything])
    others = np.flatnonzero(~at_edge & (sizes >= 0.2 * max(labels.shape)))
    if not len(others):
        return everything
    main = others[0]  # the heaviest
    gaps = np.maximum(boxes[:, :2], boxes[main, :2]) - np.minimum(boxes[:, 2:], boxes[main, 2:])
    # a digit that fills the picture may have fragments at its edge
    is_near = (gaps <= (0.25 if touches[main] else 0.12) * sizes[main]).all(axis=1)
    is_alike = (0.5 * sizes[main] <= sizes) & (sizes <= 1.5 * sizes[main])
    kept = ~touches | np.where(at_edge, is_near & touches[main], is_near | is_alike)
    return np.flatnonzero(kept).tolist()


def _is_at_edge(mask: Array, pen: float) -> bool:
    """Check whether a piece is a line along the edge, or a shadow, much thicker than strokes."""
    depth = max(round(1.5 * pen), 1)
    inner = mask[depth:-depth, depth:-depth]
    return bool(inner.sum() < 0.15 * mask.sum()) or thickness(mask) > 2.5 * pen


def _without_rings(pieces: Pieces, chosen: list[int]) -> list[int]:
    """Leave out pieces that surround others, such as a circle or the cell of a form."""
    kept, boxes = [], pieces.boxes
    for k in chosen:
        left, top, right, bottom = boxes[k]
        is_inside = (boxes[:, :2] > boxes[k, :2]) & (boxes[:, 2:] < boxes[k, 2:])
        inner = [j for j in chosen if is_inside[j].all()]
        if inner and right - left >= 0.85 * (bottom - top):
            x0, y0, x1, y1 = pieces.box(inner)
            is_hollow = not (pieces.labels[y0:y1, x0:x1] == k + 1).any()
            if is_hollow and 0.35 * (bottom - top) <= y1 - y0:
                continue
        kept.append(k)
    return kept


def _large(pieces: Pieces, found: list[list[int]]) -> list[list[int]]:
    """Keep the groups with enough ink, and high enough, beside the one with the most ink."""
    masses = np.array([pieces.masses[group].sum() for group in found])
    boxes = np.array([pieces.box(group) for group in found])
    heights = boxes[:, 3] - boxes[:, 1]
    sizes = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    main = masses.argmax()
    large = (masses > masses[main] / 12) & (heights > 0.4 * min(heights[main], sizes[main]))
    return [group for group, is_large in zip(found, large, strict=True) if is_large]


def _rows(pieces: Pieces, found: list[list[int]]) -> list[list[list[int]]]:
    """Sort the groups line by line, from left to right; a line may rise or fall."""
    lines: list[list[list[int]]] = []
    for group in sorted(found, key=lambda group: float(pieces.box(group)[[0, 2]].sum())):
        top, bottom = pieces.box(group)[[1, 3]]
        # the share of its height that it has in common with the last digit of each line
        ends = np.array([pieces.box(line[-1])[[1, 3]] for line in lines]).reshape(-1, 2)
        common = np.minimum(ends[:, 1], bottom) - np.maximum(ends[:, 0], top)
        shares = common / np.minimum(ends[:, 1] - ends[:, 0], bottom - top)
        if shares.max(initial=0) > 0.4:
            lines[shares.argmax()].append(group)
        else:
            lines.append([group])
    lines.sort(key=lambda line: float(np.mean([pieces.box(group)[[1, 3]] for group in line])))
    return lines


def _flaws(box: Array, mask: Array) -> tuple[str, ...]:
    """Find flaws in the place of a digit, given its box and its mask (height, width)."""
    height, width = mask.shape
    sides = box[2:] - box[:2]
    margins = np.array([box[0], box[1], width - box[2], height - box[3]])
    first, second = np.sort(margins)[:2]
    # A digit cropped to its ink touches several sides, and a whole one touches a side in one place;
    # two strokes that end at one side were cut.
    side = (mask[:, 0], mask[0], mask[:, -1], mask[-1])[int(margins.argmin())]
    strokes = int((np.diff(np.pad(side, 1).astype(int)) > 0).sum())
    is_cut = first == 0 and second > 0.15 * sides.max() and strokes > 1
    return ("touching",) * bool(sides[0] > WIDE * sides[1]) + ("cut off",) * bool(is_cut)

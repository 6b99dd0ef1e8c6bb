"""Propose what may be the digits in a picture's ink: its pieces, unions of neighbours in a row, and
parts of pieces between likely cuts. The network judges them, and model/reading.py chooses.

The approach is heuristic over-segmentation (LeCun et al. 1998, Gradient-based learning applied to
document recognition, section VI).
"""

import numpy as np
from PIL import Image

from mnistnet.arrays import Array, Box
from mnistnet.image.digit import normalise
from mnistnet.image.ink import Ink
from mnistnet.image.number import SPECK, digits_and_rest, in_rows
from mnistnet.image.pieces import Pieces, dilated, extent

HEIGHT = 48  # pixels: taller rows are reduced to it; an image has 28
WIDEST = 1.5  # width of a candidate / height of its row
CUTS = 14  # at most, through a part
STEP = 0.04  # costs of a step to the side; a pixel of full ink costs 1
MOST_PIECES = 400
MOST_PARTS = 150  # of ink in a row

Geometry = tuple[int, int, Box, float, bool, bool, int]  # the fields of a Place (model/reading.py)


class Row:
    """The ink of a row of digits, from left to right, in parts that candidates consist of.

    boxes   (n, 4): left, top, right, bottom of each part, in pixels of the ink
    masses  (n,): the share of the row's ink in each part
    height  of its digits
    """

    def __init__(self, ink: Ink, labels: Array, boxes: Array, groups: list[list[int]]) -> None:
        """Find the parts in groups of pieces, which have these labels (height, width) and boxes."""
        corners = np.array([[*boxes[g, :2].min(axis=0), *boxes[g, 2:].max(axis=0)] for g in groups])
        heights = np.sort(corners[:, 3] - corners[:, 1])
        self.height = float(heights[-1 - len(heights) // 4])
        self._scale = max(self.height / HEIGHT, 1.0)
        parts = [
            (part, k)
            for k, group in enumerate(groups)
            for part in _parts(boxes, group, SPECK * self.height)
        ]
        parts.sort(key=lambda part: float(boxes[part[0]][:, [0, 2]].mean()))
        left, top = np.maximum(corners[:, :2].min(axis=0) - 1, 0)
        right, bottom = corners[:, 2:].max(axis=0) + 1
        self._corner = int(left), int(top)
        number = np.zeros(len(boxes) + 1, int)
        for k, (part, _) in enumerate(parts, start=1):
            number[np.array(part) + 1] = k
        part_of = number[labels[top:bottom, left:right]]
        floor = 0.3 * ink.threshold  # less is paper grain
        amount = ink.amount[top:bottom, left:right]
        self._strokes = np.clip((amount - floor) / (ink.full - floor), 0, 1).astype(np.float32)
        if self._scale > 1:
            height, width = (max(1, round(side / self._scale)) for side in part_of.shape)
            picture = Image.fromarray(self._strokes)
            self._strokes = np.asarray(picture.resize((width, height), Image.Resampling.BOX))
            rows, columns = (
                np.minimum((np.arange(count) + 0.5) * self._scale, side - 1).astype(int)
                for count, side in zip((height, width), part_of.shape, strict=True)
            )
            part_of = part_of[np.ix_(rows, columns)]
        self._inked = part_of > 0
        is_beside = ~self._inked & (self._strokes > 0.1)
        self._part_of = np.where(is_beside, dilated(part_of), part_of) - 1
        self._group = [k for _, k in parts]
        self.cuts: set[int] = set()  # the parts that begin at a cut
        self._known: dict[tuple[int, int], tuple[Array, Geometry] | None] = {}
        self._measure(len(parts))

    def _measure(self, count: int) -> None:
        """Set boxes and masses of this many parts."""
        found = self._part_of >= 0
        masses = np.bincount(self._part_of[found], self._strokes[found], count)
        self.masses = masses / (masses.sum() or 1)
        each = range(count)
        self.boxes = np.array([self._box((self._part_of == k) & self._inked) for k in each])

    def _box(self, mask: Array) -> Box:
        """Return the box around pixels of this row, in pixels of the ink."""
        if not mask.any():
            return (0, 0, 0, 0)
        down, across = extent(mask)
        x, y = self._corner
        sides = (across.start, down.start, across.stop, down.stop)
        left, top, right, bottom = (round(self._scale * side) for side in sides)
        return x + left, y + top, x + right, y + bottom

    def _candidate(self, first: int, last: int) -> tuple[Array, Geometry] | None:
        """Return the image (784,) and the geometry of parts, None if they hold hardly any ink."""
        mask = (self._part_of >= first) & (self._part_of < last)
        inked = mask & self._inked
        strokes = (self._strokes * mask)[extent(inked)] if inked.any() else np.zeros((1, 1))
        if strokes.max() < 0.2:
            return None
        groups = self._group[first:last]
        others = self._group[:first] + self._group[last:]
        whole = len(set(groups)) == 1 and groups[0] not in others
        mass = float(self.masses[first:last].sum())
        cuts = (first in self.cuts) + (last in self.cuts)
        geometry = first, last, self._box(inked), mass, whole, self._beside(first, last), cuts
        return normalise(strokes).reshape(-1), geometry

    def _beside(self, first: int, last: int) -> bool:
        """Check for a gap from top to bottom between parts that were not cut, or for a small part
        at the foot of a large one, which may be a point."""
        boxes = self.boxes[first:last]
        ends = np.maximum.accumulate(boxes[:-1, 2])
        starts = np.minimum.accumulate(boxes[:0:-1, 0])[::-1]
        if any(first + 1 + k not in self.cuts for k in np.flatnonzero(ends <= starts).tolist()):
            return True
        heights = boxes[:, 3] - boxes[:, 1]
        foot = boxes[:, 3].max() - 0.3 * self.height
        is_low = (boxes[:, 1] + boxes[:, 3]) / 2 > foot
        is_low &= [
            first + k not in self.cuts and first + k + 1 not in self.cuts
            for k in range(last - first)
        ]
        return bool(
            (is_low & (heights < 0.5 * self.height)).any() and heights.max() > 0.6 * self.height
        )

    def candidates(self) -> list[tuple[Array, Geometry]]:
        """Return image (784,) and geometry of the parts, and of unions no wider than a digit."""
        found, count = [], len(self.boxes)
        for first in range(count):
            for last in range(first + 1, count + 1):
                boxes = self.boxes[first:last]
                is_wide = boxes[:, 2].max() - boxes[:, 0].min() > WIDEST * self.height
                is_group = len(set(self._group[first:last])) == 1
                if last - first > 1 and not is_group and (last - first > 8 or is_wide):
                    break
                if (first, last) not in self._known:
                    self._known[first, last] = self._candidate(first, last)
                if candidate := self._known[first, last]:
                    found.append(candidate)
        return found

    def cut(self, qualities: Array, sure: float) -> bool:
        """Cut the parts that may be several digits: wide ones, those of less than sure quality (m,)
        sooner, along curves from top to bottom with little ink. Return whether any was cut."""
        widths = (self.boxes[:, 2] - self.boxes[:, 0]) / self.height
        chosen = (widths > 0.45) & (qualities < sure - 2 * (widths < 0.9)) | (widths > 1.2)
        part_of = self._part_of.copy()
        groups: list[int] = []
        starts: list[int] = []
        for part, group in enumerate(self._group):
            mask = self._part_of == part
            part_of[mask] = len(groups)
            starts.append(len(groups))
            pieces = 1
            if chosen[part] and mask.any():
                place = extent(mask)
                inside = mask[place]
                curves = _seams(self._strokes[place] * inside, self.height / self._scale)
                order = (np.arange(inside.shape[1]) >= curves[..., None]).sum(axis=0)
                filled = np.unique(order[inside])
                pieces = len(filled)
                part_of[place][inside] += np.searchsorted(filled, order[inside])
            self.cuts |= {len(groups) + k for k in range(1, pieces)}
            groups += [group] * pieces
        self._part_of, self._group = part_of, groups
        self._measure(len(groups))
        self._keep([*starts, len(groups)])
        return len(self.cuts) > 0

    def _keep(self, starts: list[int]) -> None:
        """Keep the known candidates of which no part was cut; part k begins at starts[k] now."""
        known, self._known = self._known, {}
        for (first, last), found in known.items():
            start, end = starts[first], starts[last]
            if end - start == last - first:
                moved = found and (found[0], (start, end, *found[1][2:]))
                self._known[start, end] = moved


def _parts(boxes: Array, group: list[int], speck: float) -> list[list[int]]:
    """Divide the pieces of a group into parts: pieces that are no specks and not inside others;
    the rest belongs to the largest."""
    own = boxes[group]
    sizes = (own[:, 2:] - own[:, :2]).max(axis=1)
    order = np.argsort(-sizes).tolist()
    parts = [[group[order[0]]]]
    for k in order[1:]:
        around = (own[:, :2] <= own[k, :2]).all(axis=1) & (own[:, 2:] >= own[k, 2:]).all(axis=1)
        if sizes[k] < speck or around.sum() > 1 or len(parts) > 5:
            parts[0].append(group[k])
        else:
            parts.append([group[k]])
    return parts


def _seams(ink: Array, height: float) -> Array:
    """Return curves from top to bottom through ink (rows, width), from left to right: (m, rows),
    the column in each row. Each crosses the least ink of those near it."""
    rows, width = ink.shape
    reach = max(2, round(height / 7))
    margin = round(height / 8)
    middles = np.arange(margin, width - margin + 1, max(1.0, height / 14))
    if not len(middles):
        return np.zeros((0, rows), int)
    columns = np.rint(middles[:, None] + np.arange(-reach, reach + 1)).astype(int)
    is_inside = (columns >= 0) & (columns < width)
    costs = np.where(is_inside, ink[:, columns.clip(0, width - 1)], 9)  # (rows, m, 2 reach + 1)
    total, steps = costs[0], np.zeros(costs.shape, int)
    for row in range(1, rows):
        beside = np.pad(total, ((0, 0), (1, 1)), constant_values=99)
        ways = np.stack([total, beside[:, :-2] + STEP, beside[:, 2:] + STEP])
        steps[row] = ways.argmin(axis=0)
        total = ways.min(axis=0) + costs[row]
    at, each = total.argmin(axis=1), np.arange(len(middles))
    places = np.zeros((len(middles), rows), int)
    for row in range(rows - 1, -1, -1):
        places[:, row] = columns[each, at]
        at = at + np.array([0, -1, 1])[steps[row, each, at]]
    curves: list[Array] = []
    for place in places[np.argsort(total.min(axis=1), kind="stable")]:
        apart = [np.abs(place - other).mean() for other in curves]
        if len(curves) < CUTS and min(apart, default=99) >= max(height / 12, 1.5):
            curves.append(place)
    return np.array(sorted(curves, key=lambda curve: float(curve.mean())), int).reshape(-1, rows)


def find_rows(ink: Ink) -> tuple[list[Row], list[Box], bool, bool]:
    """Find the rows of ink. Also return the boxes of marks between them, and of what was left out
    beside them, though it has much ink; whether anything as large as a digit was left out; and
    whether there is too much."""
    mass = ink.amount * (ink.amount > ink.threshold)
    pieces = Pieces(mass, MOST_PIECES)
    if not len(pieces.masses):
        return [], [], False, False
    digits, rest, left_out = digits_and_rest(pieces)
    rows = in_rows(pieces, digits, rest)
    is_many = pieces.more or any(sum(map(len, row)) > MOST_PARTS for row in rows)
    found = [Row(ink, pieces.labels, pieces.boxes, row) for row in rows]
    top, bottom = (f([pieces.box(group)[k] for group in digits]) for f, k in ((min, 1), (max, 3)))
    of_digits = sum(pieces.masses[group].sum() for group in digits)
    boxes = [
        pieces.boxes[piece]
        for piece in left_out
        if mass[top:bottom][pieces.labels[top:bottom] == piece + 1].sum() > 0.5 * of_digits
    ]
    least = SPECK * min(row.height for row in found)
    used = {piece for row in rows for group in row for piece in group}
    for group in rest:  # of which those between two rows are not in either
        left, upper, right, lower = box = pieces.box(group)
        is_large = max(right - left, lower - upper) >= least
        if not used.issuperset(group) and is_large and top < (upper + lower) / 2 < bottom:
            boxes.append(box)
    beside = [(int(box[0]), int(box[1]), int(box[2]), int(box[3])) for box in boxes]
    return found, beside, bool(left_out), is_many

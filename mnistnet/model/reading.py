"""Choose the best reading of a row: digits that share no ink, as the network judges them.

The network is a better judge than geometry: it knows a plus sign, or half of a 4, from a digit.
Geometry says what it cannot know: a small 1 is a comma, and a long slanted one a slash. A reading's
value is the mean quality of its ink; the best one is the longest path (LeCun et al. 1998,
Gradient-based learning applied to document recognition, section VI).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mnistnet.arrays import Array, Box
from mnistnet.model.answer import margins
from mnistnet.model.network import log_probabilities

# Qualities, in units of the scores f; chosen on rows of MNIST's validation images.
BEST = 11.0  # a digit with a higher score is no better
MARK = 3.0  # of ink that is no digit
TORN = -8.0  # of such ink that was cut off a digit
LIKELY = 6.0  # the least of ink as high as a digit, and no wider, that geometry takes for one
SMALL = 3.5  # the least of a small digit
WHOLE = 0.5  # in favour of what geometry takes for a digit
UNION = 2.5  # against a union of what it takes for several
BESIDE = 3.0  # against ink with a gap from top to bottom
CUT = 1.0  # against each side that is cut through ink
ONE = 3.0  # against a part that is read as 1: every stroke looks like one
ANY = 1.0  # the least score of anything like a digit

# Heights, in units of that of the row's digits.
POINT = 0.25  # lower ones are points or commas
LOW = 0.55  # lower ones may be
RAISED = 0.65  # lower ones at the top are part of a sign, such as per cent
HIGH = 0.75  # of usual digits, at least


class Place(NamedTuple):
    """The parts first to last - 1 of a row, which may be a digit."""

    first: int
    last: int
    box: Box
    mass: float  # the share of the row's ink
    whole: bool  # whether geometry takes it for a digit
    beside: bool  # whether there is a gap in it from top to bottom
    cuts: int  # how many of its sides are cut through ink


def qualities(scores: Array) -> Array:
    """How much scores (n, 10) look like those of one digit: (n,), at most BEST."""
    margin = margins(np.exp(log_probabilities(scores.astype(np.float64))))
    found: Array = np.minimum(scores.max(axis=1), BEST) - 4 * (1 - margin)
    return found


def read_row(
    places: Sequence[Place], scores: Array, masses: Array, cuts: set[int], height: float
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the places chosen, from left to right, and first and last + 1 of the parts of each
    mark. scores are (n, 10), masses of the parts (m,), cuts the parts that begin at a cut, and
    height is that of the row's digits."""
    values = _values(places, scores, height)
    uncut = [k for k in range(len(masses) + 1) if k not in cuts]
    begins = dict(zip(uncut[1:], uncut[:-1], strict=True))  # of a mark that ends at an uncut part
    best = np.zeros(len(masses) + 1)
    how: list[tuple[int, int | None]] = [(0, None)]  # where the last step begins, and its place
    for end in range(1, len(masses) + 1):
        torn = end in cuts or end - 1 in cuts
        steps: list[tuple[float, int, int | None]]
        steps = [(best[end - 1] + (TORN if torn else MARK) * masses[end - 1], end - 1, None)]
        if end in begins:
            start = begins[end]
            steps.append((best[start] + MARK * masses[start:end].sum(), start, None))
        for k, place in enumerate(places):
            if place.last == end and values[k] > -np.inf:
                steps.append((best[place.first] + place.mass * values[k], place.first, k))
        best[end], previous, chosen_place = max(steps, key=lambda step: step[0])
        how.append((previous, chosen_place))
    chosen: list[int] = []
    marks: list[tuple[int, int]] = []
    end = len(masses)
    while end:
        begin, at = how[end]
        if at is None:
            marks.append((begin, end))
        else:
            chosen.append(at)
        end = begin
    return _without_slashes(places, scores, chosen[::-1], marks)


def _values(places: Sequence[Place], scores: Array, height: float) -> Array:
    """Return the value of each place as a digit: (n,), -inf if it is none."""
    values = qualities(scores)
    is_one = scores.argmax(axis=1) == 1
    tops = [each.box[1] for each in places if each.box[3] - each.box[1] > HIGH * height]
    for k, place in enumerate(places):
        wide, high = place.box[2] - place.box[0], place.box[3] - place.box[1]
        is_small = high < LOW * height
        middle = (place.box[1] + place.box[3]) / 2
        is_raised = high < RAISED * height and middle < min(tops, default=0) + 0.36 * height
        is_doubtful = high < POINT * height or values[k] < SMALL or is_one[k]
        if (is_small and is_doubtful) or is_raised or wide > 2 * high:
            values[k] = -np.inf
            continue
        is_usual = high > HIGH * height and 0.3 * high < wide < 1.05 * high
        if place.whole and is_usual and scores[k].max() > ANY:
            values[k] = max(values[k], LIKELY)
        values[k] += WHOLE * place.whole - CUT * place.cuts - BESIDE * place.beside
        values[k] -= ONE * bool(place.cuts and is_one[k])
        is_union = place.last - place.first > 1 and not place.whole and not place.cuts
        values[k] -= UNION * is_union
    return values


def _without_slashes(
    places: Sequence[Place], scores: Array, chosen: list[int], marks: list[tuple[int, int]]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Turn each sure 1 that is much longer than other digits, or longer and slanted, into a mark;
    one that is a little longer and slanted may be either, and is both."""
    if not chosen:
        return chosen, marks
    high = np.array([places[k].box[3] - places[k].box[1] for k in chosen])
    wide = np.array([places[k].box[2] - places[k].box[0] for k in chosen])
    is_one = scores[chosen].argmax(axis=1) == 1
    others = high[~is_one & (high > 0.6 * high.max())]
    if not len(others):
        return chosen, marks
    ratio = high / np.median(others)
    is_straight = is_one & (scores[chosen].max(axis=1) > 6) & [not places[k].cuts for k in chosen]
    is_slanted = wide > 0.35 * high
    is_slash = is_straight & ((ratio > 1.45) | (ratio > 1.2) & is_slanted)
    may_be = is_straight & (ratio > 0.95) & is_slanted | is_slash
    marks += [places[k][:2] for k, marked in zip(chosen, may_be, strict=True) if marked]
    return [k for k, slash in zip(chosen, is_slash, strict=True) if not slash], marks

"""Read the ink of a picture again with the network as the judge: more candidates than geometry
found, with and without straight lines."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mnistnet.arrays import CLASSES, Array, Box
from mnistnet.image.candidates import Row, find_rows
from mnistnet.image.digit import FAINT, Digit, Picture, digits_in, in_picture
from mnistnet.image.ink import Ink
from mnistnet.image.lines import without_lines
from mnistnet.image.number import SPECK
from mnistnet.image.pieces import extent
from mnistnet.model.reading import Place, qualities, read_row

Score = Callable[[Array], Array]  # images (n, 784) to scores (n, 10)

# In units of the scores f.
KEEP = 1.5  # in favour of the reading with the lines
PER_MARK = 0.5  # against each mark
COMPLETE = 2.0  # in favour of the digits found before, if no ink was left out
LINE = 0.8  # share of a digit's ink that belongs to lines: it may be a frame
LINED = 4.0  # against such a digit
LEFT_OUT = 7.0  # against leaving out ink as large as a digit
TOUCHING = 10.0  # least quality of a part of a piece that is surely a digit


class Reading(NamedTuple):
    """One way to read a picture; quality is that of its least certain digit, less what is left."""

    picture: Picture
    scores: Array
    quality: float
    whole: bool  # whether each digit is what geometry takes for one


def reread(
    score: Score, picture: Picture, ink: Ink, scores: Array, is_sure: bool
) -> tuple[Picture, Array]:
    """Return the picture with the digits and marks of its best reading, and their scores (n, 10).

    scores are those of the digits that it has. These stay if the network is sure of them and no ink
    was left out, though there may be a slash among them, and if nothing better is found.
    """
    plain = without_lines(ink)
    reading = _read(score, picture, ink, ink.amount - plain.amount)
    if plain is not ink:
        other = _read(score, picture, plain)
        if (other.scores.argmax(axis=1) == 1).all():  # with a line, a 1 may be a plus sign
            down, across = extent(plain.amount < ink.amount)
            box = across.start, down.start, across.stop, down.stop
            marks = *other.picture.marks, in_picture(box, ink, picture.factor)
            other = other._replace(picture=other.picture._replace(marks=marks))
        reading = max(reading, other, key=lambda each: each.quality)
    before = float(qualities(scores).min())
    is_better = len(reading.scores) > 0
    is_better &= not (picture.is_complete and reading.quality < before + COMPLETE)
    # the digits that it has are at full resolution
    is_same = reading.whole and np.array_equal(
        *(f.argmax(axis=1) for f in (scores, reading.scores))
    )
    is_same = is_same and before > qualities(reading.scores).min() - COMPLETE
    if is_better and not is_same and not (is_sure and picture.is_complete):
        return reading.picture, reading.scores
    marks, too_many = reading.picture.marks, reading.picture.too_many
    return picture._replace(marks=marks, too_many=too_many), scores


def reread_plainly(
    score: Score, picture: Picture, ink: Ink, scores: Array
) -> tuple[Picture, Array]:
    """As reread, for a network that cannot judge fragments: choose between the digits that geometry
    finds with and without straight lines."""
    plain = without_lines(ink)
    other = digits_in(plain, picture.factor)
    if plain is ink or not other.digits:
        return picture, scores
    others = score(np.array([digit.image for digit in other.digits]))
    # ink that was left out may be a digit on a line
    has_more = not picture.is_complete and len(others) > len(scores)
    if qualities(others).min() < qualities(scores).min() + (-LEFT_OUT if has_more else KEEP):
        return picture, scores
    return other._replace(notes=picture.notes), others


def _read(score: Score, picture: Picture, ink: Ink, lines: Array | None = None) -> Reading:
    """Read the rows in this ink of a picture, of which lines (height, width) belong to straight
    lines; None if it is without them."""
    rows, beside, is_left_out, too_many = find_rows(ink)
    digits: list[Digit] = []
    marks = [in_picture(box, ink, picture.factor) for box in beside]
    ends, kept, whole, lined = [], [np.zeros((0, CLASSES))], lines is not None, 0
    faint = ("low contrast",) * (ink.full < FAINT)
    for row in rows:
        places, images, scores = _judged(score, row)
        chosen, its_marks = read_row(places, scores, row.masses, row.cuts, row.height)
        quality_of = qualities(scores)
        for k in chosen:
            whole = whole and places[k].whole and not places[k].cuts
            touching = ("touching",) * bool(places[k].cuts and quality_of[k] < TOUCHING)
            box = in_picture(places[k].box, ink, picture.factor)
            digits.append(Digit(images[k], box, touching + faint))
            # a 1 is as straight as a line, but does not run from edge to edge
            is_one = scores[k].argmax() == 1 and _is_inside(places[k].box, ink)
            lined += lines is not None and not is_one and _share(lines, ink, places[k].box) > LINE
        for first, last in its_marks:
            left, top = row.boxes[first:last, :2].min(axis=0).tolist()
            right, bottom = row.boxes[first:last, 2:].max(axis=0).tolist()
            is_line = lines is not None and _share(lines, ink, (left, top, right, bottom)) > LINE
            if max(right - left, bottom - top) >= SPECK * row.height and not is_line:
                marks.append(in_picture((left, top, right, bottom), ink, picture.factor))
        kept.append(scores[chosen])
        ends += [len(digits)] if chosen else []
    scores = np.concatenate(kept)
    least = float(qualities(scores).min()) if len(scores) else -np.inf
    quality = least + KEEP * (lines is not None) - PER_MARK * len(marks) - LEFT_OUT * is_left_out
    quality -= LINED * lined
    found = picture._replace(digits=tuple(digits), marks=tuple(marks), ends=tuple(ends))
    return Reading(found._replace(too_many=too_many), scores, quality, whole)


def _is_inside(box: Box, ink: Ink) -> bool:
    """Check that a box does not extend from the upper to the lower edge of the ink."""
    return box[1] > 1 or box[3] < len(ink.amount) - 1


def _share(lines: Array, ink: Ink, box: Box) -> float:
    """Return the share of the ink in a box that belongs to lines."""
    left, top, right, bottom = box
    own = ink.amount[top:bottom, left:right]
    is_ink = own > ink.threshold
    return float(lines[top:bottom, left:right][is_ink].sum() / max(own[is_ink].sum(), 1))


def _judged(score: Score, row: Row) -> tuple[list[Place], list[Array], Array]:
    """Return the places in a row, their images (784,) and their scores (n, 10). Parts that belong
    to no good digit are cut."""
    for is_cut in (False, True):
        found = row.candidates()
        images = [image for image, _ in found]
        places = [Place(*geometry) for _, geometry in found]
        if not found:  # a shadow that is much fainter than the strokes
            return places, images, np.zeros((0, CLASSES))
        scores = score(np.array(images))
        if is_cut:
            break
        best = np.full(len(row.masses), -np.inf)
        for place, quality in zip(places, qualities(scores), strict=True):
            best[place.first : place.last] = np.maximum(best[place.first : place.last], quality)
        if not row.cut(best, TOUCHING - 1.5):
            break
    return places, images, scores

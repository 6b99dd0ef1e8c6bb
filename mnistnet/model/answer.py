"""Turn scores into an answer: the digit or number, its probability, and whether it is unsure."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from mnistnet import notebook
from mnistnet.arrays import PIXELS, SIDE, Array, Box
from mnistnet.model.network import log_probabilities

UNSURE = 0.03  # share of a network's right answers that its limits make unsure
LEAST = 500  # validation images to choose limits on
WHOLE_IMAGE = (0, 0, SIDE, SIDE)
NO_IMAGES = np.zeros((0, PIXELS), np.uint8)
OF_PICTURE = ("source", "images", "notes")  # fields that are not in JSON


@dataclass(frozen=True)
class Limits:
    """When an answer is unsure (docs/measurements.md). The defaults are for networks without any.

    margin    if its probability exceeds the second by less
    score     or if its score f is lower
    no_digit  if every score is lower, the picture shows no digit
    """

    margin: float = 0.98
    score: float = 6.5
    no_digit: float = 1.0


STANDARD = Limits()


def choose_limits(scores: Array, labels: Array, unsure: float = UNSURE) -> Limits | None:
    """Choose limits on the scores (n, 10) of images that a network was not trained on, with these
    labels (n,): this share of its right answers becomes unsure, half of it because the score is
    low. Return None for fewer than LEAST images, or if less than half of the answers are right."""
    right = scores.argmax(axis=1) == labels
    if len(labels) < LEAST or right.mean() < 0.5:
        return None
    scores = scores[right].astype(np.float64)
    best = scores.max(axis=1)
    score = float(np.quantile(best, unsure / 2))
    # a picture of a digit that people read may have a lower score than any of these images
    no_digit = min(max(float(np.quantile(best, 0.001)) / 2, 0), score)
    others = margins(np.exp(log_probabilities(scores[best >= score])))
    margin = float(np.quantile(others, unsure / (2 - unsure)))
    return Limits(*(round(limit, 4) for limit in (margin, score, no_digit)))


@dataclass(frozen=True)
class DigitAnswer:
    """One digit in a picture; the fields not listed here are those of Answer.

    reason  why it is unsure: "close second" (another digit is nearly as probable), "unlike a
            digit", "low contrast", "cut off" (by the edge of the picture) or "touching" (it may be
            two digits); None if it is sure
    box     left, top, right, bottom, in pixels of the upright picture
    """

    digit: int
    probability: float
    probabilities: list[float] = field(repr=False)
    unsure: bool
    reason: str | None
    box: Box = WHOLE_IMAGE


@dataclass(frozen=True)
class Answer:
    """The digit or the number in a picture.

    digit          0 to 9; None for a number or if there is no digit
    probability    of the digit, 0 to 1; for a number, the product over its digits
    probabilities  of the digits 0 to 9; None for a number
    scores         f of the digits 0 to 9; None for a number
    unsure         whether the answer may well be wrong
    reason         as for DigitAnswer, "no digit" if nothing looks like a digit, "too many pieces"
                   (of ink, to read them all) or "other marks" (ink in a row that is no digit, such
                   as a sign or a comma)
    number         the digits of a number as text, in reading order; None if there is only one
    digits         each digit, in reading order; empty if there is no digit
    inverted       whether the ink is darker than the background
    marks          left, top, right, bottom of each of the other marks
    rows           the digits of each row, from top to bottom; empty if there is no digit
    source         the path of the picture, or another name for it
    images         (n, 784) uint8, what the network saw of each digit, 0 = background
    notes          sentences about the file
    """

    digit: int | None
    probability: float
    probabilities: list[float] | None = field(repr=False)
    scores: list[float] | None = field(repr=False)
    unsure: bool
    reason: str | None
    number: str | None
    digits: list[DigitAnswer] = field(repr=False)
    inverted: bool = field(default=False, repr=False)
    marks: list[Box] = field(default_factory=list, repr=False)
    rows: list[str] = field(default_factory=list, repr=False)
    source: str = field(default="", compare=False)
    images: Array = field(default_factory=lambda: NO_IMAGES, repr=False, compare=False)
    notes: list[str] = field(default_factory=list, repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the fields of `predict --json`: those that describe what the picture shows."""
        found = asdict(replace(self, images=NO_IMAGES))  # which asdict would copy
        return {name: value for name, value in found.items() if name not in OF_PICTURE}

    def _repr_html_(self) -> str:
        read = "no digit" if not self.digits else self.number or self.digit
        title = f"{self.source}: {read}" + (f", unsure: {self.reason}" if self.unsure else "")
        bars = [each.probabilities for each in self.digits]
        return notebook.answer_html(title, self.images, bars)


def make_answer(
    scores: Array,
    boxes: Sequence[Box] = (WHOLE_IMAGE,),
    flaws: Sequence[Sequence[str]] = ((),),
    inverted: bool = False,
    marks: Sequence[Box] = (),
    ends: Sequence[int] = (),
    too_many: bool = False,
    limits: Limits = STANDARD,
) -> Answer:
    """Return the answer for a picture of n >= 1 digits with these scores (n, 10) and boxes; flaws
    lists what is wrong with each of them: "touching", "cut off" or "low contrast". ends are the
    numbers of digits up to the end of each row, all in one by default."""
    log_p = log_probabilities(scores.astype(np.float64))
    digits = []
    for f, p, box, its_flaws in zip(scores, np.exp(log_p), boxes, flaws, strict=True):
        reason = unsure_reason(f, p, its_flaws, limits)
        best = int(f.argmax())
        digits.append(DigitAnswer(best, float(p[best]), p.tolist(), bool(reason), reason, box))
    nothing = scores.max() < limits.no_digit
    one = len(digits) == 1
    reasons = [digit.reason for digit in digits if digit.reason]
    of_picture = (
        ("no digit", nothing),
        ("too many pieces", too_many),
        ("touching", "touching" in reasons),
        ("other marks", len(marks) > 0),
    )
    first = next((name for name, holds in of_picture if holds), None)
    reason = first or next(iter(reasons), None)
    text = "".join(str(digit.digit) for digit in digits)
    ends = ends or [len(digits)]
    rows = [text[start:end] for start, end in itertools.pairwise([0, *ends])]
    return Answer(
        digit=digits[0].digit if one and not nothing else None,
        probability=math.prod(digit.probability for digit in digits),
        probabilities=digits[0].probabilities if one else None,
        scores=scores[0].tolist() if one else None,
        unsure=reason is not None,
        reason=reason,
        number=None if one or nothing else text,
        digits=[] if nothing else digits,
        inverted=inverted,
        marks=list(marks),
        rows=[] if nothing else rows,
    )


def margins(probabilities: Array) -> Array:
    """Probability of the first answer minus that of the second: (n, 10) -> (n,), 0 to 1."""
    return np.diff(np.partition(probabilities, -2, axis=1)[:, -2:]).ravel()


def are_unsure(scores: Array, limits: Limits = STANDARD) -> Array:
    """Whether unsure_reason gives a reason for each row of scores: (n, 10) -> (n,)."""
    close = margins(np.exp(log_probabilities(scores.astype(np.float64)))) < limits.margin
    return np.array(close | (scores.max(axis=1) < limits.score))


def unsure_reason(
    scores: Array,
    probabilities: Array,
    flaws: Sequence[str] = (),
    limits: Limits = STANDARD,
) -> str | None:
    """Why the answer with these scores (10,), probabilities (10,) and flaws is unsure, or None."""
    if "touching" in flaws:
        return "touching"
    if scores.max() < limits.score:
        return "unlike a digit"
    if margins(probabilities[None])[0] < limits.margin:
        return "close second"
    return flaws[0] if flaws else None

"""Turn scores into an answer: the digit or number, its probability, and whether it is unsure."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mnistnet.arrays import SIDE, Array, Box
from mnistnet.model.network import log_probabilities

# Thresholds chosen from risk-coverage curves of the bundled weights (docs/confidence.md).
MARGIN = 0.98  # an answer is unsure if its probability exceeds the second by less than this,
LIKE_A_DIGIT = 6.5  # or if its score f is below this
NO_DIGIT = 1.0  # if every score is below this, the picture shows no digit
WHOLE_IMAGE = (0, 0, SIDE, SIDE)


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
    probabilities: list[float]
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
    """

    digit: int | None
    probability: float
    probabilities: list[float] | None
    scores: list[float] | None
    unsure: bool
    reason: str | None
    number: str | None
    digits: list[DigitAnswer]
    inverted: bool = False
    marks: list[Box] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)


def make_answer(
    scores: Array,
    boxes: Sequence[Box] = (WHOLE_IMAGE,),
    flaws: Sequence[Sequence[str]] = ((),),
    inverted: bool = False,
    marks: Sequence[Box] = (),
    ends: Sequence[int] = (),
    too_many: bool = False,
) -> Answer:
    """Return the answer for a picture of n >= 1 digits with these scores (n, 10) and boxes; flaws
    lists what is wrong with each of them: "touching", "cut off" or "low contrast". ends are the
    numbers of digits up to the end of each row, all in one by default."""
    log_p = log_probabilities(scores.astype(np.float64))
    digits = []
    for f, p, box, its_flaws in zip(scores, np.exp(log_p), boxes, flaws, strict=True):
        reason = unsure_reason(f, p, its_flaws)
        best = int(f.argmax())
        digits.append(DigitAnswer(best, float(p[best]), p.tolist(), bool(reason), reason, box))
    nothing = scores.max() < NO_DIGIT
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


def are_unsure(scores: Array) -> Array:
    """Whether unsure_reason gives a reason for each row of scores: (n, 10) -> (n,)."""
    close = margins(np.exp(log_probabilities(scores.astype(np.float64)))) < MARGIN
    return np.array(close | (scores.max(axis=1) < LIKE_A_DIGIT))


def unsure_reason(scores: Array, probabilities: Array, flaws: Sequence[str] = ()) -> str | None:
    """Why the answer with these scores (10,), probabilities (10,) and flaws is unsure, or None."""
    if "touching" in flaws:
        return "touching"
    if scores.max() < LIKE_A_DIGIT:
        return "unlike a digit"
    if margins(probabilities[None])[0] < MARGIN:
        return "close second"
    return flaws[0] if flaws else None

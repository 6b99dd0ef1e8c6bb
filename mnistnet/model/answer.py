"""What scores say: the digit or number in a picture, its probability, whether to rely on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnistnet.arrays import SIDE, Array
from mnistnet.model.network import log_probabilities

# An answer is unsure if its probability leads the second one's by less than MARGIN, or its score,
# of f, is below LIKE_A_DIGIT. Below NO_DIGIT the network has seen nothing it knows. These were
# chosen from risk-coverage curves of the bundled weights (docs/confidence.md).
MARGIN = 0.85
LIKE_A_DIGIT = 6.5
NO_DIGIT = 2.0
WHOLE = (0, 0, SIDE, SIDE)  # the box of an image that is a digit already

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class DigitAnswer:
    """One digit in a picture, 0 to 9.

    probability    its own, 0 to 1; probabilities are those of the digits 0 to 9
    unsure         it should not be relied on, for this reason
    reason         None or "close second" (another digit is nearly as probable), "unlike a digit",
                   "low contrast", "cut off" (by the picture's edge), "touching" (it may be two)
    box            left, top, right, bottom, in pixels of the upright picture
    """

    digit: int
    probability: float
    probabilities: list[float]
    unsure: bool
    reason: str | None
    box: Box = WHOLE


@dataclass(frozen=True)
class Answer:
    """The digit in a picture, or the number.

    digit          0 to 9; None for a number, and if nothing looks like a digit
    probability    of the digit; of a number, the product of its digits'; 0 to 1
    probabilities  of the digits 0 to 9, and their scores; None for a number
    unsure         it should not be relied on, for this reason
    reason         as of a DigitAnswer, or "no digit": nothing looks like one
    number         the digits of a number, in reading order; None if there are not several
    digits         each digit, in reading order; none if nothing looks like one
    inverted       the ink is darker than the ground
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


def answer(
    scores: Array,
    boxes: Sequence[Box] = (WHOLE,),
    flaws: Sequence[Sequence[str]] = ((),),
    inverted: bool = False,
) -> Answer:
    """The answer of scores (n, 10), n >= 1, of the digits found in a picture: their boxes, and what
    speaks against each in the picture itself ("touching", "cut off", "low contrast")."""
    log_p = log_probabilities(scores.astype(np.float64))
    digits = []
    for f, row, box, own in zip(scores, np.exp(log_p), boxes, flaws, strict=True):
        reason = doubt(f, row, own)
        best = int(f.argmax())
        digits.append(DigitAnswer(best, float(row[best]), row.tolist(), bool(reason), reason, box))
    nothing = scores.max() < NO_DIGIT
    one = len(digits) == 1
    reasons = [digit.reason for digit in digits if digit.reason]
    return Answer(
        digit=digits[0].digit if one and not nothing else None,
        probability=math.prod(digit.probability for digit in digits),
        probabilities=digits[0].probabilities if one else None,
        scores=scores[0].tolist() if one else None,
        unsure=bool(nothing or reasons),
        reason="no digit" if nothing else next(iter(reasons), None),
        number=None if one or nothing else "".join(str(digit.digit) for digit in digits),
        digits=[] if nothing else digits,
        inverted=inverted,
    )


def margins(probabilities: Array) -> Array:
    """How much more probable the first answer is than the second: (n, 10) -> (n,) of 0 to 1."""
    top = np.partition(probabilities, -2, axis=1)
    difference: Array = top[:, -1] - top[:, -2]
    return difference


def are_unsure(scores: Array) -> Array:
    """Whether doubt has a reason for each image of a data set: (n, 10) -> (n,)."""
    close = margins(np.exp(log_probabilities(scores.astype(np.float64)))) < MARGIN
    unsure: Array = close | (scores.max(axis=1) < LIKE_A_DIGIT)
    return unsure


def doubt(scores: Array, probabilities: Array, flaws: Sequence[str] = ()) -> str | None:
    """Why an answer with these scores and probabilities (10,), and with flaws that the picture
    shows, should not be relied on; None if it can be."""
    second, first = np.sort(probabilities)[-2:]
    if "touching" in flaws:
        return "touching"
    if scores.max() < LIKE_A_DIGIT:
        return "unlike a digit"
    if first - second < MARGIN:
        return "close second"
    return flaws[0] if flaws else None

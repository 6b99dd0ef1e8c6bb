"""An answer has a digit or a number, its probability, and the reason if it is unsure."""

import numpy as np
import pytest

from mnistnet.model.answer import LIKE_A_DIGIT, MARGIN, NO_DIGIT, make_answer


def scores(digit: int, height: float = 12, second: float = 0) -> np.ndarray:
    f = np.full(10, -3.0)
    f[(digit + 1) % 10] = second
    f[digit] = height
    return f


def test_a_single_digit_has_its_probability_and_box() -> None:
    found = make_answer(scores(7)[None], [(1, 2, 3, 4)], inverted=True)
    assert (found.digit, found.number, found.inverted) == (7, None, True)
    assert (found.unsure, found.reason) == (False, None)
    assert found.scores == scores(7).tolist()
    assert found.probabilities is not None
    assert sum(found.probabilities) == pytest.approx(1)
    (digit,) = found.digits
    assert (digit.digit, digit.box, digit.unsure, digit.reason) == (7, (1, 2, 3, 4), False, None)
    assert found.probability == digit.probability == digit.probabilities[7]


def test_a_number_has_its_digits_as_text_and_the_product_of_their_probabilities() -> None:
    rows = np.array([scores(0), scores(0, 8, 6), scores(9)])
    found = make_answer(rows, [(0, 0, 9, 9)] * 3, [()] * 3)
    assert (found.digit, found.number) == (None, "009")
    assert found.probabilities is found.scores is None
    assert found.probability == pytest.approx(np.prod([d.probability for d in found.digits]))
    assert [digit.reason for digit in found.digits] == [None, "close second", None]
    assert (found.unsure, found.reason) == (True, "close second")


def test_each_reason_makes_an_answer_unsure() -> None:
    p = MARGIN / 2 + 0.49  # of the first of two digits
    close = scores(3, 12, 12 - np.log(p / (1 - p)))
    assert make_answer(close[None]).reason == "close second"
    assert make_answer(scores(3, LIKE_A_DIGIT - 0.1, -3)[None]).reason == "unlike a digit"
    for flaw in ("touching", "cut off", "low contrast"):
        found = make_answer(scores(3)[None], flaws=[(flaw,)])
        assert (found.digit, found.unsure, found.reason) == (3, True, flaw)


def test_low_scores_mean_no_digit() -> None:
    low = [scores(3, NO_DIGIT - 0.1), scores(1, NO_DIGIT - 0.5)]
    for count in (1, 2):
        rows = low[:count]
        found = make_answer(np.array(rows), [(0, 0, 9, 9)] * count, [()] * count)
        assert (found.digit, found.number, found.digits) == (None, None, [])
        assert (found.unsure, found.reason) == (True, "no digit")

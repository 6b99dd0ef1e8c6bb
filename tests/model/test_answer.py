"""An answer has a digit or a number, its probability, and the reason if it is unsure."""

import numpy as np
import pytest

from mnistnet.model.answer import STANDARD, Limits, are_unsure, choose_limits, make_answer


def scores(digit: int, height: float = 12, second: float = 0) -> np.ndarray:
    f = np.full(10, -3.0)
    f[(digit + 1) % 10] = second
    f[digit] = height
    return f


def test_an_answer_has_the_reason_of_its_first_unsure_digit() -> None:
    rows = np.array([scores(0), scores(0, 8, 6), scores(9)])
    found = make_answer(rows, [(0, 0, 9, 9)] * 3, [()] * 3)
    assert (found.digit, found.number) == (None, "009")
    assert [digit.reason for digit in found.digits] == [None, "close second", None]
    assert (found.unsure, found.reason) == (True, "close second")


P = STANDARD.margin / 2 + 0.49  # of the first of two digits
REASONS = {
    "close second": (scores(3, 12, 12 - np.log(P / (1 - P))), ()),
    "unlike a digit": (scores(3, STANDARD.score - 0.1, -3), ()),
    "touching": (scores(3, STANDARD.score - 0.1, -3), ("low contrast", "touching")),
    "cut off": (scores(3), ("cut off", "low contrast")),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_makes_an_answer_unsure(reason: str) -> None:
    f, flaws = REASONS[reason]
    found = make_answer(f[None], flaws=[flaws])
    assert (found.digit, found.unsure, found.reason) == (3, True, reason)
    assert are_unsure(f[None]).tolist() == [not flaws or "touching" in flaws]


@pytest.mark.parametrize("count", [1, 2])
def test_low_scores_mean_no_digit(count: int) -> None:
    rows = np.array(
        [scores(3, STANDARD.no_digit - 0.1), scores(1, STANDARD.no_digit - 0.5)][:count]
    )
    found = make_answer(rows, [(0, 0, 9, 9)] * count, [()] * count)
    assert (found.digit, found.number, found.digits) == (None, None, [])
    assert (found.unsure, found.reason) == (True, "no digit")


def test_limits_belong_to_the_network() -> None:
    """They make 3 % of its right answers unsure, whatever the size of its scores."""
    rng, labels = np.random.default_rng(0), np.arange(4000) % 10
    for scale in (1, 4):
        f = rng.normal(0, 1, (4000, 10))
        f[range(4000), labels] += 4
        limits = choose_limits(scale * f, labels)
        assert limits
        right = f.argmax(axis=1) == labels
        assert are_unsure(scale * f, limits)[right].mean() == pytest.approx(0.03, abs=0.001)
        assert make_answer(scale * f[:1], limits=Limits(score=99)).reason == "unlike a digit"
    assert choose_limits(f[:499], labels[:499]) is None
    assert choose_limits(f, (labels + 1) % 10) is None

"""Two sets of answers are compared by the images that only one of them gets right."""

from fractions import Fraction

import numpy as np
import pytest

from mnistnet.report.comparison import Comparison, compare, comparison_text, mcnemar


def test_images_that_only_one_gets_right_are_listed() -> None:
    right = np.array([True, True, False, False, True])
    other = np.array([True, False, True, False, False])
    found = compare("other.npz", right, other, np.array([30, 20, 10, 5, 2]))
    assert found == Comparison("other.npz", 3 / 5, 2 / 5, [2, 20], [10], 1.0)


@pytest.mark.parametrize(
    ("first", "second", "p_value"),
    [
        (0, 0, 1),
        (3, 3, 1),
        (0, 5, Fraction(2, 32)),
        (5, 0, Fraction(2, 32)),
        (1, 9, Fraction(2 * 11, 1024)),
        (2, 8, Fraction(2 * 56, 1024)),
        # R: mcnemar.exact(matrix(c(794, 86, 150, 570), 2)), Agresti 1990, p. 350
        (86, 150, 3.716e-05),
        (0, 60_000, 0),
        (20_000, 20_000, 1),
    ],
)
def test_the_p_value_is_that_of_a_fair_coin(first: int, second: int, p_value: float) -> None:
    assert mcnemar(first, second) == pytest.approx(float(p_value), rel=1e-3)


def test_the_text_has_accuracies_images_and_the_p_value() -> None:
    found = Comparison("b.npz", 0.985, 0.97, list(range(100, 120)), [7, 9], 0.00012)
    assert comparison_text(found, "test") == (
        "this network 98.50 %, b.npz 97.00 %\n"
        "only this network is right on 20: test:100, test:101, test:102, test:103,\n"
        "  test:104, test:105, test:106, test:107, ...\n"
        "only the other is right on 2: test:7, test:9\n"
        "the difference is statistically significant: p = 0.00012 (exact McNemar test)"
    )
    same = Comparison("b.npz", 0.98, 0.98, [], [], 1.0)
    assert comparison_text(same, "test").endswith(
        "only this network is right on 0: -\n"
        "only the other is right on 0: -\n"
        "the difference is not statistically significant: p = 1 (exact McNemar test)"
    )

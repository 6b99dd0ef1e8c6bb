"""Drawn images that show no digit."""

import numpy as np
import pytest

from mnistnet.image import nondigits
from mnistnet.image.drawn import draw as draw_digits


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    return draw_digits(200, np.random.default_rng(3))


@pytest.mark.parametrize(
    "kind",
    list(dict.fromkeys(nondigits.SHAPES + nondigits.OF_DIGITS)),
    ids=lambda kind: kind.__name__,
)
def test_each_kind_has_the_form_of_mnists_images(kind, digits) -> None:
    rng = np.random.default_rng(0)
    by_digit = [digits[0][digits[1] == digit].reshape(-1, 28, 28) for digit in range(10)]
    made = np.array([kind(by_digit, rng).reshape(28, 28) for _ in range(60)])
    assert made.dtype == np.uint8
    assert (made.max(axis=(1, 2)) == 255).all()
    assert len({image.tobytes() for image in made}) > 50
    for image in made:
        assert np.ptp(np.argwhere(image), axis=0).max() <= 19


def test_all_kinds_are_drawn_and_the_count_is_exact(digits) -> None:
    for count in (0, 3, 101):
        made = nondigits.draw(count, *digits, np.random.default_rng(0))
        assert (made.dtype, made.shape) == (np.uint8, (count, 784))


def test_digits_are_used_only_if_all_ten_are_there(digits, monkeypatch) -> None:
    monkeypatch.setattr(nondigits, "OF_DIGITS", (None,))
    images, labels = digits[0][digits[1] != 7], digits[1][digits[1] != 7]
    assert len(nondigits.draw(30, images, labels, np.random.default_rng(0))) == 30


def test_the_same_seed_draws_the_same_images_and_another_seed_others(digits) -> None:
    first, again, other = (
        nondigits.draw(80, *digits, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    # a few simple shapes may be equal
    assert len({image.tobytes() for image in [*first, *other]}) > 150

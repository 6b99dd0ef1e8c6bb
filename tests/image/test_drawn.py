"""Drawn digits, and drawn images that show none, have the form of MNIST's."""

import numpy as np
import pytest

from mnistnet.image import drawn, nondigits
from mnistnet.model import weights

Digits = tuple[np.ndarray, np.ndarray]  # images and labels


@pytest.fixture(scope="module")
def digits() -> Digits:
    return drawn.draw(500, np.random.default_rng(0))


def test_drawn_digits_have_mnists_form_and_all_labels() -> None:
    images, labels = drawn.draw(95, np.random.default_rng(0))
    assert (images.dtype, images.shape, labels.dtype) == (np.uint8, (95, 784), np.uint8)
    assert labels.tolist() == [*range(10)] * 9 + [0, 1, 2, 3, 4]
    for image in images.reshape(-1, 28, 28):
        assert 17 <= np.ptp(np.argwhere(image > 25), axis=0).max() <= 19
        centre = (np.indices((28, 28)) + 0.5).reshape(2, -1) @ image.ravel() / image.sum()
        assert np.abs(centre - 14.5).max() < 0.6
        assert image.max() == 255


def test_the_bundled_weights_read_drawn_digits(digits: Digits) -> None:
    images, labels = digits
    answers = weights.load(weights.PRETRAINED)[0].image_scores(images).argmax(axis=1)
    assert min((answers[labels == digit] == digit).mean() for digit in range(10)) > 0.8
    assert (answers == labels).mean() > 0.95


def test_each_kind_of_no_digit_has_mnists_form(digits: Digits) -> None:
    rng = np.random.default_rng(0)
    by_digit = [digits[0][digits[1] == digit].reshape(-1, 28, 28) for digit in range(10)]
    for kind in {*nondigits.SHAPES, *nondigits.OF_DIGITS}:
        made = np.array([kind(by_digit, rng).reshape(28, 28) for _ in range(40)])
        assert made.dtype == np.uint8
        assert (made.max(axis=(1, 2)) == 255).all()
        assert len({image.tobytes() for image in made}) > 30
        assert max(np.ptp(np.argwhere(image), axis=0).max() for image in made) <= 19


def test_digits_are_cut_up_only_if_all_ten_are_there(digits: Digits, monkeypatch) -> None:
    for count in (0, 31):
        made = nondigits.draw(count, *digits, np.random.default_rng(0))
        assert (made.dtype, made.shape) == (np.uint8, (count, 784))
    monkeypatch.setattr(nondigits, "OF_DIGITS", (None,))
    some = digits[1] != 7
    assert len(nondigits.draw(30, digits[0][some], digits[1][some], np.random.default_rng(0))) == 30


def test_a_seed_repeats_its_images_and_another_draws_others(digits: Digits) -> None:
    for draw in (drawn.draw, lambda count, rng: (nondigits.draw(count, *digits, rng),)):
        first, again, other = (draw(60, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
        assert np.array_equal(first, again)
        # a few simple shapes may be equal
        assert len({image.tobytes() for image in [*first, *other]}) > 110

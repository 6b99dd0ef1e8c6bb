"""Drawn digits have the form of MNIST and are readable."""

import numpy as np

from mnistnet.image.drawn import draw
from mnistnet.model import weights


def test_drawn_digits_have_mnists_form_and_all_labels() -> None:
    images, labels = draw(95, np.random.default_rng(0))
    assert (images.dtype, images.shape, labels.dtype) == (np.uint8, (95, 784), np.uint8)
    assert labels.tolist() == [*range(10)] * 9 + [0, 1, 2, 3, 4]
    for image in images.reshape(-1, 28, 28):
        lit = np.argwhere(image > 25)
        assert 17 <= np.ptp(lit, axis=0).max() <= 19
        centre = (np.indices((28, 28)) + 0.5).reshape(2, -1) @ image.ravel() / image.sum()
        assert np.abs(centre - 14.5).max() < 0.6
        assert image.max() == 255


def test_the_same_seed_draws_the_same_digits_and_no_two_are_equal() -> None:
    first, again, other = (draw(50, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert len({image.tobytes() for image in [*first, *other]}) == 100


def test_the_bundled_weights_read_drawn_digits() -> None:
    images, labels = draw(1000, np.random.default_rng(7))
    answers = weights.load(weights.PRETRAINED)[0].image_scores(images).argmax(axis=1)
    for digit in range(10):
        assert (answers[labels == digit] == digit).mean() > 0.8
    assert (answers == labels).mean() > 0.95

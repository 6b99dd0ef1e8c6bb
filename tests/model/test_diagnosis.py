"""Unusable images, and training that learned nothing, cause a warning."""

import numpy as np
import pytest

from mnistnet.image.drawn import draw
from mnistnet.model.diagnosis import image_warning, training_warning
from mnistnet.model.metadata import Report
from mnistnet.model.options import Options

DRAWN, LABELS = draw(200, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (255 - DRAWN, "look inverted"),
        (255 - DRAWN // 4, "look inverted"),
        (DRAWN // 128, "contain only 0 and 1"),
        (np.zeros_like(DRAWN), "look alike"),
        (np.tile(DRAWN[3], (50, 1)), "look alike"),
    ],
)
def test_unusual_images_cause_a_warning(images: np.ndarray, words: str) -> None:
    assert words in str(image_warning(images))


@pytest.mark.parametrize("images", [DRAWN, DRAWN // 3, DRAWN[:1]])
def test_light_strokes_on_a_dark_background_cause_no_warning(images: np.ndarray) -> None:
    assert image_warning(images) is None


def warn(
    train: float, validation: float | None, labels: np.ndarray, held_out: int, rate: float = 0.2
) -> str:
    """The warning for a network with these accuracies; empty if there is none."""
    options = Options(validation=held_out, learning_rate=rate)
    return training_warning([report(train, validation)], DRAWN, labels, options) or ""


def report(train: float, validation: float | None) -> Report:
    return Report(1, 2.3, train, None if validation is None else 2.3, validation, 0.2, 1.0)


def test_training_must_beat_the_most_frequent_label() -> None:
    labels = np.repeat([0, 1], [700, 300])
    assert warn(0.9, 0.72, labels, 200).startswith(
        "the network learned nothing: accuracy 72.0 %, while always answering the most frequent "
        "label gives 70.0 %;"
    )
    assert not warn(0.9, 0.82, labels, 200)


@pytest.mark.parametrize(
    ("rate", "images", "cause"),
    [
        (50, DRAWN, "the learning rate, 50, is probably too high"),
        (0.2, 255 - DRAWN, "the images look inverted"),
        (0.2, DRAWN, "check that the labels match the images"),
    ],
)
def test_the_likely_cause_is_named(rate: float, images: np.ndarray, cause: str) -> None:
    options = Options(validation=150, learning_rate=rate)
    assert cause in str(training_warning([report(0.1, 0.1)], images, LABELS, options))


def test_the_training_accuracy_decides_if_few_images_are_held_out() -> None:
    """2 of 10 right may be chance, 150 of 190 cannot."""
    assert not warn(0.8, 0.2, LABELS, 10)
    assert not warn(0.8, None, LABELS, 0)
    assert warn(0.11, None, LABELS, 0)
    assert not warn(1.0, 1.0, np.zeros(200, int), 150)

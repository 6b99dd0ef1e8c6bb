"""Unusable images, and training that learned nothing, cause a warning."""

from typing import Any

import numpy as np
import pytest

from mnistnet.image.drawn import draw
from mnistnet.model.diagnosis import image_warning, training_warning
from mnistnet.model.metadata import EpochReport
from mnistnet.model.options import Options

DRAWN, LABELS = draw(200, np.random.default_rng(0))
TWO = np.repeat([0, 1], [700, 300])
NOTHING = (
    "the network learned nothing: accuracy 72.0 %, while always answering the most frequent label "
    "gives 70.0 %;"
)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (255 - DRAWN // 4, "look inverted"),
        (DRAWN // 128, "contain only 0 and 1"),
        (np.tile(DRAWN[3], (50, 1)), "look alike"),
        (DRAWN, "None"),
    ],
)
def test_images_that_are_not_light_strokes_cause_a_warning(images: np.ndarray, words: str) -> None:
    assert words in str(image_warning(images))


@pytest.mark.parametrize(
    ("train", "validation", "labels", "held_out", "rate", "images", "words"),
    [
        (0.9, 0.72, TWO, 200, 0.2, DRAWN, NOTHING),
        (0.9, 0.82, TWO, 200, 0.2, DRAWN, "None"),
        (0.1, 0.1, LABELS, 150, 50, DRAWN, "the learning rate, 50, is probably too high"),
        (0.1, 0.1, LABELS, 150, 0.2, DRAWN, "check that the labels match the images"),
        # 2 of 10 right may be chance, 150 of 190 cannot
        (0.8, 0.2, LABELS, 10, 0.2, DRAWN, "None"),
        (0.11, None, LABELS, 0, 0.2, DRAWN, "learned nothing"),
    ],
)
def test_training_must_beat_the_most_frequent_label(
    train: float, validation: Any, labels: Any, held_out: int, rate: float, images: Any, words: str
) -> None:
    history = [EpochReport(1, 0.6, train, 2.3, validation, 0.2, 1.0)]
    options = Options(validation=held_out, learning_rate=rate)
    assert words in str(training_warning(history, images, labels, options))


@pytest.mark.parametrize(
    ("losses", "accuracy", "words"),
    [
        ((2, 1), 0.9, "None"),
        ((2, 2.4), 0.9, "training diverged: the loss at the end, 2.4, is above the 2 of the first"),
        ((300, 240), 0.3, "the loss at the end, 240, is above the 2.303 of guessing; the learning"),
        ((2, 1), 0.7, "the validation accuracy fell from 80.00 % to 70.00 %: keep the weights"),
    ],
)
def test_a_loss_that_rose_or_an_accuracy_that_fell_is_a_warning(
    losses: tuple[float, float], accuracy: float, words: str
) -> None:
    history = [EpochReport(1, loss, 0.9, 1, accuracy, 0.2, 1.0) for loss in losses]
    options = Options(learning_rate=5).completed(len(LABELS))
    assert words in str(training_warning(history, DRAWN, LABELS, options, before=0.8))

"""The options that are not given fit the set and the weights to start from; unusable images, and
training that learned nothing, cause a warning."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet.data import mnist
from mnistnet.errors import TrainingError
from mnistnet.image.drawn import draw
from mnistnet.model.diagnosis import image_warning, training_warning
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options
from mnistnet.model.run import fitted
from mnistnet.model.state import split

LEARNED = Options(drawn=15_000, nondigits=16_000).completed(60_000)
RULE = ("validation", "batch_size", "epochs", "learning_rate", "drawn", "nondigits")


def rule(options: Options) -> tuple[Any, ...]:
    return tuple(getattr(options, name) for name in RULE)


@pytest.mark.parametrize(
    ("count", "learned", "expected"),
    [
        (60_000, None, (5000, 100, 80, 0.2, 0, 0)),
        (710_000, None, (5000, 100, 80, 0.2, 0, 0)),
        (1, None, (0, 1, 500, 0.002, 0, 0)),
        (120, None, (20, 50, 500, 0.1, 0, 0)),
        (247, None, (41, 69, 500, 0.14, 0, 0)),  # three equal minibatches
        (12_000, None, (2000, 100, 188, 0.2, 0, 0)),
        (247, LEARNED, (41, 87, 15, 0.0061, 200, 200)),  # 105 steps
        (247, Options().completed(60_000), (41, 69, 34, 0.0028, 0, 0)),  # 102 steps
    ],
)
def test_the_defaults_fit_the_set_and_what_the_weights_have_learned(
    count: int, learned: Options | None, expected: tuple[Any, ...]
) -> None:
    """A small set gets small minibatches, a lower rate and more epochs; weights that read the set
    are changed little."""
    assert rule(Options().completed(count, learned)) == expected


def test_given_options_win_and_the_others_follow_them() -> None:
    given = dict(zip(RULE, (7, 10, 3, 0.5, 1, 2), strict=True))
    assert rule(Options(**given).completed(247, LEARNED)) == tuple(given.values())
    assert Options(batch_size=10).completed(60_000).learning_rate == 0.02
    assert rule(Options(limit=100).completed(60_000)) == (5000, 50, 500, 0.1, 0, 0)


def test_weights_that_do_not_read_the_set_are_trained_like_random_ones(tiny: Path) -> None:
    """As those of digits do not read letters."""
    data = mnist.load(tiny, "train")
    network = Perceptron((784, 10))
    for digit, row in enumerate(network.matrices[0]):  # scores are products with mean images
        row[:] = data.images[data.labels == digit].mean(axis=0)
        row /= np.linalg.norm(row)
    start = network, Metadata(LEARNED, TrainingSet())
    options, before = fitted(Options(hidden=()), data.images, data.labels, start)
    assert (options.epochs, options.drawn, options.hidden) == (15, 200, ())
    assert (before or 0) > 0.5
    options, before = fitted(Options(hidden=()), data.images, (data.labels + 1) % 10, start)
    assert rule(options) == rule(Options().completed(300))
    assert before is not None
    assert before < 0.1


def test_a_limit_takes_the_first_images_of_a_fixed_order() -> None:
    rows, held_out = split(1000, Options())
    few, same = split(1000, Options(limit=30, seed=3))
    assert few.tolist() == rows[:30].tolist()
    assert same.tolist() == held_out.tolist()
    with pytest.raises(TrainingError, match="at most the 834 training images .* found 835; lower"):
        split(1000, Options(limit=835))


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

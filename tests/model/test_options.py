"""The options that are not given fit the set and the weights to start from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet.data import mnist
from mnistnet.errors import TrainingError
from mnistnet.model.metadata import Metadata, TrainingSet
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options
from mnistnet.model.run import fitted
from mnistnet.model.state import split

LEARNED = Options(drawn=15_000, nondigits=16_000).completed(60_000)
RULE = ("validation", "batch_size", "epochs", "learning_rate", "drawn", "nondigits")


def rule(options: Options) -> tuple[Any, ...]:
    return tuple(getattr(options, name) for name in RULE)


@pytest.mark.parametrize("count", [60_000, 710_000])
def test_the_defaults_for_mnist_stay(count: int) -> None:
    assert rule(Options().completed(count)) == (5000, 100, 80, 0.2, 0, 0)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, (0, 1, 500, 0.002, 0, 0)),
        (120, (20, 50, 500, 0.1, 0, 0)),
        (247, (41, 69, 500, 0.14, 0, 0)),  # three equal minibatches
        (12_000, (2000, 100, 188, 0.2, 0, 0)),
    ],
)
def test_a_small_set_gets_small_minibatches_a_lower_rate_and_more_epochs(
    count: int, expected: tuple[Any, ...]
) -> None:
    assert rule(Options().completed(count)) == expected


@pytest.mark.parametrize(
    ("learned", "expected"),
    [
        (LEARNED, (41, 87, 15, 0.0061, 200, 200)),  # 105 steps
        (Options().completed(60_000), (41, 69, 34, 0.0028, 0, 0)),  # 102 steps
    ],
)
def test_weights_that_read_the_set_are_changed_little_and_see_what_they_learned(
    learned: Options, expected: tuple[Any, ...]
) -> None:
    assert rule(Options().completed(247, learned)) == expected


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

"""The answer does not depend on how a picture was framed, scaled, coloured, lit or stored."""

from pathlib import Path

import changes
import numpy as np
import pytest

from mnistnet import api
from mnistnet.data import mnist
from mnistnet.image.digit import read_picture
from mnistnet.image.drawn import draw
from mnistnet.model.training import split


@pytest.fixture(scope="module")
def network() -> api.Network:
    return api.load_network()


def share_read(network: api.Network, change: str, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of the images (n, 28, 28) that are read as their labels after this change."""
    rng = np.random.default_rng(1)
    pictures = [read_picture(changes.CHANGES[change](image, rng)) for image in images]
    answers = api.answer_pictures(network, pictures)
    right = [answer.digit == label for answer, label in zip(answers, labels, strict=True)]
    return float(np.mean(right))


@pytest.mark.parametrize("change", changes.CHANGES)
def test_a_drawn_digit_keeps_its_answer(network: api.Network, change: str) -> None:
    images = draw(10, np.random.default_rng(3))[0].reshape(-1, 28, 28)
    least = 0.85 if change in changes.DETAIL else 0.95
    assert share_read(network, change, images, network.predict(images)) >= least


@pytest.mark.soak
@pytest.mark.parametrize("change", changes.CHANGES)
def test_mnists_digits_cost_at_most_half_a_point(
    network: api.Network, real_mnist: Path, change: str
) -> None:
    """One and a half if the change removes or adds detail. On 400 validation images;
    tests/bench/bench_pictures.py measures thousands."""
    data = mnist.load(real_mnist, "train")
    chosen = split(len(data.images), 5000)[1][:400]
    images, labels = data.images[chosen].reshape(-1, 28, 28), data.labels[chosen]
    before = (network.predict(images) == labels).mean()
    most = 0.015 if change in changes.DETAIL else 0.005
    assert share_read(network, change, images, labels) >= before - most - 1e-9


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_read_in_any_pen(network: api.Network, digit: int) -> None:
    """Pens are one pixel to a fifth of the height wide."""
    for width in (0, 0.02, 0.05, 0.1, 0.2):
        (answer,) = api.answer_pictures(network, [read_picture(changes.drawn(digit, width))])
        assert answer.digit == digit, width


@pytest.mark.parametrize("kind", changes.ROWS)
def test_a_row_of_digits_is_read_as_a_number(network: api.Network, kind: str) -> None:
    rng = np.random.default_rng(5)
    images, labels = draw(200, rng)
    sure = network.probabilities(images)[np.arange(200), labels] > 0.99
    images, labels = images[sure].reshape(-1, 28, 28), labels[sure]
    right = []
    for _ in range(20):
        chosen = rng.integers(0, len(images), rng.integers(2, 8))
        (answer,) = api.answer_pictures(
            network, [read_picture(changes.ROWS[kind](images[chosen], rng))]
        )
        right.append(answer.number == "".join(map(str, labels[chosen])))
    assert np.mean(right) >= (0.85 if kind == "in a comb" else 0.9)  # strokes touch its lines

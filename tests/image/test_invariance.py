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


def read(network: api.Network, change: str, images: np.ndarray) -> np.ndarray:
    """Read each image (n, 28, 28) after this change; return digits, or -1 for none or several."""
    rng = np.random.default_rng(1)
    pictures = [read_picture(changes.CHANGES[change](image, rng)) for image in images]
    found = api.answers(network, pictures)
    return np.array([-1 if answer.digit is None else answer.digit for answer in found])


@pytest.mark.parametrize("change", changes.CHANGES)
def test_a_drawn_digit_keeps_its_answer(network: api.Network, change: str) -> None:
    images = draw(60, np.random.default_rng(3))[0].reshape(-1, 28, 28)
    before = network.predict(images)
    least = 0.9 if "16" in change else 0.95  # 16 pixels preserve less detail
    assert (read(network, change, images) == before).mean() >= least


@pytest.mark.parametrize("change", changes.CHANGES)
def test_mnists_digits_cost_at_most_two_points(
    network: api.Network, real_mnist: Path, change: str
) -> None:
    """On 200 validation images; tests/bench/bench_pictures.py measures thousands."""
    data = mnist.load(real_mnist, "train")
    chosen = split(len(data.images), 5000)[1][:200]
    images, labels = data.images[chosen].reshape(-1, 28, 28), data.labels[chosen]
    before = (network.predict(images) == labels).mean()
    assert (read(network, change, images) == labels).mean() >= before - 0.02


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_is_read_in_any_pen(network: api.Network, digit: int) -> None:
    """Pens are one pixel to a fifth of the height wide."""
    for width in (0, 0.02, 0.05, 0.1, 0.2):
        (answer,) = api.answers(network, [read_picture(changes.drawn(digit, width))])
        assert answer.digit == digit, width


@pytest.mark.parametrize("kind", changes.ROWS)
def test_a_row_of_digits_is_read_as_a_number(network: api.Network, kind: str) -> None:
    rng = np.random.default_rng(5)
    images, labels = draw(400, rng)
    sure = network.probabilities(images)[np.arange(400), labels] > 0.99
    images, labels = images[sure].reshape(-1, 28, 28), labels[sure]
    right = []
    for _ in range(40):
        chosen = rng.integers(0, len(images), rng.integers(2, 8))
        (answer,) = api.answers(network, [read_picture(changes.ROWS[kind](images[chosen], rng))])
        right.append(answer.number == "".join(map(str, labels[chosen])))
    assert np.mean(right) >= (0.85 if kind == "in a comb" else 0.9)  # strokes touch its lines

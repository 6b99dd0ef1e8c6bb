"""The answer does not depend on how a picture was framed, scaled, coloured, lit or stored."""

import io
from pathlib import Path

import changes
import numpy as np
import pytest

from mnistnet import api
from mnistnet.data import mnist
from mnistnet.image.digit import read_picture
from mnistnet.image.drawn import draw
from mnistnet.model.options import Options
from mnistnet.model.state import split


@pytest.fixture(scope="module")
def network() -> api.Network:
    return api.load_network()


def read(network: api.Network, files: list[io.BytesIO]) -> list[str]:
    """The digits read in each picture."""
    answers = [api.judge(network, read_picture(file.getvalue())) for file in files]
    return ["".join(str(digit.digit) for digit in answer.digits) for answer in answers]


def share_read(network: api.Network, change: str, images: np.ndarray, labels: np.ndarray) -> float:
    """The share of the images (n, 28, 28) that are read as their labels after this change."""
    rng = np.random.default_rng(1)
    found = read(network, [changes.CHANGES[change](image, rng) for image in images])
    return float(np.mean(np.array(found) == labels.astype(str)))


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
    chosen = split(len(data.images), Options())[1][:400]
    images, labels = data.images[chosen].reshape(-1, 28, 28), data.labels[chosen]
    before = (network.predict(images) == labels).mean()
    most = 0.015 if change in changes.DETAIL else 0.005
    assert share_read(network, change, images, labels) >= before - most - 1e-9


@pytest.mark.parametrize("width", [0, 0.02, 0.05, 0.1, 0.2])
def test_a_digit_is_read_in_any_pen(network: api.Network, width: float) -> None:
    """Pens are one pixel to a fifth of the height wide."""
    found = read(network, [changes.drawn(digit, width) for digit in range(10)])
    assert found == list("0123456789")


@pytest.mark.parametrize("kind", changes.ROWS)
def test_a_row_of_digits_is_read_as_a_number(network: api.Network, kind: str) -> None:
    rng = np.random.default_rng(5)
    images, labels = draw(100, rng)
    sure = network.probabilities(images)[np.arange(100), labels] > 0.99
    images, labels = images[sure].reshape(-1, 28, 28), labels[sure]
    rows = [rng.integers(0, len(images), rng.integers(2, 8)) for _ in range(20)]
    found = read(network, [changes.ROWS[kind](images[chosen], rng) for chosen in rows])
    right = [one == "".join(map(str, labels[row])) for one, row in zip(found, rows, strict=True)]
    assert np.mean(right) >= (0.85 if kind == "in a comb" else 0.9)  # strokes touch its lines

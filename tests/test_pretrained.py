"""The bundled weights are as good as the README says, and well calibrated; pictures are in
image/test_invariance.py."""

import re
from pathlib import Path

import numpy as np
import pytest
from bench import unseen
from bench.calibrate import fit_temperature

from mnistnet.data import mnist
from mnistnet.image import drawn
from mnistnet.model import weights
from mnistnet.model.network import log_probabilities, logistic_loss
from mnistnet.report.evaluation import evaluate

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def network() -> weights.Perceptron:
    return weights.load(weights.PRETRAINED)[0]


def test_the_file_is_small_and_records_its_training_images() -> None:
    assert weights.PRETRAINED.stat().st_size < 3_000_000
    meta = weights.load_all(weights.PRETRAINED).meta
    assert meta["data"]["published"]
    hashes = [file.sha256 for file in mnist.FILES[:2]]
    assert list(meta["data"]["sha256"].values()) == hashes


def test_the_accuracy_on_the_test_set_is_that_in_the_readme(
    network: weights.Perceptron, real_mnist: Path
) -> None:
    stated = re.search(r"the bundled\s+weights (\d\d\.\d\d) %", README.read_text())
    assert stated
    data = mnist.load(real_mnist, "test")
    accuracy = evaluate(network, data.images, data.labels, np.arange(10_000)).accuracy
    probabilities = np.exp(log_probabilities(network.image_scores(data.images)))
    assert probabilities.max(axis=1).mean() == pytest.approx(accuracy, abs=0.01)  # calibrated
    # another BLAS may round differently, and change a close answer
    assert accuracy == pytest.approx(float(stated[1]) / 100, abs=1.5e-4)


def test_scores_distinguish_digits_from_other_images(network: weights.Perceptron) -> None:
    """For kinds of images and for digits that were not used for training."""
    rng = np.random.default_rng(11)
    digits, labels = drawn.draw(400, rng)
    scores = network.image_scores(digits)
    right = scores.max(axis=1)[scores.argmax(axis=1) == labels]
    kinds = unseen.draw(100, rng)
    for images in kinds.values():
        others = network.image_scores(images).max(axis=1)
        assert (right[:, None] > others).mean() > 0.96
        assert (others > np.quantile(right, 0.06)).mean() < 0.15
    everything = network.image_scores(np.concatenate(list(kinds.values()))).max(axis=1)
    assert (everything > np.quantile(right, 0.06)).mean() < 0.06


def test_no_other_temperature_has_a_lower_loss() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(0, 9, (50, 10)), rng.integers(0, 10, 50)
    best = fit_temperature(scores, labels)
    loss, *others = (
        logistic_loss(log_probabilities(scores / t), labels)
        for t in (best, best * 1.01, best / 1.01)
    )
    assert loss < min(others)
    assert fit_temperature(scores / best, labels) == pytest.approx(1)
    assert fit_temperature(5 * np.eye(10), np.arange(10)) == pytest.approx(0.01)

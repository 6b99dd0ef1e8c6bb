"""Temperature scaling finds the temperature with the lowest loss and changes no answer."""

import numpy as np
import pytest

from mnistnet.model.calibration import calibrate, fit_temperature
from mnistnet.model.network import Network, log_probabilities, logistic_loss


@pytest.mark.parametrize("temperature", [0.2, 1.0, 7.0])
def test_the_temperature_of_scaled_scores_is_found(temperature: float) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, (20_000, 10))
    cumulative = np.exp(log_probabilities(scores)).cumsum(axis=1)
    labels = (rng.random((20_000, 1)) > cumulative).sum(axis=1).clip(max=9)
    assert fit_temperature(scores * temperature, labels) == pytest.approx(temperature, rel=0.03)


def test_no_other_temperature_has_a_lower_loss() -> None:
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(0, 9, (50, 10)), rng.integers(0, 10, 50)
    best = fit_temperature(scores, labels)
    loss, *others = (
        logistic_loss(log_probabilities(scores / t), labels)
        for t in (best, best * 1.01, best / 1.01)
    )
    assert loss < min(others)


def test_the_temperature_is_the_lower_bound_if_all_answers_are_right() -> None:
    labels = np.arange(10)
    assert fit_temperature(5 * np.eye(10), labels) == pytest.approx(0.01)


def test_calibration_divides_all_scores_and_a_second_one_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    network = Network.random((784, 20, 10), rng)
    images = rng.integers(0, 256, (300, 784), np.uint8)
    labels = network.image_scores(images).argmax(axis=1)
    labels[:60] = rng.integers(0, 10, 60)
    before = network.image_scores(images)
    temperature = calibrate(network, images, labels)
    after = network.image_scores(images)
    assert np.allclose(after * temperature, before, rtol=1e-4, atol=1e-5)
    assert calibrate(network, images, labels) == pytest.approx(1, abs=1e-4)

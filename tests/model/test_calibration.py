"""Calibration finds the temperature with the lowest loss, and changes no answer."""

import numpy as np
import pytest

from mnistnet.model.calibration import calibrate
from mnistnet.model.network import Network, log_probabilities, logistic_loss


def test_all_scores_are_divided_by_the_temperature_with_the_lowest_loss() -> None:
    rng = np.random.default_rng(2)
    network = Network.random((784, 20, 10), rng)
    images = rng.integers(0, 256, (300, 784), np.uint8)
    labels = network.image_scores(images).argmax(axis=1)
    everything_right = Network.random((784, 20, 10), np.random.default_rng(2))
    assert calibrate(everything_right, images, labels) == pytest.approx(0.01)
    labels[:60] = rng.integers(0, 10, 60)
    before = network.image_scores(images)
    temperature = calibrate(network, images, labels)
    after = network.image_scores(images)
    assert np.allclose(after * temperature, before, rtol=1e-4, atol=1e-5)
    losses = [logistic_loss(log_probabilities(after / t), labels) for t in (1, 1.01, 1 / 1.01)]
    assert losses[0] == min(losses)
    assert calibrate(network, images, labels) == pytest.approx(1, abs=1e-4)

"""The temperature that calibrates the bundled weights is the one with the lowest loss."""

import numpy as np
import pytest
from bench.calibrate import fit_temperature

from mnistnet.model.network import log_probabilities, logistic_loss


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

"""The notes' boxes, unit by unit; test_network.py compares them with matrices."""

import numpy as np
import pytest

from mnistnet.model.units import Unit, backpropagate, forward


def test_six_units_connected_as_in_the_notes_have_the_derivatives_of_differences() -> None:
    """Units 0 and 1 are inputs; a unit may skip layers or list a parent twice."""
    parents = [(0, 1), (0, 2), (1, 2, 3, 2), (0, 3, 4)]
    rng = np.random.default_rng(0)
    sigmas = ("tanh", "logistic", "identity", "identity")
    weights = [rng.normal(size=len(each)) for each in parents]
    x = np.array([0.5, -1.5])

    def units() -> list[Unit]:
        return [Unit(*each) for each in zip(parents, weights, sigmas, strict=True)]

    loss, dv, dw = backpropagate(units(), x, 0, outputs=2)
    v, slopes = forward(units(), x)
    assert loss == pytest.approx(np.log(np.exp(v[-2:]).sum()) - v[-2])
    assert v[3] == pytest.approx(1 / (1 + np.exp(-weights[1] @ v[[0, 2]])))
    assert slopes[3] == pytest.approx(v[3] * (1 - v[3]))
    for array, found in [(x, dv[:2]), *zip(weights, dw, strict=True)]:
        for place in range(len(array)):
            losses = []
            for step in (1e-6, -2e-6):
                array[place] += step
                losses.append(backpropagate(units(), x, 0, outputs=2)[0])
            array[place] += 1e-6
            assert found[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, rel=1e-7)


def test_parents_come_before_their_children() -> None:
    message = "expected earlier units, each with a weight, as parents of unit 2"
    for unit in (Unit((0, 2), (1, 1)), Unit((0, 1), (1,)), Unit((-1,), (1,))):
        with pytest.raises(ValueError, match=message):
            forward([unit], [1, 2])

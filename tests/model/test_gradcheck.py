"""The gradient check passes what is right and catches what is wrong."""

import numpy as np
import pytest

from mnistnet.model import autodiff, gradcheck
from mnistnet.model.network import Buffers, Network, backpropagate


def check(layers: tuple[int, ...] = (20, 6, 5, 4), seed: int = 0) -> gradcheck.GradientCheck:
    rng = np.random.default_rng(seed)
    network = Network.random(layers, rng)
    before = network.parameters.tobytes()
    x, labels = rng.random((7, layers[0]), np.float32), rng.integers(0, layers[-1], 7)
    result = gradcheck.check_gradient(network, x, labels, rng)
    assert network.parameters.tobytes() == before
    return result


@pytest.mark.parametrize("layers", [(20, 6, 5, 4), (30, 4), (784, 72, 10)])
def test_backprop_is_right(layers: tuple[int, ...]) -> None:
    result = check(layers)
    assert result.ok
    assert result.backprop_vs_autodiff < 1e-10
    assert result.backprop_vs_finite_differences < 1e-7


def test_backprop_is_right_for_images_of_no_digit() -> None:
    rng = np.random.default_rng(1)
    network = Network.random((20, 6, 4), rng)
    labels = np.array([0, 4, 1, 4, 3])
    assert gradcheck.check_gradient(network, rng.random((5, 20), np.float32), labels, rng).ok


def test_every_weight_of_a_small_matrix_is_tried_and_a_sample_of_a_large_one() -> None:
    small = check((20, 6, 5, 4))
    assert small.sampled == small.parameters == 20 * 6 + 6 * 5 + 5 * 4
    large = check((784, 72, 10))
    assert (large.sampled, large.parameters) == (500 + 500, 784 * 72 + 72 * 10)


@pytest.mark.parametrize("error", [1e-3, 1e-8])
def test_a_backprop_that_is_off_in_one_weight_is_caught(
    monkeypatch: pytest.MonkeyPatch, error: float
) -> None:
    """By a thousandth, and by less than finite differences can tell."""

    def wrong(network: Network, x: np.ndarray, labels: np.ndarray, buffers: Buffers) -> object:
        result = backpropagate(network, x, labels, buffers)
        gradient = buffers.gradients[1].reshape(-1)
        gradient[np.abs(gradient).argmax()] *= 1 + error
        return result

    monkeypatch.setattr(gradcheck, "backpropagate", wrong)
    result = check()
    assert not result.ok
    assert result.backprop_vs_autodiff == pytest.approx(error, rel=1e-3)
    assert result.backprop_vs_finite_differences == pytest.approx(error, rel=1e-3, abs=1e-7)


def test_a_wrong_derivative_of_an_operation_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = autodiff.operation("tanh", np.tanh, lambda g, y, x: g * (1 - y))
    monkeypatch.setattr(autodiff, "tanh", wrong)
    result = check()
    assert not result.ok
    assert result.backprop_vs_autodiff > 1e-3
    assert result.backprop_vs_finite_differences < 1e-7


def test_a_gradient_that_is_not_a_number_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:

    def wrong(network: Network, x: np.ndarray, labels: np.ndarray, buffers: Buffers) -> object:
        result = backpropagate(network, x, labels, buffers)
        buffers.gradients[0][0, 0] = np.nan
        return result

    monkeypatch.setattr(gradcheck, "backpropagate", wrong)
    assert not check().ok

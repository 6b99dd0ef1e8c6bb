"""The gradient check accepts right gradients and catches wrong ones."""

import inspect

import numpy as np
import pytest

from mnistnet.model import gradcheck
from mnistnet.model import network as network_module
from mnistnet.model.network import Perceptron, backpropagate


def check(
    layers: tuple[int, ...] = (20, 6, 5, 4), seed: int = 0, factor: float = 1
) -> gradcheck.GradientCheck:
    rng = np.random.default_rng(seed)
    network = Perceptron.random(layers, rng)
    network.parameters *= factor
    before = network.parameters.tobytes()
    x, labels = rng.random((7, layers[0]), np.float32), rng.integers(0, layers[-1], 7)
    result = gradcheck.check_gradient(network, x, labels, rng)
    assert network.parameters.tobytes() == before
    return result


def test_backpropagation_passes_and_a_sample_of_large_matrices_is_tried() -> None:
    small, large = check((20, 6, 5, 4)), check((784, 72, 10))
    for result in (small, large, check((30, 4))):
        assert result.ok
        assert result.backprop_vs_autodiff < 1e-10
        assert result.backprop_vs_finite_differences < 1e-7
    assert small.sampled == small.parameters == 20 * 6 + 6 * 5 + 5 * 4
    assert (large.sampled, large.parameters) == (500 + 500, 784 * 72 + 72 * 10)


def test_backpropagation_passes_for_images_without_a_digit() -> None:
    rng = np.random.default_rng(1)
    network = Perceptron.random((20, 6, 4), rng)
    labels = np.array([0, 4, 1, 4, 3])
    assert gradcheck.check_gradient(network, rng.random((5, 20), np.float32), labels, rng).ok


def alter(monkeypatch: pytest.MonkeyPatch, layer: int, rank: float, factor: float) -> None:
    """Multiply a derivative by a factor: rank 0 is the smallest of the layer, 1 the largest."""

    def wrong(network: Perceptron, x: np.ndarray, labels: np.ndarray) -> object:
        loss, gradient, f = backpropagate(network, x, labels)
        part = network.split(gradient)[layer].reshape(-1)
        part[np.argsort(np.abs(part))[round(rank * (len(part) - 1))]] *= factor
        return loss, gradient, f

    monkeypatch.setattr(gradcheck, "backpropagate", wrong)


@pytest.mark.parametrize("error", [1e-3, 1e-8])
def test_the_size_of_an_error_in_one_weight_is_reported(
    monkeypatch: pytest.MonkeyPatch, error: float
) -> None:
    alter(monkeypatch, 1, 1, 1 + error)
    result = check()
    assert not result.ok
    assert result.backprop_vs_autodiff == pytest.approx(error, rel=1e-3)
    assert result.backprop_vs_finite_differences == pytest.approx(error, rel=1e-3, abs=1e-7)


@pytest.mark.parametrize("layers", [(30, 12, 10), (30, 12, 9, 7, 10), (30, 10)])
@pytest.mark.parametrize("factor", [1e-8, 1e-4, 1e2, 1e4, 1e6, 1e8])
def test_a_right_gradient_passes_for_weights_of_any_size(
    factor: float, layers: tuple[int, ...]
) -> None:
    assert all(check(layers, seed, factor).ok for seed in range(3))


def test_a_right_gradient_passes_in_600_layers() -> None:
    assert check((20, *[4] * 600, 4), factor=3).ok


@pytest.mark.parametrize("factor", [1, 5, 10])
def test_a_right_gradient_passes_for_a_nearly_perfect_fit(factor: float) -> None:
    rng = np.random.default_rng(0)
    network = Perceptron.random((50, 12, 10), rng, np.float64)
    x, labels = rng.random((20, 50)), rng.integers(0, 10, 20)
    loss, rate = np.inf, 0.5
    while loss > 1e-5:
        loss, gradient, _ = backpropagate(network, x, labels)
        network.parameters -= rate * gradient
        rate = min(1.01 * rate, 50)
    network.parameters *= factor
    assert gradcheck.check_gradient(network, x, labels, rng).ok


WRONG = {
    "tanh'": ("(1 - h[layer] ** 2)", "(1.001 - h[layer] ** 2)"),
    "softmax": ("(np.exp(log_p) - t)", "(np.exp(log_p) - 1.001 * t)"),
    "the mean": (" - t) / n", " - t) / (1.001 * n)"),
    "the signal": ("delta @ W[layer]", "delta @ (1.001 * W[layer])"),
    "the features": ("h[layer], out=", "1.001 * h[layer], out="),
}


@pytest.mark.parametrize("factor", [1, 1e2])
@pytest.mark.parametrize("kind", WRONG)
def test_an_error_of_a_thousandth_in_a_formula_is_caught(
    monkeypatch: pytest.MonkeyPatch, kind: str, factor: float
) -> None:
    right, wrong = WRONG[kind]
    source = inspect.getsource(backpropagate)
    assert source.count(right) == 1
    names = dict(vars(network_module))
    exec(source.replace(right, wrong), names)
    monkeypatch.setattr(gradcheck, "backpropagate", names["backpropagate"])
    result = check(factor=factor)
    assert not result.autodiff_agrees
    assert not result.finite_differences_agree


@pytest.mark.parametrize("factor", [1.001, np.nan])
@pytest.mark.parametrize("rank", [0, 0.5, 1])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_an_error_of_a_thousandth_or_nan_in_one_weight_is_caught(
    monkeypatch: pytest.MonkeyPatch, layer: int, rank: float, factor: float
) -> None:
    alter(monkeypatch, layer, rank, factor)
    assert not check().ok

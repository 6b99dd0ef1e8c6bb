"""The network computes the notes' formulas, and backpropagate computes their gradient.

The gradient is checked against one worked by hand and the notes' boxes, unit by unit; and against
automatic differentiation and finite differences in test_gradcheck.py.
"""

import math

import numpy as np
import pytest

from mnistnet.model.network import NONE, Perceptron, backpropagate, log_probabilities, logistic_loss
from mnistnet.model.units import Unit, forward
from mnistnet.model.units import backpropagate as backpropagation


def example(layers: tuple[int, ...], count: int, seed: int = 0) -> tuple:
    """A float64 network, count inputs in [0, 1], and labels."""
    rng = np.random.default_rng(seed)
    network = Perceptron.random(layers, rng, np.float64)
    return network, rng.random((count, layers[0])), rng.integers(0, layers[-1], count)


def test_the_gradient_agrees_with_one_worked_by_hand() -> None:
    """One input, one hidden unit and two scores, with round results.

    x = 1, M = [ln 2], so h = tanh(ln 2) = (2 - 1/2) / (2 + 1/2) = 0.6.
    W = [[0], [-(5/3) ln 3]], so f = (0, -ln 3).
    The sum of exponentials is 1 + 1/3 = 4/3, so p = (3/4, 1/4).
    y = 1: L = ln(4/3) - (-ln 3) = ln 4.
    dL/df = p - (0, 1) = (3/4, -3/4).
    dL/dW = dL/df h = (0.45, -0.45).
    dL/dh = sum of dL/df W = -3/4 * -(5/3) ln 3 = 1.25 ln 3.
    dL/da = dL/dh (1 - h^2) = 1.25 ln 3 * 0.64 = 0.8 ln 3, which is dL/dM since x = 1.
    """
    network = Perceptron((1, 1, 2), np.float64)
    M, W = network.matrices
    M[...] = math.log(2)
    W[...] = [[0], [-5 / 3 * math.log(3)]]

    assert network.scores(np.ones((1, 1))) == pytest.approx(np.array([[0, -math.log(3)]]))
    loss, gradient, f = backpropagate(network, np.ones((1, 1)), np.array([1]))
    dM, dW = network.split(gradient)
    assert loss == pytest.approx(math.log(4))
    assert f == pytest.approx(np.array([[0, -math.log(3)]]))
    assert dM == pytest.approx(np.array([[0.8 * math.log(3)]]))
    assert dW == pytest.approx(np.array([[0.45], [-0.45]]))


def unit_by_unit(network: Perceptron, x: np.ndarray, label: int) -> tuple:
    """Loss, gradient and scores of an image, by the notes' boxes. The t of an image without a digit
    is the mean of those of all digits."""
    units, first = [], 0
    for W in network.matrices:
        sigma = "identity" if W is network.matrices[-1] else "tanh"
        units += [Unit(range(first, first + len(w)), w, sigma) for w in W]
        first += W.shape[1]
    digits = range(10) if label == NONE else [label]
    found = [backpropagation(units, x, digit, outputs=10) for digit in digits]
    gradient = np.mean([np.concatenate(dw) for _, _, dw in found], axis=0)
    return np.mean([loss for loss, _, _ in found]), gradient, forward(units, x)[0][-10:]


@pytest.mark.parametrize("layers", [(6, 5, 10), (4, 6, 5, 10), (5, 10), (3, 4, 4, 4, 10)])
def test_matrices_compute_what_the_notes_boxes_compute_unit_by_unit(
    layers: tuple[int, ...],
) -> None:
    network, x, labels = example(layers, count=7)
    labels[2:4] = NONE
    loss, gradient, f = backpropagate(network, x, labels)
    expected = [unit_by_unit(network, *each) for each in zip(x, labels, strict=True)]
    losses, gradients, scores = map(np.array, zip(*expected, strict=True))
    assert f == pytest.approx(scores, rel=1e-12)
    assert loss == pytest.approx(losses.mean(), rel=1e-12)
    assert logistic_loss(log_probabilities(network.scores(x)), labels) == pytest.approx(loss)
    assert gradient == pytest.approx(gradients.mean(axis=0), rel=1e-12, abs=1e-15)


def test_probabilities_of_large_scores_do_not_overflow() -> None:
    scores = np.array([[1000.0, 0, 0], [-1000, -1000, -1000], [0, 1000, 1000]])
    p = np.exp(log_probabilities(scores))
    assert p == pytest.approx(np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0, 0.5, 0.5]]))
    assert logistic_loss(log_probabilities(scores), np.array([1, 0, 1])) == pytest.approx(
        (1000 + math.log(3) + math.log(2)) / 3
    )


def test_initial_weights_have_the_standard_deviation_of_the_docstring() -> None:
    M, W = Perceptron.random((784, 72, 10), np.random.default_rng(1)).matrices
    assert (M.shape, W.shape) == ((72, 784), (10, 72))
    assert M.std() == pytest.approx(1 / 28, rel=0.02)
    assert W.std() == pytest.approx(1 / math.sqrt(72), rel=0.1)

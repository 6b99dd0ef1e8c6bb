"""Is the gradient right? Backprop against two independent ways to differentiate the same loss.

Automatic differentiation (autodiff.py) of the loss written as an expression covers every weight,
at the cost of a few forward passes. Central finite differences, as the notes' footnote suggests,

    dL/dw ~ (L(w + step) - L(w - step)) / (2 step)

share no code with either, but cost two forward passes a weight, so that of a large matrix only a
random sample of weights is tried. All three compute in float64.
"""

from dataclasses import dataclass

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model import autodiff
from mnistnet.model.network import (
    Buffers,
    Network,
    backpropagate,
    log_probabilities,
    logistic_loss,
    targets,
)
from mnistnet.model.threads import one_blas_thread

SAMPLE = 500  # weights of each matrix that finite differences try; all of a smaller one
STEP = 1e-5  # of a weight; the differences err by about STEP^2, and by rounding, 1e-16 / STEP
AUTODIFF_TOLERANCE = 1e-10
DIFFERENCES_TOLERANCE = 1e-6


@dataclass(frozen=True)
class GradientCheck:
    """Largest errors of backpropagation's gradient, relative to the largest derivative in the same
    matrix; sampled is the number of weights that finite differences tried."""

    parameters: int
    sampled: int
    backprop_vs_autodiff: float
    backprop_vs_finite_differences: float

    @property
    def ok(self) -> bool:
        """Whether both errors are as small as float64 lets a right gradient be."""
        return (
            self.backprop_vs_autodiff <= AUTODIFF_TOLERANCE
            and self.backprop_vs_finite_differences <= DIFFERENCES_TOLERANCE
        )


@one_blas_thread()
def check_gradient(
    network: Network, x: Array, labels: Array, rng: np.random.Generator
) -> GradientCheck:
    """Check backpropagate on x (n, 784) in [0, 1] with labels (n,); the network is left as it is.

    rng draws the weights that finite differences try.
    """
    exact = Network(network.layers, np.float64)
    exact.parameters[:] = network.parameters
    x = x.astype(np.float64)
    buffers = Buffers(exact, len(x))
    backpropagate(exact, x, labels, buffers)
    automatic = autodiff_gradients(exact, x, labels)
    samples = [rng.choice(W.size, min(W.size, SAMPLE), replace=False) for W in exact.matrices]
    differences = [
        _finite_differences(exact, W, sample, x, labels)
        for W, sample in zip(exact.matrices, samples, strict=True)
    ]
    sampled = [g.reshape(-1)[sample] for g, sample in zip(buffers.gradients, samples, strict=True)]
    scales = [np.abs(gradient).max() for gradient in automatic]
    return GradientCheck(
        parameters=len(exact.parameters),
        sampled=sum(map(len, samples)),
        backprop_vs_autodiff=_largest_error(buffers.gradients, automatic, scales),
        backprop_vs_finite_differences=_largest_error(sampled, differences, scales),
    )


def _largest_error(mine: list[Array], other: list[Array], scales: list[float]) -> float:
    """The largest difference, relative to the scale of its matrix, NaN if any is."""
    errors = [
        np.abs(a - b).max() / (scale or 1) for a, b, scale in zip(mine, other, scales, strict=True)
    ]
    return float(np.max(errors))


def autodiff_gradients(network: Network, x: Array, labels: Array) -> list[Array]:
    """The gradient of the mean loss in each matrix, by automatic differentiation."""
    variables = [autodiff.Variable(W) for W in network.matrices]
    *hidden, W_out = variables
    h: autodiff.Node = autodiff.Variable(x)
    for W in hidden:
        h = autodiff.tanh(h @ autodiff.transpose(W))
    f = h @ autodiff.transpose(W_out)
    t = targets(network.layers[-1])[:, labels].T
    losses = autodiff.logsumexp(f, axis=1) - autodiff.sum(t * f, axis=1)
    return autodiff.gradients(autodiff.mean(losses), variables)


def _finite_differences(
    network: Network, W: Array, sample: Array, x: Array, labels: Array
) -> Array:
    """Central differences of the mean loss in these weights of W, one of the network's matrices."""

    def loss() -> float:
        return logistic_loss(log_probabilities(network.scores(x)), labels)

    weights = W.reshape(-1)  # a view: changing it changes the network
    gradient = np.empty(len(sample))
    for i, position in enumerate(sample):
        weight = weights[position]
        weights[position] = weight + STEP
        above = loss()
        weights[position] = weight - STEP
        gradient[i] = (above - loss()) / (2 * STEP)
        weights[position] = weight
    return gradient

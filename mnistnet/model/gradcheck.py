"""Check backpropagation against automatic differentiation and finite differences.

Automatic differentiation (autodiff.py) covers every weight at the cost of a few forward passes.
Finite differences share no code with the other two, but need a forward pass per weight, so only a
random sample of the weights of a large matrix is tried. The quotient in the notes' footnote,
(L(w + step) - L(w - step)) / (2 step), loses digits in the subtraction: all of them if the network
is deep, its weights are large or its fit is nearly perfect. An imaginary step needs no subtraction
and can be tiny (Squire and Trapp 1998, Using complex variables to estimate derivatives of real
functions):

    dL/dw ~ Im L(w + i step) / step

All three compute in float64. Two derivatives agree if they differ by no more than the rounding
error estimated for that weight. An error of 0.1 % is found wherever float64 can resolve it.
"""

from dataclasses import dataclass

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model import autodiff
from mnistnet.model.network import Buffers, Network, backpropagate, log_probabilities, targets
from mnistnet.model.threads import one_blas_thread

SAMPLE = 500  # weights of each matrix tried by finite differences
PASSES = 100_000  # layers computed for it at most; limits the sample in deep networks
STEP = 1e-30  # imaginary; the error, of order STEP**2, vanishes in float64
TOLERANCE = 1e-10  # relative to the derivative
FLOOR = 1e-12  # relative to the largest derivative in the matrix
ROUNDINGS = 30  # standard deviations of the rounding error
RUNS = 8  # randomly rounded gradients from which the rounding error is estimated
UNITS = 2.0**-50  # relative size of a random rounding


@dataclass(frozen=True)
class GradientCheck:
    """The result of a gradient check.

    parameters, sampled     weights of the network, and how many of them finite differences tried
    backprop_vs_...         largest error relative to the largest derivative in the same matrix (or
                            to 3e11 times its rounding error, if that is larger)
    ..._agrees              whether rounding explains every error
    """

    parameters: int
    sampled: int
    backprop_vs_autodiff: float
    backprop_vs_finite_differences: float
    autodiff_agrees: bool
    finite_differences_agree: bool

    @property
    def ok(self) -> bool:
        """Whether backpropagation agrees with both methods."""
        return self.autodiff_agrees and self.finite_differences_agree


@one_blas_thread()
def check_gradient(
    network: Network, x: Array, labels: Array, rng: np.random.Generator
) -> GradientCheck:
    """Check backpropagate on x (n, 784) in [0, 1] with labels (n,), without changing the network.

    rng samples the weights for finite differences.
    """
    exact = Network(network.layers, np.float64)
    exact.parameters[:] = network.parameters
    x = x.astype(np.float64)
    buffers = Buffers(exact, len(x))
    backpropagate(exact, x, labels, buffers)
    backprop, automatic = buffers.gradients, autodiff_gradients(exact, x, labels)
    noise = rounding(exact, x, labels, rng)
    depth = len(exact.matrices)
    most = min(SAMPLE, max(PASSES // depth**2, 1))
    samples = [rng.choice(W.size, min(W.size, most), replace=False) for W in exact.matrices]
    differences = [
        _finite_differences(exact, layer, sample, x, labels) for layer, sample in enumerate(samples)
    ]

    def sampled(arrays: list[Array]) -> list[Array]:
        return [array.reshape(-1)[sample] for array, sample in zip(arrays, samples, strict=True)]

    autodiff_agrees, autodiff_error = _compare(backprop, automatic, noise, automatic)
    agree, error = _compare(sampled(backprop), differences, sampled(noise), automatic)
    tried = sum(map(len, samples))
    return GradientCheck(
        len(exact.parameters), tried, autodiff_error, error, autodiff_agrees, agree
    )


def _compare(
    backprop: list[Array], other: list[Array], noise: list[Array], gradient: list[Array]
) -> tuple[bool, float]:
    """Whether rounding (noise, a standard deviation) explains all differences, and the largest of
    them relative to the largest derivative of its matrix; NaN if any difference is NaN."""
    agree, errors = True, []
    for a, b, sigma, g in zip(backprop, other, noise, gradient, strict=True):
        error, explained = np.abs(a - b), ROUNDINGS * sigma
        largest = np.abs(g).max()
        agree &= bool((error <= TOLERANCE * np.abs(b) + explained + FLOOR * largest).all())
        scale = largest + explained / TOLERANCE
        errors.append((error / np.where(scale, scale, 1)).max())
    return agree, float(np.max(errors))


def autodiff_gradients(network: Network, x: Array, labels: Array) -> list[Array]:
    """Gradient of the mean loss by each matrix, by automatic differentiation."""
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
    network: Network, layer: int, sample: Array, x: Array, labels: Array
) -> Array:
    """Derivatives by a sample of the weights of one matrix. A step of a weight changes the input of
    one unit only, so the layers below are computed once."""
    t = targets(network.layers[-1])[:, labels].T
    below = x
    for W in network.matrices[:layer]:
        below = np.tanh(below @ W.T)
    before = (below @ network.matrices[layer].T).astype(np.complex128)

    def loss(a: Array) -> complex:
        for W in network.matrices[layer + 1 :]:
            a = np.tanh(a) @ W.T
        f = a - a.real.max(axis=1, keepdims=True)
        return complex((np.log(np.exp(f).sum(axis=1)) - (t * f).sum(axis=1)).mean())

    gradient = np.empty(len(sample))
    for i, position in enumerate(sample):
        unit, source = divmod(int(position), below.shape[1])
        a = before.copy()
        a[:, unit] += 1j * STEP * below[:, source]
        gradient[i] = loss(a).imag / STEP
    return gradient


def rounding(network: Network, x: Array, labels: Array, rng: np.random.Generator) -> list[Array]:
    """Estimate the standard deviation of the rounding error of each derivative.

    It is that of gradients computed with random rounding (Vignes 2004, Discrete stochastic
    arithmetic); infinite in a matrix whose derivatives are mostly rounding error.
    """
    first = _randomly_rounded(network, x, labels, rng)
    squares = [np.zeros_like(gradient) for gradient in first]
    for _ in range(RUNS):
        for total, a, b in zip(
            squares, first, _randomly_rounded(network, x, labels, rng), strict=True
        ):
            total += (a - b) ** 2
    deviations = [np.sqrt(total / (2 * RUNS)) for total in squares]
    for gradient, sigma in zip(first, deviations, strict=True):
        if ROUNDINGS * np.linalg.norm(sigma) > np.linalg.norm(gradient) > 0:
            sigma[...] = np.inf
    return deviations


def _randomly_rounded(
    network: Network, x: Array, labels: Array, rng: np.random.Generator
) -> list[Array]:
    """The gradient, with random errors in the last digits of all factors and terms."""

    def rounded(values: Array) -> Array:
        return values * (1 + UNITS * rng.standard_normal(values.shape))

    W = network.matrices
    h = [x.T]
    for M in W[:-1]:
        h.append(np.tanh(rounded(M) @ rounded(h[-1])))
    f = rounded(W[-1]) @ rounded(h[-1])
    p, t = np.exp(log_probabilities(f.T)).T, targets(len(f))[:, labels]
    delta = (rounded(p) - rounded(t)) / len(labels)
    gradients = []
    for layer in reversed(range(len(W))):
        gradients.append(rounded(delta) @ rounded(h[layer]).T)
        squares = h[layer] ** 2
        delta = rounded(W[layer]).T @ rounded(delta)
        delta *= rounded(np.ones_like(squares)) - rounded(squares)
    return gradients[::-1]

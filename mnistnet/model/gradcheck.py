"""Check backpropagation against automatic differentiation and finite differences.

Automatic differentiation (autodiff.py) covers every weight at the cost of a few forward passes.
Finite differences share no derivative with the other two, but need a forward pass per weight, so
only a random sample of a large matrix is tried. The quotient in the notes' footnote, (L(w + step) -
L(w - step)) / (2 step), loses digits in the subtraction: all of them in a deep network. An
imaginary step needs no subtraction and can be tiny (Squire and Trapp 1998, Using complex variables
to estimate derivatives of real functions):

    dL/dw ~ Im L(w + i step) / step

All three compute in float64. Two derivatives agree if they differ by no more than the rounding
error estimated for that weight. An error of 0.1 % is found wherever float64 can resolve it.
"""

import timeit
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistnet.arrays import Array
from mnistnet.errors import MnistnetError
from mnistnet.model import autodiff
from mnistnet.model.network import (
    Perceptron,
    backpropagate,
    forward,
    log_probabilities,
    logistic_loss,
    targets,
)
from mnistnet.model.threads import one_blas_thread

SAMPLE = 500  # weights of each matrix tried by finite differences
FEW = 10  # weights of the network tried with every epsilon
PASSES = 100_000  # layers computed for it at most; limits the sample in deep networks
WORK = 2_800_000_000  # weights passed for it at most; a unit costs as much as 200 of them
LARGEST = 6_000_000  # weights of a network that is checked, to bound memory
STEP = 1e-30  # imaginary; the error, of order STEP**2, vanishes in float64
TOLERANCE = 1e-10  # relative to the derivative
FLOOR = 1e-12  # relative to the largest derivative in the matrix
UNIT = 2.0**-50  # relative error allowed for a value: 8 roundings of float64


@dataclass(frozen=True)
class GradientCheck:
    """The result of a gradient check. An error is relative to the largest derivative in the same
    matrix plus the rounding error / TOLERANCE."""

    parameters: int  # weights of the network
    sampled: int  # of them tried by finite differences
    backprop_vs_autodiff: float  # largest error
    backprop_vs_finite_differences: float
    autodiff_agrees: bool  # whether rounding explains every error
    finite_differences_agree: bool

    @property
    def ok(self) -> bool:
        """Whether backpropagation agrees with both methods."""
        return self.autodiff_agrees and self.finite_differences_agree


@one_blas_thread()
def check_gradient(
    network: Perceptron, x: Array, labels: Array, rng: np.random.Generator
) -> GradientCheck:
    """Check backpropagate on x (n, 784) in [0, 1] with labels (n,), without changing the network;
    rng samples the weights for finite differences. Raises MnistnetError if it is too large."""
    count, depth = len(network.parameters), len(network.matrices)
    work = (count + 200 * sum(network.layers)) * depth
    if count > LARGEST or work > WORK:
        found = f"{count:,} weights in {depth:,} matrices"
        raise MnistnetError(f"expected a smaller network to check; found {found}")
    exact = network.in_float64()
    x = x.astype(np.float64)
    most = min(SAMPLE, max(PASSES // depth**2, 1), WORK // work)
    rows = [
        rng.choice(places.ravel(), min(places.size, most), replace=False)
        for places in exact.split(np.arange(len(exact.parameters)))
    ]
    backprop, automatic = backpropagate(exact, x, labels)[1], autodiff_gradients(exact, x, labels)
    numeric, noise = finite_differences(exact, rows, x, labels), rounding(exact, x, labels)
    largest = np.concatenate([np.full(g.size, np.abs(g).max()) for g in automatic])

    def compare(other: Array, rows: Any) -> tuple[bool, float]:
        """Whether rounding explains all differences, and the largest relative error, or NaN."""
        error, explained, top = np.abs(backprop[rows] - other), noise[rows], largest[rows]
        agree = error <= TOLERANCE * np.abs(other) + explained + FLOOR * top
        scale = top + explained / TOLERANCE
        return bool(agree.all()), float((error / np.where(scale, scale, 1)).max())

    autodiff_agrees, autodiff_error = compare(np.concatenate([g.ravel() for g in automatic]), ...)
    agree, error = compare(numeric, np.concatenate(rows))
    return GradientCheck(len(noise), len(numeric), autodiff_error, error, autodiff_agrees, agree)


def autodiff_gradients(network: Perceptron, x: Array, labels: Array) -> list[Array]:
    """Gradient of the mean loss by each matrix, by automatic differentiation."""
    variables = [autodiff.Variable(W) for W in network.matrices]
    h: autodiff.Node = autodiff.Variable(x)
    for M in variables[:-1]:
        h = autodiff.tanh(h @ M.T)
    f = h @ variables[-1].T
    t = targets(labels, f.value)
    losses = autodiff.logsumexp(f, axis=1) - autodiff.total(t * f, axis=1)
    return autodiff.gradients(autodiff.total(losses) / len(x), variables)


def finite_differences(network: Perceptron, rows: list[Array], x: Array, labels: Array) -> Array:
    """Derivatives by these weights of each matrix, rows of the parameters. A step of a weight
    changes the input of one unit only, so the layers below are computed once."""
    W = network.matrices
    h, f = forward(W, x)
    t = targets(labels, f)

    def loss(layer: int, a: Array) -> complex:
        """The loss for complex inputs a (n, units) of the units of a layer."""
        f = forward(W[layer + 1 :], np.tanh(a))[1] if layer + 1 < len(W) else a
        f = f - f.real.max(axis=1, keepdims=True)
        return complex((np.log(np.exp(f).sum(axis=1)) - (t * f).sum(axis=1)).mean())

    derivatives, first = [], 0
    for layer, M in enumerate(W):
        before = (h[layer] @ M.T).astype(np.complex128)
        for row in rows[layer].tolist():
            unit, source = divmod(row - first, M.shape[1])
            a = before.copy()
            a[:, unit] += 1j * STEP * h[layer][:, source]
            derivatives.append(loss(layer, a).imag / STEP)
        first += M.size
    return np.array(derivatives)


@np.errstate(over="ignore", invalid="ignore")  # an infinite bound explains any error
def rounding(network: Perceptron, x: Array, labels: Array) -> Array:
    """Bound the rounding error of each derivative, by a running error analysis (Higham 2002,
    Accuracy and Stability of Numerical Algorithms, section 3.3): each value is followed by a bound
    of its error, to first order."""
    W, sizes = network.matrices, [np.abs(M) for M in network.matrices]
    h, f = forward(W, x)
    errors = [np.zeros_like(x)]
    for below, size, above in zip(h, sizes, [*h[1:], f], strict=True):
        error = (errors[-1] + UNIT * np.abs(below)) @ size.T
        # tanh' = 1 - h^2 changes by a factor of at most exp(2 error)
        errors.append(np.minimum((1 - above**2) * error * np.exp(2 * error), 2))
    log_p = log_probabilities(f)
    p, t = np.exp(log_p), targets(labels, f)
    spread = (p * error).sum(axis=1, keepdims=True) + (1 - 2 * p) * error  # |dp/df| times error
    largest = np.abs(f).max(axis=1, keepdims=True)
    error = p * (spread + UNIT * (1 + largest)) + UNIT * t
    delta = p - t
    bounds = []
    for layer in reversed(range(len(W))):
        error += UNIT * np.abs(delta)
        own = np.abs(h[layer])
        bounds.append((error.T @ own + np.abs(delta).T @ errors[layer]) / len(x))
        signal, slope = delta @ W[layer], 1 - own**2
        error = error @ sizes[layer] * slope + np.abs(signal) * (2 * own * errors[layer] + UNIT)
        delta = signal * slope
    together = np.concatenate([bound.ravel() for bound in reversed(bounds)])
    together[np.isnan(together)] = np.inf
    return together


@one_blas_thread()
def try_epsilons(
    network: Perceptron, x: Array, labels: Array, rng: np.random.Generator
) -> dict[str, Any]:
    """Compare quotients with backpropagation in float64, on x (n, 784) with labels (n,).

    Returns the field "epsilon" of `gradcheck --json`: the relative errors of (L1 - L0) / epsilon
    and of the central quotient for a sample of the weights, and the seconds of a loss, a gradient,
    and the quotients (L1 - L0) / epsilon for all weights, estimated from the sample.
    """
    exact = network.in_float64()
    x = x.astype(np.float64)
    W, gradient = exact.parameters, backpropagate(exact, x, labels)[1]
    sample = rng.permutation(np.flatnonzero(gradient))[:FEW]
    expected = gradient[sample]

    def losses(step: float) -> Array:
        found = []
        for weight in sample:
            before = W[weight]
            W[weight] += step
            found.append(logistic_loss(log_probabilities(exact.scores(x)), labels))
            W[weight] = before
        return np.array(found)

    rows, unchanged = [], losses(0)
    for epsilon in (10.0**-power for power in range(1, 17)):
        above, below = losses(epsilon), losses(-epsilon)
        quotients = (above - unchanged) / epsilon, (above - below) / (2 * epsilon)
        errors = [float(np.linalg.norm(q - expected) / np.linalg.norm(expected)) for q in quotients]
        rows.append(dict(zip(("epsilon", "one_sided", "central"), (epsilon, *errors), strict=True)))
    each = min(timeit.repeat(lambda: losses(0), number=1, repeat=5)) / len(sample)
    whole = min(timeit.repeat(lambda: backpropagate(exact, x, labels), number=1, repeat=20))
    seconds = {"loss": each, "gradient": whole, "finite_differences": each * (len(W) + 1)}
    return {"sampled": len(sample), "errors": rows, "seconds": seconds}

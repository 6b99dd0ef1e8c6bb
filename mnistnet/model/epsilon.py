"""The finite differences of the notes' footnote 2, for every epsilon, and what a gradient costs."""

import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model.network import Perceptron, backpropagate, log_probabilities, logistic_loss
from mnistnet.model.threads import one_blas_thread

SAMPLE = 20  # weights tried, of those whose derivative is not 0


@one_blas_thread()
def try_epsilons(
    network: Perceptron, x: Array, labels: Array, rng: np.random.Generator
) -> dict[str, Any]:
    """Compare quotients with backpropagation in float64, on x (n, 784) with labels (n,).

    Returns, for each epsilon from 0.1 to 1e-16, the relative error of (L1 - L0) / epsilon and of
    the central quotient, for a random sample of the weights; and the seconds that a forward pass, a
    gradient, and one-sided quotients for all weights take, the last estimated from the sample.
    """
    exact, x = network.in_float64(), x.astype(np.float64)
    W, gradient = exact.parameters, backpropagate(exact, x, labels)[1]
    sample = rng.permutation(np.flatnonzero(gradient))[:SAMPLE]
    expected = gradient[sample]

    def loss() -> float:
        return logistic_loss(log_probabilities(exact.scores(x)), labels)

    def losses(step: float) -> Array:
        found = []
        for weight in sample:
            before = W[weight]
            W[weight] += step
            found.append(loss())
            W[weight] = before
        return np.array(found)

    def error(quotients: Array) -> float:
        return float(np.linalg.norm(quotients - expected) / (np.linalg.norm(expected) or 1))

    start, rows = loss(), []
    for epsilon in (10.0**-power for power in range(1, 17)):
        above, below = losses(epsilon), losses(-epsilon)
        one_sided, central = (above - start) / epsilon, (above - below) / (2 * epsilon)
        errors = {"one_sided": error(one_sided), "central": error(central)}
        rows.append({"epsilon": epsilon, **errors})
    forward, total = _seconds(loss), _seconds(lambda: losses(1e-8)) * len(W) / max(len(sample), 1)
    costs = {"forward": forward, "finite_differences": total}
    costs["gradient"] = _seconds(lambda: backpropagate(exact, x, labels))
    return {"weights": len(W), "sampled": len(sample), "epsilons": rows, "seconds": costs}


def _seconds(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, number=1, repeat=20))

"""Minibatch stochastic gradient descent with momentum and weight decay.

One step for each minibatch:

    g = dL/dw + decay * w            decay * w is the gradient of decay/2 * |w|^2
    v = momentum * v + g
    w = w - rate * v

With more than the notes' 72 units in the last hidden layer, the step of W is scaled by 72 / units.
A step of W changes the scores in proportion to the number of units, and would overshoot at the rate
that suits the other layers (Yang et al. 2022, https://arxiv.org/abs/2203.03466).
"""

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Self

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model.network import Buffers, Network, backpropagate
from mnistnet.model.options import Options

NOTES_UNITS = 72
WIDE = 200_000  # weights; from this size on two threads are faster than one


class Descent:
    """Gradient descent on a network's weights; a context manager.

    In a wide network two threads each compute the gradient of half a minibatch, then update half of
    the weights. The number of parts does not depend on the number of cores, so the results do not
    either. In a narrow network the synchronisation would cost more than it gains.
    """

    def __init__(self, network: Network, velocity: Array, options: Options) -> None:
        self.network, self.velocity, self.options = network, velocity, options
        count = len(network.parameters)
        self.threads = 2 if count >= WIDE and options.batch_size > 1 else 1
        size = -(-options.batch_size // self.threads)
        self.buffers = [Buffers(network, size) for _ in range(self.threads)]
        self.parts = _slices(count, self.threads)
        self.pool = ThreadPoolExecutor(1)  # starts its thread on first use

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def epoch(
        self, batches: Iterable[tuple[Array, Array]], rates: list[float]
    ) -> tuple[float, int]:
        """Take one step for each minibatch, x (n, 784) and labels (n,), at its learning rate.

        Returns the sum of the losses and the number of right answers; or, as soon as the mean loss
        of a minibatch is not finite, that loss.
        """
        total_loss, right = 0.0, 0
        for (x, labels), rate in zip(batches, rates, strict=True):
            n = len(labels)
            parts = _slices(n, min(self.threads, n))
            results = self._in_parallel(
                partial(backpropagate, self.network, x[part], labels[part], buffers, n)
                for part, buffers in zip(parts, self.buffers, strict=False)
            )
            loss = sum(loss for loss, _ in results)
            if not math.isfinite(loss):
                return loss, right
            total_loss += loss * n
            right += sum(right for _, right in results)
            gradients = [buffers.gradient for buffers in self.buffers[: len(parts)]]
            self._in_parallel(
                partial(step, self.network, self.velocity, gradients, rate, self.options, part)
                for part in self.parts
            )
        return total_loss, right

    def _in_parallel(self, jobs: Iterable[Callable[[], Any]]) -> list[Any]:
        """Run one job, or two at the same time, and return their results."""
        first, *others = jobs
        futures = [self.pool.submit(job) for job in others]
        return [first(), *(future.result() for future in futures)]


def _slices(count: int, parts: int) -> list[slice]:
    """Divide range(count) into slices of equal size; the last may be shorter."""
    size = -(-count // parts)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


@np.errstate(over="ignore", invalid="ignore")  # an overflow shows in the loss
def step(
    network: Network,
    velocity: Array,
    gradients: Sequence[Array],
    rate: float,
    options: Options,
    part: slice,
) -> None:
    """Apply the formulas above in place to a part of the weights (P,) and of the velocity (P,).

    The gradient is the sum of gradients, each (P,); the first of them is overwritten.
    """
    w, v = network.parameters[part], velocity[part]
    g, *others = (gradient[part] for gradient in gradients)
    for other in others:
        g += other
    v *= options.momentum
    v += g
    change = g  # reuses the memory of g
    v += np.multiply(w, options.weight_decay, out=change)
    np.multiply(v, rate, out=change)
    units = network.layers[-2]
    if units > NOTES_UNITS:
        first = len(network.parameters) - network.matrices[-1].size  # of W
        change[max(first - (part.start or 0), 0) :] *= NOTES_UNITS / units
    w -= change

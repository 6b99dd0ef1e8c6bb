"""A step of minibatch stochastic gradient descent with momentum.

For each minibatch, with g the gradient of its mean loss plus that of the weight decay:

    g = dL/dw + decay * w            the decay is the gradient of decay/2 * |w|^2
    v = momentum * v + g
    w = w - rate * v

If more than the notes' 72 units feed the scores, the step of W alone is scaled by 72 / units: a
step of W changes each score the more the more units there are, and would overshoot at the rate that
suits the layers below (Yang et al. 2022, https://arxiv.org/abs/2203.03466).
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
WIDE = 200_000  # weights, from which two threads are faster than one


class Descent:
    """Steps down the gradient; a context manager.

    In a wide network two threads compute the gradient, and then the update, of half a minibatch and
    half of the weights each: two halves whatever the number of cores, so that the results do not
    depend on it. In a narrow one handing over would cost more than it gains.
    """

    def __init__(self, network: Network, velocity: Array, options: Options) -> None:
        self.network, self.velocity, self.options = network, velocity, options
        count = len(network.parameters)
        self.threads = 2 if count >= WIDE and options.batch_size > 1 else 1
        size = -(-options.batch_size // self.threads)
        self.buffers = [Buffers(network, size) for _ in range(self.threads)]
        self.parts = _halves(count, self.threads)
        self.pool = ThreadPoolExecutor(1)  # which starts no thread before it is used

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.shutdown()

    def epoch(
        self, batches: Iterable[tuple[Array, Array]], rates: list[float]
    ) -> tuple[float, int]:
        """A step for each minibatch; the sum of the losses, and the number of right answers. A loss
        that is not finite ends it, and is returned."""
        total_loss, right = 0.0, 0
        for (x, labels), rate in zip(batches, rates, strict=True):
            n = len(labels)
            parts = _halves(n, min(self.threads, n))
            done = self._together(
                partial(backpropagate, self.network, x[part], labels[part], buffers, n)
                for part, buffers in zip(parts, self.buffers, strict=False)
            )
            loss = sum(loss for loss, _ in done)
            if not math.isfinite(loss):
                return loss, right
            total_loss += loss * n
            right += sum(right for _, right in done)
            gradients = [buffers.gradient for buffers in self.buffers[: len(parts)]]
            self._together(
                partial(step, self.network, self.velocity, gradients, rate, self.options, part)
                for part in self.parts
            )
        return total_loss, right

    def _together(self, jobs: Iterable[Callable[[], Any]]) -> list[Any]:
        """The results of one job, or of two at the same time."""
        first, *others = jobs
        coming = [self.pool.submit(job) for job in others]
        return [first(), *(job.result() for job in coming)]


def _halves(count: int, parts: int) -> list[slice]:
    """0 to count in so many slices."""
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
    """The formulas above, in place on a part of the network's weights and of the velocity (P,).

    The gradient is the sum of gradients, each (P,), the first of which is overwritten.
    """
    w, v = network.parameters[part], velocity[part]
    g, *others = (gradient[part] for gradient in gradients)
    for other in others:
        g += other
    v *= options.momentum
    v += g
    change = g  # its memory is free now
    v += np.multiply(w, options.weight_decay, out=change)
    np.multiply(v, rate, out=change)
    units = network.layers[-2]
    if units > NOTES_UNITS:
        first = len(network.parameters) - network.matrices[-1].size  # of W
        change[max(first - (part.start or 0), 0) :] *= NOTES_UNITS / units
    w -= change

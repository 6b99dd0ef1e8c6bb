"""Train a network by minibatch stochastic gradient descent with momentum and weight decay.

One step for each minibatch:

    g = dL/dw + decay * w            decay * w is the gradient of decay/2 * |w|^2
    v = momentum * v + g
    w = w - rate * v

The rate falls from the learning rate to zero along half a cosine (Loshchilov and Hutter 2017,
https://arxiv.org/abs/1608.03983), at every step, so that the last epoch is the one to keep.

With more than the notes' 72 units in the last hidden layer, the step of W is scaled by 72 / units.
A step of W changes the scores in proportion to the number of units, and would overshoot at the rate
that suits the other layers (Yang et al. 2022, https://arxiv.org/abs/2203.03466).
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing
from itertools import cycle, repeat
from typing import Any

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.errors import TrainingError
from mnistnet.model.metadata import EpochReport
from mnistnet.model.network import (
    NONE,
    Perceptron,
    are_valid,
    backpropagate,
    log_probabilities,
    logistic_loss,
    scale,
)
from mnistnet.model.options import Options
from mnistnet.model.state import State, split
from mnistnet.model.threads import one_blas_thread, prefetch

NOTES_UNITS = 72
AHEAD = 4  # minibatches prepared in advance
WIDE = 200_000  # weights; in a smaller network, synchronising two threads costs more than it gains
MAX_ACTIVATIONS = 1 << 27  # in a minibatch, so that training takes less than 3 GB

# Takes a generator and the number of minibatches in an epoch. Yields a function for each of them
# that distorts images, (n, 784) uint8, and writes x, (n, 784) in [0, 1], to its second argument.
Transform = Callable[[Array, Array], Array]
Augment = Callable[["np.random.Generator", int], Iterable[Transform]]


def train(
    state: State,
    images: Array,
    labels: Array,
    augment: Augment | None = None,
    extra: tuple[Array, Array] | None = None,
) -> Iterator[EpochReport]:
    """Train on images (n, 784) uint8 and labels (n,) up to the last epoch, and yield its reports.

    The state is updated in place, and is complete whenever a report is yielded. Each epoch sees all
    training images once, in random order and distorted by augment, if given. extra are additional
    images and labels, never held out; the label NONE marks images without a digit. Raises
    TrainingError if the options do not fit the data or the loss is no longer finite.
    """
    state.options = state.options.completed(len(images))
    rows, held_out = split(len(images), state.options)
    batch_size = state.options.batch_size
    if extra:
        rows = np.concatenate([rows, np.arange(len(images), len(images) + len(extra[0]))])
        images, labels = np.concatenate([images, extra[0]]), np.concatenate([labels, extra[1]])
    _check_batch_size(batch_size, len(rows), state.network)
    digits = int((labels[rows] != NONE).sum())
    # memory for the minibatches: one is in use, one is being prepared, the others wait
    layout: Any = "F" if augment else "C"  # distortions write one pixel of all images at a time
    shape, dtype = (batch_size, PIXELS), state.network.parameters.dtype
    buffers = [np.empty(shape, dtype, layout) for _ in range(AHEAD + 2)]
    with ThreadPoolExecutor(1) as threads:  # started on first use
        for epoch in range(len(state.history), state.options.epochs):
            began = time.perf_counter()
            rates = _rates(state.options, epoch, steps=-(-len(rows) // batch_size))
            order = state.rng.permutation(rows)
            transforms = augment(state.rng, len(rates)) if augment else repeat(scale)
            batches = _minibatches(images, labels, order, transforms, buffers)
            with one_blas_thread(), closing(prefetch(batches, AHEAD)) as coming:
                loss, right = _descend(state, coming, rates, threads)
                validation_loss, accuracy = validate(state.network, images, labels, held_out)
            report = EpochReport(
                epoch=epoch + 1,
                train_loss=loss / len(rows),
                train_accuracy=right / digits,
                validation_loss=validation_loss,
                validation_accuracy=accuracy,
                learning_rate=rates[0],
                seconds=time.perf_counter() - began,
            )
            state.history.append(report)
            yield report


def _check_batch_size(batch_size: int, count: int, network: Perceptron) -> None:
    """Raise TrainingError if a minibatch has more than count images or takes too much memory."""
    if batch_size > count:
        raise TrainingError(
            f"expected a batch size of at most the {count:,} training images, "
            f"found {batch_size:,}; lower --batch-size"
        )
    if (activations := sum(network.layers) * batch_size) > MAX_ACTIVATIONS:
        raise TrainingError(
            f"expected at most {MAX_ACTIVATIONS:,} activations in a minibatch; found "
            f"{activations:,}: use a smaller batch size or fewer hidden units"
        )


def _rates(options: Options, epoch: int, steps: int) -> list[float]:
    """The learning rate of each step of an epoch, along half a cosine from the first step of the
    training, at the full learning rate, to zero after the last."""
    turn = math.pi / (options.epochs * steps)
    return [
        options.learning_rate / 2 * (1 + math.cos(turn * step))
        for step in range(epoch * steps, (epoch + 1) * steps)
    ]


def _minibatches(
    images: Array,
    labels: Array,
    order: Array,
    transforms: Iterable[Transform],
    buffers: Sequence[Array],
) -> Iterator[tuple[Array, Array]]:
    """Yield x (n, 784), in one of the buffers, and labels (n,) of each minibatch in this order."""
    starts = range(0, len(order), len(buffers[0]))
    for start, transform, x in zip(starts, transforms, cycle(buffers), strict=False):
        rows = order[start : start + len(x)]
        yield transform(images[rows], x[: len(rows)]), labels[rows]


def _descend(
    state: State,
    batches: Iterable[tuple[Array, Array]],
    rates: Sequence[float],
    threads: Executor,
) -> tuple[float, int]:
    """Take one step for each minibatch; return the sum of the losses and the number of right
    answers. Raises TrainingError if a loss or, after the last step, a weight is not finite."""
    is_wide = len(state.velocity) >= WIDE
    gradients = [np.empty_like(state.velocity) for _ in range(1 + is_wide)]
    total, right = 0.0, 0
    for (x, labels), rate in zip(batches, rates, strict=True):
        if is_wide and len(labels) > 1:
            loss, answers = _step_by_halves(state, x, labels, rate, gradients, threads)
        else:
            loss, answers = step(state, x, labels, rate, gradients[0])
        if not math.isfinite(loss):
            break
        total += loss * len(labels)
        right += int(np.count_nonzero(answers == labels))
    if not (math.isfinite(loss) and are_valid(state.network.parameters)):
        raise TrainingError(
            f"the loss is no longer finite in epoch {len(state.history) + 1}; "
            f"lower the learning rate, which is {state.options.learning_rate:g}"
        )
    return total, right


def step(
    state: State, x: Array, labels: Array, rate: float, gradient: Array
) -> tuple[float, Array]:
    """Take one step on a minibatch, x (n, 784) and labels (n,); return its mean loss and the digits
    (n,) that the network read before. gradient (P,) is memory to work with."""
    loss, _, f = backpropagate(state.network, x, labels, gradient)
    if math.isfinite(loss):
        _update(state, [gradient], rate, slice(0, len(gradient)))
    return loss, f.argmax(axis=1)


def _step_by_halves(
    state: State,
    x: Array,
    labels: Array,
    rate: float,
    gradients: Sequence[Array],
    threads: Executor,
) -> tuple[float, Array]:
    """Take the same step with two threads, each with half of the minibatch, then of the weights.

    The halves do not depend on the number of cores, and so the weights do not either.
    """
    n = len(labels)
    first, second = _halves(n)
    other = threads.submit(backpropagate, state.network, x[second], labels[second], gradients[1], n)
    found = [backpropagate(state.network, x[first], labels[first], gradients[0], n), other.result()]
    loss = sum(loss for loss, _, _ in found)
    if math.isfinite(loss):
        first, second = _halves(len(state.velocity))
        rest = threads.submit(_update, state, gradients, rate, second)
        _update(state, gradients, rate, first)
        rest.result()
    return loss, np.concatenate([f.argmax(axis=1) for _, _, f in found])


def _halves(count: int) -> tuple[slice, slice]:
    return slice(0, (count + 1) // 2), slice((count + 1) // 2, count)


@np.errstate(over="ignore", invalid="ignore")  # an overflow shows in the loss
def _update(state: State, gradients: Sequence[Array], rate: float, part: slice) -> None:
    """Apply the formulas above in place to a part of the weights and of the velocity. The gradient
    is the sum of gradients; the first of them is overwritten."""
    w, v = state.network.parameters[part], state.velocity[part]
    v *= state.options.momentum
    for gradient in gradients:
        v += gradient[part]
    change = gradients[0][part]
    v += np.multiply(state.options.weight_decay, w, out=change)
    np.multiply(rate, v, out=change)
    if (units := state.network.layers[-2]) > NOTES_UNITS:
        first = len(state.velocity) - state.network.matrices[-1].size  # of W
        change[max(first - part.start, 0) :] *= NOTES_UNITS / units
    w -= change


def validate(
    network: Perceptron, images: Array, labels: Array, rows: Array
) -> tuple[float | None, float | None]:
    """Return the mean loss and the accuracy on these rows; None if there are no rows."""
    if not len(rows):
        return None, None
    scores = network.image_scores(images[rows])
    loss = logistic_loss(log_probabilities(scores), labels[rows])
    return loss, float((scores.argmax(axis=1) == labels[rows]).mean())

"""Minibatch stochastic gradient descent with momentum.

For each minibatch, with g the gradient of its mean loss plus that of the weight decay:

    g = dL/dw + decay * w            the decay is the gradient of decay/2 * |w|^2
    v = momentum * v + g
    w = w - rate * v

The rate falls from learning_rate to zero along half a cosine (Loshchilov and Hutter 2017,
https://arxiv.org/abs/1608.03983), a step at a time, so that the last epoch is the one to keep.

Where more than the notes' 72 units feed the scores, W alone moves at a rate that is lower by as
much: a step of W changes each score the more the more units there are, and would overshoot at the
rate that suits the layers below (Yang et al. 2022, https://arxiv.org/abs/2203.03466).
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat

import numpy as np

from mnistnet.arrays import Array
from mnistnet.errors import TrainingError
from mnistnet.model.network import (
    Backprop,
    Network,
    are_sound,
    log_probabilities,
    logistic_loss,
    scale,
)
from mnistnet.model.options import Options

# The held-out images are the same whatever the training seed, so that seeds can be compared.
VALIDATION_SEED = 784_72_10
NOTES_UNITS = 72


@dataclass(frozen=True)
class Report:
    """One epoch. Losses are means an image, accuracy is from 0 to 1.

    The figures of training are taken on the way, of each minibatch as it was distorted and before
    its step; learning_rate is the rate of the epoch's first step; the validation figures are None
    where no images are held out.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float


@dataclass
class State:
    """Where a training stands between two epochs: all that the next one depends on."""

    network: Network
    rng: "np.random.Generator"
    velocity: Array = field(init=False)  # v of the formulas above, (P,)
    history: list[Report] = field(default_factory=list)  # of the epochs behind

    def __post_init__(self) -> None:
        self.velocity = np.zeros_like(self.network.parameters)


# Given a generator and the number of minibatches of an epoch: for each of them, the function that
# makes x (n, 784) in [0, 1] of its images (n, 784) uint8.
Augment = Callable[["np.random.Generator", int], Iterable[Callable[[Array], Array]]]


def split(count: int, validation: int) -> tuple[Array, Array]:
    """Which of count images are trained on, and which are held out: the last of a permutation.

    The permutation depends on count alone. Raises TrainingError where nothing is left to train on.
    """
    if not 0 <= validation < count:
        raise TrainingError(
            f"expected fewer validation images than the {count:,} there are, found {validation:,}; "
            "lower --validation"
        )
    order = np.random.default_rng(VALIDATION_SEED).permutation(count)
    return order[: count - validation], order[count - validation :]


def train(
    state: State, images: Array, labels: Array, options: Options, augment: Augment | None = None
) -> Iterator[Report]:
    """Train on images (n, 784) uint8 and labels (n,), from where the state is to the last epoch.

    The state is changed in place; after each epoch it is whole, and its report yielded. An epoch
    sees each training image once, in a fresh order and as augment alters it; without augment as it
    is. Raises TrainingError where the options do not fit the data, or when the loss is no longer
    finite.
    """
    network, velocity, rng = state.network, state.velocity, state.rng
    count = len(images) - options.drawn
    training_rows, validation_rows = split(count, options.validation)
    training_rows = np.concatenate([training_rows, np.arange(count, len(images))])
    batch_size = options.batch_size
    if batch_size > len(training_rows):
        raise TrainingError(
            f"expected a batch size of at most the {len(training_rows):,} training images, "
            f"found {batch_size:,}; lower --batch-size"
        )
    backprop = Backprop(network, batch_size)
    x = np.empty((batch_size, network.layers[0]), network.parameters.dtype)
    scratch = np.empty_like(velocity)
    starts = range(0, len(training_rows), batch_size)
    steps = options.epochs * len(starts)

    def as_it_is(images: Array) -> Array:
        return scale(images, out=x[: len(images)])

    for epoch in range(len(state.history), options.epochs):
        began = time.perf_counter()
        order = rng.permutation(training_rows)
        changes = augment(rng, len(starts)) if augment else repeat(as_it_is, len(starts))
        total_loss, right = 0.0, 0
        # Overflow shows in the loss, and is reported as what it means.
        with np.errstate(over="ignore", invalid="ignore"):
            for start, change in zip(starts, changes, strict=True):
                rows = order[start : start + batch_size]
                backprop.forward(change(images[rows]))
                loss = backprop.backward(labels[rows])
                if not math.isfinite(loss):
                    raise _diverged(epoch, options)
                total_loss += loss * len(rows)
                right += backprop.right
                rate = _rate(
                    options.learning_rate, epoch * len(starts) + start // batch_size, steps
                )
                step(network, velocity, backprop.gradient, scratch, rate, options)
            if not are_sound(network.parameters):
                raise _diverged(epoch, options)
            loss_held_out, accuracy = _validate(network, images, labels, validation_rows)

        report = Report(
            epoch=epoch + 1,
            train_loss=total_loss / len(order),
            train_accuracy=right / len(order),
            validation_loss=loss_held_out,
            validation_accuracy=accuracy,
            learning_rate=_rate(options.learning_rate, epoch * len(starts), steps),
            seconds=time.perf_counter() - began,
        )
        state.history.append(report)
        yield report


def step(
    network: Network, v: Array, gradient: Array, scratch: Array, rate: float, options: Options
) -> None:
    """The formulas above, in place on the network's weights and the velocity v (P,); scratch is
    room for as much again."""
    v *= options.momentum
    v += gradient
    v += np.multiply(network.parameters, options.weight_decay, out=scratch)
    np.multiply(v, rate, out=scratch)
    units = network.layers[-2]
    if units > NOTES_UNITS:
        scratch[-network.matrices[-1].size :] *= NOTES_UNITS / units
    network.parameters -= scratch


def _rate(learning_rate: float, step: int, steps: int) -> float:
    """Half a cosine: learning_rate at step 0, zero at the step after the last."""
    return learning_rate / 2 * (1 + math.cos(math.pi * step / steps))


def _diverged(epoch: int, options: Options) -> TrainingError:
    return TrainingError(
        f"the loss is no longer finite in epoch {epoch + 1}; "
        f"lower the learning rate, which is {options.learning_rate:g}"
    )


def _validate(
    network: Network, images: Array, labels: Array, rows: Array
) -> tuple[float | None, float | None]:
    """Mean loss and accuracy on these rows; None where there are none."""
    if not len(rows):
        return None, None
    scores = network.image_scores(images[rows])
    loss = logistic_loss(log_probabilities(scores), labels[rows])
    return loss, float((scores.argmax(axis=1) == labels[rows]).mean())

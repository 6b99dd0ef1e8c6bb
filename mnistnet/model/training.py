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
from functools import partial
from itertools import repeat

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.errors import TrainingError
from mnistnet.model.metadata import Report
from mnistnet.model.network import (
    NONE,
    Buffers,
    Network,
    are_sound,
    backpropagate,
    log_probabilities,
    logistic_loss,
    scale,
)
from mnistnet.model.options import Options

# The held-out images are the same whatever the training seed, so that seeds can be compared.
VALIDATION_SEED = 784_72_10
NOTES_UNITS = 72


@dataclass
class State:
    """Where a training stands between two epochs: all that the next one depends on."""

    network: Network
    rng: "np.random.Generator"
    velocity: Array = field(init=False)  # v of the formulas above, (P,)
    history: list[Report] = field(default_factory=list)  # of the epochs behind

    def __post_init__(self) -> None:
        self.velocity = np.zeros_like(self.network.parameters)


def begin(options: Options) -> State:
    """Where the training with these options begins: random weights, and no epoch behind."""
    initial, rng, _ = streams(options.seed)
    return State(Network.random((PIXELS, *options.hidden, CLASSES), initial), rng)


def streams(seed: int) -> list["np.random.Generator"]:
    """Three independent generators: for the initial weights, for the order and the distortion of
    the images, and for images that are drawn."""
    return np.random.default_rng(seed).spawn(3)


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
    state: State,
    images: Array,
    labels: Array,
    options: Options,
    augment: Augment | None = None,
    extra: tuple[Array, Array] | None = None,
) -> Iterator[Report]:
    """Train on images (n, 784) uint8 and labels (n,), from where the state is to the last epoch.

    The state is changed in place; after each epoch it is whole, and its report yielded. An epoch
    sees each training image once, in a fresh order and as augment alters it; without augment as it
    is. extra are more images and labels, none of which is held out; labels of NONE show no digit.
    Raises TrainingError if the options do not fit the data, or when the loss is no longer finite.
    """
    trained, held_out = split(len(images), options.validation)
    if options.batch_size > len(trained) + len(extra[1] if extra else ()):
        raise TrainingError(
            f"expected a batch size of at most the {len(trained):,} training images, "
            f"found {options.batch_size:,}; lower --batch-size"
        )
    if extra:
        trained = np.concatenate([trained, np.arange(len(images), len(images) + len(extra[0]))])
        images, labels = np.concatenate([images, extra[0]]), np.concatenate([labels, extra[1]])
    digits = int((labels[trained] != NONE).sum())
    buffers = Buffers(state.network, options.batch_size)
    steps = -(-len(trained) // options.batch_size)
    for epoch in range(len(state.history), options.epochs):
        began = time.perf_counter()
        # Overflow shows in the loss, and is reported as what it means.
        with np.errstate(over="ignore", invalid="ignore"):
            batches = _minibatches(state, images, labels, trained, options, augment)
            rates = [
                _rate(options.learning_rate, step, options.epochs * steps)
                for step in range(epoch * steps, (epoch + 1) * steps)
            ]
            loss, right = _train_epoch(state, batches, rates, options, buffers)
            validation_loss, accuracy = _validate(state.network, images, labels, held_out)
        report = Report(
            epoch=epoch + 1,
            train_loss=loss / len(trained),
            train_accuracy=right / digits,
            validation_loss=validation_loss,
            validation_accuracy=accuracy,
            learning_rate=rates[0],
            seconds=time.perf_counter() - began,
        )
        state.history.append(report)
        yield report


def _minibatches(
    state: State,
    images: Array,
    labels: Array,
    rows: Array,
    options: Options,
    augment: Augment | None,
) -> Iterator[tuple[Array, Array]]:
    """x (n, 784) and labels (n,) of each minibatch of an epoch over these rows."""
    size = options.batch_size
    order = state.rng.permutation(rows)
    starts = range(0, len(order), size)
    as_it_is = partial(scale, dtype=state.network.parameters.dtype)
    changes: Iterable[Callable[[Array], Array]] = repeat(as_it_is)
    if augment:
        changes = augment(state.rng, len(starts))
    for start, change in zip(starts, changes, strict=False):
        chosen = order[start : start + size]
        yield change(images[chosen]), labels[chosen]


def _train_epoch(
    state: State,
    batches: Iterable[tuple[Array, Array]],
    rates: list[float],
    options: Options,
    buffers: Buffers,
) -> tuple[float, int]:
    """A step for each minibatch; the sum of the losses, and the number of right answers."""
    total_loss, right = 0.0, 0
    for (x, labels), rate in zip(batches, rates, strict=True):
        loss, right_here = backpropagate(state.network, x, labels, buffers)
        if not math.isfinite(loss):
            raise _diverged(state, options)
        total_loss += loss * len(labels)
        right += right_here
        step(state.network, state.velocity, buffers.gradient, rate, options)
    if not are_sound(state.network.parameters):
        raise _diverged(state, options)
    return total_loss, right


def step(network: Network, v: Array, gradient: Array, rate: float, options: Options) -> None:
    """The formulas above, in place on the network's weights and the velocity v (P,); the gradient
    (P,) is overwritten."""
    w, change = network.parameters, gradient  # whose memory is free once it is part of v
    v *= options.momentum
    v += gradient
    v += np.multiply(w, options.weight_decay, out=change)
    np.multiply(v, rate, out=change)
    units = network.layers[-2]
    if units > NOTES_UNITS:
        change[-network.matrices[-1].size :] *= NOTES_UNITS / units
    w -= change


def _rate(learning_rate: float, step: int, steps: int) -> float:
    """Half a cosine: learning_rate at step 0, zero at the step after the last."""
    return learning_rate / 2 * (1 + math.cos(math.pi * step / steps))


def _diverged(state: State, options: Options) -> TrainingError:
    return TrainingError(
        f"the loss is no longer finite in epoch {len(state.history) + 1}; "
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

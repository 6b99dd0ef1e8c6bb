"""Minibatch stochastic gradient descent over epochs.

The learning rate falls from learning_rate to zero along half a cosine (Loshchilov and Hutter 2017,
https://arxiv.org/abs/1608.03983), a step at a time, so that the last epoch is the one to keep. What
a step does is in descent.py.
"""

import math
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle, repeat

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.errors import TrainingError
from mnistnet.model.descent import Descent
from mnistnet.model.metadata import Report
from mnistnet.model.network import (
    NONE,
    Network,
    are_sound,
    log_probabilities,
    logistic_loss,
    scale,
)
from mnistnet.model.options import Options
from mnistnet.model.threads import one_blas_thread, prefetch

# The held-out images are the same whatever the training seed, so that seeds can be compared.
VALIDATION_SEED = 784_72_10
AHEAD = 4  # minibatches that are prepared while one is trained


@dataclass
class State:
    """Where a training stands between two epochs: all that the next one depends on."""

    network: Network
    rng: "np.random.Generator"
    velocity: Array = field(init=False)  # v of the formulas above, (P,)
    history: list[Report] = field(default_factory=list)  # of the epochs behind

    def __post_init__(self) -> None:
        self.velocity = np.zeros_like(self.network.parameters)


def begin(options: Options, start: Network | None = None) -> State:
    """Where the training with these options begins: at the weights of start, of which it takes a
    copy, or at random ones, and with no epoch behind."""
    initial, rng, _ = streams(options.seed)
    network = Network.random((PIXELS, *options.hidden, CLASSES), initial)
    if start is not None:
        network.parameters[:] = start.parameters
    return State(network, rng)


def streams(seed: int) -> list["np.random.Generator"]:
    """Three independent generators: for the initial weights, for the order and the distortion of
    the images, and for images that are drawn."""
    return np.random.default_rng(seed).spawn(3)


# Given a generator and the number of minibatches of an epoch: for each of them, the function that
# makes x (n, 784) in [0, 1] of its images (n, 784) uint8, in the memory that is given.
Augment = Callable[["np.random.Generator", int], Iterable[Callable[[Array, Array], Array]]]


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
    feed = _Feed(images, labels, trained, options.batch_size, augment, state.network)
    with Descent(state.network, state.velocity, options) as descent:
        for epoch in range(len(state.history), options.epochs):
            began = time.perf_counter()
            rates = [
                _rate(options.learning_rate, step, options.epochs * feed.steps)
                for step in range(epoch * feed.steps, (epoch + 1) * feed.steps)
            ]
            with one_blas_thread(), closing(feed.epoch(state.rng)) as batches:
                loss, right = descent.epoch(batches, rates)
                if not (math.isfinite(loss) and are_sound(state.network.parameters)):
                    raise TrainingError(
                        f"the loss is no longer finite in epoch {epoch + 1}; "
                        f"lower the learning rate, which is {options.learning_rate:g}"
                    )
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


class _Feed:
    """The minibatches of each epoch, prepared by a thread while the ones before are trained."""

    def __init__(
        self,
        images: Array,
        labels: Array,
        rows: Array,
        size: int,
        augment: Augment | None,
        network: Network,
    ) -> None:
        self.images, self.labels, self.rows, self.size = images, labels, rows, size
        self.augment = augment
        self.steps = -(-len(rows) // size)
        # One minibatch is trained, one is being prepared, the others wait.
        dtype, depth = network.parameters.dtype, min(AHEAD, self.steps) + 2
        self.buffers = [np.empty((size, network.layers[0]), dtype) for _ in range(depth)]
        if augment:  # which writes a pixel of all images at a time
            self.buffers = [np.empty((network.layers[0], size), dtype).T for _ in range(depth)]

    def epoch(self, rng: "np.random.Generator") -> Generator[tuple[Array, Array], None, None]:
        """x (n, 784) and labels (n,) of each minibatch, in a fresh order."""
        return prefetch(self._prepared(rng), len(self.buffers) - 2)

    def _prepared(self, rng: "np.random.Generator") -> Iterator[tuple[Array, Array]]:
        order = rng.permutation(self.rows)
        changes = self.augment(rng, self.steps) if self.augment else repeat(scale)
        starts = range(0, len(order), self.size)
        for start, change, buffer in zip(starts, changes, cycle(self.buffers), strict=False):
            chosen = order[start : start + self.size]
            yield change(self.images[chosen], buffer[: len(chosen)]), self.labels[chosen]


def _rate(learning_rate: float, step: int, steps: int) -> float:
    """Half a cosine: learning_rate at step 0, zero at the step after the last."""
    return learning_rate / 2 * (1 + math.cos(math.pi * step / steps))


def _validate(
    network: Network, images: Array, labels: Array, rows: Array
) -> tuple[float | None, float | None]:
    """Mean loss and accuracy on these rows; None where there are none."""
    if not len(rows):
        return None, None
    scores = network.image_scores(images[rows])
    loss = logistic_loss(log_probabilities(scores), labels[rows])
    return loss, float((scores.argmax(axis=1) == labels[rows]).mean())

"""Train a network: epochs, minibatches, learning rate and validation. The step is in descent.py.

The learning rate falls from learning_rate to zero along half a cosine (Loshchilov and Hutter 2017,
https://arxiv.org/abs/1608.03983), at every step, so that the last epoch is the one to keep.
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
from mnistnet.model.network import NONE, Network, are_valid, log_probabilities, logistic_loss, scale
from mnistnet.model.options import Options
from mnistnet.model.threads import one_blas_thread, prefetch

# The same images are held out for every training seed, so that seeds can be compared.
VALIDATION_SEED = 784_72_10
AHEAD = 4  # minibatches prepared in advance


@dataclass
class State:
    """The state of a training run between two epochs."""

    network: Network
    rng: "np.random.Generator"
    velocity: Array = field(init=False)  # v of descent.py, (P,)
    history: list[Report] = field(default_factory=list)  # of the finished epochs

    def __post_init__(self) -> None:
        self.velocity = np.zeros_like(self.network.parameters)


def begin(options: Options, start: Network | None = None) -> State:
    """Return the initial state of training: a copy of the weights of start, or random ones."""
    initial, rng, _ = streams(options.seed)
    network = Network.random((PIXELS, *options.hidden, CLASSES), initial)
    if start is not None:
        network.parameters[:] = start.parameters
    return State(network, rng)


def streams(seed: int) -> list["np.random.Generator"]:
    """Return independent generators for the initial weights, for the order and distortion of the
    images, and for additional images."""
    return np.random.default_rng(seed).spawn(3)


# Takes a generator and the number of minibatches in an epoch. Yields a function for each of them
# that distorts images (n, 784) uint8 and writes x (n, 784) in [0, 1] to its second argument.
Augment = Callable[["np.random.Generator", int], Iterable[Callable[[Array, Array], Array]]]


def split(count: int, validation: int) -> tuple[Array, Array]:
    """Return the rows of count images to train on, and those held out for validation.

    These are the last of a permutation that depends on count only. Raises TrainingError if no rows
    are left to train on.
    """
    if not 0 <= validation < count:
        raise TrainingError(
            f"expected fewer than {count:,} validation images, found {validation:,}; "
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
    """Train on images (n, 784) uint8 and labels (n,) up to the last epoch, and yield its reports.

    The state is updated in place, and is complete whenever a report is yielded. Each epoch sees all
    training images once, in random order and distorted by augment, if given. extra are additional
    images and labels, never held out; the label NONE marks images without a digit. Raises
    TrainingError if the options do not fit the data or the loss is no longer finite.
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
    feed = _Minibatches(images, labels, trained, options.batch_size, augment, state.network)
    with Descent(state.network, state.velocity, options) as descent:
        for epoch in range(len(state.history), options.epochs):
            began = time.perf_counter()
            rates = [
                _rate(options.learning_rate, step, options.epochs * feed.steps)
                for step in range(epoch * feed.steps, (epoch + 1) * feed.steps)
            ]
            with one_blas_thread(), closing(feed.epoch(state.rng)) as batches:
                loss, right = descent.epoch(batches, rates)
                if not (math.isfinite(loss) and are_valid(state.network.parameters)):
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


class _Minibatches:
    """The minibatches of each epoch, prepared in a thread."""

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
        # One minibatch is in use, one is being prepared, the others wait.
        dtype, depth = network.parameters.dtype, min(AHEAD, self.steps) + 2
        self.buffers = [np.empty((size, network.layers[0]), dtype) for _ in range(depth)]
        if augment:  # writes one pixel of all images at a time
            self.buffers = [np.empty((network.layers[0], size), dtype).T for _ in range(depth)]

    def epoch(self, rng: "np.random.Generator") -> Generator[tuple[Array, Array], None, None]:
        """Yield x (n, 784) and labels (n,) of each minibatch, in a new random order."""
        return prefetch(self._prepared(rng), len(self.buffers) - 2)

    def _prepared(self, rng: "np.random.Generator") -> Iterator[tuple[Array, Array]]:
        order = rng.permutation(self.rows)
        transforms = self.augment(rng, self.steps) if self.augment else repeat(scale)
        starts = range(0, len(order), self.size)
        for start, transform, x in zip(starts, transforms, cycle(self.buffers), strict=False):
            rows = order[start : start + self.size]
            yield transform(self.images[rows], x[: len(rows)]), self.labels[rows]


def _rate(learning_rate: float, step: int, steps: int) -> float:
    """Half a cosine, from learning_rate at step 0 to zero after the last step."""
    return learning_rate / 2 * (1 + math.cos(math.pi * step / steps))


def _validate(
    network: Network, images: Array, labels: Array, rows: Array
) -> tuple[float | None, float | None]:
    """Mean loss and accuracy on these rows; None if there are no rows."""
    if not len(rows):
        return None, None
    scores = network.image_scores(images[rows])
    loss = logistic_loss(log_probabilities(scores), labels[rows])
    return loss, float((scores.argmax(axis=1) == labels[rows]).mean())

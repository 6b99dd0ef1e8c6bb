"""The state of a training run, its random generators, and the images it is trained on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.errors import DataError, TrainingError
from mnistnet.model.metadata import EpochReport, Metadata
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options

VALIDATION_SEED = 784_72_10  # the same images are held out for every seed, to compare seeds


@dataclass
class State:
    """The state of a training run between two epochs; velocity (P,) is v of the formulas."""

    options: Options
    network: Perceptron
    rng: "np.random.Generator"
    velocity: Array
    history: list[EpochReport] = field(default_factory=list)  # of the finished epochs


def begin(options: Options, start: Perceptron | None = None, dtype: Any = np.float32) -> State:
    """Return the initial state of training: a copy of the weights of start, or random ones."""
    initial, rng, _ = streams(options.seed)
    layers = (PIXELS, *options.hidden, CLASSES)
    if start is None:
        network = Perceptron.random(layers, initial, dtype)
    else:
        network = Perceptron(layers, dtype)
        network.parameters[:] = start.parameters
    return State(options, network, rng, np.zeros_like(network.parameters))


def streams(seed: int) -> list["np.random.Generator"]:
    """Return independent generators for the initial weights, for the order and distortion of the
    images, and for additional images."""
    return np.random.default_rng(seed).spawn(3)


def split(count: int, options: Options) -> tuple[Array, Array]:
    """Return the rows of count images to train on, and those held out for validation: the first
    and the last of a permutation that depends on count only. Raises TrainingError if there are
    fewer to train on than one or the limit."""
    options = options.completed(count)
    left = count - options.validation
    if left < 1:
        raise TrainingError(
            f"expected fewer than {count:,} validation images, found {options.validation:,}; "
            "lower --validation"
        )
    if (options.limit or 0) > left:
        raise TrainingError(
            f"expected a limit of at most the {left:,} training images that are not held out, "
            f"found {options.limit:,}; lower --limit"
        )
    order = np.random.default_rng(VALIDATION_SEED).permutation(count)
    return order[: options.images(count)], order[left:]


def rows_of(part: str, count: int, sha256: Mapping[str, str], metadata: Metadata) -> Array:
    """Return the rows of count images in a part: 'test' (all), 'train' or 'validation'. For the
    last two, raises DataError unless the network with this metadata was trained on these images and
    labels, which have this SHA-256."""
    if part == "test":
        return np.arange(count)
    if metadata.data.sha256 != sha256:
        raise DataError(
            f"expected the images that this network was trained on, found others; name their "
            f"folder with --data, or use --split test instead of {part}"
        )
    trained, held_out = split(count, metadata.options)
    return trained if part == "train" else held_out

"""Warnings about images that cannot be learned from and about training that learned nothing."""

import math
from collections.abc import Sequence

from mnistnet.arrays import SIDE, Array
from mnistnet.model.metadata import EpochReport
from mnistnet.model.options import Options

NOISE = 0.1  # of the loss, when few images are distorted at random


def image_warning(images: Array) -> str | None:
    """Warn about training images (n, 784) uint8 that are not light strokes on a background of 0:
    a sentence that says what was found and what to do."""
    sample = images[:: max(len(images) // 1000, 1)].reshape(-1, SIDE, SIDE)
    if len(images) > 1 and (sample == sample[:1]).all():
        return "all images look alike, so there is nothing to learn"
    if (most := int(sample.max(initial=0))) <= 1:
        return (
            "the images contain only 0 and 1, but values from 0 to 255 are expected: "
            "multiply them by 255, or convert them with 'mnistnet import'"
        )
    frame = [sample[:, 0], sample[:, -1], sample[:, :, 0], sample[:, :, -1]]
    if sum(float(edge.mean()) for edge in frame) / 4 > most / 2:
        return (
            "the images look inverted: expected light digits on a background of 0; found dark "
            "ones: subtract them from 255, or use 'mnistnet import --invert'"
        )
    return None


def training_warning(
    history: Sequence[EpochReport],
    images: Array,
    labels: Array,
    options: Options,
    before: float | None = None,
) -> str | None:
    """Warn if the network did no better than always answering the most frequent label, if training
    diverged, or if the validation accuracy is lower than before, that of the weights that training
    started from. images (n, 784) and labels (n,) include the validation images."""
    counts = [int((labels == digit).sum()) for digit in set(labels.tolist())]
    last, share = history[-1], max(counts) / len(labels)
    accuracy, count = last.train_accuracy, options.images(len(labels))
    if last.validation_accuracy is not None and options.validation >= 100:  # fewer: too noisy
        accuracy, count = last.validation_accuracy, options.validation
    chance = share + 3 * math.sqrt(share * (1 - share) / count)  # three standard deviations above
    if len(counts) == 1 or accuracy > chance:
        guess = math.log(max(len(counts), 2))
        return _setback(history, guess, options, before)
    cause = image_warning(images) or "check that the labels match the images, or train longer"
    if options.learning_rate > 1:  # training rarely succeeds
        cause = _too_high(options)
    return (
        f"the network learned nothing: accuracy {100 * accuracy:.1f} %, while always answering the "
        f"most frequent label gives {100 * share:.1f} %; {cause}"
    )


def _setback(
    history: Sequence[EpochReport], guess: float, options: Options, before: float | None
) -> str | None:
    """Warn if the loss of the last epoch is above that of guessing or, by more than chance, that of
    the first, or if the validation accuracy is lower than before."""
    first, last = history[0].train_loss, history[-1].train_loss
    after = history[-1].validation_accuracy
    if last > min(first + NOISE, guess):
        limit = f"{first:.4g} of the first epoch" if last > first else f"{guess:.4g} of guessing"
        found = f"training diverged: the loss at the end, {last:.4g}, is above the {limit}"
        return f"{found}; {_too_high(options)}"
    if before is None or after is None or after >= before:
        return None
    return (
        f"the validation accuracy fell from {100 * before:.2f} % to {100 * after:.2f} %: keep the "
        "weights that training started from, or lower the learning rate, "
        f"{options.learning_rate:g}, or the number of epochs, {options.epochs}"
    )


def _too_high(options: Options) -> str:
    rate = options.learning_rate
    return f"the learning rate, {rate:g}, is probably too high: try {min(rate / 10, 0.2):g}"

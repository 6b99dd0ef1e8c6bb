"""Did a training learn anything, and if not, why?"""

import math
from collections.abc import Sequence

from mnistnet.arrays import SIDE, Array
from mnistnet.model.metadata import Report

MAX_RATE = 1.0  # learning rates above it rarely learn; the default is 0.2
SIGMAS = 3  # above the chance of the most frequent label counts as having learned


def doubts(images: Array) -> list[str]:
    """What is unusual about images (n, 784) uint8 to train on, and what to do about it, each in a
    sentence; none for images as MNIST's are: light strokes of up to 255 on a ground of 0."""
    sample = images[:: max(len(images) // 1000, 1)].reshape(-1, SIDE, SIDE)
    most = int(sample.max(initial=0))
    if (sample == sample[:1]).all():
        return ["all images look alike: there is nothing to tell them apart by"] * (len(images) > 1)
    if most <= 1:
        return [
            "the images have levels of 0 and 1 only, but 0 to 255 is expected: "
            "multiply them by 255, or convert them with 'mnistnet import'"
        ]
    frame = [sample[:, 0], sample[:, -1], sample[:, :, 0], sample[:, :, -1]]
    if sum(float(edge.mean()) for edge in frame) / 4 > most / 2:
        return [
            "the images look inverted, dark on a light ground, but light on 0 is expected: "
            "subtract them from 255, or use 'mnistnet import --invert'"
        ]
    return []


def verdict(
    history: Sequence[Report], labels: Array, held_out: int, rate: float, found: Sequence[str]
) -> str | None:
    """A warning if the network did no better than always answering the most frequent label.

    labels are those of all images, held_out of which validated; rate is the learning rate, and
    found are the doubts about the images.
    """
    counts = [int((labels == digit).sum()) for digit in set(labels.tolist())]
    last, share = history[-1], max(counts) / len(labels)
    # The few held-out images of a small set say little; those trained on do.
    is_validated = last.validation_accuracy is not None and held_out >= 100
    accuracy = last.validation_accuracy if is_validated else last.train_accuracy
    count = held_out if is_validated else len(labels) - held_out
    chance = share + SIGMAS * math.sqrt(share * (1 - share) / count)
    if len(counts) == 1 or accuracy is None or accuracy > chance:
        return None
    if rate > MAX_RATE:
        cause = f"the learning rate, {rate:g}, is probably too high: try 0.2"
    else:
        cause = "; ".join(found) or "do the labels fit the images, and are there enough epochs?"
    return (
        f"the network learned nothing: {100 * accuracy:.1f} % right, and always answering the most "
        f"frequent label gives {100 * share:.1f} %; {cause}"
    )

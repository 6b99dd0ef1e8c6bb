"""How good a network is on labelled images: accuracy, loss, confusion and mistakes."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import DataError
from mnistnet.model.answer import are_unsure, margins
from mnistnet.model.metadata import Metadata
from mnistnet.model.network import (
    Network,
    log_probabilities,
    logistic_loss,
)
from mnistnet.model.training import split


@dataclass(frozen=True)
class Mistake:
    """An image the network got wrong, how probable it found its answer (0 to 1), and whether it was
    unsure of it."""

    index: int
    label: int
    digit: int
    probability: float
    unsure: bool = False


@dataclass(frozen=True)
class DigitFigures:
    """One digit: recall is the share of its images that were recognised, precision the share of
    the answers 'this digit' that were right, each from 0 to 1, or None where there were none."""

    digit: int
    count: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True)
class Evaluation:
    """loss is the mean an image; confusion (10, 10) counts, row = true digit, column = answer;
    mistakes are in order of how sure the network was, the surest first.

    For each image, right (n,) says whether it was read correctly, unsure (n,) whether the answer is
    unsure, confidence (n,) its probability, and margin (n,) by how much that exceeds the second's.
    """

    loss: float
    confusion: Array
    mistakes: list[Mistake]
    right: Array = field(default_factory=lambda: np.zeros(0, bool))
    unsure: Array = field(default_factory=lambda: np.zeros(0, bool))
    confidence: Array = field(default_factory=lambda: np.zeros(0))
    margin: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def count(self) -> int:
        """Images."""
        return int(self.confusion.sum())

    @property
    def errors(self) -> int:
        """Images the network got wrong."""
        return self.count - int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """Share of the images that the network got right, 0 to 1."""
        return 1 - self.errors / self.count

    def accuracy_among(self, indices: Collection[int]) -> float:
        """Share of the images with these indices, all of them evaluated, that are right."""
        wrong = sum(mistake.index in indices for mistake in self.mistakes)
        return 1 - wrong / len(indices)

    @property
    def sure_accuracy(self) -> float | None:
        """Share right of the answers that are not unsure, None if there are none."""
        sure = self.right[~self.unsure]
        return float(sure.mean()) if len(sure) else None

    @property
    def confusions(self) -> list[tuple[int, int, int]]:
        """How often which digit is taken for which other, the most frequent first."""
        pairs = ((int(self.confusion[pair]), *pair) for pair in np.ndindex(CLASSES, CLASSES))
        found = [(count, y, k) for count, y, k in pairs if y != k and count]
        return sorted(found, key=lambda confusion: -confusion[0])

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the accuracy."""
        return wilson_interval(self.count - self.errors, self.count)

    @property
    def per_digit(self) -> list[DigitFigures]:
        """Recall and precision of each digit."""
        right = self.confusion.diagonal()
        counts = self.confusion.sum(axis=1)
        answers = self.confusion.sum(axis=0)
        return [
            DigitFigures(
                digit=digit,
                count=int(counts[digit]),
                recall=float(right[digit] / counts[digit]) if counts[digit] else None,
                precision=float(right[digit] / answers[digit]) if answers[digit] else None,
            )
            for digit in range(CLASSES)
        ]


def rows_of(part: str, count: int, sha256: Mapping[str, str], metadata: Metadata) -> Array:
    """Which of count images are in the part: all for 'test'; else those that a network with this
    metadata was trained on ('train') or not ('validation').

    sha256 is that of the images and labels at hand. Raises DataError where they are not those that
    the network was trained on, so that nobody takes images it has seen for ones it has not.
    """
    if part == "test":
        return np.arange(count)
    if metadata.data.sha256 != sha256:
        raise DataError(
            f"expected the images that this network was trained on, found others; name their "
            f"folder with --data, or use --split test instead of {part}"
        )
    trained, held_out = split(count, metadata.options.validation)
    return trained if part == "train" else held_out


def parts(count: int, label_errors: Collection[int]) -> dict[str, Collection[int]]:
    """Which of MNIST's own count test images to look at apart; none if there are no label errors,
    as in any other set.

    High-school students wrote the first half, which is the harder one, and census employees the
    second (Yadav and Bottou 2019, https://arxiv.org/abs/1905.10498).
    """
    if not label_errors:
        return {}
    return {
        "without_label_errors": set(range(count)).difference(label_errors),
        "first_half": range(count // 2),
        "second_half": range(count // 2, count),
    }


def evaluate(network: Network, images: Array, labels: Array, rows: Array) -> Evaluation:
    """The network's answers to these rows of images (n, 784) uint8 with labels (n,).

    Raises DataError where there are no rows, as for a network trained with no validation images.
    """
    if not len(rows):
        raise DataError(
            "expected images to evaluate on, found none: this network was trained with none held "
            "out; use --split test"
        )
    labels = labels[rows]
    scores = network.image_scores(images[rows])
    log_p = log_probabilities(scores)
    answers = log_p.argmax(axis=1)
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    right = answers == labels
    probabilities = np.exp(log_p)
    confidence, unsure = probabilities.max(axis=1), are_unsure(scores)
    mistakes = [
        Mistake(
            int(rows[i]),
            int(labels[i]),
            int(answers[i]),
            float(confidence[i]),
            bool(unsure[i]),
        )
        for i in np.flatnonzero(~right)
    ]
    mistakes.sort(key=lambda mistake: -mistake.probability)
    loss = logistic_loss(log_p, labels)
    margin = margins(probabilities)
    return Evaluation(loss, confusion, mistakes, right, unsure, confidence, margin)


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Where the true accuracy lies, with 95 % confidence, given that right of count >= 1 answers
    were right.

    Wilson's score interval (1927, Journal of the American Statistical Association 22, 209-212):
    unlike p +- z sqrt(p (1 - p) / n) it holds near 0 and 1, where digit readers live.
    """
    z = 1.959964  # the normal distribution has 2.5 % beyond it on either side
    p = right / count
    centre = p + z**2 / (2 * count)
    half = z * math.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The figures under the names that `eval --json` prints."""
    return {
        "count": evaluation.count,
        "errors": evaluation.errors,
        "accuracy": evaluation.accuracy,
        "interval": list(evaluation.interval),
        "loss": evaluation.loss,
        "unsure": int(evaluation.unsure.sum()),
        "sure_accuracy": evaluation.sure_accuracy,
        "confusion": evaluation.confusion.tolist(),
        "per_digit": [vars(figures) for figures in evaluation.per_digit],
        "mistakes": [vars(mistake) for mistake in evaluation.mistakes],
    }

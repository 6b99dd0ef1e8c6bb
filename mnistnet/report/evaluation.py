"""Evaluate a network on labelled images: accuracy, loss, confusion and mistakes."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import DataError
from mnistnet.model.answer import are_unsure, margins
from mnistnet.model.network import Network, log_probabilities, logistic_loss


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: the index of the image, its label, the answer (digit) and the probability of
    the answer, 0 to 1."""

    index: int
    label: int
    digit: int
    probability: float
    unsure: bool


@dataclass(frozen=True)
class DigitFigures:
    """The number of images of a digit, and its recall and precision, 0 to 1.

    recall is None if there are no images of the digit, precision if it is never the answer.
    """

    digit: int
    count: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    loss        mean per image
    confusion   counts (10, 10); the row is the label, the column the answer
    mistakes    the most confident first
    right       (n,) whether each answer is right
    unsure      (n,) whether each answer is unsure
    confidence  (n,) probability of each answer
    margin      (n,) probability of each answer minus that of the second one
    """

    loss: float
    confusion: Array
    mistakes: list[Mistake]
    right: Array
    unsure: Array
    confidence: Array
    margin: Array

    @property
    def count(self) -> int:
        """Number of images."""
        return int(self.confusion.sum())

    @property
    def errors(self) -> int:
        """Number of wrong answers."""
        return self.count - int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """Fraction of right answers, 0 to 1."""
        return (self.count - self.errors) / self.count

    @property
    def sure_accuracy(self) -> float | None:
        """Fraction of right answers among those that are not unsure; None if there are none."""
        sure = self.right[~self.unsure]
        return float(sure.mean()) if len(sure) else None

    @property
    def confusions(self) -> list[tuple[int, int, int]]:
        """(count, label, answer) of each kind of mistake, the most frequent first."""
        pairs = ((int(self.confusion[pair]), *pair) for pair in np.ndindex(CLASSES, CLASSES))
        found = [(count, y, k) for count, y, k in pairs if y != k and count]
        return sorted(found, key=lambda confusion: -confusion[0])

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval for the accuracy."""
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


def accuracy_of_subsets(evaluation: Evaluation, label_errors: Collection[int]) -> dict[str, float]:
    """Return the accuracy on subsets of MNIST's test images, of which these are known label errors;
    empty if there are none, as for any other set.

    High-school students wrote the first half, which is harder, and census employees the second
    (Yadav and Bottou 2019, https://arxiv.org/abs/1905.10498).
    """
    if not label_errors:
        return {}
    right, half = evaluation.right, evaluation.count // 2
    subsets = {
        "without_label_errors": right[np.setdiff1d(np.arange(len(right)), list(label_errors))],
        "first_half": right[:half],
        "second_half": right[half:],
    }
    return {name: float(subset.mean()) for name, subset in subsets.items()}


def evaluate(network: Network, images: Array, labels: Array, rows: Array) -> Evaluation:
    """Evaluate a network on these rows of images (n, 784) uint8 with labels (n,).

    Raises DataError if there are no rows, as for a network trained without validation images.
    """
    if not len(rows):
        raise DataError(
            "expected images to evaluate, found none: this network was trained without validation "
            "images; use --split test"
        )
    labels, scores = labels[rows], network.image_scores(images[rows])
    log_p = log_probabilities(scores)
    probabilities, answers = np.exp(log_p), log_p.argmax(axis=1)
    right, confidence, unsure = answers == labels, probabilities.max(axis=1), are_unsure(scores)
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    mistakes = [
        Mistake(
            int(rows[i]), int(labels[i]), int(answers[i]), float(confidence[i]), bool(unsure[i])
        )
        for i in np.flatnonzero(~right)
    ]
    mistakes.sort(key=lambda mistake: -mistake.probability)
    loss, margin = logistic_loss(log_p, labels), margins(probabilities)
    return Evaluation(loss, confusion, mistakes, right, unsure, confidence, margin)


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of the accuracy if right of count >= 1 answers are right.

    Wilson's score interval (1927, Journal of the American Statistical Association 22, 209-212).
    Unlike p +- z sqrt(p (1 - p) / n), it is valid for accuracies near 1.
    """
    z = 1.959964  # 97.5 % quantile of the normal distribution
    p = right / count
    centre = p + z**2 / (2 * count)
    half = z * math.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the fields of `eval --json`."""
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

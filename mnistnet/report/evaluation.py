"""Evaluate a network on labelled images, and compare its answers with others on the same images."""

import math
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import DataError, reason
from mnistnet.model.answer import STANDARD, Limits, are_unsure, margins
from mnistnet.model.network import Perceptron, log_probabilities, logistic_loss

NO_ANSWER = CLASSES


@dataclass(frozen=True)
class Evaluation:
    """The result for n >= 1 labelled images. Fractions and probabilities are from 0 to 1.

    per_digit has for each digit: digit, count, recall (None without images of the digit) and
    precision (None if it is never the answer). mistakes has for each wrong answer, the most
    confident first: index and label of the image, digit (the answer), probability and unsure.
    """

    count: int  # of images
    errors: int  # wrong answers
    accuracy: float
    interval: tuple[float, float]  # 95 % Wilson interval for the accuracy
    loss: float  # mean per image
    unsure: int  # unsure answers
    sure_accuracy: float | None  # of the other answers; None if there are none
    confusion: Array  # counts (10, 10); the row is the label, the column the answer
    per_digit: list[dict[str, Any]]
    mistakes: list[dict[str, Any]]
    right: Array  # (n,) whether each answer is right
    sure: Array  # (n,) whether it is sure
    confidence: Array  # (n,) its probability
    margin: Array  # (n,) the same minus the probability of the second answer


def evaluate(
    network: Perceptron, images: Array, labels: Array, rows: Array, limits: Limits = STANDARD
) -> Evaluation:
    """Evaluate a network with these limits of unsure answers on these rows of images (n, 784) uint8
    with labels (n,). Raises DataError if there are no rows, as for a network trained without
    validation images."""
    if not len(rows):
        message = "trained without validation images, so there is nothing to evaluate"
        raise DataError(f"{message}; use --split test")
    return judge(network.image_scores(images[rows]), labels[rows], rows, limits)


def judge(scores: Array, labels: Array, rows: Array, limits: Limits = STANDARD) -> Evaluation:
    """Evaluate the answers of scores (n, 10) to images with labels (n,) and indices rows (n,)."""
    log_p = log_probabilities(scores)
    p = np.exp(log_p)
    answers, confidence, unsure = log_p.argmax(axis=1), p.max(axis=1), are_unsure(scores, limits)
    right, sure = answers == labels, ~unsure
    confusion = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(confusion, (labels, answers), 1)
    hits, images, answered = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    per_digit = [
        {
            "digit": digit,
            "count": int(images[digit]),
            "recall": float(hits[digit] / images[digit]) if images[digit] else None,
            "precision": float(hits[digit] / answered[digit]) if answered[digit] else None,
        }
        for digit in range(CLASSES)
    ]
    order = np.argsort(-confidence, kind="stable")
    wrong = order[~right[order]]
    names = ("index", "label", "digit", "probability", "unsure")
    columns = (each[wrong].tolist() for each in (rows, labels, answers, confidence, unsure))
    return Evaluation(
        count=len(labels),
        errors=len(wrong),
        accuracy=float(right.mean()),
        interval=wilson_interval(int(right.sum()), len(labels)),
        loss=logistic_loss(log_p, labels),
        unsure=int(unsure.sum()),
        sure_accuracy=float(right[sure].mean()) if sure.any() else None,
        confusion=confusion,
        per_digit=per_digit,
        mistakes=[dict(zip(names, mistake, strict=True)) for mistake in zip(*columns, strict=True)],
        right=right,
        sure=sure,
        confidence=confidence,
        margin=margins(p),
    )


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
        "without_label_errors": right[~np.isin(np.arange(len(right)), list(label_errors))],
        "first_half": right[:half],
        "second_half": right[half:],
    }
    return {name: float(subset.mean()) for name, subset in subsets.items()}


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
    facts = asdict(evaluation)
    for name in ("right", "sure", "confidence", "margin"):
        del facts[name]
    return facts | {"confusion": evaluation.confusion.tolist()}


def read_answers(path: Path, count: int) -> Array:
    """Read the digits (count,) in a text file: one per line, or the last column of a table whose
    columns are separated by commas, semicolons or spaces. A first line without a digit is a
    heading; an empty last column becomes NO_ANSWER. Raises DataError for anything else."""
    try:
        with path.open("rb") as stream:
            content = stream.read(1 << 24)  # bytes; of more, the count is wrong
    except OSError as error:
        raise DataError(f"{path}: {reason(error)}") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = content.decode(encoding, "replace").rstrip().splitlines()
    digits = [_digit(line.strip()) for line in lines]
    first = 1 if digits and digits[0] is None else 0
    if None in digits[first:]:
        number = digits.index(None, first)
        found = f"found {lines[number][-20:]!r}"
        raise DataError(f"{path}: expected a digit at the end of line {number + 1}; {found}")
    if len(digits) - first != count:
        found = f"found {len(digits) - first:,}"
        raise DataError(f"{path}: expected an answer for each of the {count:,} images; {found}")
    return np.array(digits[first:], np.uint8)


def _digit(line: str) -> int | None:
    """Return the digit in the last column, such as '7', '7.0' or '7e0', or None."""
    word = re.split(r"[\s,;]+", line)[-1].strip("\"'")
    if line and not word:
        return NO_ANSWER
    try:
        value = float(word[:30])
    except ValueError:
        return None
    return int(value) if value in range(CLASSES) else None


def compare(name: str, right: Array, other: Array, rows: Array) -> dict[str, Any]:
    """Return the fields of `eval --json` under "against": a network compared with the other, name.

    right (n,) and other (n,) say which answers of the two are right, rows (n,) of which images.
    """
    mine, theirs = (sorted(rows[only].tolist()) for only in (right & ~other, other & ~right))
    return {
        "name": name,
        "accuracy": float(right.mean()),
        "other_accuracy": float(other.mean()),
        "only_network": mine,
        "only_other": theirs,
        "p_value": mcnemar(len(mine), len(theirs)),
    }


def mcnemar(first: int, second: int) -> float:
    """Exact two-sided p-value, given how many images only the first and only the second gets right:
    the probability of a difference at least this large if both are equally accurate.

    Then each of these images is a fair coin toss (McNemar 1947, Psychometrika 12, 153-157).
    """
    count = first + second
    term = tail = 1  # the binomial coefficients of 0, 1, ..., and their sum
    for k in range(min(first, second)):
        term = term * (count - k) // (k + 1)
        tail += term
    p_value: float = 2 * tail / 2**count
    return min(1.0, p_value)

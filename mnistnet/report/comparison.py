"""Compare two networks, or a network and other answers, on the same images."""

import textwrap
from dataclasses import dataclass

from mnistnet.arrays import Array
from mnistnet.report.text import percent

SHOWN = 8  # images listed
LEVEL = 0.05  # of significance


@dataclass(frozen=True)
class Comparison:
    """A network compared with other answers, called name.

    accuracy, other_accuracy    of the network and of the other answers, 0 to 1
    only_network, only_other    images that only one of the two gets right
    p_value                     of McNemar's exact test: the probability of a difference at least
                                this large if both are equally accurate
    """

    name: str
    accuracy: float
    other_accuracy: float
    only_network: list[int]
    only_other: list[int]
    p_value: float


def compare(name: str, right: Array, other: Array, rows: Array) -> Comparison:
    """Compare two sets of answers: right (n,) and other (n,) say which of them are right, and rows
    (n,) are the numbers of the images."""
    only_network = sorted(rows[right & ~other].tolist())
    only_other = sorted(rows[other & ~right].tolist())
    p_value = mcnemar(len(only_network), len(only_other))
    return Comparison(
        name, float(right.mean()), float(other.mean()), only_network, only_other, p_value
    )


def mcnemar(first: int, second: int) -> float:
    """Exact two-sided p-value, given how many images only the first and only the second gets right.

    Under the null hypothesis each of these images is a fair coin toss (McNemar 1947, Psychometrika
    12, 153-157).
    """
    count = first + second
    term = tail = 1  # the binomial coefficients of 0, 1, ..., and their sum
    for k in range(min(first, second)):
        term = term * (count - k) // (k + 1)
        tail += term
    p_value: float = 2 * tail / 2**count
    return min(1.0, p_value)


def comparison_text(comparison: Comparison, split: str) -> str:
    """Format both accuracies, the images that only one gets right, and the test; split is 'test' or
    'train'."""
    lines = [
        f"this network {percent(comparison.accuracy)}, {comparison.name} "
        f"{percent(comparison.other_accuracy)}"
    ]
    for who, images in (
        ("this network", comparison.only_network),
        ("the other", comparison.only_other),
    ):
        listed = [f"{split}:{image}" for image in images[:SHOWN]] + ["..."] * (len(images) > SHOWN)
        text = f"only {who} is right on {len(images):,}: {', '.join(listed) or '-'}"
        lines += textwrap.wrap(text, 80, subsequent_indent="  ")
    verdict = "is" if comparison.p_value < LEVEL else "is not"
    lines.append(
        f"the difference {verdict} statistically significant: p = {comparison.p_value:.2g} "
        "(exact McNemar test)"
    )
    return "\n".join(lines)

"""Two readers' answers to the same images: which only one of them reads, and whether that is
chance."""

import textwrap
from dataclasses import dataclass

from mnistnet.arrays import Array
from mnistnet.report.text import percent

SHOWN = 8  # images that are listed
LEVEL = 0.05  # of significance


@dataclass(frozen=True)
class Comparison:
    """A network against another reader, called name.

    accuracy is the network's and other_accuracy the other's, each 0 to 1; only_network and
    only_other are the images that only one of them reads correctly. p_value is that of McNemar's
    exact test: how probable so unequal lists are if both readers are equally good.
    """

    name: str
    accuracy: float
    other_accuracy: float
    only_network: list[int]
    only_other: list[int]
    p_value: float


def compare(name: str, right: Array, other: Array, rows: Array) -> Comparison:
    """The comparison of two readers, given whether each reads the images with these numbers
    correctly (n,)."""
    only_network = sorted(rows[right & ~other].tolist())
    only_other = sorted(rows[other & ~right].tolist())
    p_value = mcnemar(len(only_network), len(only_other))
    return Comparison(
        name, float(right.mean()), float(other.mean()), only_network, only_other, p_value
    )


def mcnemar(first: int, second: int) -> float:
    """The exact two-sided p-value of so many images that only the first reader reads, and only the
    second: each is as likely to fall to either as a coin (McNemar 1947, Psychometrika 12,
    153-157)."""
    count = first + second
    term = tail = 1  # the binomial coefficients of 0, 1, ..., and their sum
    for k in range(min(first, second)):
        term = term * (count - k) // (k + 1)
        tail += term
    p_value: float = 2 * tail / 2**count
    return min(1.0, p_value)


def comparison_text(comparison: Comparison, split: str) -> str:
    """Both accuracies, the images that only one reads, and what the test says, for images called
    split ('test' or 'train') and a number."""
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
    is_larger = comparison.p_value < LEVEL
    lines.append(
        f"the difference is {'larger than' if is_larger else 'not larger than'} chance explains: "
        f"p = {comparison.p_value:.2g} (exact McNemar test)"
    )
    return "\n".join(lines)

"""Confidence: calibration, and the curves behind the rule for `unsure`.

    python tests/bench/bench_confidence.py [PICTURES NONDIGITS [WEIGHTS]]

PICTURES is a folder of people's digits, NONDIGITS one of pictures without a digit. Each has a
labels.tsv, with the columns file and digit, or file. A picture N_NAME_NN.png is by the person NAME.
The rule is chosen on the people whose name's SHA-256 begins with a 0 bit, and measured on the
others. MNIST's validation images, drawn digits and the images of unseen.py are also measured. The
weights were trained on none of these.
"""

import contextlib
import hashlib
import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import unseen
from table import labelled

import mnistnet
from mnistnet.arrays import Array
from mnistnet.errors import PictureError
from mnistnet.image.drawn import draw
from mnistnet.model import training
from mnistnet.model.network import log_probabilities

EACH = 500  # drawn images of each kind of non-digit
SHARES = (1, 2, 3, 4, 5, 6, 8, 10)  # percentage of right digits that a threshold calls unsure
BOTH = (0.8, 0.9, 0.95, 0.98, 0.99), (5.5, 6, 6.5, 7)  # margins and largest scores, combined
LOWEST = (1, 2, 3, 4)
BINS = 15  # of the expected calibration error
Scored = tuple[Array, Array]  # scores (n, 10) and labels (n,)


def probability(f: Array) -> Array:
    return np.exp(log_probabilities(f)).max(axis=1)


def margin(f: Array) -> Array:
    first, second = np.sort(np.exp(log_probabilities(f)), axis=1)[:, :-3:-1].T
    return first - second


def largest(f: Array) -> Array:
    return f.max(axis=1)


def energy(f: Array) -> Array:
    return f.max(axis=1) - log_probabilities(f).max(axis=1)


MEASURES: list[Callable[[Array], Array]] = [probability, margin, largest, energy]


def main() -> None:
    words = [Path(word) for word in sys.argv[1:]]
    network = mnistnet.load_network(words[2] if len(words) > 2 else None)
    digits, others = held_out(network)
    if len(words) > 1:
        digits |= people(words[0], network)
        others[f"{words[1].name}/"] = pictures(rows_of(words[1]), network)
    print(f"{'':<32}{'images':>8}{'accuracy':>10}{'mean p':>8}{'ECE':>8}")
    for name, (f, labels) in digits.items():
        accuracy = 100 * (f.argmax(axis=1) == labels).mean()
        mean, error = 100 * probability(f).mean(), 100 * ece(f, labels)
        print(f"{name:<32}{len(f):>8,}{accuracy:>9.2f}%{mean:>7.2f}%{error:>7.2f}%")

    f, labels = digits.get("people, chosen on", digits["MNIST validation"])
    right = f[f.argmax(axis=1) == labels]
    print(f"\n{'AUROC against right digits':<32}" + "".join(f"{m.__name__:>12}" for m in MEASURES))
    for name, f in others.items():
        print(f"{name:<32}" + "".join(f"{auroc(m(right), m(f)):>12.4f}" for m in MEASURES))

    for measure in MEASURES:
        heading(f"sure from this {measure.__name__} on", digits, others)
        for share in SHARES:
            least = float(np.percentile(measure(right), share))
            row(f"{least:.3f}", lambda f, m=measure, t=least: m(f) >= t, digits, others)
    heading("margin and largest score", digits, others)
    for lead, low in itertools.product(*BOTH):
        row(
            f"{lead}  {low}",
            lambda f, a=lead, b=low: (margin(f) >= a) & (largest(f) >= b),
            digits,
            others,
        )
    heading("largest score, for a digit", digits, others)
    for low in LOWEST:
        row(f"{low}", lambda f, b=low: largest(f) >= b, digits, others)


def held_out(network: mnistnet.Network) -> tuple[dict[str, Scored], dict[str, Array]]:
    """Digits, and images of no digit, that the network was not trained on."""
    mnist = mnistnet.load_data("train")
    held_out = training.split(len(mnist.images), 5000)[1]
    rng = np.random.default_rng(2026)
    drawn = draw(2000, rng)
    digits = {
        "MNIST validation": (network.scores(mnist.images[held_out]), mnist.labels[held_out]),
        "drawn digits": (network.scores(drawn[0]), drawn[1]),
    }
    kinds = unseen.draw(EACH, rng)
    return digits, {name: network.scores(images) for name, images in kinds.items()}


def people(folder: Path, network: mnistnet.Network) -> dict[str, Scored]:
    """The pictures by the people on whom the rule is chosen, and by the others."""
    found: dict[str, list[dict[str, str]]] = {"people, chosen on": [], "people, others": []}
    for line in rows_of(folder):
        name = "_".join(line["file"].split("_")[1:-1])
        is_chosen = hashlib.sha256(name.encode()).digest()[0] < 128
        found["people, chosen on" if is_chosen else "people, others"].append(line)
    return {
        name: (pictures(lines, network), np.array([int(line["digit"]) for line in lines]))
        for name, lines in found.items()
    }


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The rows of its labels.tsv, with the path of each picture."""
    return [line | {"path": str(folder / line["file"])} for line in labelled(folder)]


def pictures(lines: list[dict[str, str]], network: mnistnet.Network) -> Array:
    """Scores of the picture in each line; 0 if it does not show exactly one digit."""
    scores = np.zeros((len(lines), 10))
    for line, f in zip(lines, scores, strict=True):
        with contextlib.suppress(PictureError):
            f[:] = mnistnet.predict(line["path"], network).scores or 0
    return scores


def heading(title: str, digits: dict[str, Scored], others: dict[str, Array]) -> None:
    print(f"\n{title:<32}" + "".join(f"{name:>20}" for name in digits) + "   no digit, but sure:")
    print(f"{'':<32}" + f"{'unsure  wrong':>20}" * len(digits) + "   " + ", ".join(others))


def row(
    name: str,
    is_sure: Callable[[Array], Array],
    digits: dict[str, Scored],
    others: dict[str, Array],
) -> None:
    """Print percentages: right digits that are unsure, digits that are wrong and sure, and images
    of no digit that are sure."""
    cells = []
    for f, labels in digits.values():
        is_right, sure = f.argmax(axis=1) == labels, is_sure(f)
        unsure, wrong = (~sure)[is_right].mean(), (sure & ~is_right).mean()
        cells.append(f"{100 * unsure:>13.1f}{100 * wrong:>7.2f}")
    cells += [f"{100 * is_sure(f).mean():>7.1f}" for f in others.values()]
    print(f"{name:<32}" + "".join(cells))


def ece(f: Array, labels: Array) -> float:
    """The expected calibration error: the mean difference between probability and accuracy, over
    BINS groups of equal size."""
    p, right = probability(f), f.argmax(axis=1) == labels
    order = np.array_split(p.argsort(), BINS)
    return float(sum(abs(p[rows].sum() - right[rows].sum()) for rows in order) / len(p))


def auroc(positive: Array, negative: Array) -> float:
    """The probability that a positive value exceeds a negative one; ties count half."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left") + np.searchsorted(order, positive, "right")
    return float(below.mean() / 2 / len(negative))


if __name__ == "__main__":
    main()

"""Can `predict` tell when it does not know? Calibration, and the curve behind the rule for unsure.

    python tests/bench/bench_confidence.py [PICTURES NONDIGITS [WEIGHTS]]

PICTURES is a folder of people's digits and NONDIGITS one of pictures without a digit, each with a
labels.tsv that has the names of its columns in the first line: file and digit, or file. A picture
N_NAME_NN.png is by the person NAME; the rule is chosen on the people whose name's SHA-256 begins
with a 0 bit, and the others only measure. Other digits are MNIST's validation images and drawn
ones, other non-digits those of unseen.py; the weights have seen none of them.
"""

import contextlib
import csv
import hashlib
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import data
import numpy as np
import unseen

from mnistnet.arrays import Array
from mnistnet.errors import PictureError
from mnistnet.image.digit import read_picture
from mnistnet.image.drawn import draw
from mnistnet.model import training, weights
from mnistnet.model.answer import doubt
from mnistnet.model.network import Network, log_probabilities

EACH = 500  # drawn images of each kind of non-digit
SHARES = (1, 2, 3, 4, 5, 6, 8, 10)  # of right digits, in percent, that a threshold calls unsure
BINS = 15  # of the expected calibration error
Scored = tuple[Array, Array]  # scores (n, 10) and labels (n,)


def probability(f: Array) -> Array:
    return np.exp(log_probabilities(f)).max(axis=1)


def margin(f: Array) -> Array:
    first, second = np.sort(np.exp(log_probabilities(f)), axis=1)[:, :-3:-1].T
    return first - second


def gap(f: Array) -> Array:
    first, second = np.sort(f, axis=1)[:, :-3:-1].T
    return first - second


def largest(f: Array) -> Array:
    return f.max(axis=1)


def energy(f: Array) -> Array:
    return f.max(axis=1) - log_probabilities(f).max(axis=1)


MEASURES: list[Callable[[Array], Array]] = [probability, margin, gap, largest, energy]


def main() -> None:
    words = [Path(word) for word in sys.argv[1:]]
    network, _ = weights.load(words[2] if len(words) > 2 else weights.PRETRAINED)
    digits, others = held_out(network)
    if len(words) > 1:
        digits |= people(words[0], network)
        others[f"{words[1].name}/"] = of_files(files(words[1]), network)
    print(f"{'':<32}{'images':>8}{'accuracy':>10}{'mean p':>8}{'ECE':>8}")
    for name, (f, labels) in digits.items():
        accuracy = 100 * (f.argmax(axis=1) == labels).mean()
        mean, error = 100 * probability(f).mean(), 100 * ece(f, labels)
        print(f"{name:<32}{len(f):>8,}{accuracy:>9.2f}%{mean:>7.2f}%{error:>7.2f}%")

    chosen_on = digits.get("people, chosen on", digits["MNIST validation"])
    print(f"\n{'AUROC against right digits':<32}" + "".join(f"{m.__name__:>12}" for m in MEASURES))
    right = chosen_on[0][chosen_on[0].argmax(axis=1) == chosen_on[1]]
    for name, f in others.items():
        print(f"{name:<32}" + "".join(f"{auroc(m(right), m(f)):>12.4f}" for m in MEASURES))
    for measure in MEASURES:
        curve(measure, right, digits, others)
    print(f"\n{'the rule of predict':<32}" + outcome(by_rule, digits, others))
    for name, f in {**{name: f for name, (f, _) in digits.items()}, **others}.items():
        reasons = Counter(doubt(p) or "sure" for p in np.exp(log_probabilities(f)).tolist())
        print(
            f"{name:<32}"
            + ", ".join(f"{r} {100 * n / len(f):.1f} %" for r, n in reasons.most_common())
        )


def held_out(network: Network) -> tuple[dict[str, Scored], dict[str, Array]]:
    """Digits and non-digits that the network has not seen."""
    mnist = data.load("train")
    rows = training.split(len(mnist.images), 5000)[1]
    rng = np.random.default_rng(2026)
    drawn = draw(2000, rng)
    digits = {
        "MNIST validation": (network.image_scores(mnist.images[rows]), mnist.labels[rows]),
        "drawn digits": (network.image_scores(drawn[0]), drawn[1]),
    }
    kinds = unseen.draw(EACH, rng)
    return digits, {name: network.image_scores(images) for name, images in kinds.items()}


def people(folder: Path, network: Network) -> dict[str, Scored]:
    """The pictures in the folder by the people the rule is chosen on, and by the others."""
    found: dict[str, list[dict[str, str]]] = {"people, chosen on": [], "people, others": []}
    for row in files(folder):
        name = "_".join(row["file"].split("_")[1:-1])
        is_chosen = hashlib.sha256(name.encode()).digest()[0] < 128
        found["people, chosen on" if is_chosen else "people, others"].append(row)
    return {
        name: (of_files(rows, network), np.array([int(row["digit"]) for row in rows]))
        for name, rows in found.items()
    }


def files(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row | {"path": str(folder / row["file"])} for row in rows]


def of_files(rows: list[dict[str, str]], network: Network) -> Array:
    """Scores of the picture in each row's path, all equal for one in which nothing is found."""
    scores = np.zeros((len(rows), 10), np.float32)
    for i, row in enumerate(rows):
        with contextlib.suppress(PictureError):
            scores[i] = network.image_scores(read_picture(Path(row["path"])).image[None])[0]
    return scores


def curve(
    measure: Callable[[Array], Array],
    right: Array,
    digits: dict[str, Scored],
    others: dict[str, Array],
) -> None:
    """For thresholds of the measure: which share of the right digits is unsure, and which share of
    all is wrong and sure; and which share of the images of no digit is sure."""
    print(f"\n{f'sure from this {measure.__name__} on':<32}" + " ".join(f"{n:>19}" for n in digits))
    print(f"{'':<32}" + f"{'unsure  wrong':>19} " * len(digits) + "   no digit, but sure")
    for share in SHARES:
        threshold = np.percentile(measure(right), share)
        print(
            f"{threshold:<32.3f}" + outcome(lambda f, t=threshold: measure(f) >= t, digits, others)
        )


def outcome(
    is_sure: Callable[[Array], Array], digits: dict[str, Scored], others: dict[str, Array]
) -> str:
    """The figures of one row of the curve, in percent."""
    cells = []
    for f, labels in digits.values():
        is_right, sure = f.argmax(axis=1) == labels, is_sure(f)
        unsure, wrong = (~sure)[is_right].mean(), (sure & ~is_right).mean()
        cells.append(f"{100 * unsure:>12.1f}{100 * wrong:>7.2f} ")
    return "".join(cells) + "  ".join(f"{100 * is_sure(f).mean():>6.1f}" for f in others.values())


def by_rule(f: Array) -> Array:
    """Whether `predict` is sure."""
    return np.array([doubt(p) is None for p in np.exp(log_probabilities(f)).tolist()], bool)


def ece(f: Array, labels: Array) -> float:
    """The expected calibration error: the mean distance between probability and accuracy, over
    BINS of equally many answers."""
    p, right = probability(f), f.argmax(axis=1) == labels
    order = np.array_split(p.argsort(), BINS)
    return float(sum(abs(p[rows].sum() - right[rows].sum()) for rows in order) / len(p))


def auroc(positive: Array, negative: Array) -> float:
    """The chance that a positive is above a negative; ties count half."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left") + np.searchsorted(order, positive, "right")
    return float(below.mean() / 2 / len(negative))


if __name__ == "__main__":
    main()

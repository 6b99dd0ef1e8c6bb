"""Confidence: calibration, and the curves behind the rule for `unsure`.

    python tests/bench/bench_confidence.py [PICTURES NONDIGITS [WEIGHTS]]

PICTURES is a folder of people's digits, NONDIGITS one of pictures without a digit. Each has a
labels.tsv, with the columns file and digit, or file. A picture N_NAME_NN.png is by the person NAME.
The rule is chosen on the people whose name's SHA-256 begins with a 0 bit, and measured on the
others, MNIST's validation images, drawn digits and unseen.py. The weights were trained on none.
"""

import contextlib
import hashlib
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import unseen
from table import labelled

import mnistnet
from mnistnet.arrays import Array
from mnistnet.image.drawn import draw
from mnistnet.model.network import log_probabilities
from mnistnet.model.options import Options
from mnistnet.model.state import split

MEASURES = ("probability", "margin", "largest", "energy")
SHARES = (1, 2, 3, 4, 5, 6, 8, 10)  # percentage of right digits that a threshold calls unsure
PAIRS = list(itertools.product((0.8, 0.9, 0.95, 0.98, 0.99), (5.5, 6, 6.5, 7)))
Answers = dict[str, Array]  # each of the MEASURES, and "right": whether the answer is right; (n,)


def answers(f: Array, labels: Array | int) -> Answers:
    """The answers to images with scores f (n, 10) and these labels (n,), -1 for no digit."""
    log_p = log_probabilities(f)
    second, first = np.sort(np.exp(log_p), axis=1)[:, -2:].T
    return {
        "probability": first,
        "margin": first - second,
        "largest": f.max(axis=1),
        "energy": f.max(axis=1) - log_p.max(axis=1),
        "right": f.argmax(axis=1) == labels,
    }


def held_out(network: mnistnet.Network) -> dict[str, Answers]:
    """Digits, and images of no digit, that the network was not trained on."""
    mnist = mnistnet.load_data("train")
    rows = split(len(mnist.images), Options(validation=5000))[1]
    rng = np.random.default_rng(2026)
    sets = {"MNIST validation": (mnist.images[rows], mnist.labels[rows])}
    sets["drawn digits"] = draw(2000, rng)
    sets |= {name: (images, -1) for name, images in unseen.draw(500, rng).items()}
    return {
        name: answers(network.scores(images), labels) for name, (images, labels) in sets.items()
    }


def pictures(folder: Path, network: mnistnet.Network) -> tuple[list[str], Answers]:
    """The names of the people, and the answers to their pictures. All scores are 0 for a picture
    that does not show exactly one digit."""
    rows = labelled(folder)
    scores = np.zeros((len(rows), 10))
    for row, f in zip(rows, scores, strict=True):
        with contextlib.suppress(mnistnet.PictureError):
            f[:] = mnistnet.predict(folder / row["file"], network).scores or 0
    labels = np.array([int(row.get("digit", -1)) for row in rows])
    return ["_".join(row["file"].split("_")[1:-1]) for row in rows], answers(scores, labels)


def calibration_error(p: Array, right: Array) -> float:
    """The mean difference between probability and accuracy, over 15 groups of equal size."""
    groups = np.array_split(p.argsort(), 15)
    return float(sum(abs(p[rows].sum() - right[rows].sum()) for rows in groups) / len(p))


def auroc(positive: Array, negative: Array) -> float:
    """The probability that a positive value exceeds a negative one; ties count half."""
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left") + np.searchsorted(order, positive, "right")
    return float(below.mean() / 2 / len(negative))


def rates(found: Answers, least: dict[str, float]) -> str:
    """Percentages of right answers that are unsure, if any are right, and of all answers that are
    wrong but sure, when those are sure whose measures reach these values."""
    sure = np.all([found[name] >= value for name, value in least.items()], axis=0)
    right = found["right"]
    unsure = f"{100 * (~sure)[right].mean():>13.1f}" if right.any() else ""
    return f"{unsure}{100 * (sure & ~right).mean():>7.2f}"


def line(name: str, cells: Iterable[str]) -> None:
    print(f"{name:<32}{''.join(cells)}")


def main() -> None:
    words = [Path(word) for word in sys.argv[1:]]
    network = mnistnet.load_network(words[2] if words[2:] else None)
    found = held_out(network)
    chosen_on = found["MNIST validation"]
    if words:
        names, theirs = pictures(words[0], network)
        is_chosen = np.array([hashlib.sha256(n.encode()).digest()[0] < 128 for n in names])
        chosen_on = {key: values[is_chosen] for key, values in theirs.items()}
        found["people, chosen on"] = chosen_on
        found["people, others"] = {key: values[~is_chosen] for key, values in theirs.items()}
        found[f"{words[1].name}/"] = pictures(words[1], network)[1]
    digits = {name: each for name, each in found.items() if each["right"].any()}
    others = {name: each for name, each in found.items() if name not in digits}

    line("", [f"{'images':>8}{'accuracy':>10}{'mean p':>8}{'ECE':>8}"])
    for name, each in digits.items():
        p, right = each["probability"], each["right"]
        shares = f"{100 * right.mean():>9.2f}%{100 * p.mean():>7.2f}%"
        line(name, [f"{len(p):>8,}{shares}{100 * calibration_error(p, right):>7.2f}%"])

    right = {name: chosen_on[name][chosen_on["right"]] for name in MEASURES}
    print()
    line("AUROC against right digits", [f"{name:>12}" for name in MEASURES])
    for name, each in others.items():
        line(name, [f"{auroc(right[m], each[m]):>12.4f}" for m in MEASURES])

    rules = [{name: np.percentile(right[name], n)} for name in MEASURES for n in SHARES]
    rules += [{"margin": m, "largest": f} for m, f in PAIRS]
    rules += [{"largest": f} for f in (1, 2, 3, 4)]  # for a digit
    print()
    line("sure from these on", [*(f"{name:>20}" for name in digits), "   no digit, but sure:"])
    line("", [*(f"{'unsure  wrong':>20}" for _ in digits), "   ", ", ".join(others)])
    for least in rules:
        title = ", ".join(f"{name} {value:.3f}" for name, value in least.items())
        line(title, [rates(each, least) for each in (digits | others).values()])


if __name__ == "__main__":
    main()

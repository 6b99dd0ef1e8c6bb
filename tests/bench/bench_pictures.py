"""Accuracy of `predict` on pictures.

    python tests/bench/bench_pictures.py [--changes N] [--weights FILE] [FOLDER ...]

--changes measures how changes of framing, scale, colour, light, paper and file format
(tests/changes.py) affect accuracy on N of MNIST's validation images, 100 without a FOLDER, and
reads rows of digits. A FOLDER has a labels.tsv with the columns file, digit (or digits, for a
number), style and note; the note says why a picture is unusually hard.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from table import labelled

import mnistnet
from mnistnet.model.options import Options
from mnistnet.model.state import split

sys.path.insert(0, str(Path(__file__).parents[1]))
import changes

HEADER = f"\n{'':<32}{'of':>8}{'right %':>10}{'wrong, sure %':>16}{'right, unsure %':>16}"


def read(source: Any, network: mnistnet.Network) -> tuple[str, bool]:
    """The digits read, '' for none, and whether the answer is unsure."""
    try:
        answer = mnistnet.predict(source, network)
    except mnistnet.PictureError:
        return "", True
    return "".join(str(digit.digit) for digit in answer.digits), answer.unsure


def show(name: str, answers: Sequence[tuple[bool, bool]], before: float | None = None) -> None:
    """Print percentages of answers (right, unsure): right; wrong and not unsure; right but unsure;
    and by how many points the first differs from the one before."""
    right, unsure = np.array(answers).T
    shares = right.mean(), (~right & ~unsure).mean(), unsure[right].mean()
    accuracy, wrong, hesitant = (100 * float(share) for share in shares)
    points = "" if before is None else f"{accuracy - before:>+9.2f}"
    columns = f"{len(right):>8}{accuracy:>10.2f}{wrong:>16.2f}{hesitant:>16.2f}{points}"
    print(f"{name:<32}{columns}", flush=True)


def people(folder: Path, network: mnistnet.Network) -> None:
    """Print each mistake on labelled pictures, and the accuracy by style."""
    groups: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row in labelled(folder):
        truth, note = row.get("digits") or row.get("digit", ""), row.get("note", "")
        found, unsure = read(folder / row["file"], network)
        if found != truth:
            doubt = "unsure" if unsure else ""
            print(f"{row['file']:<40} is {truth or 'none'}, read as {found} {doubt}   {note}")
        noted = "with a note" if note else "without a note"
        for group in (row.get("style") or row.get("kind", ""), noted, "all"):
            groups[group].append((found == truth, unsure))
    print(HEADER)
    for group, answers in sorted(groups.items(), key=lambda item: len(item[1])):
        show(group, answers)


def invariance(network: mnistnet.Network, count: int) -> None:
    """Print the accuracy on changed validation images, and on rows of them."""
    mnist = mnistnet.load_data("train")
    rows = split(len(mnist.images), Options(validation=5000))[1][:count]
    images, labels = mnist.images[rows].reshape(-1, 28, 28), mnist.labels[rows]
    before = 100 * float((network.predict(images) == labels).mean())

    def judged(change: changes.Change, which: Any, rng: np.random.Generator) -> tuple[bool, bool]:
        found, unsure = read(change(images[which], rng), network)
        return found == "".join(map(str, np.atleast_1d(labels[which]))), unsure

    print(f"{HEADER}{'points':>9}\n{'untouched':<32}{count:>8}{before:>10.2f}")
    for name, change in changes.CHANGES.items():
        rng = np.random.default_rng(1)
        show(name, [judged(change, number, rng) for number in range(count)], before)
    for name, row in changes.ROWS.items():
        rng = np.random.default_rng(2)
        picked = [rng.integers(0, count, rng.integers(2, 8)) for _ in range(count // 4)]
        show(name, [judged(row, some, rng) for some in picked])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--changes", type=int, metavar="N")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("folders", nargs="*", type=Path)
    wanted = parser.parse_args()
    network = mnistnet.load_network(wanted.weights)
    for folder in wanted.folders:
        people(folder, network)
    if wanted.changes or not wanted.folders:
        invariance(network, wanted.changes or 100)


if __name__ == "__main__":
    main()

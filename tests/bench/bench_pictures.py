"""Accuracy and speed of `predict` on pictures.

    python tests/bench/bench_pictures.py [--changes N] [--weights FILE] [FOLDER ...]

Without arguments only speed is measured. --changes N measures how changes of framing, scale,
colour, light, paper and file format (tests/changes.py) affect accuracy on N of MNIST's validation
images, and reads rows of digits. A FOLDER has a labels.tsv with the columns file, digit (or digits,
for a number), style and note; the note says why a picture is unusually hard.
"""

import argparse
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from table import Table, in_turns, labelled

from mnistnet import api
from mnistnet.errors import PictureError
from mnistnet.image.digit import read_picture
from mnistnet.model.training import split

sys.path.insert(0, str(Path(__file__).parents[1]))
import changes

RUNS = 5
Source = Path | io.BytesIO


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--changes", type=int, metavar="N")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--json", action="store_true")  # table.py looks for it
    parser.add_argument("folders", nargs="*", type=Path)
    wanted = parser.parse_args()
    network = api.load_network(wanted.weights)
    for folder in wanted.folders:
        people(folder, network)
    if wanted.changes:
        invariance(network, wanted.changes)
    if not wanted.folders and not wanted.changes:
        speed(network)


def read(source: Source, network: api.Network) -> tuple[str, bool]:
    """The digits read, '' for none, and whether the answer is unsure."""
    try:
        (answer,) = api.answers(network, [read_picture(source)])
    except PictureError:
        return "", True
    return "".join(str(digit.digit) for digit in answer.digits), answer.unsure


def summary(answers: Sequence[tuple[bool, bool]]) -> str:
    """Percentages of answers (right, unsure): right; wrong and not unsure; right but unsure."""
    right, unsure = np.array(answers).T
    wrong_sure, hesitant = (~right & ~unsure).mean(), unsure[right].mean()
    figures = f"{100 * right.mean():>10.2f}{100 * wrong_sure:>16.2f}{100 * hesitant:>16.2f}"
    return f"{len(right):>8}{figures}"


HEADER = f"{'':<32}{'of':>8}{'right %':>10}{'wrong, sure %':>16}{'right, unsure %':>16}"


def judged(
    truths: Iterable[str], sources: Iterable[Source], network: api.Network
) -> list[tuple[bool, bool]]:
    """For each source, whether the answer is right and whether it is unsure."""
    answers = (
        (truth, read(source, network)) for truth, source in zip(truths, sources, strict=True)
    )
    return [(found == truth, unsure) for truth, (found, unsure) in answers]


def people(folder: Path, network: api.Network) -> None:
    """Print each mistake on labelled pictures, and the accuracy by style."""
    groups: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for row in labelled(folder):
        truth = row.get("digits") or row.get("digit", "")
        found, unsure = read(folder / row["file"], network)
        if found != truth:
            doubt = "unsure" if unsure else ""
            note = row.get("note", "")
            print(f"{row['file']:<40} is {truth or 'none'}, read as {found} {doubt}   {note}")
        note = "with a note" if row.get("note") else "without a note"
        for group in (row.get("style") or row.get("kind", ""), note, "all"):
            groups[group].append((found == truth, unsure))
    print(f"\n{HEADER}")
    for group, answers in sorted(groups.items(), key=lambda item: len(item[1])):
        print(f"{group:<32}{summary(answers)}")


def invariance(network: api.Network, count: int) -> None:
    """Print the accuracy on changed validation images, and on rows of them."""
    mnist = api.load_data("train")
    chosen = split(len(mnist.images), 5000)[1][:count]
    images, labels = mnist.images[chosen].reshape(-1, 28, 28), mnist.labels[chosen]
    truths = [str(label) for label in labels]
    before = 100 * float((network.predict(images) == labels).mean())
    print(f"\n{HEADER}{'points':>9}\n{'untouched':<32}{len(images):>8}{before:>10.2f}")
    for name, change in changes.CHANGES.items():
        rng = np.random.default_rng(1)
        answers = judged(truths, (change(image, rng) for image in images), network)
        cost = 100 * np.mean([right for right, _ in answers]) - before
        print(f"{name:<32}{summary(answers)}{cost:>+9.2f}", flush=True)
    for name, row in changes.ROWS.items():
        rng = np.random.default_rng(2)
        picked = [rng.integers(0, len(images), rng.integers(2, 8)) for _ in range(count // 4)]
        numbers = ["".join(map(str, labels[some])) for some in picked]
        sources = (row(images[some], rng) for some in picked)
        print(f"{name:<32}{summary(judged(numbers, sources, network))}", flush=True)


def speed(network: api.Network) -> None:
    small = [changes.saved(drawing(28 + 10 * (i % 10), i), compress_level=6) for i in range(1000)]
    photo = changes.saved(drawing(4000, 0).crop((0, 500, 4000, 3500)), "JPEG")
    times = in_turns(
        {
            "1,000 PNGs of 28 to 118 pixels": lambda: answer_all(small, network),
            "a JPEG of 12 megapixels": lambda: answer_all([photo], network),
        },
        RUNS,
    )
    table = Table("reading and answering", "s")
    for name, figures in times.items():
        table.add(name, figures)


def answer_all(sources: Sequence[io.BytesIO], network: api.Network) -> None:
    for source in sources:
        source.seek(0)
    api.answers(network, [read_picture(source) for source in sources])


def drawing(side: int, seed: int) -> Image.Image:
    """Three strokes, dark on light."""
    picture = Image.new("RGB", (side, side), "#f0eee8")
    points = np.random.default_rng(seed).uniform(0.25 * side, 0.75 * side, (4, 2))
    ImageDraw.Draw(picture).line([tuple(point) for point in points], "#202040", side // 14)
    return picture


if __name__ == "__main__":
    main()

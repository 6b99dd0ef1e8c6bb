"""How well `predict` reads pictures, and how fast.

    python tests/bench/bench_pictures.py [--changes N] [--weights FILE] [FOLDER ...]

Without arguments only speed is measured. --changes N measures what framing, scale, colour, light,
paper and file format cost on N of MNIST's validation images (tests/changes.py), and rows of digits;
it needs MNIST in the cache or in MNISTNET_MIRROR. A FOLDER has a labels.tsv with the columns file,
digit (or digits, of a number), style and note; the note says why a picture is unusually hard.
"""

import argparse
import csv
import io
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from table import Table, in_turns

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


def said(source: Source, network: api.Network) -> tuple[str, bool]:
    """The digits read, '' for none, and whether that is unsure."""
    try:
        (answer,) = api.answers(network, [read_picture(source)])
    except PictureError:
        return "", True
    return "".join(str(digit.digit) for digit in answer.digits), answer.unsure


class Score:
    """Right, wrong and not unsure, right but unsure, in per cent."""

    def __init__(self) -> None:
        self.rows: list[tuple[bool, bool]] = []

    def add(self, right: bool, unsure: bool) -> None:
        self.rows.append((right, unsure))

    def __str__(self) -> str:
        right, unsure = np.array(self.rows).T
        wrong_sure, hesitant = (~right & ~unsure).mean(), unsure[right].mean()
        figures = f"{100 * right.mean():>10.2f}{100 * wrong_sure:>16.2f}{100 * hesitant:>16.2f}"
        return f"{len(right):>8}{figures}"


HEADER = f"{'':<32}{'of':>8}{'right %':>10}{'wrong, sure %':>16}{'right, unsure %':>16}"


def scored(truths: Iterable[str], sources: Iterable[Source], network: api.Network) -> Score:
    score = Score()
    for truth, source in zip(truths, sources, strict=True):
        read, unsure = said(source, network)
        score.add(read == truth, unsure)
    return score


def people(folder: Path, network: api.Network) -> None:
    """Accuracy on labelled pictures by style, and each mistake."""
    with (folder / "labels.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    scores: dict[str, Score] = defaultdict(Score)
    for row in rows:
        truth = row.get("digits") or row.get("digit", "")
        read, unsure = said(folder / row["file"], network)
        if read != truth:
            doubt = "unsure" if unsure else ""
            note = row.get("note", "")
            print(f"{row['file']:<40} is {truth or 'none'}, read as {read} {doubt}   {note}")
        note = "with a note" if row.get("note") else "without a note"
        for group in (row.get("style") or row.get("kind", ""), note, "all"):
            scores[group].add(read == truth, unsure)
    print(f"\n{HEADER}")
    for group, score in sorted(scores.items(), key=lambda item: len(item[1].rows)):
        print(f"{group:<32}{score}")


def invariance(network: api.Network, count: int) -> None:
    """What each change costs, on validation images, and how well rows of them are read."""
    mnist = api.load_data("train")
    chosen = split(len(mnist.images), 5000)[1][:count]
    images, labels = mnist.images[chosen].reshape(-1, 28, 28), mnist.labels[chosen]
    truths = [str(label) for label in labels]
    before = 100 * float((network.predict(images) == labels).mean())
    print(f"\n{HEADER}{'points':>9}\n{'untouched':<32}{len(images):>8}{before:>10.2f}")
    for name, change in changes.CHANGES.items():
        rng = np.random.default_rng(1)
        score = scored(truths, (change(image, rng) for image in images), network)
        cost = 100 * np.mean([right for right, _ in score.rows]) - before
        print(f"{name:<32}{score}{cost:>+9.2f}", flush=True)
    for name, on_paper in (("row of 2 to 7, canvas", False), ("row of 2 to 7, paper", True)):
        rng = np.random.default_rng(2)
        picked = [rng.integers(0, len(images), rng.integers(2, 8)) for _ in range(count // 4)]
        numbers = ["".join(map(str, labels[some])) for some in picked]
        sources = (changes.row(images[some], rng, on_paper) for some in picked)
        print(f"{name:<32}{scored(numbers, sources, network)}", flush=True)


def speed(network: api.Network) -> None:
    small = [saved(drawing(28 + 10 * (i % 10), i), "PNG") for i in range(1000)]
    photo = saved(drawing(4000, 0).crop((0, 500, 4000, 3500)), "JPEG")
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


def saved(picture: Image.Image, form: str) -> io.BytesIO:
    stream = io.BytesIO()
    picture.save(stream, form)
    return stream


if __name__ == "__main__":
    main()

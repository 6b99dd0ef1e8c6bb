"""How well `predict` reads people's pictures, by style, and how fast.

    python tests/bench/bench_pictures.py FOLDER [WEIGHTS]

FOLDER has a labels.tsv: a line with the names of its columns, file, digit, style and note, then a
line a picture; the note says why a picture is unusually hard. Without a folder only speed is told.
"""

import csv
import io
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from table import Table, in_turns

from mnistnet.errors import PictureError
from mnistnet.image.digit import read_picture
from mnistnet.model import weights
from mnistnet.model.network import Network

RUNS = 5


def main() -> None:
    folder, *others = [Path(word) for word in sys.argv[1:] if not word.startswith("-")] or [None]
    network, _ = weights.load(others[0] if others else weights.PRETRAINED)
    if folder:
        accuracy(folder, network)
    small = [saved(drawing(28 + 10 * (i % 10), i), "PNG") for i in range(1000)]
    photo = saved(drawing(6000, 0).crop((0, 1000, 6000, 5000)), "JPEG")
    times = in_turns(
        {
            "1,000 PNGs of 28 to 118 pixels": lambda: [answer(one, network) for one in small],
            "a JPEG of 24 megapixels": lambda: answer(photo, network),
        },
        RUNS,
    )
    table = Table("reading and answering", "s")
    for name, figures in times.items():
        table.add(name, figures)


def accuracy(folder: Path, network: Network) -> None:
    with (folder / "labels.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    right: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        try:
            said = answer(folder / row["file"], network)
        except PictureError as error:
            said = str(error)
        ok = said == int(row["digit"])
        if not ok:
            print(f"{row['file']:<32} is {row['digit']}, answered {said}   {row['note']}")
        for group in (row["style"], "with a note" if row["note"] else "without a note", "all"):
            right[group].append(ok)
    print(f"\n{'':<20}{'right':>8}{'of':>8}{'%':>8}")
    for group, marks in sorted(right.items(), key=lambda item: len(item[1])):
        print(f"{group:<20}{sum(marks):>8}{len(marks):>8}{100 * np.mean(marks):>8.1f}")


def answer(source: Path | io.BytesIO, network: Network) -> int:
    if isinstance(source, io.BytesIO):
        source.seek(0)
    return int(network.image_scores(read_picture(source).image[None]).argmax())


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

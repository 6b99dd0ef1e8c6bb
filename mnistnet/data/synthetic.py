"""Digits drawn by the program, in several ways that people write each.

They stand in for MNIST where no network reaches it, and teach a network ways to write that MNIST
hardly has: its writers were Americans of around 1990, their ones mostly bare strokes, their sevens
seldom crossed, their fours seldom long in the tail. Each digit is a few strokes through control
points, moved, bent, slanted and stretched at random, drawn with a round pen of random width, and
set into 28 x 28 as people's pictures are (picture.py).
"""

import itertools
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mnistnet.atomic import atomic_write, make_folder
from mnistnet.data import idx, mnist
from mnistnet.data.mnist import CLASSES, SIDE
from mnistnet.data.picture import normalise
from mnistnet.data.strokes import WAYS, Points
from mnistnet.errors import DataError

Array = np.ndarray[Any, np.dtype[Any]]

COUNTS = 60_000, 10_000  # training and test images, as MNIST has
PART = 1000  # digits that a process draws at a time
MAX_WORKERS = 8
CANVAS = 160  # pixels a side, on which strokes are drawn
UNIT = 70  # pixels that a digit is high before it is stretched
PARTS = 4  # of the way from one control point to the next


def write(
    folder: Path,
    advance: Callable[[int, int], None],
    seed: int = 0,
    counts: tuple[int, int] = COUNTS,
) -> bool:
    """See that the folder has a set of drawn digits in MNIST's form; False where it already does.

    counts are those of the training and of the test images; advance is told how many digits are
    new, of how many. The same seed and counts give the same files, with the same versions of NumPy
    and Pillow. drawn.json beside them has their SHA-256: files that are in it, or damaged ones
    beside it, may be replaced; any other file is a DataError. Draws in processes of its own, so a
    script calls it under `if __name__ == "__main__"`.
    """
    stated = mnist.stated(folder)
    identity = {"seed": seed, "counts": list(counts)}
    if stated and {key: stated.get(key) for key in identity} == identity and _is_whole(folder):
        return False
    present = [path for file in mnist.FILES if (path := mnist.find(folder, file))]
    for path in present:
        if not _may_replace(path, stated):
            raise DataError(
                f"expected a folder for drawn digits, found {path}, which is not one of them; "
                "name another folder with --data"
            )
    make_folder(folder)
    images, labels = _draw_in_parts(sum(counts), seed, advance)
    for path in present:  # or an interruption now would leave them beside another set's hashes
        path.unlink(missing_ok=True)
    sets = [
        mnist.Dataset(images[rows], labels[rows], split)
        for split, rows in (("train", slice(counts[0])), ("test", slice(counts[0], None)))
    ]
    note = "digits drawn by 'mnistnet download --synthetic', not MNIST"
    sha256 = {part.split: part.sha256 for part in sets}
    with atomic_write(folder / mnist.DRAWN) as stream:
        stream.write(json.dumps({"note": note, **identity, "sha256": sha256}, indent=2).encode())
    arrays = [[part.images.reshape(-1, SIDE, SIDE), part.labels] for part in sets]
    for file, array in zip(mnist.FILES, itertools.chain(*arrays), strict=True):
        idx.write_idx(folder / file.name, array)
    return True


def _may_replace(path: Path, stated: Any) -> bool:
    """Whether the file is one that DRAWN speaks of, or a damaged one beside it."""
    if stated is None:
        return False
    try:
        found = idx.sha256(idx.read_idx(path))
    except DataError:
        return True
    parts = [part for part in stated["sha256"].values() if isinstance(part, dict)]
    return any(found in part.values() for part in parts)


def _is_whole(folder: Path) -> bool:
    try:
        return all(mnist.load(folder, split).drawn for split in ("train", "test"))
    except DataError:
        return False


def _draw_in_parts(
    count: int, seed: int, advance: Callable[[int, int], None]
) -> tuple[Array, Array]:
    """As draw, but by all processors: each part from a random stream of its own."""
    sizes = [min(PART, count - start) for start in range(0, count, PART)]
    parts = zip(sizes, np.random.SeedSequence(seed).spawn(len(sizes)), strict=True)
    drawn = []
    workers = min(os.cpu_count() or 1, len(sizes), MAX_WORKERS)
    # or the new processes would import what lies in the current folder, such as a socket.py
    os.environ["PYTHONSAFEPATH"] = "1"
    with multiprocessing.get_context("spawn").Pool(workers, _begin_work) as pool:
        for part in pool.imap(_draw_part, parts):
            drawn.append(part)
            advance(len(part[1]), count)
    images, labels = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    return images, labels


def _begin_work() -> None:
    """In a process that draws: leave Ctrl-C to the one that asked for it, and end with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _draw_part(part: tuple[int, np.random.SeedSequence]) -> tuple[Array, Array]:
    count, seed = part
    return draw(count, np.random.default_rng(seed))


def draw(count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Images (count, 784) uint8, 0 = background, and labels (count,) uint8: 0 to 9, over and over.

    The same state of rng gives the same digits.
    """
    labels = (np.arange(count) % 10).astype(np.uint8)
    ways = rng.integers([len(WAYS[digit]) for digit in labels])
    images = np.zeros((count, SIDE * SIDE), np.uint8)
    for digit, way in itertools.product(range(CLASSES), range(max(map(len, WAYS)))):
        rows = np.flatnonzero((labels == digit) & (ways == way))
        if len(rows):
            images[rows] = _written(WAYS[digit][way], len(rows), rng)
    return images, labels


def _written(strokes: list[Points], count: int, rng: np.random.Generator) -> Array:
    """So many digits of these strokes, each another: (count, 784) uint8."""
    stretch = np.zeros((count, 2, 2))
    stretch[:, [0, 1], [0, 1]] = np.exp(rng.normal(0, (0.22, 0.08), (count, 2)))
    # slant, and a baseline that is not level
    stretch[:, [0, 1], [1, 0]] = rng.normal((-0.15, 0), (0.25, 0.1), (count, 2))
    # two waves bend each axis
    heights = rng.normal(0, 0.045, (count, 1, 2, 2))
    directions, phases = rng.uniform(1, 6, (count, 4, 2)), rng.uniform(0, 2 * np.pi, (count, 1, 4))
    is_round = rng.random(count) < 0.7
    widths = (UNIT * rng.uniform(0.05, 0.17, count)).astype(int)
    paths = []
    for stroke in strokes:
        points = np.array(stroke) - 0.5 + rng.normal(0, 0.02, (count, 1, 2))
        if len(stroke) < 6:  # straight lines, whose corners people do not always hit
            points += rng.normal(0, 0.025, points.shape)
        points = _between(len(stroke)) @ points
        waves = np.sin(points @ directions.transpose(0, 2, 1) + phases)
        points += (waves.reshape(count, -1, 2, 2) * heights).sum(axis=-1)
        points[is_round] = _rounding(points.shape[1]) @ points[is_round]
        points = UNIT * points @ stretch.transpose(0, 2, 1) + CANVAS / 2
        paths.append(points.tolist())
    return np.array(
        [
            _inked([[tuple(point) for point in path[row]] for path in paths], width)
            for row, width in enumerate(widths.tolist())
        ]
    )


def _inked(paths: list[list[tuple[float, ...]]], width: int) -> Array:
    """The paths drawn with a round pen of this width: (784,) uint8."""
    canvas = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(canvas)
    for path in paths:
        pen.line(path, 255, width)
        for x, y in path[::PARTS]:  # where the line turns, there are gaps at its edge
            pen.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], 255)
    return normalise(np.asarray(canvas.crop(canvas.getbbox()), np.float32) / 255).reshape(-1)


def _between(count: int) -> Array:
    """(n, count): the matrix that puts PARTS - 1 points between each two of count points."""
    places = np.linspace(0, count - 1, PARTS * (count - 1) + 1)
    matrix: Array = np.maximum(1 - np.abs(places[:, None] - np.arange(count)), 0)
    return matrix


def _rounding(count: int) -> Array:
    """(count, count): makes each point the weighted mean of itself and two on either side, so that
    corners become curves."""
    around = np.clip(np.arange(count)[:, None] + np.arange(-2, 3), 0, count - 1)
    matrix: Array = np.eye(count)[around].transpose(0, 2, 1) @ (np.array([1, 2, 3, 2, 1]) / 9)
    return matrix

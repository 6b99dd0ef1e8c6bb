"""Drawn digits (image/drawn.py) in place of MNIST: a data set, or a few images for the page."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from mnistnet.arrays import Array
from mnistnet.data import mnist
from mnistnet.data.download import cache_folder
from mnistnet.errors import DataError
from mnistnet.executors import process_pool
from mnistnet.files import make_folder
from mnistnet.image.drawn import draw

COUNTS = 60_000, 10_000  # training and test images, as in MNIST
SEED = 0
PART = 1000  # digits that a process draws at a time
MAX_WORKERS = 8
FEW = {"train": 5000, "test": 1000}  # images of a sample
NOTE = "digits drawn by 'mnistnet download --synthetic', not MNIST"


def write(
    folder: Path, advance: Callable[[int, int], None], counts: tuple[int, int] = COUNTS
) -> bool:
    """Write drawn digits in MNIST's form to a new or empty folder; return False if it has some.

    counts are the numbers of training and test images; advance receives the number of digits just
    drawn and the total. The same counts and versions of NumPy and Pillow give the same files.
    Raises DataError if the folder has other files. Starts processes (see process_pool).
    """
    with suppress(DataError):
        if all(mnist.load(folder, split).drawn for split in ("train", "test")):
            return False
    mnist.check_empty(folder)
    make_folder(folder)
    train, count = counts[0], sum(counts)
    sizes = [min(PART, count - start) for start in range(0, count, PART)]
    # each part has its own random stream, so that it does not matter which process draws it
    streams = map(np.random.default_rng, np.random.SeedSequence(SEED).spawn(len(sizes)))
    drawn = []
    with process_pool(min(len(sizes), MAX_WORKERS)) as executor:
        for part in executor.map(draw, sizes, streams):
            drawn.append(part)
            advance(len(part[1]), count)
    images, labels = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    parts = (slice(train), "train"), (slice(train, None), "test")
    sets = [mnist.Dataset(images[rows], labels[rows], split) for rows, split in parts]
    sha256 = {data.split: data.sha256 for data in sets}
    record = {"note": NOTE, "seed": SEED, "counts": counts, "sha256": sha256}
    mnist.save(folder, sets, mnist.DRAWN, record)
    return True


def sample(folder: Path | None) -> tuple[str, dict[str, tuple[Array, Array]]]:
    """Return the name of a set and, of its 'train' and 'test', images (n, 784) uint8 and labels
    (n,), spread over the files in the folder. Without one they are MNIST's if the cache has it,
    else drawn; nothing is downloaded. Raises DataError if the folder has no data set."""
    place, sets = folder or cache_folder(), {}
    if not folder and not all(mnist.copies(place, file.name) for file in mnist.FILES):
        rng = np.random.default_rng(SEED)
        return "drawn digits", {split: draw(count, rng) for split, count in FEW.items()}
    for split, most in FEW.items():
        data = mnist.load(place, split)
        count = min(len(data.labels), most)
        rows = np.arange(count) * len(data.labels) // count
        sets[split] = data.images[rows], data.labels[rows]
    return "drawn digits" if data.drawn else data.name, sets

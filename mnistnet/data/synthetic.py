"""Write a data set of drawn digits (image/drawn.py) in MNIST's form, to use without MNIST."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from mnistnet.data import mnist
from mnistnet.errors import DataError
from mnistnet.executors import process_pool
from mnistnet.files import make_folder
from mnistnet.image.drawn import draw

COUNTS = 60_000, 10_000  # training and test images, as in MNIST
SEED = 0
PART = 1000  # digits that a process draws at a time
MAX_WORKERS = 8
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

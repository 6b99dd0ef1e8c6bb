"""Choose a few images of a data set, for the page to train with."""

from pathlib import Path

import numpy as np

from mnistnet.arrays import Array
from mnistnet.data import mnist
from mnistnet.data.download import cache_folder
from mnistnet.image.drawn import draw

COUNTS = {"train": 5000, "test": 1000}
DRAWN = "drawn digits"


def sample(folder: Path | None) -> tuple[str, dict[str, tuple[Array, Array]]]:
    """Return the name of a set, and images (n, 784) uint8 and labels (n,) for 'train' and 'test',
    spread over the files in the folder. Without one they are MNIST's if the cache has it, else
    drawn; nothing is downloaded. Raises DataError if the folder has no data set."""
    place = folder or cache_folder()
    if not folder and not all(mnist.copies(place, file.name) for file in mnist.FILES):
        rng = np.random.default_rng(0)
        return DRAWN, {split: draw(count, rng) for split, count in COUNTS.items()}
    sets = {}
    for split, most in COUNTS.items():
        data = mnist.load(place, split)
        count = len(data.labels)
        rows = np.arange(min(count, most)) * count // min(count, most)
        sets[split] = data.images[rows], data.labels[rows]
    return DRAWN if data.drawn else data.name, sets

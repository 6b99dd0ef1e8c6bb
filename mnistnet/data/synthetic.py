"""Write a data set of drawn digits (image/drawn.py) in MNIST's form, to use without MNIST."""

from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import Array
from mnistnet.data import folders, idx, mnist
from mnistnet.data.save import save
from mnistnet.errors import DataError
from mnistnet.executors import process_pool
from mnistnet.files import check_writable, make_folder
from mnistnet.image.drawn import draw

COUNTS = 60_000, 10_000  # training and test images, as in MNIST
PART = 1000  # digits that a process draws at a time
MAX_WORKERS = 8
NOTE = "digits drawn by 'mnistnet download --synthetic', not MNIST"


def write(
    folder: Path,
    advance: Callable[[int, int], None],
    seed: int = 0,
    counts: tuple[int, int] = COUNTS,
) -> bool:
    """Write drawn digits in MNIST's form to a folder; return False if it already has them.

    counts are the numbers of training and test images; advance is called with the number of digits
    just drawn and the total. The same seed, counts and versions of NumPy and Pillow give the same
    files. drawn.json records their SHA-256: files listed in it, and damaged ones beside it, may be
    replaced; any other raises DataError. Starts processes, so a script must call it under
    `if __name__ == "__main__"`.
    """
    record = mnist.drawn_record(folder)
    identity = {"seed": seed, "counts": list(counts)}
    if record and {key: record.get(key) for key in identity} == identity and _is_complete(folder):
        return False
    for file in mnist.FILES:
        path = mnist.find(folder, file)
        if path and not (path == folder / file.name and _may_replace(path, record)):
            raise DataError(
                f"expected no files but drawn digits in {folder}; found {path.name}; name another "
                "folder with --data"
            )
    make_folder(folder)
    for name in (*(file.name for file in mnist.FILES), mnist.DRAWN):
        folders.refuse_link(folder / name)
        check_writable(folder / name)
    images, labels = _draw_in_parts(sum(counts), seed, advance)
    sets = [
        mnist.Dataset(images[rows], labels[rows], split)
        for split, rows in (("train", slice(counts[0])), ("test", slice(counts[0], None)))
    ]
    sha256 = {data.split: data.sha256 for data in sets}
    save(folder, sets, mnist.DRAWN, {"note": NOTE, **identity, "sha256": sha256})
    return True


def _may_replace(path: Path, record: Any) -> bool:
    """Check that the file is listed in DRAWN, or damaged beside it."""
    if record is None:
        return False
    try:
        return idx.sha256(idx.read_idx(path)) in str(record["sha256"])
    except DataError:
        return True


def _is_complete(folder: Path) -> bool:
    try:
        return all(mnist.load(folder, split).drawn for split in ("train", "test"))
    except DataError:
        return False


def _draw_in_parts(
    count: int, seed: int, advance: Callable[[int, int], None]
) -> tuple[Array, Array]:
    """Draw digits on all cores, each part from its own random stream."""
    sizes = [min(PART, count - start) for start in range(0, count, PART)]
    streams = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(len(sizes)))
    drawn = []
    try:
        with process_pool(min(len(sizes), MAX_WORKERS)) as executor:
            for part in executor.map(draw, sizes, streams):
                drawn.append(part)
                advance(len(part[1]), count)
    except BrokenProcessPool as error:
        raise DataError("a process that drew digits was killed; try again") from error
    images, labels = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    return images, labels

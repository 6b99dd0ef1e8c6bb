"""Write a data set of drawn digits (image/drawn.py) in MNIST's form, to use without MNIST."""

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import SIDE, Array
from mnistnet.data import folders, idx, mnist
from mnistnet.errors import DataError
from mnistnet.executors import process_pool
from mnistnet.files import atomic_write, check_writable, make_folder
from mnistnet.image.drawn import draw

COUNTS = 60_000, 10_000  # training and test images, as in MNIST
PART = 1000  # digits that a process draws at a time
MAX_WORKERS = 8


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
    present = [path for file in mnist.FILES if (path := mnist.find(folder, file))]
    for path in present:
        if not _may_replace(path, record):
            raise DataError(
                f"expected no files but drawn digits in {folder}; found {path.name}; name another "
                "folder with --data"
            )
    make_folder(folder)
    targets = [folder / name for name in (*(file.name for file in mnist.FILES), mnist.DRAWN)]
    for path in targets:
        folders.refuse_link(path)
        check_writable(path)
    images, labels = _draw_in_parts(sum(counts), seed, advance)
    sets = [
        mnist.Dataset(images[rows], labels[rows], split)
        for split, rows in (("train", slice(counts[0])), ("test", slice(counts[0], None)))
    ]
    note = "digits drawn by 'mnistnet download --synthetic', not MNIST"
    sha256 = {part.split: part.sha256 for part in sets}
    arrays = [[part.images.reshape(-1, SIDE, SIDE), part.labels] for part in sets]
    contents: list[Iterable[Any]] = [idx.content(array) for array in itertools.chain(*arrays)]
    contents.append([json.dumps({"note": note, **identity, "sha256": sha256}, indent=2).encode()])
    _replace(present, dict(zip(targets, contents, strict=True)))
    return True


def _replace(present: Iterable[Path], contents: dict[Path, Iterable[Any]]) -> None:
    """Write the files; remove those present only once all new ones are on disk."""
    with contextlib.ExitStack() as stack:  # renames the last file, DRAWN, first
        streams = [stack.enter_context(atomic_write(path)) for path in contents]
        for stream, content in zip(streams, contents.values(), strict=True):
            stream.writelines(content)
            stream.flush()
            os.fsync(stream.fileno())
        for path in present:  # an interruption must not leave them beside the new DRAWN
            path.unlink(missing_ok=True)


def _may_replace(path: Path, record: Any) -> bool:
    """Check that the file is listed in DRAWN, or damaged beside it."""
    if record is None:
        return False
    try:
        found = idx.sha256(idx.read_idx(path))
    except DataError:
        return True
    parts = [part for part in record["sha256"].values() if isinstance(part, dict)]
    return any(found in part.values() for part in parts)


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

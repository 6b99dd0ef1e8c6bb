"""A data set of drawn digits (image/drawn.py) in MNIST's form, for where no mirror is in reach."""

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
from mnistnet.atomic import atomic_write, check_writable, make_folder
from mnistnet.data import idx, layout, mnist
from mnistnet.errors import DataError
from mnistnet.image.drawn import draw
from mnistnet.processes import process_pool

COUNTS = 60_000, 10_000  # training and test images, as MNIST has
PART = 1000  # digits that a process draws at a time
MAX_WORKERS = 8


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
    targets = [folder / name for name in (*(file.name for file in mnist.FILES), mnist.DRAWN)]
    for path in targets:
        layout.refuse_link(path)
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
    """Write the files, and only when all are on the disk remove those that are present."""
    with contextlib.ExitStack() as stack:  # which names the last one, DRAWN, first
        streams = [stack.enter_context(atomic_write(path)) for path in contents]
        for stream, content in zip(streams, contents.values(), strict=True):
            stream.writelines(content)
            stream.flush()
            os.fsync(stream.fileno())
        for path in present:  # or an interruption now would leave them beside another set's hashes
            path.unlink(missing_ok=True)


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
    """As draw, on all cores: each part from a random stream of its own."""
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

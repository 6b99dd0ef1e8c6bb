"""An epoch of training on an idle and on a busy machine, compared with its matrix products alone.

    python tests/bench/bench_busy.py

The products are timed on one core of an idle machine. Busy processes are endless loops.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench_step import BATCH, matrix_products
from table import Table, seconds

from mnistnet import load_data as load
from mnistnet.data.mnist import Dataset
from mnistnet.image import warp
from mnistnet.model import training
from mnistnet.model.options import Options
from mnistnet.model.threads import one_blas_thread

EPOCHS = 5


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Run this many processes that compute all the time."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def epochs(data: Dataset, augment: bool = True, count: int = EPOCHS, **options: Any) -> list[float]:
    """Seconds of each epoch over all images, after a warm-up epoch."""
    settings = Options(epochs=count + 1, validation=0, **options)
    state = training.begin(settings)
    warps = warp.warps if augment else None
    reports = training.train(state, data.images, data.labels, settings, warps)
    return [report.seconds for report in reports][1:]


def products(data: Dataset, hidden: int) -> list[float]:
    """Seconds of the matrix products of an epoch."""
    epoch = matrix_products(hidden, len(data.images) // BATCH)
    with one_blas_thread():
        return [seconds(epoch) for _ in range(EPOCHS)]


@contextmanager
def one_core() -> Iterator[None]:
    """Run on one core; Linux only."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def main() -> None:
    data = load("train")
    table = Table("784-72-10, minibatches of 100, 60,000 images", "s")
    bare = table.add("the bare products", products(data, 72))
    for augment, name in ((False, "an epoch, undistorted"), (True, "an epoch, distorted")):
        figures = epochs(data, augment)
        idle = table.add(name, figures, f"{statistics.median(figures) / bare:.2f} x the products")
    for count in (2, 6):
        with busy(count):
            figures = epochs(data)
        note = f"{statistics.median(figures) / idle:.1f} x idle"
        table.add(f"  beside {count} busy processes", figures, note)
    table = Table("784-72-10, distorted, by batch size", "s")
    for size in (100, 200, 500, 1000, 2000):
        table.add(f"minibatches of {size}", epochs(data, batch_size=size))
    table = Table("784-800-10, distorted", "s")
    part = Dataset(data.images[:15_000], data.labels[:15_000], "train")
    idle = table.add("a quarter of an epoch on all cores", epochs(part, hidden=(800,)))
    with one_core():
        figures = epochs(part, hidden=(800,))
    table.add("on one core", figures, f"{statistics.median(figures) / idle:.2f} x all cores")
    with busy(1):
        figures = epochs(part, hidden=(800,))
    table.add("beside one busy process", figures, f"{statistics.median(figures) / idle:.2f} x idle")


if __name__ == "__main__":
    main()

"""An epoch of training on an idle and on a busy machine, compared with its matrix products alone.

    python tests/bench/bench_busy.py

The products are timed on one core of an idle machine. Busy processes are endless loops.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from table import Table

from mnistnet import load_data
from mnistnet.data.mnist import Dataset
from mnistnet.image.warp import warps
from mnistnet.model.options import Options
from mnistnet.model.state import begin
from mnistnet.model.threads import one_blas_thread
from mnistnet.model.training import train

EPOCHS, BATCH, HIDDEN = 5, 100, 72


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


def epochs(data: Dataset, augment: bool = True, **options: Any) -> list[float]:
    """Seconds of each epoch over all images, after a warm-up epoch."""
    state = begin(Options(epochs=EPOCHS + 1, validation=0, **options))
    reports = train(state, data.images, data.labels, warps if augment else None)
    return [report.seconds for report in reports][1:]


@one_blas_thread()
def products(steps: int) -> float:
    """Seconds of the five matrix products of each step."""
    rng = np.random.default_rng(0)
    M, W, x = (rng.random(n, np.float32) for n in ((HIDDEN, 784), (10, HIDDEN), (BATCH, 784)))
    h, df = (rng.random((BATCH, units), np.float32) for units in (HIDDEN, 10))
    f, dh, dM, dW = map(np.empty_like, (df, h, M, W))
    began = time.perf_counter()
    for _ in range(steps):
        np.matmul(x, M.T, out=h)
        np.matmul(h, W.T, out=f)
        np.matmul(df.T, h, out=dW)
        np.matmul(df, W, out=dh)
        np.matmul(dh.T, x, out=dM)
    return time.perf_counter() - began


def main() -> None:
    data = load_data("train")
    table = Table("784-72-10, minibatches of 100, 60,000 images", "s")
    steps = len(data.images) // BATCH
    bare = table.add("the bare products", [products(steps) for _ in range(EPOCHS)])
    table.add("an epoch, undistorted", epochs(data, augment=False), bare, "the products")
    idle = table.add("an epoch, distorted", epochs(data), bare, "the products")
    for count in (2, 6):
        with busy(count):
            table.add(f"  beside {count} busy processes", epochs(data), idle, "idle")
    table = Table("784-72-10, distorted, by batch size", "s")
    for size in (100, 200, 500, 1000, 2000):
        table.add(f"minibatches of {size}", epochs(data, batch_size=size))
    table = Table("784-800-10, distorted", "s")
    part = Dataset(data.images[:15_000], data.labels[:15_000], "train")
    idle = table.add("a quarter of an epoch on all cores", epochs(part, hidden=800))
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})  # Linux only
    table.add("on one core", epochs(part, hidden=800), idle, "all cores")
    os.sched_setaffinity(0, cores)
    with busy(1):
        table.add("beside one busy process", epochs(part, hidden=800), idle, "idle")


if __name__ == "__main__":
    main()

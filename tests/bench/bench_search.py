"""Starts per hour of a search with one and two workers, in local processes and on Dask, and what a
start costs besides its training.

    python tests/bench/bench_search.py
"""

import contextlib
import importlib.util
import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from table import Table

from mnistnet import load_data
from mnistnet.executors import process_pool
from mnistnet.model.metadata import TrainingSet
from mnistnet.model.options import Options
from mnistnet.model.search import search
from mnistnet.trainer import train_start

STARTS, ROUNDS, OPTIONS = 6, 3, Options(epochs=10)


@contextlib.contextmanager
def dask(workers: int) -> Iterator[Executor]:
    from distributed import Client, LocalCluster

    words = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**words) as cluster, Client(cluster) as client:
        yield client.get_executor()


def main() -> None:
    data = load_data()
    train, source = partial(train_start, None, (), data.sha256, None), TrainingSet(data.sha256)
    engines = {"processes": process_pool}
    if importlib.util.find_spec("distributed"):
        engines["Dask"] = dask
    hourly, besides = defaultdict(list), defaultdict(list)
    for name, workers in itertools.product(engines, (1, 2)):
        row = f"{name}, {workers} workers"
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory() as folder, engines[name](workers) as executor:
                place = Path(folder)
                # warm-up: the workers load NumPy
                list(search(executor, train, Options(epochs=1), source, place / "0", workers))
                began = time.perf_counter()
                starts = list(search(executor, train, OPTIONS, source, place / "1", STARTS))
                wall = time.perf_counter() - began
            trained = sum(each.seconds for start in starts for each in start.metadata.history)
            hourly[row].append(3600 * STARTS / wall)
            besides[row].append((wall * workers - trained) / STARTS)
    Table(f"starts of {OPTIONS.epochs} epochs in an hour", "starts").compare(hourly)
    Table("overhead of a start: loading, checking, sending", "s").compare(besides)


if __name__ == "__main__":
    main()

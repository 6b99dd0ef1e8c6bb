"""Starts per hour of a search with one and two workers, in local processes and on Dask, and the
overhead of a start."""

import contextlib
import importlib.util
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

from table import Table

from mnistnet import api, load_data
from mnistnet.executors import process_pool
from mnistnet.model.metadata import Source
from mnistnet.model.options import Options
from mnistnet.model.search import search

STARTS, ROUNDS = 6, 3
OPTIONS = Options(epochs=10)


@contextlib.contextmanager
def dask(workers: int) -> Iterator[Executor]:
    from distributed import Client, LocalCluster

    words = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**words) as cluster, Client(cluster) as client:
        yield client.get_executor()


def main() -> None:
    data = load_data()
    train = partial(api.train_start, None, (), data.sha256, None)
    source = Source(data.sha256)
    engines = {"processes": process_pool}
    if importlib.util.find_spec("distributed"):
        engines["Dask"] = dask
    rates = Table(f"starts of {OPTIONS.epochs} epochs in an hour", "starts")
    costs = []
    for name, engine in engines.items():
        for workers in (1, 2):
            hourly, overhead = [], []
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as folder, engine(workers) as executor:
                    place = Path(folder)
                    # warm-up: the workers load NumPy
                    list(search(executor, train, Options(epochs=1), source, place / "0", workers))
                    began = time.perf_counter()
                    starts = list(search(executor, train, OPTIONS, source, place / "1", STARTS))
                    wall = time.perf_counter() - began
                hourly.append(3600 * STARTS / wall)
                trained = sum(each.seconds for s in starts for each in s.metadata.history)
                overhead.append((wall * workers - trained) / STARTS)
            rates.add(f"{name}, {workers} workers", hourly)
            costs.append((f"{name}, {workers} workers", overhead))
    table = Table("overhead of a start: loading, checking, sending", "s")
    for words, overhead in costs:
        table.add(words, overhead)


if __name__ == "__main__":
    main()

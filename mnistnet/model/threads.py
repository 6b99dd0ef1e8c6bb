"""Threads: one for BLAS, and a few of our own, which block instead of spinning.

OpenBLAS with two threads trains 1.1 to 1.3 times as fast as with one on an idle machine, and 4 to
100 times as slowly when anything else runs, because its threads wait for each other in a loop. So
BLAS gets one thread. What runs beside it is the preparation of the next minibatches (prefetch),
and, in wide networks, half of each minibatch (descent.py).
"""

import functools
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

from threadpoolctl import ThreadpoolController

# Whoever sets one of these decides for himself.
VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "OMP_NUM_THREADS",
)
T = TypeVar("T")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A block in which BLAS uses one thread, unless the user has set a number of threads; what was
    set before is restored. Accelerate, on macOS, cannot be limited so."""
    if any(name in os.environ for name in VARIABLES):
        yield
        return
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _controller() -> ThreadpoolController:
    """Of the libraries that are loaded, NumPy's BLAS among them; looking for them takes 2 ms."""
    return ThreadpoolController()


def prefetch(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """The same items in the same order, taken by another thread up to depth items ahead."""
    ready: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()
    room: SimpleQueue[bool] = SimpleQueue()  # True for each item that may wait, False to stop

    def take() -> None:
        try:
            for item in items:
                if not room.get():
                    return
                ready.put((item, None))
            ready.put((None, None))
        except BaseException as error:
            ready.put((None, error))

    for _ in range(depth):
        room.put(True)
    thread = Thread(target=take, daemon=True)
    thread.start()
    try:
        while (pair := ready.get())[0] is not None:
            yield pair[0]
            room.put(True)
        if pair[1]:
            raise pair[1]
    finally:
        room.put(False)
        thread.join()

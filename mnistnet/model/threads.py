"""Limit BLAS to one thread, and prepare minibatches in a thread that blocks instead of spinning.

With two OpenBLAS threads training is 1.1 to 1.3 times as fast on an idle machine, but 4 to 100
times as slow if anything else runs, because the threads spin while they wait for each other.
mnistnet instead prepares the next minibatches in a thread (prefetch) and, in wide networks, divides
each minibatch between two threads (training.py).
"""

import functools
import os
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

# If one of these is set, the user has chosen the number of BLAS threads.
LIBRARIES = ("OPENBLAS_NUM", "MKL_NUM", "BLIS_NUM", "VECLIB_MAXIMUM", "OMP_NUM")
VARIABLES = [f"{library}_THREADS" for library in LIBRARIES]
T = TypeVar("T")

_lock = threading.Lock()
_entries = 0  # blocks of one_blas_thread, in all threads
_before: list[int] = []  # threads of each library outside them


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread in the block, unless the user has chosen a number of threads.

    The limit belongs to the whole process: it holds from the first block that is entered, in any
    thread, until the last one is left. Has no effect on Accelerate (macOS).
    """
    global _entries, _before
    if any(name in os.environ for name in VARIABLES):
        yield
        return
    with _lock:
        if not _entries:
            _before = [library.num_threads for library in _libraries()]
        _entries += 1
        _set_threads([1] * len(_before))
    try:
        yield
    finally:
        with _lock:
            _entries -= 1
            if not _entries:
                _set_threads(_before)


@functools.cache
def _libraries() -> list[Any]:
    """Return the loaded BLAS libraries. Cached, because it takes 2 ms to find them."""
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def blas() -> str:
    """Name BLAS as it computes in the block, as 'openblas 0.3.30 SkylakeX, threads 1'."""
    is_one = not any(name in os.environ for name in VARIABLES)
    return "; ".join(
        f"{each.internal_api} {each.version} {getattr(each, 'architecture', '')}, "
        f"threads {1 if is_one else each.num_threads}"
        for each in _libraries()
    )


def _set_threads(counts: list[int]) -> None:
    for library, count in zip(_libraries(), counts, strict=True):
        # since threadpoolctl 3.8, set_num_threads works only in the thread that called it first
        getattr(library, "_real_set_num_threads", library.set_num_threads)(count)


def prefetch(items: Iterable[T], depth: int) -> Generator[T, None, None]:
    """Yield the items in order; another thread takes them, up to depth items ahead."""
    ready: SimpleQueue[T | None] = SimpleQueue()  # twice as fast as a future for each item
    slots: SimpleQueue[bool] = SimpleQueue()  # True for each free place, False to stop
    for _ in range(depth):
        slots.put(True)

    def take() -> None:
        for item in items:
            if not slots.get():
                break
            ready.put(item)

    with ThreadPoolExecutor(1) as threads:
        try:  # begins here, since Ctrl-C may come while the thread starts
            taken = threads.submit(take)
            taken.add_done_callback(lambda _: ready.put(None))
            while (item := ready.get()) is not None:
                yield item
                slots.put(True)
            taken.result()  # raises the error of an item
        finally:
            slots.put(False)

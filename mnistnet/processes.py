"""Processes that work for this one."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import TypeVar

MOST = 61 if sys.platform == "win32" else sys.maxsize  # processes that Windows can wait for
T = TypeVar("T")


@contextlib.contextmanager
def process_pool(workers: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """An executor with this many processes, or with as many as there are cores if that is fewer.

    Work that has not begun when the block ends is cancelled. An exception in the block, Ctrl-C
    among them, ends the processes at once; they also end with this one, even if it is killed. A
    worker that is killed raises BrokenProcessPool. The processes are spawned, so a script calls
    this under `if __name__ == "__main__"`.
    """
    # or the new processes would import what lies in the current folder, such as a socket.py
    os.environ["PYTHONSAFEPATH"] = "1"
    cores = min(os.cpu_count() or 1, MOST)
    workers = min(workers or cores, cores)
    context = multiprocessing.get_context("spawn")
    # Nothing is ever sent: a process that sees the end of it ends.
    end, mine = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, context, initializer=_end_with_parent, initargs=(end,))
    with contextlib.closing(end), contextlib.closing(mine):
        try:
            with _ctrl_c_blocked():  # the new processes inherit that
                for _ in range(workers):  # each of which starts one
                    executor.submit(int)
            yield executor
        except BaseException:
            mine.close()
            raise
        finally:
            executor.shutdown(cancel_futures=True)


def in_order(futures: Iterable[Future[T]], ahead: int) -> Iterator[T]:
    """Their results in order. At most ahead of them are taken before the first one's result is."""
    waiting: deque[Future[T]] = deque()
    for future in futures:
        waiting.append(future)
        if len(waiting) == ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextlib.contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Ctrl-C has its effect when the block ends; on Windows at once."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent(end: Connection) -> None:
    """In a new process: end when the one that started it closes the pipe, or itself ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows sends Ctrl-C to all processes

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            end.recv_bytes()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

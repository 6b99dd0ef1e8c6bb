"""A pool of worker processes that ends with the program."""

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
    """Open an executor with this many processes, at most one per core.

    Tasks that have not begun when the block ends are cancelled. An exception in the block, such as
    Ctrl-C, ends the processes at once; they also end if this process is killed. A killed worker
    raises BrokenProcessPool. The processes are spawned, so scripts must call this under
    `if __name__ == "__main__"`.
    """
    # keeps the new processes from importing modules in the current folder, such as a socket.py
    os.environ["PYTHONSAFEPATH"] = "1"
    cores = min(os.cpu_count() or 1, MOST)
    workers = min(workers or cores, cores)
    context = multiprocessing.get_context("spawn")
    # Nothing is sent through this pipe: workers end when it is closed.
    reader, writer = context.Pipe(duplex=False)
    executor = ProcessPoolExecutor(
        workers, context, initializer=_end_with_parent, initargs=(reader,)
    )
    with contextlib.closing(reader), contextlib.closing(writer):
        try:
            with _ctrl_c_blocked():  # inherited by the new processes
                for _ in range(workers):  # each call starts a process
                    executor.submit(int)
            yield executor
        except BaseException:
            writer.close()
            raise
        finally:
            executor.shutdown(cancel_futures=True)


def in_order(futures: Iterable[Future[T]], ahead: int) -> Iterator[T]:
    """Yield the results in order, with at most ahead futures taken before their results."""
    waiting: deque[Future[T]] = deque()
    for future in futures:
        waiting.append(future)
        if len(waiting) == ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextlib.contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Delay Ctrl-C until the block ends; no effect on Windows."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent(reader: Connection) -> None:
    """End this worker when its parent closes the pipe or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows sends Ctrl-C to all processes

    def wait() -> None:
        with contextlib.suppress(EOFError, OSError):
            reader.recv_bytes()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

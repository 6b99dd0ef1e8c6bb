"""Processes that work for this one."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor


@contextlib.contextmanager
def process_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """An executor with this many processes, or with as many as there are cores if that is fewer.

    Work that has not begun when the block ends is cancelled. Ctrl-C is left to this process; the
    others end with it, even if it is killed. A worker that is killed raises BrokenProcessPool. The
    processes are spawned, so a script calls this under `if __name__ == "__main__"`.
    """
    # or the new processes would import what lies in the current folder, such as a socket.py
    os.environ["PYTHONSAFEPATH"] = "1"
    count = min(workers, os.cpu_count() or 1)
    executor = ProcessPoolExecutor(
        count,
        multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
    )
    try:
        with _ctrl_c_blocked():  # the new processes inherit that
            for _ in range(count):  # each starts one, as none can be idle yet
                executor.submit(int)
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


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


def _end_with_parent() -> None:
    """In a new process: end when the one that started it does."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()

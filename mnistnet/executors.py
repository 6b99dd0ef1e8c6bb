"""Executors (concurrent.futures) that run tasks in other processes: on this machine, or on a Dask
cluster."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor

from mnistnet.errors import MnistnetError, reason

TIMEOUT = 10  # seconds for a scheduler to answer
KILLED = "a worker process was killed, perhaps because memory ran out; run the command again"


@contextlib.contextmanager
def process_pool(workers: int | None = None) -> Iterator[ProcessPoolExecutor]:
    """Open an executor with this many processes, at most one per core.

    Tasks that have not begun when the block ends are cancelled. An exception in the block, such as
    Ctrl-C, ends the processes at once; they also end if this process is killed. A killed worker
    raises MnistnetError. The processes are spawned, so scripts must call this under
    `if __name__ == "__main__"`.
    """
    # keeps the new processes from importing modules in the current folder, such as a socket.py
    os.environ["PYTHONSAFEPATH"] = "1"
    cores = os.cpu_count() or 1
    if sys.platform == "win32":
        cores = min(cores, 61)  # processes that Windows can wait for
    workers = min(workers or cores, cores)
    others = multiprocessing.active_children()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _follow_parent) as pool:
        try:
            # new processes inherit this; on Windows, each ignores Ctrl-C from _follow_parent on
            handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                for _ in range(workers):  # each call starts a process
                    pool.submit(int)
            finally:
                signal.signal(signal.SIGINT, handler)
            yield pool
        except BaseException as error:
            for process in set(multiprocessing.active_children()).difference(others):
                process.kill()
            # or shutdown would wait for the rest of a result that a killed process began to write
            pool._result_queue._writer.close()  # type: ignore[attr-defined]
            if isinstance(error, BrokenExecutor):
                raise MnistnetError(KILLED) from error
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _follow_parent() -> None:
    """Let this worker end with its parent, to which it leaves Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def dask_cluster(address: str, probe: Callable[[], None]) -> Iterator[Executor]:
    """Open the workers of a Dask scheduler as an executor, after calling probe on each of them.

    Raises MnistnetError if the scheduler cannot be reached or has no workers, or if probe fails.
    """
    import asyncio  # the three are slow to load
    import logging

    try:
        import distributed
        from distributed.comm import connect
    except ModuleNotFoundError as error:
        raise MnistnetError(
            f"--scheduler needs {error.name}; to install it: python -m pip install distributed"
        ) from error

    logging.disable(logging.CRITICAL)  # errors are raised instead
    try:
        arguments = distributed.Security().get_connection_args("client")
        try:  # since a Client that cannot connect prints tracebacks
            asyncio.run(connect(address, timeout=TIMEOUT, **arguments)).abort()
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            raise MnistnetError(
                f"cannot reach the scheduler {address}: {reason(error)}; to start one: "
                "dask scheduler"
            ) from error
        with distributed.Client(address, set_as_default=False) as client:
            try:
                found = client.run(probe)
            except MnistnetError:
                raise
            except Exception as error:  # whatever a worker raises
                raise MnistnetError(f"a worker cannot run mnistnet: {reason(error)}") from error
            if not found:
                raise MnistnetError(
                    f"the scheduler {address} has no workers; to start one: "
                    f"dask worker {address} --nthreads 1"
                )
            yield client.get_executor()
    finally:
        logging.disable(logging.NOTSET)

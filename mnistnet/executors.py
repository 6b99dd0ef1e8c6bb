"""Executors (concurrent.futures) that run tasks in other processes: on this machine, or on a Dask
cluster."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, ProcessPoolExecutor
from typing import Any

from mnistnet.errors import MnistnetError, reason

MOST = 61 if sys.platform == "win32" else sys.maxsize  # processes that Windows can wait for
TIMEOUT = 10  # seconds for a scheduler to answer


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
    others = multiprocessing.active_children()
    with ProcessPoolExecutor(workers, context, initializer=_follow_parent) as executor:
        try:
            with _ctrl_c_blocked():  # inherited by the new processes
                for _ in range(workers):  # each call starts a process
                    executor.submit(int)
            yield executor
        except BaseException:
            for process in set(multiprocessing.active_children()).difference(others):
                process.kill()
            raise
        finally:
            executor.shutdown(cancel_futures=True)


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


def _follow_parent() -> None:
    """Let this worker end with its parent, to which it leaves Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows sends Ctrl-C to all processes
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent:
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def dask_cluster(
    address: str, probe: Callable[[], Any], check: Callable[[str, Any], None]
) -> Iterator[Executor]:
    """Open the workers of a Dask scheduler as an executor.

    probe is called on every worker, and check with the name of the worker and the result. Raises
    MnistnetError if the scheduler cannot be reached or has no workers, or if a worker fails.
    """
    import asyncio  # the three are slow to load
    import logging

    try:
        import distributed
    except ModuleNotFoundError as error:
        raise MnistnetError(
            f"--scheduler needs {error.name}; to install it: python -m pip install distributed"
        ) from error
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # errors are raised instead
    try:
        asyncio.run(_reach(address))
        with distributed.Client(address, set_as_default=False) as client:
            for worker, answer in _answers(client, address, probe).items():
                check(worker, answer)
            yield client.get_executor()
    except distributed.KilledWorker as error:
        raise MnistnetError(
            f"one task repeatedly killed its worker, perhaps because memory ran out: "
            f"{reason(error)}"
        ) from error
    finally:
        logging.disable(before)


async def _reach(address: str) -> None:
    """Try to connect; a Client that fails to connect reports it again when it is deleted."""
    from distributed import Security
    from distributed.comm import connect

    try:
        arguments = Security().get_connection_args("client")
        await (await connect(address, timeout=TIMEOUT, **arguments)).close()
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise MnistnetError(
            f"cannot reach the scheduler {address}: {reason(error)}; to start one: dask scheduler"
        ) from error


def _answers(client: Any, address: str, probe: Callable[[], Any]) -> Mapping[str, Any]:
    """Return the result of probe on each worker, by its name."""
    try:
        found: Mapping[str, Any] = client.run(probe)
    except (OSError, CancelledError) as error:
        raise MnistnetError(f"the scheduler {address} does not answer: {reason(error)}") from error
    except Exception as error:  # whatever a worker raises
        raise MnistnetError(f"a worker cannot run mnistnet: {reason(error)}") from error
    if not found:
        raise MnistnetError(
            f"the scheduler {address} has no workers; to start one: "
            f"dask worker {address} --nthreads 1"
        )
    return found

"""Run tasks in other processes: on this machine (concurrent.futures), or on a Dask cluster."""

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from functools import partial
from typing import Any

from mnistnet.errors import MnistnetError, reason

TIMEOUT = 10  # seconds for a scheduler to answer
KILLED = "a worker process was killed, perhaps because memory ran out; run the command again"
_shared: Any = None  # in a worker process: what process_pool was given


def spread(
    function: Callable[[Any, Any], Any],
    shared: Any,
    tasks: Iterable[Any],
    workers: int,
    scheduler: str | None,
    probe: Callable[[], None],
) -> Generator[Any, None, None]:
    """Yield function(shared, task) for each task, in order, from this many processes or from the
    workers of a Dask scheduler. Each gets shared once, and a few tasks in advance.

    Raises MnistnetError as process_pool and dask_cluster do, or if a worker of the cluster is lost.
    """
    with contextlib.ExitStack() as stack:
        if scheduler:
            client = stack.enter_context(dask_client(scheduler, probe))
            known = client.scatter(shared, broadcast=True, hash=False)
            submit = partial(client.submit, function, known, pure=False)
            workers = sum(client.nthreads().values())
        else:
            pool: Any = stack.enter_context(process_pool(workers, shared))
            submit = partial(pool.submit, _with_shared, function)
        futures = map(submit, tasks)
        coming = deque(itertools.islice(futures, 2 * workers))
        while coming:
            try:
                result = coming.popleft().result()
            except (MnistnetError, BrokenExecutor):  # which process_pool describes
                raise
            except Exception as error:  # of a lost worker or connection
                raise MnistnetError(f"a worker failed: {reason(error)}") from error
            coming.extend(itertools.islice(futures, 1))
            yield result


@contextlib.contextmanager
def process_pool(workers: int | None = None, shared: Any = None) -> Iterator[ProcessPoolExecutor]:
    """Open an executor with this many processes, at most one per core.

    Tasks that have not begun when the block ends are cancelled. An exception in the block, such as
    Ctrl-C, ends the processes at once; they also end if this process is killed. A killed worker
    raises MnistnetError. The processes are spawned, so scripts must call this under
    `if __name__ == "__main__"`.
    """
    cores = os.cpu_count() or 1
    if sys.platform == "win32":
        cores = min(cores, 61)  # processes that Windows can wait for
    workers = min(workers or cores, cores)
    context = multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        with _inherited():
            pool = ProcessPoolExecutor(workers, context, _begin, (shared,))
            stack.enter_context(pool)
            for _ in range(workers):  # each call starts a process
                pool.submit(int)
        try:
            yield pool
        except BaseException as error:
            for process in [*pool._processes.values()]:
                process.kill()
            # or shutdown would wait for the rest of a result that a killed process began to write
            pool._result_queue._writer.close()  # type: ignore[attr-defined]
            if isinstance(error, BrokenExecutor):
                raise MnistnetError(KILLED) from error
            raise
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _inherited() -> Iterator[None]:
    """Set what processes inherit that start in the block: they ignore Ctrl-C (on Windows, from
    _begin on), and import no modules from the current folder, such as a socket.py."""
    is_main = threading.current_thread() is threading.main_thread()  # others get no signals
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    before = os.environ.get("PYTHONSAFEPATH", "")  # an empty one is none
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        os.environ["PYTHONSAFEPATH"] = before
        if handler is not None:
            signal.signal(signal.SIGINT, handler)


def _with_shared(function: Callable[[Any, Any], Any], task: Any) -> Any:
    return function(_shared, task)


def _begin(shared: Any) -> None:
    """Keep the shared value in this worker, which ends with its parent and leaves Ctrl-C to it."""
    global _shared
    _shared = shared
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def follow() -> None:
        if parent := multiprocessing.parent_process():
            parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


@contextlib.contextmanager
def dask_cluster(address: str, probe: Callable[[], None]) -> Iterator[Executor]:
    """Open the workers of a Dask scheduler as an executor; see dask_client."""
    with dask_client(address, probe) as client:
        yield client.get_executor()


@contextlib.contextmanager
def dask_client(address: str, probe: Callable[[], None]) -> Iterator[Any]:
    """Open a client of a Dask scheduler, after calling probe on each of its workers.

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
            yield client
    finally:
        logging.disable(logging.NOTSET)

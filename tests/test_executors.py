"""Worker processes end with the command, however it ends."""

import os
import signal
import subprocess
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from program import COMMAND
from tasks import KILL

from mnistnet.executors import process_pool


def children(process: int) -> list[int]:
    return [
        int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def end() -> None:
    os.kill(os.getpid(), KILL)


def no_memory() -> None:
    raise MemoryError


def test_a_killed_worker_is_an_error() -> None:
    with pytest.raises(BrokenProcessPool), process_pool(2) as pool:
        pool.submit(end).result()


def test_an_exception_in_a_worker_is_raised() -> None:
    with pytest.raises(MemoryError), process_pool(2) as pool:
        pool.submit(no_memory).result()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_while_workers_start_prints_one_word(count: int) -> None:
    """A terminal sends it to all processes."""
    command = [*COMMAND, "download", "--synthetic"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while process.poll() is None and len(children(process.pid)) < count:
            pass
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate()
    assert (stdout, stderr, process.returncode) == ("", "Interrupted\n", 130)

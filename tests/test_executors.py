"""Worker processes end with the command, however it ends."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import tasks
from program import COMMAND, posix_only


def children(process: int) -> list[int]:
    return [
        int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


@posix_only("needs file descriptors")
def test_half_a_result_of_a_killed_worker_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import tasks, pathlib; from mnistnet.executors import process_pool\n"
        "with process_pool(2) as pool:\n"
        "    pool.submit(tasks.half_a_result)\n"
        "    while not pathlib.Path('begun').exists(): pass\n"
        "    raise KeyboardInterrupt"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(tasks.__file__).parent)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert done.stderr.endswith(b"\nKeyboardInterrupt\n")


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_ctrl_c_while_workers_start_prints_one_word() -> None:
    """A terminal sends it to all processes; while they start, it is ignored."""
    command = [*COMMAND, "download", "--synthetic"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, start_new_session=True, **options) as process:
        while len(children(process.pid)) < 2:  # the first one tracks resources
            assert process.poll() is None
        status = Path(f"/proc/{children(process.pid)[-1]}/status").read_text()
        ignored = int(re.search(r"SigIgn:\s*(\w+)", status)[1], 16)
        assert ignored & (1 << signal.SIGINT - 1)
        while process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        assert (process.stdout.read(), process.stderr.read()) == ("", "Interrupted\n")
    assert process.returncode == 130

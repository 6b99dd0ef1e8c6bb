"""Interrupt the program at random lines of its code, and run it again.

As a script, this module runs a command many times, each time in a new process and folder, and sends
the process a signal when it reaches the chosen line.
"""

import contextlib
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from mnistnet.data import mnist

PACKAGE = str(Path(mnist.__file__).parents[1])
NEVER = sys.maxsize
BEGINNING = 5  # lines after which the program handles Ctrl-C


class End(NamedTuple):
    """The result of a process: exit code (or minus the signal), output and files in its folder."""

    exit_code: int
    output: str
    files: dict[str, str]  # SHA-256 by name


def stop_at_moments(
    sign: int, count: int, folder: Path, first: tuple[object, ...], then: tuple[object, ...] = ()
) -> list[tuple[End, End]]:
    """Send the first command a signal at each of count lines, then run the other command (default:
    the same), and return both results. The commands run in copies of the folder, with the MNIST of
    the fixture `published`, if it is used."""
    words = [[str(word) for word in command] for command in (first, then or first)]
    order = [sign, count, str(folder), *words, mnist.FILES]
    command = [sys.executable, __file__, json.dumps(order)]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [(End(*a), End(*b)) for a, b in map(json.loads, done.stdout.splitlines())]


def without_parts(end: End) -> dict[str, str]:
    """The files without the temporary files of killed writers."""
    return {name: sha for name, sha in end.files.items() if not name.endswith(".part")}


def assert_stopped(end: End, sent: int) -> None:
    """Check that the process ended by the signal or normally, without a traceback."""
    assert "Traceback" not in end.output
    if sent == signal.SIGKILL:
        assert end.exit_code in (-signal.SIGKILL, 0)
        return
    assert end.exit_code in (130, 0)
    assert ("Interrupted" in end.output) == (end.exit_code == 130)
    assert without_parts(end) == end.files


def main() -> None:
    sign, count, folder, first, then, files = json.loads(sys.argv[1])
    mnist.FILES = tuple(mnist.MnistFile(*file) for file in files)
    mnist.MIRRORS = ()
    # load the modules once, for all child processes
    import tqdm  # noqa: F401

    import mnistnet.cli
    import mnistnet.data.http
    import mnistnet.image.warp
    import mnistnet.model.run  # noqa: F401

    # so that weights files do not differ in the recorded seconds
    time.perf_counter = itertools.count(0.0).__next__

    def attempt(moment: int) -> list[End]:
        with tempfile.TemporaryDirectory() as copy, contextlib.chdir(copy):
            shutil.copytree(folder, copy, dirs_exist_ok=True)
            return [_run(first, sign, moment), _run(then, sign, NEVER)]

    lines = int(attempt(NEVER)[0].output.split()[-1])
    for moment in random.Random(0).sample(range(BEGINNING, lines), count):
        print(json.dumps(attempt(moment)))


def _run(words: list[str], sign: int, moment: int) -> End:
    """Run the command in a child process that sends itself the signal repeatedly from this line on,
    and prints the number of lines it executed as its last word."""
    with tempfile.TemporaryFile() as output:
        if not (child := os.fork()):
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os._exit(_command(words, sign, moment))
        _, status = os.waitpid(child, 0)
        output.seek(0)
        text = output.read().decode()
    files = [path for path in Path().rglob("*") if path.is_file()]
    found = {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return End(os.waitstatus_to_exitcode(status), text, found)


def _command(words: list[str], sign: int, moment: int) -> int:
    from mnistnet.__main__ import main as program

    lines = 0

    def press() -> None:
        """Send the signal repeatedly, like an impatient user."""
        while True:
            os.kill(os.getpid(), sign)
            time.sleep(0.0001)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            lines += 1
            if lines == moment:
                threading.Thread(target=press, daemon=True).start()
                os.kill(os.getpid(), sign)
        return trace

    sys.argv[1:] = words
    sys.settrace(trace)
    code = 1
    try:
        program()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.settrace(None)
    print(lines, flush=True)
    return code


if __name__ == "__main__":
    main()

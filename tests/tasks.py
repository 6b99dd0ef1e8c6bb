"""Functions that tests run in other processes in place of a training. They are here because those
processes cannot import test modules."""

import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS
from mnistnet.errors import TrainingError
from mnistnet.model import training
from mnistnet.model.metadata import EpochReport
from mnistnet.model.options import Options
from mnistnet.model.state import begin

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows SIGTERM kills
Result = tuple[np.ndarray, list[EpochReport]]


def trained(options: Options) -> Result:
    """Train briefly on noise."""
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (60, PIXELS), np.uint8)
    state = begin(options)
    for _ in training.train(state, images, rng.integers(0, CLASSES, 60)):
        pass
    return state.network.parameters, state.history


def diverged_if_odd(options: Options) -> Result:
    if options.seed % 2:
        raise TrainingError("the loss is no longer finite")
    return trained(options)


def killed_once(folder: Path, options: Options) -> Result:
    """Kill the first process that runs this."""
    try:
        (folder / "killed").touch(exist_ok=False)
    except FileExistsError:
        return trained(options)
    os.kill(os.getpid(), KILL)
    raise AssertionError


def killer_if_odd(process: int, options: Options) -> Result:
    """Kill a process, such as a scheduler, and never return."""
    if options.seed % 2:
        os.kill(process, KILL)
        threading.Event().wait()
    return trained(options)


def killed(*_: object) -> None:
    """Kill the process that would read pictures."""
    os.kill(os.getpid(), KILL)


def half_a_result() -> None:
    """Begin to write a result of 99 bytes, and never end."""
    frame = sys._getframe()
    while "result_queue" not in frame.f_locals:  # of the worker's loop
        frame = frame.f_back
    os.write(frame.f_locals["result_queue"]._writer.fileno(), b"\0\0\0\x63half")
    Path("begun").touch()
    threading.Event().wait()

"""Tables of medians with their range; timed processes; labelled folders.

Imports no large library: the peak memory of a process is at least that of its parent.
"""

import csv
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-m", "mnistnet"]


class Table:
    """A table of measurements; rows are printed as they are added."""

    def __init__(self, title: str, unit: str) -> None:
        print(f"\n{title}\n{'':<44}{'median':>10}{'min':>10}{'max':>10}  {unit}")

    def add(self, name: str, figures: Sequence[float], base: float = 0, of: str = "") -> float:
        """Print a row, and what multiple of the base its median is; return the median."""
        median = statistics.median(figures)
        note = f"{median / base:.2f} x {of}" if base else ""
        columns = f"{median:>10.4g}{min(figures):>10.4g}{max(figures):>10.4g}"
        print(f"{name:<44}{columns}  {note}", flush=True)
        return median

    def compare(self, rows: Mapping[str, Sequence[float]]) -> None:
        """Add rows, the others as multiples of the first."""
        (first, figures), *others = rows.items()
        base = self.add(first, figures)
        for name, figures in others:
            self.add(name, figures, base, first)


def in_turns(commands: Mapping[str, list[str]], rounds: int) -> tuple[dict[str, list[Any]], ...]:
    """Run all commands in each round; return the seconds, the peak memory in MiB and the output of
    each run, by command. A machine whose speed drifts so affects all of them."""
    walls, peaks, outputs = ({name: [] for name in commands} for _ in range(3))
    for name, command in [*commands.items()] * rounds:
        began = time.perf_counter()
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, **pipes) as child:
            outputs[name].append(child.stdout.read())
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command} failed")
        walls[name].append(time.perf_counter() - began)
        peaks[name].append(usage.ru_maxrss / 1024)
    return walls, peaks, outputs


def labelled(folder: Path) -> list[dict[str, str]]:
    """The rows of the folder's labels.tsv, whose first line names the columns."""
    with (folder / "labels.tsv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))

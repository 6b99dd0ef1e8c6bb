"""Timing, and tables of medians with their range; JSON with --json."""

import csv
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Table:
    """A table of measurements; rows are printed as they are added."""

    def __init__(self, title: str, unit: str) -> None:
        self.as_json = "--json" in sys.argv
        self.title, self.unit = title, unit
        if not self.as_json:
            print(f"\n{title}\n{'':<44}{'median':>10}{'min':>10}{'max':>10}  {unit}")

    def add(self, name: str, figures: Sequence[float], note: str = "") -> float:
        """Print a row; return the median."""
        median, low, high = statistics.median(figures), min(figures), max(figures)
        if self.as_json:
            row = {"table": self.title, "unit": self.unit, "row": name, "note": note}
            print(json.dumps(row | {"median": median, "min": low, "max": high}))
        else:
            print(f"{name:<44}{median:>10.4g}{low:>10.4g}{high:>10.4g}  {note}")
        sys.stdout.flush()
        return median


def seconds(function: Callable[[], object]) -> float:
    """The duration of one call."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def in_turns(functions: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Seconds of each function in each run, after a warm-up. The functions take turns, so that a
    machine whose speed drifts affects all of them."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for run in range(runs + 1):
        for name, function in functions.items():
            took = seconds(function)
            if run:
                times[name].append(took)
    return times


def labelled(folder: Path) -> list[dict[str, str]]:
    """The rows of the folder's labels.tsv, whose first line names the columns."""
    with (folder / "labels.tsv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))

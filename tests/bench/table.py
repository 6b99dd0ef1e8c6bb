"""What the benchmarks share: medians with their spread, as a table or, with --json, as JSON."""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence


class Table:
    """Rows of figures under one title; printed as they come."""

    def __init__(self, title: str, unit: str) -> None:
        self.as_json = "--json" in sys.argv
        self.title, self.unit = title, unit
        if not self.as_json:
            print(f"\n{title}\n{'':<44}{'median':>10}{'min':>10}{'max':>10}  {unit}")

    def add(self, name: str, figures: Sequence[float], note: str = "") -> float:
        """A row; returns the median."""
        median, low, high = statistics.median(figures), min(figures), max(figures)
        if self.as_json:
            row = {"table": self.title, "unit": self.unit, "row": name, "note": note}
            print(json.dumps(row | {"median": median, "min": low, "max": high}))
        else:
            print(f"{name:<44}{median:>10.4g}{low:>10.4g}{high:>10.4g}  {note}")
        sys.stdout.flush()
        return median


def seconds(function: Callable[[], object]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def in_turns(functions: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Seconds of each function in each of so many rounds, after one that does not count, in turns,
    so that a machine whose speed drifts treats all alike."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for run in range(runs + 1):
        for name, function in functions.items():
            took = seconds(function)
            if run:
                times[name].append(took)
    return times

"""Reading files of MNIST's test images with one and with two processes, in turns; and with two
commands at a time for half of the files each, as a bound.

    python tests/bench/bench_many.py
"""

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from table import PROGRAM, Table

import mnistnet

FILES, ROUNDS = 3000, 5


def seconds(*commands: tuple[object, ...]) -> float:
    """Run the commands at the same time."""
    began = time.perf_counter()
    start = [*PROGRAM, "predict", "--csv", "--quiet"]
    running = [
        subprocess.Popen([*start, *map(str, words)], stdout=subprocess.DEVNULL)
        for words in commands
    ]
    for process in running:
        assert process.wait() == 0
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        halves = [Path(name, half) for half in "ab"]
        for half in halves:
            half.mkdir()
        for k, image in enumerate(mnistnet.load_data("test").images[:FILES]):
            pixels = np.kron(255 - image.reshape(28, 28), np.ones((4, 4), np.uint8))
            Image.fromarray(pixels).save(halves[k % 2] / f"{k:05}.png")
        ways = {
            "one process": [(*halves,)],
            "two processes": [("--workers", 2, *halves)],
            "two commands": [(half,) for half in halves],
        }
        found: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, commands in ways.items():
                found[way].append(seconds(*commands))
    Table(f"Reading {FILES} files", "s").compare(found)


if __name__ == "__main__":
    main()

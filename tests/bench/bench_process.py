"""Whole commands and the imports that they need: time and peak memory.

python tests/bench/bench_process.py
"""

import os
import sys
import tempfile
from pathlib import Path

from table import PROGRAM, Table, in_turns

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "digit-7.png"


def main() -> None:
    imports = ["import click", "import numpy, PIL.Image, click"]
    commands = {line: [sys.executable, "-c", line] for line in imports} | {
        "mnistnet --help": [*PROGRAM, "--help"],
        f"mnistnet predict {PICTURE.name}": [*PROGRAM, "predict", str(PICTURE)],
        "mnistnet train --epochs 3": [*PROGRAM, "train", "--epochs", "3", "--weights", "net.npz"],
    }
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # it has no mnistnet.npz, so predict uses the bundled weights
        walls, peaks, _ = in_turns(commands, rounds=11)
    Table("whole processes", "s").compare(walls)
    Table("peak memory of these", "MiB").compare(peaks)


if __name__ == "__main__":
    main()

"""Whole commands, compared with the imports that they need."""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_peers import whole
from table import Table

ROUNDS = 11
CLICK, ALL = "import click", "import numpy, PIL.Image, click"


def main() -> None:
    program = [sys.executable, "-m", "mnistnet"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        train = [*program, "train", "--no-augment", "--epochs"]
        subprocess.run([*train, "2"], check=True, capture_output=True)
        picture = Path("digit.png")
        draw = "from PIL import Image, ImageDraw; p = Image.new('L', (280, 280), 255)\n"
        draw += "ImageDraw.Draw(p).line((80, 60, 200, 60, 120, 220), fill=0, width=20)\n"
        draw += f"p.save('{picture}')"
        subprocess.run([sys.executable, "-c", draw], check=True)
        # the process, and the imports to compare it with
        commands = {
            CLICK: ([sys.executable, "-c", CLICK], CLICK),
            "mnistnet --help": ([*program, "--help"], CLICK),
            ALL: ([sys.executable, "-c", ALL], ALL),
            f"mnistnet predict {picture}": ([*program, "predict", str(picture)], ALL),
            "mnistnet eval": ([*program, "eval"], ALL),
        }
        walls: dict[str, list[float]] = {name: [] for name in commands}
        memory: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, (command, _) in commands.items():
                wall, peak, _ = whole(command)
                walls[name].append(wall)
                memory[name].append(peak)
        table = Table("whole processes", "s")
        medians = {name: statistics.median(figures) for name, figures in walls.items()}
        for name, (_, base) in commands.items():
            table.add(name, walls[name], f"{medians[name] / medians[base]:.2f} x {base}")
        table = Table("peak memory", "MiB")
        for name, peaks in memory.items():
            table.add(name, peaks)
        for epochs in (1, 10, 40):
            table.add(f"mnistnet train, {epochs} epochs", [whole([*train, str(epochs)])[1]])


if __name__ == "__main__":
    main()

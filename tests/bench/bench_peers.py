"""An epoch, and ten epochs as a whole process, compared with each peer that is installed."""

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import Table

HERE = Path(__file__).parent
ROUNDS = 5
EPOCHS = 10
PEERS = [
    name
    for name in ("torch", "torch-loader", "sklearn", "jax")
    if importlib.util.find_spec(name.partition("-")[0])
]


def whole(command: list[str]) -> tuple[float, float, str]:
    """Seconds, peak memory in MiB and stdout of a process.

    This script imports no large library: a child's peak is at least the memory of its parent.
    """
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - began, usage.ru_maxrss / 1024, output


def main() -> None:
    peers = str(HERE / "peers.py")
    epochs: dict[str, list[float]] = {name: [] for name in ("mnistnet", *PEERS)}
    walls: dict[str, list[float]] = {name: [] for name in epochs}
    memory: dict[str, list[float]] = {name: [] for name in epochs}
    accuracy: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        train = [sys.executable, "-m", "mnistnet", "train", "--no-augment", "--validation", "0"]
        train += ["--epochs", str(EPOCHS), "--weights", f"{folder}/net.npz", "--json"]
        for _ in range(ROUNDS):
            for name in epochs:
                wall, peak, output = whole([sys.executable, peers, name, str(EPOCHS)])
                *times, last = output.splitlines()
                epochs[name] += map(float, times[1:])  # the first one is a warm-up
                accuracy[name] = last
                if name == "mnistnet":
                    wall, peak, _ = whole(train)
                walls[name].append(wall)
                memory[name].append(peak)
    for title, unit, figures in (
        ("an epoch: 784-72-10, batch 100, 60,000 images", "s", epochs),
        (f"{EPOCHS} epochs from start to exit", "s", walls),
        ("peak memory of these", "MiB", memory),
    ):
        table = Table(title, unit)
        mine = table.add("mnistnet", figures["mnistnet"])
        for name in PEERS:
            values = figures[name]
            table.add(name, values, f"{statistics.median(values) / mine:.2f} x mnistnet")
    print(accuracy, file=sys.stderr)


if __name__ == "__main__":
    main()

"""The default training from start to exit, compared with the same training in PyTorch.

    python tests/bench/bench_warped.py [EPOCHS]

Needs torch. mnistnet distorts each minibatch by one warp; most programs that use PyTorch distort
each image by its own.
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench_peers import whole
from table import Table

ROUNDS = 3
PEERS = Path(__file__).parent / "peers.py"


def main() -> None:
    epochs = sys.argv[1] if sys.argv[1:] else "30"
    walls: dict[str, list[float]] = {"mnistnet": [], "torch-warp": [], "torch-warp-each": []}
    memory: dict[str, list[float]] = {name: [] for name in walls}
    accuracy = {}
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-m", "mnistnet"]
        weights = ["--weights", f"{folder}/net.npz", "--json"]
        for _ in range(ROUNDS):
            for name in walls:
                if name == "mnistnet":
                    command = [*program, "train", "--epochs", epochs, *weights]
                else:
                    command = [sys.executable, str(PEERS), name, epochs]
                wall, peak, said = whole(command)
                walls[name].append(wall)
                memory[name].append(peak)
                accuracy[name] = said.splitlines()[-1]
        accuracy["mnistnet"] = json.loads(whole([*program, "eval", *weights])[2])["accuracy"]
    table = Table(f"{epochs} epochs of distorted minibatches, start to exit", "s")
    mine = statistics.median(walls["mnistnet"])
    for name, figures in walls.items():
        note = f"{statistics.median(figures) / mine:.1f} x mnistnet, test {accuracy[name]}"
        table.add(name, figures, note)
    table = Table("peak memory of these", "MiB")
    for name, figures in memory.items():
        table.add(name, figures)


if __name__ == "__main__":
    main()

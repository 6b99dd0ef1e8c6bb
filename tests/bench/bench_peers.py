"""Training without distortions and with them, compared with the libraries that are installed.

    python tests/bench/bench_peers.py [EPOCHS]

With a number of epochs only with distortions. mnistnet distorts each minibatch by one warp; most
programs that use PyTorch distort each image by its own.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from table import PROGRAM, Table, in_turns

PEERS = Path(__file__).parent / "peers.py"


def compare(epochs: int, rounds: int, peers: list[str], *options: str) -> None:
    """Run `mnistnet train` with these options and the training of these peers in turns."""
    with tempfile.TemporaryDirectory() as folder:
        file = ["--weights", f"{folder}/net.npz", "--json"]
        commands = {"mnistnet": [*PROGRAM, "train", "--epochs", str(epochs), *options, *file]}
        for peer in peers:
            if importlib.util.find_spec(peer.partition("-")[0]):
                commands[peer] = [sys.executable, str(PEERS), peer, str(epochs)]
        walls, peaks, outputs = in_turns(commands, rounds)
        tested = json.loads(subprocess.check_output([*PROGRAM, "eval", *file]))
    each, accuracy = {}, {}
    for name, texts in outputs.items():
        lines = [[json.loads(line) for line in text.splitlines()] for text in texts]
        # the first epoch is a warm-up, and the last line sums up
        each[name] = [line["seconds"] for run in lines for line in run[1:-1]]
        accuracy[name] = [100 * (tested | run[-1])["accuracy"] for run in lines]
    Table("an epoch: 784-72-10, batch 100", "s").compare(each)
    Table(f"{epochs} epochs from start to exit", "s").compare(walls)
    Table("peak memory of these", "MiB").compare(peaks)
    Table("accuracy on the test set", "%").compare(accuracy)


if __name__ == "__main__":
    same = ["--no-augment", "--validation", "0", "--learning-rate", "0.1", "--weight-decay", "0"]
    if not sys.argv[1:]:
        compare(10, 5, ["torch", "torch-loader", "sklearn", "jax"], *same)
    compare(int((*sys.argv[1:], 8)[0]), 3, ["torch-warp", "torch-warp-each"])

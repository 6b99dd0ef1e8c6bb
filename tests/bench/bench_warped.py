"""The default training from start to exit, compared with the same training in PyTorch.

    python tests/bench/bench_warped.py [EPOCHS]

mnistnet distorts each minibatch by one warp; most programs that use PyTorch distort each image by
its own.
"""

import sys

from bench_peers import compare

if __name__ == "__main__":
    epochs = next((int(word) for word in sys.argv[1:] if word.isdecimal()), 30)
    compare(epochs, 3, ["torch-warp", "torch-warp-each"])

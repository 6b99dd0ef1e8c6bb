"""Calibrate a weights file on digits that it was not trained on, in place.

    python tests/bench/calibrate.py mnistnet/pretrained.npz

They are the held-out images of MNIST and as many drawn digits, since people's own digits are
harder than MNIST's. All scores are divided by one number, the temperature, so that no answer
changes, but of the answers with a probability of 90 %, nine in ten should be right (Guo et al.
2017, https://arxiv.org/abs/1706.04599). The limits of unsure answers are chosen again, on the
held-out images. The file is written in float16, which halves it.
`make pretrained` runs this after the training.
"""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import mnistnet
from mnistnet.arrays import Array
from mnistnet.image.drawn import draw
from mnistnet.model import weights
from mnistnet.model.answer import choose_limits
from mnistnet.model.network import log_probabilities
from mnistnet.model.state import split

UNSURE = 0.04  # share of right answers; docs/measurements.md compares others
HALVINGS = 40  # of the search interval, on a logarithmic scale


def fit_temperature(scores: Array, labels: Array) -> float:
    """Find the T from 0.01 to 100 that minimises the mean loss of scores (n, 10) / T, labels (n,).

    The loss is convex in 1 / T, with derivative mean(sum_k p_k f_k - f_y). If every answer is
    right, it has no minimum, and T is 0.01.
    """
    f = scores.astype(np.float64)
    of_label = f[np.arange(len(labels)), labels]
    low, high = 0.01, 100.0
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        p = np.exp(log_probabilities(f / middle))
        if ((p * f).sum(axis=1) - of_label).mean() > 0:  # 1 / T is too large
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)


def main(path: Path) -> None:
    network, metadata = weights.load(path)
    data = mnistnet.load_data("train")
    rows = split(len(data.images), metadata.options)[1]
    # the training draws with another generator, so that these are others
    drawn, labels = draw(len(rows), np.random.default_rng(metadata.options.seed + 1))
    scores = network.image_scores(np.concatenate([data.images[rows], drawn]))
    temperature = fit_temperature(scores, np.concatenate([data.labels[rows], labels]))
    network.matrices[-1] /= np.float32(temperature)
    limits = choose_limits(scores[: len(rows)] / temperature, data.labels[rows], UNSURE)
    weights.save(path, network, replace(metadata, limits=limits), dtype=np.float16)
    print(f"calibrated {path}: scores divided by {temperature:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

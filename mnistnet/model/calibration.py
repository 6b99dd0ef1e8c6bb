"""Temperature scaling: of the answers with a probability of 90 %, nine in ten should be right.

Dividing all scores by a temperature changes the probabilities but no answer. The best temperature
has the lowest loss on images that the network was not trained on (Guo et al. 2017,
https://arxiv.org/abs/1706.04599).
"""

import math

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model.network import Network, log_probabilities


def calibrate(network: Network, images: Array, labels: Array) -> float:
    """Divide the last matrix by the best temperature, from 0.01 to 100, for images (n, 784) uint8
    and labels (n,) that were not used for training; return it.

    The mean loss of f / T is convex in 1 / T, with derivative mean(sum_k p_k f_k - f_y). If every
    answer is right, it has no minimum, and T is 0.01.
    """
    f = network.image_scores(images).astype(np.float64)
    of_label = f[np.arange(len(labels)), labels]
    low, high = 0.01, 100.0
    for _ in range(40):  # halve the interval, on a logarithmic scale
        T = math.sqrt(low * high)
        p = np.exp(log_probabilities(f / T))
        is_large = ((p * f).sum(axis=1) - of_label).mean() > 0  # 1 / T
        low, high = (T, high) if is_large else (low, T)
    network.matrices[-1] /= network.parameters.dtype.type(T)
    return T

"""Temperature scaling: of the answers with a probability of 90 %, nine in ten should be right.

Dividing all scores by a temperature changes the probabilities but no answer. The best temperature
has the lowest loss on images that the network was not trained on (Guo et al. 2017,
https://arxiv.org/abs/1706.04599).
"""

import math

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model.network import Network, log_probabilities

HALVINGS = 40  # of the search interval, on a logarithmic scale


def calibrate(network: Network, images: Array, labels: Array) -> float:
    """Divide the last matrix by the best temperature for these images, and return it.

    images (n, 784) uint8 and labels (n,) must not have been used for training. If every answer is
    right, the loss has no minimum, and the temperature is the lower bound, 0.01.
    """
    temperature = fit_temperature(network.image_scores(images), labels)
    network.matrices[-1] /= network.parameters.dtype.type(temperature)
    return temperature


def fit_temperature(scores: Array, labels: Array) -> float:
    """Find the T from 0.01 to 100 that minimises the mean loss of scores (n, 10) / T, labels (n,).

    The loss is convex in 1 / T, with derivative mean(sum_k p_k f_k - f_y).
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

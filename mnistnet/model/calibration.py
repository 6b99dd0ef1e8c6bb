"""Probabilities that mean what they say: of the answers with 90 %, nine in ten are right.

Dividing all scores by one number, the temperature, changes no answer, only how sure it is. The one
that suits best has the lowest loss on images that the network has not been trained on (Guo et al.
2017, https://arxiv.org/abs/1706.04599).
"""

import math

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model.network import Network, log_probabilities

HALVINGS = 40  # of the interval in which the temperature lies, on a scale of logarithms


def calibrate(network: Network, images: Array, labels: Array) -> float:
    """Divide the last matrix by the temperature that suits images (n, 784) uint8 with labels (n,),
    and return it.

    The images must not have been trained on. Where all are answered correctly, no temperature is
    low enough; it then falls to a hundredth.
    """
    temperature = fit_temperature(network.image_scores(images), labels)
    network.matrices[-1] /= network.parameters.dtype.type(temperature)
    return temperature


def fit_temperature(scores: Array, labels: Array) -> float:
    """The T between 0.01 and 100 with the lowest mean loss of scores / T (n, 10) and labels (n,).

    The loss is convex in 1 / T, and its derivative there the mean of sum_k p_k f_k - f_y.
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

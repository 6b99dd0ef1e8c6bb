"""The network of the notes, and Backprop: its loss and the gradient of that loss.

    h = tanh(M x)                                x: 784 pixels in [0, 1]    M: 72 x 784
    f = W h                                      f: 10 scores               W: 10 x 72
    L(f, y) = log sum_k exp f_k  -  f_y          multiclass logistic loss; y is the true digit

Any number of hidden layers, all tanh, may stand between x and f; there are no biases. A minibatch
is a matrix with one example a row, so that M x for all of its examples is X M^T. The loss is the
mean over the minibatch, and every gradient is of that mean.

What this leaves out: how the matrices change (training.py) and where they are kept (weights.py).
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mnistnet.errors import MnistnetError

Array = np.ndarray[Any, np.dtype[Any]]

PIXELS = 784
CLASSES = 10
MAX_PARAMETERS = 1 << 28  # 1 GiB of float32; thousands of times the largest worth training here
MAX_WEIGHT = 1e9  # in absolute value; beyond it scores may overflow
IMAGES_AT_A_TIME = 1000  # scored; more would only take more memory


class Network:
    """A stack of weight matrices.

    layers      units in each layer, input first, for example (784, 72, 10)
    parameters  every weight in one vector (P,), so that an update need not know of layers
    matrices    views of it, one a layer: W1 (72, 784) and W2 (10, 72), the notes' M and W
    """

    def __init__(self, layers: Sequence[int], dtype: Any = np.float32) -> None:
        """A network whose weights are all zero; raises MnistnetError for one that is too large."""
        self.layers = tuple(layers)
        count = sum(units * inputs for inputs, units in itertools.pairwise(self.layers))
        if count > MAX_PARAMETERS:
            raise MnistnetError(
                f"expected at most {MAX_PARAMETERS:,} weights; found {count:,} in "
                f"{'-'.join(map(str, self.layers))}: use fewer hidden units"
            )
        self.parameters: Array = np.zeros(count, dtype)
        self.matrices = self.split(self.parameters)

    @classmethod
    def random(
        cls, layers: Sequence[int], rng: np.random.Generator, dtype: Any = np.float32
    ) -> "Network":
        """Initial weights: normal, with standard deviation 1 / sqrt(inputs of the unit).

        That keeps a unit's input of order 1 whatever the width, where tanh is neither flat nor
        linear (LeCun et al. 1998, Efficient BackProp, section 4.6).
        """
        network = cls(layers, dtype)
        for W in network.matrices:
            W[...] = rng.standard_normal(W.shape) / math.sqrt(W.shape[1])
        return network

    def split(self, vector: Array) -> list[Array]:
        """Views of a vector (P,), such as the parameters or their gradient, one matrix a layer."""
        shapes = [(units, inputs) for inputs, units in itertools.pairwise(self.layers)]
        ends = itertools.accumulate(units * inputs for units, inputs in shapes)
        return [
            vector[end - units * inputs : end].reshape(units, inputs)
            for end, (units, inputs) in zip(ends, shapes, strict=True)
        ]

    def scores(self, x: Array) -> Array:
        """f for each row of x: (n, 784) in [0, 1] -> (n, 10)."""
        h = x
        *hidden, W_out = self.matrices
        for W in hidden:
            h = np.tanh(h @ W.T)
        f: Array = h @ W_out.T
        return f

    def image_scores(self, images: Array) -> Array:
        """f for each image: (n, 784) uint8 -> (n, 10)."""
        starts = range(0, len(images), IMAGES_AT_A_TIME)
        return np.concatenate(
            [self.scores(scale(images[start : start + IMAGES_AT_A_TIME])) for start in starts]
        )

    def is_sound(self) -> bool:
        """Whether every weight is a number of at most MAX_WEIGHT, as for a training that went
        well; NaN is not."""
        return bool((np.abs(self.parameters) <= MAX_WEIGHT).all())


def scale(images: Array, out: Array | None = None) -> Array:
    """x of the formulas: (n, 784) uint8 pixels -> [0, 1], float32 or the dtype of out."""
    x: Array = np.empty(images.shape, np.float32) if out is None else out
    x[...] = images
    np.divide(x, 255, out=x)
    return x


def log_probabilities(scores: Array, out: Array | None = None) -> Array:
    """log p_k = f_k - log sum_j exp f_j for each row: (n, 10) -> (n, 10).

    The largest score of each row is subtracted first, which changes nothing but keeps exp from
    overflowing.
    """
    shifted: Array = np.subtract(scores, scores.max(axis=1, keepdims=True), out=out)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def logistic_loss(log_p: Array, labels: Array) -> float:
    """Mean of L over the examples: log probabilities (n, 10) and labels (n,) -> a number >= 0."""
    return 0.0 - float(log_p[np.arange(len(labels)), labels].mean(dtype=np.float64))


class Backprop:
    """Loss and gradient on minibatches of up to batch_size examples, in buffers made once.

    forward(x) computes the scores; backward(labels) then the mean loss, and leaves the gradient of
    that mean in `gradient` (P,), laid out as network.parameters; `gradients` are its matrices. All
    in the network's dtype: float32 trains, the same code in float64 is checked.
    """

    def __init__(self, network: Network, batch_size: int) -> None:
        self.network = network
        self.gradient = np.zeros_like(network.parameters)
        self.gradients = network.split(self.gradient)
        dtype = network.parameters.dtype
        # h[i] and delta[i] belong to layer i + 1; the last h are the scores f.
        self._h = [np.empty((batch_size, units), dtype) for units in network.layers[1:]]
        self._delta = [np.empty_like(h) for h in self._h]
        self._slope = [np.empty_like(h) for h in self._h[:-1]]
        self._x: Array = np.empty((0, network.layers[0]), dtype)

    def forward(self, x: Array) -> Array:
        """f for each row of x: (n, 784) in [0, 1] -> (n, 10), n <= batch_size."""
        self._x = h = x
        for W, buffer in zip(self.network.matrices, self._h, strict=True):
            a = np.matmul(h, W.T, out=buffer[: len(x)])
            h = a if buffer is self._h[-1] else np.tanh(a, out=a)
        return h

    def backward(self, labels: Array) -> float:
        """Mean loss of the forward pass just made, with labels (n,); fills the gradient.

        delta is dL/da for each unit, a being what it sums up: W h of the layer below.
        """
        n = len(labels)
        log_p = log_probabilities(self._h[-1][:n], out=self._delta[-1][:n])
        loss = logistic_loss(log_p, labels)

        # dL/df_k = p_k - [k = y], over n because the loss is a mean
        delta = np.exp(log_p, out=log_p)
        delta[np.arange(n), labels] -= 1
        delta /= n
        for layer in range(len(self._h) - 1, 0, -1):
            h = self._h[layer - 1][:n]
            np.matmul(delta.T, h, out=self.gradients[layer])
            # dL/dh = delta W, and tanh'(a) = 1 - tanh(a)^2 = 1 - h^2
            slope = np.multiply(h, h, out=self._slope[layer - 1][:n])
            np.subtract(1, slope, out=slope)
            below = self._delta[layer - 1][:n]
            delta = np.matmul(delta, self.network.matrices[layer], out=below)
            delta *= slope
        np.matmul(delta.T, self._x, out=self.gradients[0])
        return loss

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

import numpy as np  # which loads np.random only when it is named: hence the quotes below

from mnistnet.arrays import Array
from mnistnet.errors import MnistnetError

# So that training takes three gigabytes at most: too much memory asked for is not always an
# error, but often a killed program or a machine that answers no more.
MAX_PARAMETERS = 1 << 26  # 256 MiB of float32; a hundred times the largest worth training here
MAX_ACTIVATIONS = 1 << 27  # in a minibatch, all layers together
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
        cls, layers: Sequence[int], rng: "np.random.Generator", dtype: Any = np.float32
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

    def features(self, x: Array) -> Array:
        """h of the last hidden layer for each row of x: (n, 784) in [0, 1] -> (n, units); x itself
        where there is none."""
        h = x
        for W in self.matrices[:-1]:
            h = np.tanh(h @ W.T)
        return h

    def scores(self, x: Array) -> Array:
        """f for each row of x: (n, 784) in [0, 1] -> (n, 10)."""
        f: Array = self.features(x) @ self.matrices[-1].T
        return f

    def image_scores(self, images: Array) -> Array:
        """f for each image: (n, 784) uint8 -> (n, 10)."""
        starts = range(0, len(images), IMAGES_AT_A_TIME)
        return np.concatenate(
            [self.scores(scale(images[start : start + IMAGES_AT_A_TIME])) for start in starts]
        )


def are_sound(weights: Array) -> bool:
    """Whether every weight is a number of at most MAX_WEIGHT, as after a training that went well;
    NaN is not."""
    return bool((np.abs(weights) <= MAX_WEIGHT).all())


def scale(images: Array, out: Array | None = None) -> Array:
    """x of the formulas: (n, 784) uint8 pixels -> [0, 1], float32 or the dtype of out."""
    x: Array = np.empty(images.shape, np.float32) if out is None else out
    x[...] = images
    x *= x.dtype.type(1 / 255)  # a third faster than dividing
    return x


def log_probabilities(scores: Array) -> Array:
    """log p_k = f_k - log sum_j exp f_j for each row: (n, 10) -> (n, 10).

    The largest score of each row is subtracted first, which changes nothing but keeps exp from
    overflowing.
    """
    shifted: Array = scores - scores.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def logistic_loss(log_p: Array, labels: Array) -> float:
    """Mean of L over the examples: log probabilities (n, 10) and labels (n,) -> a number >= 0."""
    picked = log_p[np.arange(len(labels)), labels]
    return 0.0 - float(picked.sum(dtype=np.float64)) / len(labels)


class Backprop:
    """Loss and gradient on minibatches of up to batch_size examples, in buffers made once.

    forward(x) computes the scores; backward(labels) then the mean loss, and leaves the gradient of
    that mean in `gradient` (P,), laid out as network.parameters; `gradients` are its matrices; and
    in `right` how many of the examples have no score above that of their label. All in the
    network's dtype: float32 trains, the same code in float64 is checked.

    Inside, an example is a column, as in the notes: h = tanh(M x) is (units, n). Sums over the ten
    scores then run along whole rows, and the products suit BLAS better, the more units the more.
    """

    def __init__(self, network: Network, batch_size: int) -> None:
        """Raises MnistnetError for a minibatch that is too large."""
        count = sum(network.layers) * batch_size
        if count > MAX_ACTIVATIONS:
            raise MnistnetError(
                f"expected at most {MAX_ACTIVATIONS:,} activations in a minibatch; found {count:,} "
                f"for {batch_size:,} images: use a smaller batch size or fewer hidden units"
            )
        self.network = network
        self.gradient = np.zeros_like(network.parameters)
        self.gradients = network.split(self.gradient)
        dtype = network.parameters.dtype
        # For each layer above the pixels, its h, the last of which is f, and its delta = dL/da,
        # where a is what the units sum up: W h of the layer below.
        self._h_buffers = [np.empty((units, batch_size), dtype) for units in network.layers[1:]]
        self._delta_buffers = [np.empty_like(h) for h in self._h_buffers]
        self.right = 0
        self._use_columns(batch_size)

    def _use_columns(self, n: int) -> None:
        """Have h and delta be the first n columns of their buffers."""
        self._h = [buffer[:, :n] for buffer in self._h_buffers]
        self._delta = [buffer[:, :n] for buffer in self._delta_buffers]
        self._examples = np.arange(n)

    def forward(self, x: Array) -> Array:
        """f for each row of x: (n, 784) in [0, 1] -> (n, 10), n <= batch_size."""
        if len(x) != len(self._examples):
            self._use_columns(len(x))
        self._x = x
        below = x.T
        for W, h in zip(self.network.matrices, self._h, strict=True):
            np.matmul(W, below, out=h)
            if h is not self._h[-1]:
                np.tanh(h, out=h)
            below = h
        return below.T

    def backward(self, labels: Array) -> float:
        """Mean loss of the forward pass just made, with labels (n,); fills the gradient.

        To be called once after each forward: it takes the place of h for what it computes.
        """
        n = len(labels)
        f, delta = self._h[-1], self._delta[-1]
        f -= f.max(axis=0)  # changes neither loss nor gradient, but keeps exp from overflowing
        np.exp(f, out=delta)
        total = delta.sum(axis=0)
        of_labels = f[labels, self._examples]
        losses = np.log(total) - of_labels
        self.right = n - int(np.count_nonzero(of_labels))
        # dL/df_k = exp f_k / sum_j exp f_j - [k = y], over n because the loss is a mean
        delta /= total
        delta[labels, self._examples] -= 1
        delta /= n
        for layer in range(len(self._h) - 1, 0, -1):
            h, below = self._h[layer - 1], self._delta[layer - 1]
            np.matmul(delta, h.T, out=self.gradients[layer])
            # dL/dh = W^T delta, and tanh'(a) = 1 - tanh(a)^2 = 1 - h^2
            np.matmul(self.network.matrices[layer].T, delta, out=below)
            np.multiply(h, h, out=h)
            np.subtract(1, h, out=h)
            below *= h
            delta = below
        np.matmul(delta, self._x, out=self.gradients[0])
        return float(losses.sum(dtype=np.float64)) / n

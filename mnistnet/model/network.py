"""The network of the notes, its loss, and the gradient of that loss by backpropagation.

    h = tanh(M x)                                x: 784 pixels in [0, 1]    M: 72 x 784
    f = W h                                      f: 10 scores               W: 10 x 72
    L(f, y) = log sum_k exp f_k  -  f_y          multiclass logistic loss; y is the true digit

There may be any number of hidden layers, all tanh, and there are no biases. A minibatch is a matrix
with one example per row, so M x for all of them is X M^T. The loss is the mean over the minibatch,
and the gradient is that of this mean. An image without a digit has the label NONE, and its target
is the uniform distribution: L = log sum_k exp f_k - mean_k f_k, which is smallest if all scores are
equal (outlier exposure, Hendrycks et al. 2019, https://arxiv.org/abs/1812.04606).
"""

import hashlib
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np  # loads np.random on first use; annotations that name it are quoted

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import MnistnetError
from mnistnet.model.threads import one_blas_thread

# These limits keep training below 3 GB: a program that asks for too much memory is often killed
# without an error.
MAX_PARAMETERS = 1 << 26  # 256 MiB of float32
MAX_ACTIVATIONS = 1 << 27  # in a minibatch, over all layers
NONE = CLASSES  # the label of an image without a digit
MAX_WEIGHT = 1e9  # absolute value; larger weights may make scores overflow
SCORE_BATCH = 1000  # images scored at a time, to bound memory


class Network:
    """A stack of weight matrices.

    layers      units in each layer, input first, for example (784, 72, 10)
    parameters  all weights in one vector (P,)
    matrices    views of parameters, one per layer: W1 (72, 784) and W2 (10, 72), the notes' M and W
    """

    def __init__(self, layers: Sequence[int], dtype: Any = np.float32) -> None:
        """Make a network of zero weights; raises MnistnetError if it is too large."""
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
        """Make a network of normal weights with standard deviation 1 / sqrt(inputs of the unit).

        This keeps the input of each unit of order 1 for any width, where tanh is neither flat nor
        linear (LeCun et al. 1998, Efficient BackProp, section 4.6).
        """
        network = cls(layers, dtype)
        for W in network.matrices:
            W[...] = rng.standard_normal(W.shape) / math.sqrt(W.shape[1])
        return network

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, recorded by a training run that starts from them."""
        return hashlib.sha256(self.parameters.tobytes()).hexdigest()

    def split(self, vector: Array) -> list[Array]:
        """Return views of a vector (P,), such as the parameters or their gradient, per layer."""
        shapes = [(units, inputs) for inputs, units in itertools.pairwise(self.layers)]
        ends = itertools.accumulate(units * inputs for units, inputs in shapes)
        return [
            vector[end - units * inputs : end].reshape(units, inputs)
            for end, (units, inputs) in zip(ends, shapes, strict=True)
        ]

    def features(self, x: Array) -> Array:
        """h of the last hidden layer for each row of x: (n, 784) in [0, 1] -> (n, units).

        Without hidden layers, h is x.
        """
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
        starts = range(0, max(len(images), 1), SCORE_BATCH)
        with one_blas_thread():
            return np.concatenate(
                [self.scores(scale(images[start : start + SCORE_BATCH])) for start in starts]
            )


def are_valid(weights: Array) -> bool:
    """Whether no weight is NaN or exceeds MAX_WEIGHT in absolute value."""
    return bool((np.abs(weights) <= MAX_WEIGHT).all())


def scale(images: Array, out: Array | None = None) -> Array:
    """Convert pixels (n, 784) uint8 to x in [0, 1], float32 or the dtype of out."""
    x: Array = np.empty(images.shape, np.float32) if out is None else out
    np.multiply(images, x.dtype.type(1 / 255), out=x)  # a third faster than division
    return x


def log_probabilities(scores: Array) -> Array:
    """log p_k = f_k - log sum_j exp f_j for each row: (n, 10) -> (n, 10).

    Subtracting the largest score of each row first keeps exp from overflowing.
    """
    shifted: Array = scores - scores.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def targets(classes: int, dtype: Any = np.float64) -> Array:
    """t of L = log sum_k exp f_k - t . f, one column per label: (classes, classes + 1).

    Column y is 1 in row y and 0 elsewhere; the last column, of label NONE, is uniform.
    """
    return np.hstack([np.eye(classes, dtype=dtype), np.full((classes, 1), 1 / classes, dtype)])


def logistic_loss(log_p: Array, labels: Array) -> float:
    """Mean loss of log probabilities (n, 10) with labels (n,)."""
    chosen = log_p * targets(log_p.shape[1])[:, labels].T
    return 0.0 - float(chosen.sum()) / len(labels)


class Buffers:
    """Working memory of backpropagate for minibatches of up to batch_size images.

    gradient (P,) has the layout of network.parameters, and gradients are its views per layer. All
    arrays have the dtype of the network: float32 to train, float64 to check the gradient.
    """

    def __init__(self, network: Network, batch_size: int) -> None:
        """Raises MnistnetError if the minibatch is too large."""
        count = sum(network.layers) * batch_size
        if count > MAX_ACTIVATIONS:
            raise MnistnetError(
                f"expected at most {MAX_ACTIVATIONS:,} activations in a minibatch; found {count:,} "
                f"for {batch_size:,} images: use a smaller batch size or fewer hidden units"
            )
        dtype = network.parameters.dtype
        self.gradient = np.zeros_like(network.parameters)
        self.gradients = network.split(self.gradient)
        self.targets = targets(network.layers[-1], dtype)
        self._h = [np.empty((units, batch_size), dtype) for units in network.layers[1:]]
        self._delta = [np.empty_like(h) for h in self._h]

    def views(self, n: int) -> tuple[list[Array], list[Array]]:
        """Memory for h and for delta (units, n) of each layer above the pixels."""
        return [h[:, :n] for h in self._h], [delta[:, :n] for delta in self._delta]


@np.errstate(over="ignore", invalid="ignore")  # an overflow shows in the loss
def backpropagate(
    network: Network, x: Array, labels: Array, buffers: Buffers, size: int | None = None
) -> tuple[float, int]:
    """Compute the mean loss of a minibatch and, in buffers.gradient, the gradient of that mean.

    x is (n, 784) in [0, 1], labels (n,) 0 to 9 or NONE. For a part of a minibatch, size is that of
    the whole, and loss and gradient are the part's share of the mean. Returns the loss and the
    number of images with no score above that of their label. Inside, each example is a column, as
    in the notes: sums over the ten scores run along rows, and the products are faster in BLAS.
    """
    n, W = len(x), network.matrices
    size = size or n
    outputs, deltas = buffers.views(n)

    # h = tanh(M x) for each hidden layer, then f = W h
    h = [x.T]
    for M, out in zip(W[:-1], outputs, strict=False):
        np.matmul(M, h[-1], out=out)
        h.append(np.tanh(out, out=out))
    f = np.matmul(W[-1], h[-1], out=outputs[-1])

    # L = log sum_k exp f_k - t . f; t is 1 for the label and 0 elsewhere
    t = buffers.targets[:, labels]
    f -= f.max(axis=0)  # keeps exp from overflowing; the loss does not change
    p = np.exp(f, out=deltas[-1])
    total = p.sum(axis=0)
    of_label = np.multiply(t, f, out=f).sum(axis=0)
    loss = float((np.log(total) - of_label).sum(dtype=np.float64)) / size

    # delta = dL/df = p - t, divided by size because the loss is a mean
    delta = np.divide(p, total, out=p)
    delta -= t
    delta /= size
    for layer in reversed(range(len(W))):
        # dL/dW = delta h^T
        np.matmul(delta, h[layer].T, out=buffers.gradients[layer])
        if layer:
            # delta of the layer below: W^T delta, times tanh'(a) = 1 - tanh(a)^2 = 1 - h^2
            below = np.matmul(W[layer].T, delta, out=deltas[layer - 1])
            slope = np.square(h[layer], out=h[layer])
            below *= np.subtract(1, slope, out=slope)
            delta = below
    return loss, n - int(np.count_nonzero(of_label))

"""The network of the notes, its loss, and the gradient of that loss by backpropagation.

    h = tanh(M x)                                x: 784 pixels in [0, 1]    M: 72 x 784
    f = W h                                      f: 10 scores               W: 10 x 72
    L(f, y) = log sum_k exp f_k  -  f_y          multiclass logistic loss; y is the true digit

Any number of hidden layers, all tanh, may stand between x and f; there are no biases. A minibatch
is a matrix with one example per row, so M x for all of them is X M^T. The loss is the mean over the
minibatch, and every gradient is of that mean. An image of no digit has the label NONE; its target
is the uniform distribution, L = log sum_k exp f_k - mean_k f_k, which is smallest where all scores
are equal (outlier exposure, Hendrycks et al. 2019, https://arxiv.org/abs/1812.04606).

How the matrices change is in training.py, where they are kept in weights.py.
"""

import hashlib
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np  # which loads np.random only when it is named: hence the quotes below

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import MnistnetError
from mnistnet.model.threads import one_blas_thread

# So that training takes three gigabytes at most: too much memory asked for is not always an
# error, but often a killed program or a machine that answers no more.
MAX_PARAMETERS = 1 << 26  # 256 MiB of float32; a hundred times the largest worth training here
MAX_ACTIVATIONS = 1 << 27  # in a minibatch, all layers together
NONE = CLASSES  # the label of an image that shows no digit
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

    @property
    def sha256(self) -> str:
        """Of the weights as they are in memory, by which a training is told that starts here."""
        return hashlib.sha256(self.parameters.tobytes()).hexdigest()

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
        starts = range(0, max(len(images), 1), IMAGES_AT_A_TIME)
        with one_blas_thread():
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
    np.multiply(images, x.dtype.type(1 / 255), out=x)  # a third faster than dividing
    return x


def log_probabilities(scores: Array) -> Array:
    """log p_k = f_k - log sum_j exp f_j for each row: (n, 10) -> (n, 10).

    The largest score of each row is subtracted first, which changes nothing but keeps exp from
    overflowing.
    """
    shifted: Array = scores - scores.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted


def targets(classes: int, dtype: Any = np.float64) -> Array:
    """t of L = log sum_k exp f_k - t . f, a column for each label: (classes, classes + 1).

    Column y has a single 1 in row y; the last column, for images of no digit, is uniform.
    """
    return np.hstack([np.eye(classes, dtype=dtype), np.full((classes, 1), 1 / classes, dtype)])


def logistic_loss(log_p: Array, labels: Array) -> float:
    """Mean of L over the examples: log probabilities (n, 10) and labels (n,) -> a number >= 0."""
    chosen = log_p * targets(log_p.shape[1])[:, labels].T
    return 0.0 - float(chosen.sum()) / len(labels)


class Buffers:
    """The memory that backpropagate needs for minibatches of up to batch_size images, and the
    gradient it computes: (P,), laid out as network.parameters; gradients are its matrices.

    All are in the network's dtype: float32 trains, the same code in float64 is checked.
    """

    def __init__(self, network: Network, batch_size: int) -> None:
        """Raises MnistnetError for a minibatch that is too large."""
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

    def of(self, n: int) -> tuple[list[Array], list[Array]]:
        """Room for h and for delta of each layer above the pixels, (units, n)."""
        return [h[:, :n] for h in self._h], [delta[:, :n] for delta in self._delta]


@np.errstate(over="ignore", invalid="ignore")  # an overflow shows in the loss
def backpropagate(
    network: Network, x: Array, labels: Array, buffers: Buffers, of: int | None = None
) -> tuple[float, int]:
    """The mean loss of a minibatch, and in buffers.gradient the gradient of that mean.

    x is (n, 784) in [0, 1], labels (n,) of 0 to 9 or NONE. If they are only a part of a minibatch,
    of is the size of the whole, and loss and gradient are their share of its mean. Also returns how
    many of the images have no score above that of their label. Inside, an example is a column, as
    in the notes: sums over the ten scores run along whole rows, and the products suit BLAS better.
    """
    n, W = len(x), network.matrices
    size = of or n
    rooms, deltas = buffers.of(n)

    # h = tanh(M x) for each hidden layer, then f = W h
    h = [x.T]
    for M, room in zip(W[:-1], rooms, strict=False):
        np.matmul(M, h[-1], out=room)
        h.append(np.tanh(room, out=room))
    f = np.matmul(W[-1], h[-1], out=rooms[-1])

    # L = log sum_k exp f_k - t . f, where t is 1 for the label and 0 elsewhere
    t = buffers.targets[:, labels]
    f -= f.max(axis=0)  # changes neither loss nor gradient, but keeps exp from overflowing
    p = np.exp(f, out=deltas[-1])
    total = p.sum(axis=0)
    of_label = np.multiply(t, f, out=f).sum(axis=0)
    loss = float((np.log(total) - of_label).sum(dtype=np.float64)) / size

    # delta = dL/df = p - t, divided by the size because the loss is a mean
    delta = np.divide(p, total, out=p)
    delta -= t
    delta /= size
    for layer in reversed(range(len(W))):
        # dL/dW = delta h^T
        np.matmul(delta, h[layer].T, out=buffers.gradients[layer])
        if layer:
            # the delta below: dL/dh = W^T delta, times tanh'(a) = 1 - tanh(a)^2 = 1 - h^2
            below = np.matmul(W[layer].T, delta, out=deltas[layer - 1])
            slope = np.square(h[layer], out=h[layer])
            below *= np.subtract(1, slope, out=slope)
            delta = below
    return loss, n - int(np.count_nonzero(of_label))

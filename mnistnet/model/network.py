"""The network of the notes, its loss, and the gradient of that loss by backpropagation.

    h = tanh(M x)                                x: 784 pixels in [0, 1]    M: 72 x 784
    f = W h                                      f: 10 scores               W: 10 x 72
    L(f, y) = log sum_k exp f_k  -  f_y          multiclass logistic loss; y is the true digit

There may be more hidden layers, all tanh; there are no biases. A minibatch has one example per
row, so M x is X M^T. Its loss is the mean, and the gradient is that of this mean.

With t = 1 for the label and 0 elsewhere, L = log sum_k exp f_k - t . f. The label NONE, of an image
without a digit, has a uniform t (Hendrycks et al. 2019, https://arxiv.org/abs/1812.04606).
"""

import hashlib
import itertools
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np  # loads np.random on first use; annotations that name it are quoted

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import MnistnetError
from mnistnet.model.threads import one_blas_thread

MAX_PARAMETERS = 1 << 26  # 256 MiB of float32, so that training takes less than 3 GB
MAX_LAYERS = 1000  # or a small file would take long
MAX_WEIGHT = 1e9  # absolute value; larger weights may make scores overflow
NONE = CLASSES  # the label of an image without a digit
SCORE_BATCH = 1000  # images scored at a time, to bound memory


class Perceptron:
    """A stack of weight matrices.

    layers      units in each layer, input first, for example (784, 72, 10)
    parameters  all weights in one vector (P,)
    matrices    views of it, one per layer: W1 (72, 784) and W2 (10, 72), the notes' M and W
    """

    def __init__(self, layers: Sequence[int], dtype: Any = np.float32) -> None:
        """Make a network of zero weights; raises MnistnetError if it is too large."""
        self.layers = tuple(layers)
        count = sum(units * inputs for inputs, units in itertools.pairwise(self.layers))
        if count > MAX_PARAMETERS or len(layers) > MAX_LAYERS:
            most = f"{MAX_PARAMETERS:,} weights in {MAX_LAYERS:,} layers"
            found = f"{count:,} in {len(layers):,}: use fewer hidden units"
            raise MnistnetError(f"expected at most {most}; found {found}")
        self.parameters: Array = np.zeros(count, dtype)
        self.matrices = self.split(self.parameters)

    @classmethod
    def random(
        cls, layers: Sequence[int], rng: "np.random.Generator", dtype: Any = np.float32
    ) -> "Perceptron":
        """Make a network of normal weights of standard deviation 1 / sqrt(inputs), which keeps the
        input of each unit of order 1 (LeCun et al. 1998, Efficient BackProp, section 4.6)."""
        network = cls(layers, dtype)
        for W in network.matrices:
            W[...] = rng.standard_normal(W.shape) / np.sqrt(W.shape[1])
        return network

    @classmethod
    def of(cls, layers: Sequence[int], parameters: Array) -> "Perceptron":
        """Make a network with a copy of these parameters (P,)."""
        network = cls(layers, parameters.dtype)
        network.parameters[:] = parameters
        return network

    def in_float64(self) -> "Perceptron":
        """Return a copy in float64, for exact derivatives."""
        return Perceptron.of(self.layers, self.parameters.astype(np.float64))

    def __reduce__(self) -> Any:
        """Copy and pickle the weights once: the matrices of a copy are views, too."""
        return Perceptron.of, (self.layers, self.parameters)

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights, recorded by a training run that starts from them."""
        return hashlib.sha256(self.parameters.tobytes()).hexdigest()

    def split(self, vector: Array) -> list[Array]:
        """Return views of a vector (P,), such as the parameters or their gradient, per layer."""
        views, start = [], 0
        for inputs, units in itertools.pairwise(self.layers):
            views.append(vector[start : start + units * inputs].reshape(units, inputs))
            start += units * inputs
        return views

    def scores(self, x: Array) -> Array:
        """Return f for each row of x: (n, 784) in [0, 1] -> (n, 10)."""
        return forward(self.matrices, x)[1]

    def image_scores(self, images: Array) -> Array:
        """Return f for each image: (n, 784) uint8 -> (n, 10)."""
        parts = [images[i : i + SCORE_BATCH] for i in range(0, max(len(images), 1), SCORE_BATCH)]
        with one_blas_thread():
            return np.concatenate([self.scores(scale(part)) for part in parts])


def forward(W: Sequence[Array], x: Array) -> tuple[list[Array], Array]:
    """Return x and h of each hidden layer, (n, units) each, and f (n, 10), for x (n, 784)."""
    h = [x]
    for M in W[:-1]:
        h.append(np.tanh(h[-1] @ M.T))  # h = tanh(M x)
    return h, (W[-1] @ h[-1].T).T  # f = W h, in the layout whose rows sum faster


def log_probabilities(f: Array) -> Array:
    """log p_k = f_k - log sum_j exp f_j for each row: (n, 10) -> (n, 10)."""
    log_p: Array = f - f.max(axis=1, keepdims=True)  # keeps exp from overflowing
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    return log_p


def targets(labels: Array, log_p: Array) -> Array:
    """t of the loss, (n, 10) like log_p: 1 for the label and 0 elsewhere; uniform for NONE."""
    return _targets(log_p.shape[1], log_p.dtype)[:, labels].T


@cache
def _targets(classes: int, dtype: Any) -> Array:
    return np.hstack([np.eye(classes), np.full((classes, 1), 1 / classes)]).astype(dtype)


def logistic_loss(log_p: Array, labels: Array) -> float:
    """Mean loss of log probabilities (n, 10) with labels (n,): the mean of -t . log p."""
    return 0.0 - float((targets(labels, log_p) * log_p).sum(dtype=np.float64)) / len(labels)


@np.errstate(over="ignore", invalid="ignore")  # an overflow shows in the loss
def backpropagate(
    network: Perceptron, x: Array, labels: Array, out: Array | None = None, size: int | None = None
) -> tuple[float, Array, Array]:
    """Return the mean loss of a minibatch, the gradient (P,) of that mean, and the scores f.

    x is (n, 784) in [0, 1], labels (n,) 0 to 9 or NONE. The gradient is stored in out, if given.
    For a part of a minibatch of this size, loss and gradient are the part's share of the mean.
    """
    W, n = network.matrices, size or len(x)
    h, f = forward(W, x)
    log_p = log_probabilities(f)
    t = targets(labels, log_p)
    loss = -float((t * log_p).sum(dtype=np.float64)) / n  # L = log sum_k exp f_k - t . f
    gradient = np.empty_like(network.parameters) if out is None else out
    gradients = network.split(gradient)
    delta = (np.exp(log_p) - t) / n  # dL/df = p - t
    for layer in reversed(range(len(W))):
        np.matmul(delta.T, h[layer], out=gradients[layer])  # dL/dW = delta h^T
        if layer:
            delta = delta @ W[layer] * (1 - h[layer] ** 2)  # W^T delta, and tanh' = 1 - h^2
    return loss, gradient, f


def scale(images: Array, out: Array | None = None) -> Array:
    """Convert pixels (n, 784) uint8 to x in [0, 1], float32 or the dtype of out."""
    x: Array = np.empty(images.shape, np.float32) if out is None else out
    np.multiply(images, x.dtype.type(1 / 255), out=x)  # a third faster than division
    return x


def are_valid(weights: Array) -> bool:
    """Whether no weight is NaN or exceeds MAX_WEIGHT in absolute value."""
    return bool((np.abs(weights) <= MAX_WEIGHT).all())

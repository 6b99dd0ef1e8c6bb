"""The operations of an expression graph, each with its derivative beside it.

An operation is a function on NumPy arrays; this module knows nothing of graphs. A derivative need
not undo broadcasting: autodiff.py does that for all.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import Array


class Operation(NamedTuple):
    """value(*arguments, **options), and for each argument its derivative times g: a function of
    g = d output / d value, y = the value, and then what value was given."""

    value: Callable[..., Array]
    derivatives: tuple[Callable[..., Array], ...]


def _spread(reduced: Array, x: Array, axis: Any, keepdims: bool) -> Array:
    """What a reduction over axis made of x, repeated over x's shape."""
    if axis is not None and not keepdims:
        reduced = np.expand_dims(reduced, axis)
    return np.broadcast_to(reduced, x.shape)


def _max_derivative(g: Array, y: Array, x: Array, axis: Any, keepdims: bool) -> Array:
    largest = x == _spread(y, x, axis, keepdims)
    share = largest / largest.sum(axis=axis, keepdims=True)
    return np.asarray(_spread(g, x, axis, keepdims) * share)


def _logsumexp(x: Array, axis: Any, keepdims: bool) -> Array:
    top = x.max(axis=axis, keepdims=True)
    y = top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))
    return np.asarray(y if keepdims else np.squeeze(y, axis))


def _index_derivative(g: Array, x: Array, key: Any) -> Array:
    whole = np.zeros_like(x)
    np.add.at(whole, key, g)
    return whole


def _matmul_derivative(g: Array, a: Array, b: Array, of_a: bool) -> Array:
    """g b^T, or a^T g, of a @ b; a vector counts as a row on the left, a column on the right."""
    row, column = a.ndim == 1, b.ndim == 1
    if column:
        g, b = g[..., None], b[:, None]
    if row:
        g, a = np.expand_dims(g, -2), a[None, :]
    if of_a:
        d = g @ b.swapaxes(-1, -2)
        return np.asarray(d[..., 0, :] if row else d)
    d = a.swapaxes(-1, -2) @ g
    return np.asarray(d[..., 0] if column else d)


OPERATIONS = {
    "add": Operation(np.add, (lambda g, y, a, b: g, lambda g, y, a, b: g)),
    "subtract": Operation(np.subtract, (lambda g, y, a, b: g, lambda g, y, a, b: -g)),
    "multiply": Operation(np.multiply, (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)),
    "divide": Operation(np.divide, (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)),
    "power": Operation(
        np.power,
        (
            # a^0 is 1 everywhere, so 0 * a^-1 must not make 0 * infinity of a = 0
            lambda g, y, a, b: g * b * a ** np.where(b == 0, 1, b - 1),
            # for a = 0 the value 0 stays 0 as b moves
            lambda g, y, a, b: g * y * np.log(np.where(a == 0, 1, a)),
        ),
    ),
    "matmul": Operation(
        np.matmul,
        (
            lambda g, y, a, b: _matmul_derivative(g, a, b, of_a=True),
            lambda g, y, a, b: _matmul_derivative(g, a, b, of_a=False),
        ),
    ),
    "negative": Operation(np.negative, (lambda g, y, x: -g,)),
    "exp": Operation(np.exp, (lambda g, y, x: g * y,)),
    "log": Operation(np.log, (lambda g, y, x: g / x,)),
    "sin": Operation(np.sin, (lambda g, y, x: g * np.cos(x),)),
    "cos": Operation(np.cos, (lambda g, y, x: -g * np.sin(x),)),
    "tanh": Operation(np.tanh, (lambda g, y, x: g * (1 - y * y),)),
    "logistic": Operation(
        lambda x: (1 + np.tanh(x / 2)) / 2,
        (lambda g, y, x: g * y * (1 - y),),
    ),
    "sum": Operation(
        np.sum,
        (lambda g, y, x, axis, keepdims: _spread(g, x, axis, keepdims),),
    ),
    "mean": Operation(
        np.mean,
        (lambda g, y, x, axis, keepdims: _spread(g, x, axis, keepdims) * (y.size / x.size),),
    ),
    "max": Operation(np.max, (_max_derivative,)),
    "logsumexp": Operation(
        _logsumexp,
        (
            lambda g, y, x, axis, keepdims: (
                _spread(g, x, axis, keepdims) * np.exp(x - _spread(y, x, axis, keepdims))
            ),
        ),
    ),
    "index": Operation(
        lambda x, key: x[key],
        (lambda g, y, x, key: _index_derivative(g, x, key),),
    ),
    "transpose": Operation(
        np.transpose,
        (lambda g, y, x, axes: np.transpose(g, None if axes is None else np.argsort(axes)),),
    ),
    "reshape": Operation(
        lambda x, shape: np.reshape(x, shape), (lambda g, y, x, shape: np.reshape(g, x.shape),)
    ),
}

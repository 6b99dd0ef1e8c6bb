"""Reverse-mode automatic differentiation of an expression graph.

The notes' example, equation 2.1, and its derivative by hand, equation 2.2:

>>> from math import exp as e, cos as c
>>> x = Variable(0.5)
>>> z = exp(x) + exp(x) ** 2
>>> [df] = gradients(exp(z) + sin(z), [x])
>>> by_hand = (e(e(0.5) + e(1)) + c(e(0.5) + e(1))) * (e(0.5) + 2 * e(1))
>>> bool(np.isclose(df, by_hand, rtol=1e-12))
True

Expressions are built with ordinary operators and the functions below, from nodes, arrays and
numbers. Each operation computes its value y at once, with NumPy's broadcasting, and keeps for each
operand the rule that turns g = d output / d y into the part of d output / d operand that goes
through y. gradients adds these parts up. It visits each node once, after all nodes that use it, so
that the gradient costs a small multiple of the value, for any number of inputs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mnistnet.arrays import Array

Rule = Callable[[Array], Any]


def _value(x: Any) -> Array:
    if isinstance(x, Node):
        return x.value
    array = np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def add(a: Any, b: Any) -> "Node":
    return Node(_value(a) + _value(b), (a, lambda g: g), (b, lambda g: g))


def subtract(a: Any, b: Any) -> "Node":
    return Node(_value(a) - _value(b), (a, lambda g: g), (b, lambda g: -g))


def multiply(a: Any, b: Any) -> "Node":
    u, v = _value(a), _value(b)
    return Node(u * v, (a, lambda g: g * v), (b, lambda g: g * u))


def divide(a: Any, b: Any) -> "Node":
    v = _value(b)
    y = _value(a) / v
    return Node(y, (a, lambda g: g / v), (b, lambda g: -g * y / v))


def power(a: Any, b: Any) -> "Node":
    u, v = _value(a), _value(b)
    y = u**v
    return Node(
        y,
        # u^0 is 1 everywhere; the exponent 1 avoids 0 * infinity at u = 0
        (a, lambda g: g * v * u ** np.where(v == 0, 1, v - 1)),
        # at u = 0 the value is 0 for every v > 0, so its derivative by v is 0
        (b, lambda g: g * y * np.log(np.where(u == 0, 1, u))),
    )


def matmul(a: Any, b: Any) -> "Node":
    """The product of two matrices."""
    u, v = _value(a), _value(b)
    if u.ndim != 2 or v.ndim != 2:
        raise ValueError(f"expected two matrices; found shapes {u.shape} and {v.shape}")
    return Node(u @ v, (a, lambda g: g @ v.T), (b, lambda g: u.T @ g))


def _function(value: Callable[[Any], Any], slope: Callable[..., Any]) -> Callable[[Any], "Node"]:
    """A function of each element; slope is its derivative at u, where its value is y."""

    def apply(x: Any) -> "Node":
        u = _value(x)
        y = value(u)
        return Node(y, (x, lambda g: g * slope(u, y)))

    return apply


def _logistic(u: Array) -> Any:
    """1 / (1 + e^-u), without overflow, to the last digits for every u."""
    small = np.exp(-np.abs(u))
    return np.where(u < 0, small, 1) / (1 + small)


negative = _function(np.negative, lambda u, y: -1)
exp = _function(np.exp, lambda u, y: y)
log = _function(np.log, lambda u, y: 1 / u)
sin = _function(np.sin, lambda u, y: np.cos(u))
cos = _function(np.cos, lambda u, y: -np.sin(u))
tanh = _function(np.tanh, lambda u, y: 1 - y * y)
sqrt = _function(np.sqrt, lambda u, y: 1 / (2 * y))
abs = _function(np.abs, lambda u, y: np.sign(u))  # 0 at 0, like relu
logistic = sigmoid = _function(_logistic, lambda u, y: y * _logistic(-u))
relu = _function(lambda u: np.maximum(u, 0), lambda u, y: u > 0)


def total(x: Any, axis: int | None = None) -> "Node":
    """The sum over an axis, or over all."""
    u = _value(x)
    spread = (lambda g: g) if axis is None else (lambda g: np.expand_dims(g, axis))
    return Node(u.sum(axis=axis), (x, lambda g: np.broadcast_to(spread(g), u.shape)))


def logsumexp(x: Any, axis: int) -> "Node":
    """log sum e^x over an axis, without overflow."""
    u = _value(x)
    top = u.max(axis=axis, keepdims=True)
    y = top + np.log(np.exp(u - top).sum(axis=axis, keepdims=True))
    return Node(y.squeeze(axis), (x, lambda g: np.expand_dims(g, axis) * np.exp(u - y)))


class Node:
    """A value in an expression: an input, or the result of an operation.

    value is a floating-point array; other input becomes float64. operands are the nodes it was
    computed from, each with its rule. depth exceeds the depth of every operand.
    """

    __slots__ = ("depth", "operands", "value")
    __array_ufunc__ = None  # so that array * node calls Node.__rmul__ once, not for each element

    def __init__(self, value: Any, *operands: tuple[Any, Rule]) -> None:
        self.value = _value(value)
        self.operands = [(x, rule) for x, rule in operands if isinstance(x, Node)]
        self.depth: int = 1 + max((x.depth for x, _ in self.operands), default=0)

    __add__ = __radd__ = add
    __mul__ = __rmul__ = multiply
    __sub__, __rsub__ = subtract, lambda x, other: subtract(other, x)
    __truediv__, __rtruediv__ = divide, lambda x, other: divide(other, x)
    __pow__, __rpow__ = power, lambda x, other: power(other, x)
    __matmul__, __rmatmul__ = matmul, lambda x, other: matmul(other, x)
    __neg__ = negative

    @property
    def T(self) -> "Node":  # noqa: N802, as in NumPy
        """The transpose of a matrix."""
        return Node(self.value.T, (self, lambda g: g.T))

    def __repr__(self) -> str:
        return f"Node({self.value!r})"


Variable = Node  # the name for inputs


def gradients(output: Node, inputs: Sequence[Node]) -> list[Array]:
    """Return d output / d input for each input, in its shape; zero if output does not depend on it.
    Inputs are Variables or intermediate nodes. Raises ValueError unless output is a scalar."""
    if output.value.shape != ():
        raise ValueError(f"expected a scalar to differentiate; found shape {output.value.shape}")
    found = {output: np.ones_like(output.value)}
    nodes, known = [output], {output}
    for node in nodes:  # grows in the loop
        for x, _ in node.operands:
            if x not in known:
                known.add(x)
                nodes.append(x)
    for node in sorted(nodes, key=lambda node: -node.depth):
        for x, rule in node.operands:
            part = _unbroadcast(rule(found[node]), x.value.shape)
            found[x] = found[x] + part if x in found else part
    return [np.array(found.get(x, np.zeros_like(x.value))) for x in inputs]


def _unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum g over the axes along which an operand of this shape was broadcast."""
    if g.shape == shape:
        return g
    more = g.ndim - len(shape)
    axes = (*range(more), *(more + i for i, size in enumerate(shape) if size == 1))
    return np.asarray(g.sum(axis=axes)).reshape(shape)

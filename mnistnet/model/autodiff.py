"""Reverse-mode automatic differentiation of an expression graph.

The notes' example, equation 2.1, and its derivative by hand, equation 2.2:

>>> from math import exp as e, sin as s, cos as c
>>> x = Variable(0.5)
>>> z = exp(x) + exp(x) ** 2
>>> f = exp(z) + sin(z)
>>> bool(abs(f.value - (e(e(0.5) + e(1)) + s(e(0.5) + e(1)))) < 1e-12)
True
>>> [df] = gradients(f, [x])
>>> by_hand = (e(e(0.5) + e(1)) + c(e(0.5) + e(1))) * (e(0.5) + 2 * e(1))
>>> bool(abs(df - by_hand) < 1e-12 * by_hand)
True

Expressions are built with ordinary operators and the functions below. Each operation computes its
value at once, on NumPy arrays with NumPy's broadcasting. gradients(output, inputs) then visits each
node once, after all nodes that use it, and adds to the gradient of each operand the node's gradient
times the derivative defined next to the operation. The gradient therefore costs a small multiple of
the value, for any number of inputs.

Not included: second derivatives, and graphs that are built once and evaluated again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mnistnet.arrays import Array

Derivative = Callable[..., Any]


def operation(
    name: str, value: Callable[..., Any], *derivatives: Derivative
) -> Callable[..., "Node"]:
    """Make an operation on nodes from a function on arrays and its derivative by each operand.

    value takes the operands and then options such as an axis. Each derivative takes
    g = d output / d y, the value y and the arguments of value; it returns g times the derivative of
    y, before any broadcasting is undone. Operands are nodes, or constant arrays and numbers.
    """
    count = len(derivatives)

    def apply(*arguments: Any, **options: Any) -> "Node":
        operands = [x if isinstance(x, Node) else _as_float(x) for x in arguments[:count]]
        arguments = (*operands, *arguments[count:])
        values = [_value(x) for x in arguments]
        try:
            y = np.asarray(value(*values, **options))
        except ValueError as error:
            shapes = " and ".join(str(array.shape) for array in values[:count])
            raise ValueError(f"{name} does not fit shapes {shapes}: {error}") from error
        return Node(y, name, derivatives, *arguments, **options)

    apply.__name__ = name
    return apply


def _spread(reduced: Array, x: Array, axis: Any, keepdims: bool) -> Array:
    """The result of a reduction of x over axis, broadcast back to the shape of x."""
    if axis is not None and not keepdims:
        reduced = np.expand_dims(reduced, axis)
    return np.broadcast_to(reduced, x.shape)


def _max_derivative(g: Array, y: Array, x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    largest = x == _spread(y, x, axis, keepdims)
    share = largest / largest.sum(axis=axis, keepdims=True)  # ties share the gradient
    return _spread(g, x, axis, keepdims) * share


def _logsumexp(x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    """log sum e^x over one axis, several or all, without overflow."""
    top = x.max(axis=axis, keepdims=True)
    y = top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))
    return y if keepdims else np.squeeze(y, axis)


def _index_derivative(g: Array, y: Array, x: Array, key: Any) -> Array:
    whole = np.zeros_like(x)
    np.add.at(whole, key, g)
    return whole


def _matmul_derivative(g: Array, a: Array, b: Array, of_a: bool) -> Any:
    """g b^T or a^T g for a @ b; a vector is a row on the left and a column on the right."""
    row, column = a.ndim == 1, b.ndim == 1
    if column:
        g, b = g[..., None], b[:, None]
    if row:
        g, a = np.expand_dims(g, -2), a[None, :]
    if of_a:
        d = g @ b.swapaxes(-1, -2)
        return d[..., 0, :] if row else d
    d = a.swapaxes(-1, -2) @ g
    return d[..., 0] if column else d


add = operation("add", np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = operation("subtract", np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply = operation("multiply", np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
divide = operation("divide", np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
power = operation(
    "power",
    np.power,
    # a^0 is 1 everywhere; the exponent 1 avoids 0 * infinity at a = 0
    lambda g, y, a, b: g * b * a ** np.where(b == 0, 1, b - 1),
    # at a = 0 the value is 0 for every b > 0, so its derivative by b is 0
    lambda g, y, a, b: g * y * np.log(np.where(a == 0, 1, a)),
)
matmul = operation(
    "matmul",
    np.matmul,
    lambda g, y, a, b: _matmul_derivative(g, a, b, of_a=True),
    lambda g, y, a, b: _matmul_derivative(g, a, b, of_a=False),
)
negative = operation("negative", np.negative, lambda g, y, x: -g)
exp = operation("exp", np.exp, lambda g, y, x: g * y)
log = operation("log", np.log, lambda g, y, x: g / x)
sin = operation("sin", np.sin, lambda g, y, x: g * np.cos(x))
cos = operation("cos", np.cos, lambda g, y, x: -g * np.sin(x))
tanh = operation("tanh", np.tanh, lambda g, y, x: g * (1 - y * y))
logistic = operation(
    "logistic",
    lambda x: (1 + np.tanh(x / 2)) / 2,  # 1 / (1 + e^-x) without overflow
    lambda g, y, x: g * y * (1 - y),
)
sum = operation(
    "sum", np.sum, lambda g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims)
)
mean = operation(
    "mean",
    np.mean,
    lambda g, y, x, axis=None, keepdims=False: _spread(g, x, axis, keepdims) * (y.size / x.size),
)
max = operation("max", np.max, _max_derivative)
logsumexp = operation(
    "logsumexp",
    _logsumexp,
    lambda g, y, x, axis=None, keepdims=False: (
        _spread(g, x, axis, keepdims) * np.exp(x - _spread(y, x, axis, keepdims))
    ),
)
index = operation("index", lambda x, key: x[key], _index_derivative)
transpose = operation(
    "transpose",
    np.transpose,
    lambda g, y, x, axes=None: np.transpose(g, None if axes is None else np.argsort(axes)),
)
reshape = operation("reshape", np.reshape, lambda g, y, x, shape: np.reshape(g, x.shape))


def _reflected(function: Callable[..., "Node"]) -> Callable[["Node", Any], "Node"]:
    return lambda x, other: function(other, x)


class Node:
    """A value in an expression: a Variable or the result of an operation.

    value        float array
    operation    its name; None for a Variable
    derivatives  one for each operand
    arguments    the operands, nodes or arrays, then positional options
    options      keyword options
    """

    __slots__ = ("arguments", "derivatives", "operation", "options", "value")
    __array_ufunc__ = None  # so that array * node calls Node.__rmul__ once, not for each element

    def __init__(
        self,
        value: Array,
        operation: str | None = None,
        derivatives: Sequence[Derivative] = (),
        *arguments: Any,
        **options: Any,
    ) -> None:
        self.value, self.operation, self.derivatives = value, operation, derivatives
        self.arguments, self.options = arguments, options

    __add__, __radd__ = add, _reflected(add)
    __sub__, __rsub__ = subtract, _reflected(subtract)
    __mul__, __rmul__ = multiply, _reflected(multiply)
    __truediv__, __rtruediv__ = divide, _reflected(divide)
    __pow__, __rpow__ = power, _reflected(power)
    __matmul__, __rmatmul__ = matmul, _reflected(matmul)
    __neg__, __getitem__ = negative, index

    def __repr__(self) -> str:
        return f"{self.operation or 'Variable'}({self.value!r})"


class Variable(Node):
    """An input of an expression; converted to float64 unless it is a floating-point array."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        super().__init__(_as_float(value))


def gradients(output: Node, inputs: Sequence[Node]) -> list[Array]:
    """Return d output / d input for each input, in its shape; zero if output does not depend on it.

    Inputs are Variables or intermediate nodes. Raises ValueError unless output is a scalar.
    """
    if output.value.shape != ():
        raise ValueError(f"expected a scalar to differentiate; found shape {output.value.shape}")
    found = {id(output): np.ones_like(output.value)}
    for node in topological_order(output):
        g, y, values = found[id(node)], node.value, [_value(x) for x in node.arguments]
        for x, derivative in zip(node.arguments, node.derivatives, strict=False):
            if isinstance(x, Node):
                part = _unbroadcast(derivative(g, y, *values, **node.options), x.value.shape)
                found[id(x)] = found[id(x)] + part if id(x) in found else part
    return [np.array(found.get(id(node), np.zeros_like(node.value))) for node in inputs]


def topological_order(output: Node) -> list[Node]:
    """Return output and all nodes it depends on, each after every node that uses it.

    Iterative, so that long chains do not exceed the recursion limit.
    """
    uses = {id(output): 0}
    stack = [output]
    while stack:
        for x in stack.pop().arguments:
            if isinstance(x, Node):
                if id(x) not in uses:
                    uses[id(x)] = 0
                    stack.append(x)
                uses[id(x)] += 1
    order = [output]
    for node in order:  # grows in the loop
        for x in node.arguments:
            if isinstance(x, Node):
                uses[id(x)] -= 1
                if not uses[id(x)]:
                    order.append(x)
    return order


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Node) else x


def _as_float(value: Any) -> Array:
    array = np.asarray(value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum g over the axes along which an operand of this shape was broadcast."""
    if g.shape == shape:
        return g
    g = np.sum(g, axis=tuple(range(g.ndim - len(shape))))
    repeated = tuple(i for i, size in enumerate(shape) if size == 1 != g.shape[i])
    return np.asarray(np.sum(g, axis=repeated, keepdims=True))

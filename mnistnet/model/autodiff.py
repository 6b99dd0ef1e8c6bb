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

An expression is built with ordinary operators and the functions below; each node computes its
value at once, over NumPy arrays that broadcast as NumPy's do. gradients(output, inputs) then walks
the graph once, from the output down. A node is visited when all nodes that use it are done, and
hands to each of its arguments its own gradient times the derivative that stands in operations.py
beside the operation. So the gradient costs a small multiple of what the value did, however many
inputs there are.

What this leaves out: second derivatives, and graphs that are built once and run again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model.operations import OPERATIONS


def _binary(operation: str) -> Callable[["Node", Any], "Node"]:
    return lambda x, other: _node(operation, x, other)


def _reflected(operation: str) -> Callable[["Node", Any], "Node"]:
    return lambda x, other: _node(operation, other, x)


class Node:
    """A value in an expression: a Variable, or an operation on other nodes and constants.

    value is the array, float; operation its name in OPERATIONS, None for a Variable; arguments are
    the nodes, or arrays for constants, that it was computed from, and options, such as an axis.
    """

    __slots__ = ("arguments", "operation", "options", "value")
    __array_ufunc__ = None  # so that array * node asks the node, not each element of the array

    def __init__(
        self, value: Array, operation: str | None = None, *arguments: "Node | Array", **options: Any
    ) -> None:
        self.value = value
        self.operation = operation
        self.arguments = arguments
        self.options = options

    __add__, __radd__ = _binary("add"), _reflected("add")
    __sub__, __rsub__ = _binary("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _binary("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _binary("divide"), _reflected("divide")
    __pow__, __rpow__ = _binary("power"), _reflected("power")
    __matmul__, __rmatmul__ = _binary("matmul"), _reflected("matmul")

    def __neg__(self) -> "Node":
        return _node("negative", self)

    def __getitem__(self, key: Any) -> "Node":
        return _node("index", self, key=key)

    def __repr__(self) -> str:
        return f"{self.operation or 'Variable'}({self.value!r})"


class Variable(Node):
    """An array that an expression is built from and may be differentiated by; float64 unless it
    is floating already."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        super().__init__(_as_float(value))


def _function(operation: str, doc: str) -> Callable[[Node], Node]:
    def function(x: Node) -> Node:
        return _node(operation, x)

    function.__name__, function.__doc__ = operation, doc
    return function


exp = _function("exp", "e^x.")
log = _function("log", "Natural logarithm.")
sin = _function("sin", "Sine of x in radians.")
cos = _function("cos", "Cosine of x in radians.")
tanh = _function("tanh", "Hyperbolic tangent.")
logistic = _function("logistic", "1 / (1 + e^-x), for any x without overflow.")


def _reduction(operation: str, doc: str) -> Callable[..., Node]:
    def function(x: Node, axis: Any = None, keepdims: bool = False) -> Node:
        return _node(operation, x, axis=axis, keepdims=keepdims)

    function.__name__, function.__doc__ = operation, f"{doc}, over an axis, several, or all."
    return function


sum = _reduction("sum", "Sum")
mean = _reduction("mean", "Mean")
max = _reduction("max", "Largest element (those that tie share the gradient)")
logsumexp = _reduction("logsumexp", "log sum e^x, for any x without overflow")


def transpose(x: Node, axes: Sequence[int] | None = None) -> Node:
    """Axes in another order, reversed unless given, as np.transpose."""
    return _node("transpose", x, axes=axes)


def reshape(x: Node, shape: Any) -> Node:
    """The same elements in another shape, as np.reshape."""
    return _node("reshape", x, shape=shape)


def gradients(output: Node, inputs: Sequence[Node]) -> list[Array]:
    """d output / d input for each input, in its shape; zeros where output does not depend on it.

    Inputs may be Variables or any nodes on the way. Raises ValueError unless output is a scalar.
    """
    if output.value.shape != ():
        raise ValueError(f"expected a scalar to differentiate; found shape {output.value.shape}")
    uses = _count_uses(output)
    wanted = {id(node) for node in inputs}
    found: dict[int, Array] = {}
    pending: dict[int, Array] = {id(output): np.ones_like(output.value)}
    ready = [output]
    while ready:
        node = ready.pop()
        g = pending.pop(id(node))  # complete, and needed no more once it is handed on
        if id(node) in wanted:
            found[id(node)] = g
        if node.operation is None:
            continue
        values = [_value(argument) for argument in node.arguments]
        derivatives = OPERATIONS[node.operation].derivatives
        for argument, derivative in zip(node.arguments, derivatives, strict=True):
            if not isinstance(argument, Node):
                continue
            part = derivative(g, node.value, *values, **node.options)
            part = _unbroadcast(part, argument.value.shape)
            key = id(argument)
            pending[key] = pending[key] + part if key in pending else part
            uses[key] -= 1
            if not uses[key]:
                ready.append(argument)
    return [
        np.array(found[id(node)]) if id(node) in found else np.zeros_like(node.value)
        for node in inputs
    ]


def _count_uses(output: Node) -> dict[int, int]:
    """How often each node below output is used as an argument, found without recursion."""
    uses: dict[int, int] = {}
    stack = [output]
    while stack:
        for argument in stack.pop().arguments:
            if isinstance(argument, Node):
                if id(argument) not in uses:
                    uses[id(argument)] = 0
                    stack.append(argument)
                uses[id(argument)] += 1
    return uses


def _node(operation: str, *arguments: Any, **options: Any) -> Node:
    """A new node, its value computed; constants are made arrays."""
    nodes = tuple(a if isinstance(a, Node) else _as_float(a) for a in arguments)
    values = [_value(node) for node in nodes]
    try:
        value = OPERATIONS[operation].value(*values, **options)
    except ValueError as error:
        shapes = " and ".join(str(value.shape) for value in values)
        raise ValueError(f"{operation} does not fit shapes {shapes}: {error}") from error
    return Node(np.asarray(value), operation, *nodes, **options)


def _value(argument: Node | Array) -> Array:
    return argument.value if isinstance(argument, Node) else argument


def _as_float(value: Any) -> Array:
    array = np.asarray(value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of an argument of this shape that broadcasting repeated: the repeats add up."""
    if g.shape == shape:
        return g
    g = np.sum(g, axis=tuple(range(g.ndim - len(shape))))
    repeated = tuple(i for i, size in enumerate(shape) if size == 1 != g.shape[i])
    return np.asarray(np.sum(g, axis=repeated, keepdims=True))

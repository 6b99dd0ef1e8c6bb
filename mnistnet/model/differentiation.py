"""Differentiate an expression as the notes do, with a name for every step.

An expression such as 'exp(exp(x) + exp(x)**2)' is split into intermediate variables a, b, c, ...,
one per operation; equal subexpressions share a variable (equation 2.3 of the notes). autodiff.py
computes the derivatives; each is returned with the rule that gives it.
"""

import ast
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import NoReturn

import numpy as np

from mnistnet.errors import ExpressionError
from mnistnet.model import autodiff
from mnistnet.model.expression import EXAMPLES, FUNCTIONS, check_values, fail, parse

STEP = 6e-6  # of central differences, times max(1, |x|): the cube root of float64's precision
BINARY: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
# The formula of each operation, then its term in the derivative by each operand; y is the value of
# the operation and g the derivative by y.
RULES = {
    "add": ("{a} + {b}", "{g}", "{g}"),
    "subtract": ("{a} - {b}", "{g}", "-{g}"),
    "multiply": ("{a} * {b}", "{g} * {b}", "{g} * {a}"),
    "divide": ("{a} / {b}", "{g} / {b}", "-{g} * {y} / {b}"),
    "power": ("{a}**{b}", "{g} * {b} * {a}**({b} - 1)", "{g} * {y} * log({a})"),
    "power of 2": ("{a}**2", "{g} * 2 {a}"),
    "power of a number": ("{a}**{b}", "{g} * {b} {a}**{c}"),
    "negative": ("-{a}", "-{g}"),
    "exp": ("exp({a})", "{g} * exp({a})"),
    "log": ("log({a})", "{g} / {a}"),
    "sin": ("sin({a})", "{g} * cos({a})"),
    "cos": ("cos({a})", "-{g} * sin({a})"),
    "tanh": ("tanh({a})", "{g} * (1 - {y}**2)"),
    "logistic": ("logistic({a})", "{g} * {y} * (1 - {y})"),
}


@dataclass
class Quantity:
    """A variable of an expression: an input, or an intermediate variable with a formula.

    operands are names or numbers. derivative is that of the whole expression by this variable, and
    rule its formula, such as 'df/dc + df/db * 2 a'.
    """

    name: str
    value: float
    formula: str = ""
    operands: tuple[str | float, ...] = ()
    rule: str = ""
    derivative: float = 0.0


@dataclass(frozen=True)
class Differentiation:
    """An expression, its inputs, and its intermediate variables in the order they are computed.

    output names the variable that is the whole expression. differences are the central differences
    by each input, or None if the value on one side is not finite.
    """

    expression: str
    inputs: list[Quantity]
    steps: list[Quantity]
    output: str
    differences: dict[str, float | None]


def differentiate(expression: str, values: Mapping[str, float]) -> Differentiation:
    """Differentiate an expression at the given values of its variables.

    An expression consists of numbers, names, + - * / **, parentheses and the functions exp, log,
    sin, cos, tanh and logistic. Raises ExpressionError, which marks the position, for anything
    else, for a name without a value, and for a value or derivative that is not finite.
    """
    check_values(values)
    text = " ".join(expression.split())
    tree = parse(text, values)
    graph = _Graph(text, values)
    output = graph.read(tree)
    if isinstance(output, float):
        raise ExpressionError(f"expected a variable in the expression; found none in {text!r}")
    graph.differentiate(output)
    quantities = list(graph.quantities.values())
    differences = {name: _difference(text, tree, values, name) for name in values}
    count = len(values)
    return Differentiation(text, quantities[:count], quantities[count:], output, differences)


def _difference(text: str, tree: ast.expr, values: Mapping[str, float], name: str) -> float | None:
    """Central difference by one input; None if it is not finite."""
    h = STEP * max(1.0, abs(values[name]))
    high, low = values[name] + h, values[name] - h
    graphs = [_Graph(text, {**values, name: x}) for x in (high, low)]
    try:
        above, below = (graph.quantities[str(graph.read(tree))].value for graph in graphs)
    except ExpressionError:
        return None
    difference = (above - below) / (high - low)
    return difference if math.isfinite(difference) else None


class _Graph:
    """The variables of an expression, evaluated while the syntax tree is read."""

    def __init__(self, text: str, values: Mapping[str, float]) -> None:
        self.text = text
        self.quantities = {name: Quantity(name, float(value)) for name, value in values.items()}
        self._nodes: dict[str, autodiff.Node] = {
            name: autodiff.Variable(float(x)) for name, x in values.items()
        }
        self._results: dict[tuple[str, tuple[str | float, ...]], tuple[str, ast.expr]] = {}
        lengths = (itertools.product(ascii_lowercase, repeat=length) for length in (1, 2))
        names = map("".join, itertools.chain.from_iterable(lengths))
        self._names = (name for name in names if name not in values)

    def read(self, tree: ast.expr) -> str | float:
        """Return the name of the variable for this subtree, or its value if it is constant."""
        match tree:
            case ast.Constant(value=int() | float() as number):
                if abs(number) >= 1e308:
                    self._fail(tree, "this number is too large")
                return float(number)
            case ast.Name(id=name) if name in self.quantities:
                return name
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._apply(tree, "negative", self.read(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
                return self._apply(tree, BINARY[type(op)], self.read(left), self.read(right))
            case ast.Call(func=ast.Name(id=name), args=[operand]) if name in FUNCTIONS:
                return self._apply(tree, name, self.read(operand))
        return self._fail(tree, f"this is not arithmetic; {EXAMPLES}")

    def _apply(self, tree: ast.expr, operation: str, *operands: str | float) -> str | float:
        key = operation, operands
        if key in self._results:
            return self._results[key][0]
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                node = getattr(autodiff, operation)(*map(self._node, operands))
        except FloatingPointError as error:
            kind = "too large" if "overflow" in str(error) else "not a finite real number"
            self._fail(tree, f"this is {kind}")
        value = float(node.value)
        if not any(isinstance(x, str) for x in operands):
            return value
        name = next(self._names)
        self._results[key], self._nodes[name] = (name, tree), node
        formula = _format(operation, 0, name, operands)
        self.quantities[name] = Quantity(name, value, formula, operands)
        return name

    def _node(self, operand: str | float) -> autodiff.Node | float:
        return self._nodes[operand] if isinstance(operand, str) else operand

    def differentiate(self, output: str) -> None:
        """Set derivatives and rules; raises ExpressionError if a derivative is not finite."""
        with np.errstate(all="ignore"):
            found = autodiff.gradients(self._nodes[output], list(self._nodes.values()))
            for name, derivative in zip(self._nodes, found, strict=True):
                self.quantities[name].derivative = float(derivative)
                if not math.isfinite(derivative):
                    at = f"{name} = {self.quantities[name].value:g}"
                    self._fail(self._cause(name), f"this has no finite derivative at {at}")
        self.quantities[output].rule = "1"
        for (operation, operands), (name, _) in reversed(self._results.items()):
            for part, operand in enumerate(operands, start=1):
                if isinstance(operand, str):
                    term = _format(operation, part, name, operands).format(output)
                    quantity = self.quantities[operand]
                    if quantity.rule:
                        sign = " - " if term.startswith("-") else " + "
                        term = quantity.rule + sign + term.removeprefix("-")
                    quantity.rule = term
        for quantity in self.quantities.values():
            quantity.rule = quantity.rule or "0"

    def _cause(self, by: str) -> ast.expr:
        """Find the first operation without a finite derivative by this variable."""
        return next(
            tree
            for name, tree in self._results.values()
            if not np.isfinite(autodiff.gradients(self._nodes[name], [self._nodes[by]])[0])
        )

    def _fail(self, tree: ast.expr, message: str) -> NoReturn:
        fail(self.text, tree.col_offset, tree.end_col_offset or tree.col_offset + 1, message)


def _format(operation: str, part: int, y: str, operands: Sequence[str | float]) -> str:
    """Format a formula (part 0) or the rule for one operand, with {} in place of the output."""
    exponent = operands[-1]
    if operation == "power" and isinstance(exponent, float):
        operation += " of 2" if exponent == 2 else " of a number"
        operands = (*operands, float(f"{exponent - 1:.12g}"))
    texts = [x if isinstance(x, str) else f"{x!r}".removesuffix(".0") for x in operands]
    texts = [f"({text})" if text.startswith("-") else text for text in texts]
    return RULES[operation][part].format(
        y=y, g=f"d{{}}/d{y}", **dict(zip("abc", texts, strict=False))
    )

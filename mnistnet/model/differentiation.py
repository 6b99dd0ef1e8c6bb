"""Differentiate an expression as the notes do, with a name for every step.

An expression such as 'exp(exp(x) + exp(x)**2)' is split into intermediate variables a, b, c, ...,
one per operation; equal subexpressions share a variable (equation 2.3 of the notes). autodiff.py
computes the derivatives; each is returned with the rule that gives it.
"""

import ast
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_lowercase
from typing import NoReturn

import numpy as np

from mnistnet.errors import ExpressionError
from mnistnet.model import autodiff
from mnistnet.model.expression import EXAMPLES, FUNCTIONS, check_values, fail, parse

STEP = 6e-6  # of central differences, times max(1, |x|): the cube root of float64's precision
OPERATORS: dict[type[ast.operator], str] = {
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
class NamedVariable:
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
    inputs: list[NamedVariable]
    steps: list[NamedVariable]
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
    graph.set_derivatives(output)
    graph.set_rules(output)
    variables = list(graph.variables.values())
    inputs, steps = variables[: len(values)], variables[len(values) :]
    differences = {name: _difference(text, tree, values, name) for name in values}
    return Differentiation(text, inputs, steps, output, differences)


def _difference(text: str, tree: ast.expr, values: Mapping[str, float], name: str) -> float | None:
    """Central difference by one input; None if it is not finite."""
    h = STEP * max(1.0, abs(values[name]))
    high, low = values[name] + h, values[name] - h
    graphs = [_Graph(text, {**values, name: x}) for x in (high, low)]
    try:
        above, below = (graph.variables[str(graph.read(tree))].value for graph in graphs)
    except ExpressionError:
        return None
    difference = (above - below) / (high - low)
    return difference if math.isfinite(difference) else None


class _Graph:
    """The variables of an expression, evaluated while the syntax tree is read."""

    def __init__(self, text: str, values: Mapping[str, float]) -> None:
        self.text = text
        self.variables = {name: NamedVariable(name, float(x)) for name, x in values.items()}
        self._nodes: dict[str, autodiff.Node] = {
            name: autodiff.Variable(float(x)) for name, x in values.items()
        }
        self._steps: dict[tuple[str, tuple[str | float, ...]], tuple[str, ast.expr]] = {}
        names = (f"{first}{last}" for first in ["", *ascii_lowercase] for last in ascii_lowercase)
        self._names = (name for name in names if name not in values)

    def read(self, tree: ast.expr) -> str | float:
        """Return the name of the variable for this subtree, or its value if it is constant."""
        match tree:
            case ast.Constant(value=int() | float() as number):
                if abs(number) >= 1e308:
                    self._fail(tree, "this number is too large")
                return float(number)
            case ast.Name(id=name) if name in self.variables:
                return name
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._apply(tree, "negative", self.read(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return self._apply(tree, OPERATORS[type(op)], self.read(left), self.read(right))
            case ast.Call(func=ast.Name(id=name), args=[operand]) if name in FUNCTIONS:
                return self._apply(tree, name, self.read(operand))
        return self._fail(tree, f"this is not arithmetic; {EXAMPLES}")

    def _apply(self, tree: ast.expr, operation: str, *operands: str | float) -> str | float:
        if (operation, operands) in self._steps:
            return self._steps[operation, operands][0]
        nodes = [self._nodes[x] if isinstance(x, str) else autodiff.Variable(x) for x in operands]
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                node: autodiff.Node = getattr(autodiff, operation)(*nodes)
        except FloatingPointError as error:
            kind = "too large" if "overflow" in str(error) else "not a finite real number"
            self._fail(tree, f"this is {kind}")
        value = float(node.value)
        if not any(isinstance(x, str) for x in operands):
            return value
        name = next(self._names)
        self._steps[operation, operands], self._nodes[name] = (name, tree), node
        formula, *_ = _formulas(operation, name, operands)
        self.variables[name] = NamedVariable(name, value, formula, operands)
        return name

    @np.errstate(all="ignore")
    def set_derivatives(self, output: str) -> None:
        """Set the derivatives; raises ExpressionError if one is not finite."""
        found = autodiff.gradients(self._nodes[output], list(self._nodes.values()))
        for variable, derivative in zip(self.variables.values(), found, strict=True):
            variable.derivative = float(derivative)
            if not math.isfinite(derivative):
                at = f"{variable.name} = {variable.value:g}"
                self._fail(self._cause(variable), f"this has no finite derivative at {at}")

    def _cause(self, variable: NamedVariable) -> ast.expr:
        """Find the first operation without a finite derivative by this variable."""
        by = [self._nodes[variable.name]]
        return next(
            tree
            for name, tree in self._steps.values()
            if not np.isfinite(autodiff.gradients(self._nodes[name], by)[0])
        )

    def set_rules(self, output: str) -> None:
        """Set the rule of each variable: a term for each use, the last use first."""
        terms = defaultdict(list, {output: ["1"]})
        for (operation, operands), (name, _) in reversed(self._steps.items()):
            _, *found = _formulas(operation, name, operands, output)
            for operand, term in zip(operands, found, strict=False):
                terms[str(operand)].append(term)
        for name, variable in self.variables.items():
            variable.rule = " + ".join(terms[name]).replace(" + -", " - ") or "0"

    def _fail(self, tree: ast.expr, message: str) -> NoReturn:
        fail(self.text, tree.col_offset, tree.end_col_offset or tree.col_offset + 1, message)


def _formulas(
    operation: str, y: str, operands: tuple[str | float, ...], output: str = ""
) -> list[str]:
    """Return the formula of y and its term in the derivative of the output by each operand."""
    exponent = operands[-1]
    if operation == "power" and isinstance(exponent, float):
        operation += " of 2" if exponent == 2 else " of a number"
        operands = (*operands, float(f"{exponent - 1:.12g}"))
    texts = [x if isinstance(x, str) else f"{x!r}".removesuffix(".0") for x in operands]
    texts = [f"({text})" if text.startswith("-") else text for text in texts]
    known = dict(zip("abc", texts, strict=False), y=y, g=f"d{output}/d{y}")
    return [form.format(**known) for form in RULES[operation]]

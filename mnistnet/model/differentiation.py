"""Differentiate an arithmetic expression step by step, as in section 2 of the notes.

Each operation becomes an intermediate variable. Automatic differentiation (autodiff.py) finds the
derivative of the expression by each variable; beside it stands the rule that gives it. Expressions
are untrusted text: Python parses them, but never evaluates them.
"""

import ast
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, NoReturn

import numpy as np

from mnistnet.errors import ExpressionError
from mnistnet.model import autodiff
from mnistnet.model.rules import RULES, NamedVariable, Operand, count_operations

MAX_CHARACTERS = 1000
MAX_OPERATIONS = 400
SHOWN = 60  # characters of the expression in an error
STEP = 6e-6  # of central differences, times max(1, |x|): the cube root of float64's precision
FUNCTIONS = ("exp", "log", "sqrt", "sin", "cos", "tanh", "logistic", "sigmoid", "relu", "abs")
CONSTANTS = {"pi": math.pi, "e": math.e}
EXAMPLES = "write for example 2 * x, exp(x) or x**2"
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}


@dataclass(frozen=True)
class Differentiation:
    """An expression, its inputs, and its intermediate variables in the order they are computed.

    output names the variable that is the whole expression. differences are the central differences
    by each input, or None if the value on one side is not finite. operations are those of the
    "value", of the "gradient", and of the derivatives when "written_out".
    """

    expression: str
    inputs: list[NamedVariable]
    steps: list[NamedVariable]
    output: str
    differences: dict[str, float | None]
    operations: dict[str, int]


def differentiate(expression: str, values: Mapping[str, float]) -> Differentiation:
    """Differentiate an expression at the given values of its variables.

    An expression consists of decimal numbers, names, pi, e, + - * / **, parentheses and FUNCTIONS.
    Assignments may precede it, as in 'a = exp(x); a + a**2'. Raises ExpressionError, which marks
    the position, for anything else, for a name without a value, and for a value or derivative that
    is not finite.
    """
    for name, value in values.items():
        if not re.fullmatch(r"[a-z_]\w*", name, re.ASCII | re.IGNORECASE):
            raise ExpressionError(f"expected a name of letters, digits and _; found {name[:60]!r}")
        if not math.isfinite(value):
            raise ExpressionError(f"expected a finite value for {name}; found {value}")
    text = " ".join(expression.split())
    if not 0 < len(text) <= MAX_CHARACTERS:
        limits = f"1 to {MAX_CHARACTERS:,} characters"
        raise ExpressionError(f"expected an expression of {limits}; found {len(text):,}")
    graph = _Graph(text, values)
    graph.set_derivatives()
    inputs, steps = [graph.variables[name] for name in values], list(graph.steps.values())
    differences = {name: _difference(text, values, name) for name in values}
    operations = count_operations(inputs, steps, graph.output)
    return Differentiation(text, inputs, steps, graph.output, differences, operations)


def _difference(text: str, values: Mapping[str, float], name: str) -> float | None:
    """Central difference by one input; None if it is not finite."""
    h = STEP * max(1.0, abs(values[name]))
    high, low = values[name] + h, values[name] - h
    try:
        graphs = [_Graph(text, {**values, name: x}) for x in (high, low)]
    except ExpressionError:
        return None
    above, below = (graph.variables[graph.output].value for graph in graphs)
    difference = (above - below) / (high - low)
    return difference if math.isfinite(difference) else None


class _Graph:
    """The variables of an expression, evaluated while its syntax tree is read."""

    def __init__(self, text: str, values: Mapping[str, float]) -> None:
        self.text = text
        self.variables = {
            name: NamedVariable(name, float(x), autodiff.Variable(x)) for name, x in values.items()
        }
        self.known: dict[str, Operand] = {**CONSTANTS, **{name: name for name in values}}
        self.steps: dict[tuple[str, tuple[Operand, ...]], NamedVariable] = {}
        self.names_of: dict[ast.AST, str] = {}  # of the steps that are assigned
        names = (f"{first}{last}" for first in ["", *ascii_lowercase] for last in ascii_lowercase)
        used = {*values, *re.findall(r"[a-z_]\w*", text, re.ASCII | re.IGNORECASE)}
        self.names = (name for name in names if name not in used)
        if other := re.search(r"[^\w .+*/();=-]", text, re.ASCII):
            hint = "; powers are written x**2" * (other[0] == "^")
            self._fail(other.span(), f"unexpected {other[0]!r} in the expression{hint}")
        try:
            output = self._run(ast.parse(text))
        except SyntaxError as error:
            at, why = max((error.offset or 1) - 1, 0), error.msg.partition(";")[0]
            self._fail((at, at + 1), f"this is not an expression ({why}); {EXAMPLES}")
        except (RecursionError, MemoryError) as error:
            raise ExpressionError("expected fewer nested operations in the expression") from error
        if isinstance(output, float):
            raise ExpressionError(f"expected a variable in the expression; found none in {text!r}")
        self.output = output

    def _run(self, module: ast.Module) -> Operand:
        """Read assignments and then an expression, or only assignments."""
        output: Operand = 0.0
        used = self.variables
        for statement in module.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=tree) if name not in used:
                    self.names_of[tree] = name
                    output = self.known[name] = self._read(tree)
                case ast.Expr(value=tree) if statement is module.body[-1]:
                    output = self._read(tree)
                case _:
                    self._fail(statement, "expected assignments to new names and an expression")
        return output

    def _read(self, tree: ast.expr) -> Operand:
        """Return the name of the variable for this subtree, or its value if it is constant."""
        match tree:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                if re.search("[xob_]", self.text[tree.col_offset : tree.end_col_offset].lower()):
                    self._fail(tree, "this is not a decimal number")
                if abs(number) >= 1e308:
                    self._fail(tree, "this number is too large")
                return float(number)
            case ast.Name(id=name) if name in self.known:
                return self.known[name]
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._read(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._apply(tree, "negative", self._read(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return self._apply(tree, OPERATORS[type(op)], self._read(left), self._read(right))
            case ast.Call(func=ast.Name(id=name), args=[operand]) if name in FUNCTIONS:
                return self._apply(tree, name, self._read(operand))
            case ast.Call(func=ast.Name(id=name) as unknown) if name not in FUNCTIONS:
                hint = f"use {', '.join(FUNCTIONS)}"
                self._fail(unknown, f"unknown function in the expression; {hint}")
            case ast.Name(id=name) if name not in FUNCTIONS:
                hint = f"give its value, as in {name[:SHOWN]}=1"
                self._fail(tree, f"unknown name in the expression; {hint}")
        return self._fail(tree, f"this is not arithmetic; {EXAMPLES}")

    def _apply(self, tree: ast.expr, operation: str, *operands: Operand) -> Operand:
        if step := self.steps.get((operation, operands)):
            return step.name
        if len(self.steps) == MAX_OPERATIONS:
            self._fail(tree, f"expected at most {MAX_OPERATIONS} operations; found more")
        nodes = [
            self.variables[x].node if isinstance(x, str) else autodiff.Variable(x) for x in operands
        ]
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                node: autodiff.Node = getattr(autodiff, operation)(*nodes)
        except FloatingPointError as error:
            kind = "too large" if "overflow" in str(error) else "not a finite real number"
            self._fail(tree, f"this is {kind}")
        value = float(node.value) + 0.0  # no -0
        if operation in ("abs", "relu") and nodes[0].value == 0:
            self._fail(tree, "this has no derivative where its argument is 0")
        if not any(isinstance(x, str) for x in operands):
            return value
        name = self.names_of.get(tree) or next(self.names)
        rule, shown, exponent = operation, operands, operands[-1]
        if operation == "power" and isinstance(exponent, float):
            rule += " of 2" if exponent == 2 else " of a number"
            shown = (*operands, float(f"{exponent - 1:.12g}"))
        constants: dict[Operand, str] = {x: k for k, x in CONSTANTS.items() if self.known[k] == x}
        texts = [str(constants.get(x, x)).removesuffix(".0") for x in shown]
        texts = [f"({text})" if text.startswith("-") else text for text in texts]
        known = dict(zip("abc", texts, strict=False), y=name, g=f"d{{f}}/d{name}")
        formula, *terms = (form.format(**known) for form in RULES[rule])
        step = NamedVariable(name, value, node, formula, operands, rule, tuple(terms))
        self.steps[operation, operands] = self.variables[name] = step
        return name

    @np.errstate(all="ignore")
    def set_derivatives(self) -> None:
        """Set the derivatives and their rules: a term for each use, the last use first."""
        rules = defaultdict(list, {self.output: ["1"]})
        variables = list(self.variables.values())
        for step in reversed(self.steps.values()):
            for operand, term in zip(step.operands, step.terms, strict=False):
                rules[str(operand)].append(term.format(f=self.output))
        output = self.variables[self.output].node
        found = autodiff.gradients(output, [variable.node for variable in variables])
        for variable, derivative in zip(variables, found, strict=True):
            variable.derivative = float(derivative) + 0.0
            variable.rule = " + ".join(rules[variable.name]).replace(" + -", " - ") or "0"
            if not math.isfinite(derivative):
                at = f"{variable.name} = {variable.value:g}"
                self._fail((0, len(self.text)), f"this has no finite derivative at {at}")

    def _fail(self, part: Any, message: str) -> NoReturn:
        """Raise ExpressionError with the part, a subtree or a start and end, marked in the text."""
        start, end = part if isinstance(part, tuple) else (part.col_offset, part.end_col_offset)
        first = max(0, start - SHOWN // 2)
        marks = "^" * max(1, min(end, first + SHOWN) - start)
        shown = self.text[first : first + SHOWN]
        raise ExpressionError(f"{message}\n  {shown}\n  {' ' * (start - first)}{marks}")

"""The variables of an expression, the rules that differentiate it, and how many operations each
way of writing the derivative has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mnistnet.model import autodiff

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
    "sqrt": ("sqrt({a})", "{g} / (2 {y})"),
    "sin": ("sin({a})", "{g} * cos({a})"),
    "cos": ("cos({a})", "-{g} * sin({a})"),
    "tanh": ("tanh({a})", "{g} * (1 - {y}**2)"),
    "logistic": ("logistic({a})", "{g} * {y} * (1 - {y})"),
    "sigmoid": ("sigmoid({a})", "{g} * {y} * (1 - {y})"),
    "relu": ("relu({a})", "{g} * ({a} > 0)"),
    "abs": ("abs({a})", "{g} * {a} / {y}"),
}
Operand = str | float  # the name of a variable, or a number


@dataclass
class NamedVariable:
    """A variable of an expression: an input, or the result of an operation.

    formula, such as 'a * b', is empty for an input. derivative is that of the whole expression by
    this variable, and rule its formula, such as 'df/dc + df/db * 2 a'.
    """

    name: str
    value: float
    node: autodiff.Node
    formula: str = ""
    operands: tuple[Operand, ...] = ()
    kind: str = ""  # of the operation, a key of RULES
    terms: tuple[str, ...] = ()  # in the derivative by each operand, where {f} is the output
    derivative: float = 0.0
    rule: str = "0"


def count_operations(
    inputs: Sequence[NamedVariable], steps: Sequence[NamedVariable], output: str
) -> dict[str, int]:
    """Count the operations of the value; of the gradient, once the variables are known, as in
    equation 2.4; and of the derivatives by all inputs when written out, as in equation 2.2. That
    may be longer than any text, so it is counted variable by variable."""
    lengths: dict[Operand, int] = {}  # operations of each variable, written out
    # operations of its derivative by each input
    slopes: dict[str, dict[Operand, int]] = {x.name: {x.name: 0} for x in inputs}
    for step in steps:
        lengths[step.name] = 1 + sum(lengths.get(x, 0) for x in step.operands)
        known = dict(zip("ab", step.operands, strict=False), y=step.name)
        rule = list(zip(step.operands, RULES[step.kind][1:], strict=False))
        for name, found in slopes.items():
            if used := [(x, term) for x, term in rule if x in found]:
                # dx/dx = 1 needs no multiplication
                shown = [term.removeprefix("{g} *" * (x == name)) for x, term in used]
                parts = [lengths.get(known[k], 0) for k in re.findall(r"{([aby])}", str(shown))]
                total = " + ".join(shown).replace(" + -", " - ")
                found[step.name] = _count(total) + sum(parts) + sum(found[x] for x, _ in used)
    rules = [re.sub(r"d\w+/d\w+", "g", variable.rule) for variable in (*inputs, *steps)]
    written = sum(found.get(output, 0) for found in slopes.values())
    return {"value": len(steps), "gradient": sum(map(_count, rules)), "written_out": written}


def _count(rule: str) -> int:
    """Count the operations of a rule: 3 in 'g * 2 a**3'."""
    return len(re.findall(r"\*\*|(?<![(e])[-+]|[*/>]|[\w})] [\w{]|[a-z]\(", rule))

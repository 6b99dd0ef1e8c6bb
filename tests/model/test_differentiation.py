"""Arithmetic expressions are differentiated as in the notes, with a name for every step."""

import ast
import math
import random
import re

import pytest

from mnistnet.errors import ExpressionError
from mnistnet.model.differentiation import FUNCTIONS, Differentiation, differentiate

PYTHON = {name: getattr(math, name, None) for name in FUNCTIONS}
PYTHON |= dict.fromkeys(("logistic", "sigmoid"), lambda t: 1 / (1 + math.exp(-t)))
PYTHON |= {"relu": lambda t: max(t, 0), "abs": abs, "pi": math.pi}


def derivatives(result: Differentiation) -> dict[str, float]:
    return {variable.name: variable.derivative for variable in result.inputs}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("-x", "-da/da"),
        ("2 - x", "-da/da"),
        ("3 * x", "da/da * 3"),
        ("x / y", "da/da / y"),
        ("x * x", "da/da * x + da/da * x"),
        ("1 / x", "-da/da * a / x"),
        ("x**3", "da/da * 3 x**2"),
        ("2**x", "da/da * a * log(2)"),
        ("log(x)", "da/da / x"),
        ("cos(x)", "-da/da * sin(x)"),
        ("tanh(x)", "da/da * (1 - a**2)"),
        ("logistic(x)", "da/da * a * (1 - a)"),
        ("sigmoid(x)", "da/da * a * (1 - a)"),
        ("sqrt(x)", "da/da / (2 a)"),
        ("relu(x)", "da/da * (x > 0)"),
        ("abs(x)", "da/da * x / a"),
        ("pi * x", "da/da * pi"),
        ("+x", "1"),
        ("x**y", "da/da * y * x**(y - 1)"),
        ("x**(1 + 1)", "da/da * 2 x"),
    ],
)
def test_rules_give_the_derivatives_that_differences_confirm(text: str, rule: str) -> None:
    result = differentiate(text, {"x": 0.75, "y": 1.5})
    assert result.inputs[0].rule == rule
    python = re.sub(r"([\d)]) ([ax])", r"\1 * \2", re.sub(r"d\w/d\w", "1", rule))
    values = {variable.name: variable.value for variable in result.inputs + result.steps}
    output = eval(text, PYTHON | values)
    assert values[result.output] == pytest.approx(output)
    assert derivatives(result)["x"] == pytest.approx(eval(python, PYTHON | values), rel=1e-12)
    assert derivatives(result) == pytest.approx(result.differences, rel=1e-8)


def test_equal_subexpressions_share_a_variable_and_used_names_are_skipped() -> None:
    result = differentiate("sin(a * b) + sin(a * b)**3 + d", {"a": 1, "b": 2, "d": 3, "unused": 4})
    steps = [f"{step.name} = {step.formula}" for step in result.steps]
    assert steps == ["c = a * b", "e = sin(c)", "f = e**3", "g = e + f", "h = g + d"]
    unused = result.inputs[-1]
    assert (unused.rule, unused.derivative, result.differences["unused"]) == ("0", 0, 0)


def test_assignments_name_variables_and_a_given_value_of_pi_or_e_wins() -> None:
    for text, expected in (
        ("b = exp(x); d = b; e = d + b", "b = exp(x), e = b + b"),
        ("k = 2; k * x * e", "a = 2 * x, b = a * e"),
        ("sin(pi)", "a = sin(pi)"),
    ):
        result = differentiate(text, {"x": 1, "pi": 2})
        assert ", ".join(f"{step.name} = {step.formula}" for step in result.steps) == expected
    assert result.steps[0].value == math.sin(2)


# exp(c) * (exp(x) + 2 exp(x) * exp(x)) + cos(c) * (the same) with c written out; y and x + 1
COUNTS = {"c = exp(x) + exp(x)**2; exp(c) + sin(c)": (6, 10, 25), "x * y + y": (2, 3, 1)}
COUNTS["a0 = x; " + "; ".join(f"a{i + 1} = a{i} * a{i}" for i in range(40))] = (
    40,
    120,
    40 * 2**40 - 1,
)


def test_operations_are_counted_even_if_a_derivative_is_too_long_to_write() -> None:
    for text, counts in COUNTS.items():
        assert tuple(differentiate(text, {"x": 0.5, "y": 1}).operations.values()) == counts


def test_zero_has_no_sign_and_the_log_of_a_small_probability_is_right() -> None:
    result = differentiate("log(logistic(x)) + 0 * x", {"x": -700})
    assert [str(step.value) for step in result.steps[1:3]] == ["-700.0", "0.0"]
    assert derivatives(result) == {"x": pytest.approx(1)}


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("1 + foo(x)", "unknown function in the expression; use exp, log, sqrt,", "foo"),
        ("1 + foo", "unknown name in the expression; give its value, as in foo=1", "foo"),
        ("exp(x); x", "expected assignments to new names and an expression", "exp(x)"),
        ("x = 2; x", "expected assignments to new names and an expression", "x = 2"),
        ("x + 0x10", "this is not a decimal number", "0x10"),
        ("x + relu(x - 1)", "this has no derivative where its argument is 0", "relu(x - 1)"),
        ("__import__('os')", 'unexpected "\'" in the expression', "'"),
        ("x" + "+x" * 401, "expected at most 400 operations", None),
        ("x ^ 2", "unexpected '^' in the expression; powers are written x**2", "^"),
        ("2 x", "this is not an expression (invalid syntax); write for example 2 * x", None),
        ("exp", "this is not arithmetic; write for example 2 * x", "exp"),
        ("x * 1e999", "this number is too large", "1e999"),
        ("1 + exp(exp(9 * x))", "this is too large", "exp(exp(9 * x))"),
        ("1 + log(-x)", "this is not a finite real number", "log(-x)"),
        ("1 + (x - 1)**0.5", "this has no finite derivative at x = 1", "1 + (x - 1)**0.5"),
        ("(" * 300 + "x" + ")" * 300, "this is not an expression (too many nested", "("),
    ],
)
def test_errors_mark_the_part_that_cannot_be_differentiated(
    text: str, message: str, marked: str | None
) -> None:
    with pytest.raises(ExpressionError) as raised:
        differentiate(text, {"x": 1.0})
    first, shown, marks = str(raised.value).split("\n")
    assert first.startswith(message)
    assert shown.strip() in text
    assert shown[marks.index("^") : marks.rindex("^") + 1] == marked or marked is None


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("x" * 1001, {}, "expected an expression of 1 to 1,000 characters; found 1,001"),
        ("1 + 2", {"x": 1}, "expected a variable in the expression; found none in '1 + 2'"),
        ("x", {"x": math.nan}, "expected a finite value for x; found nan"),
        ("-" * 999 + "x", {"x": 1}, "expected fewer nested operations in the expression"),
    ],
)
def test_invalid_expressions_and_values_are_refused(
    text: str, values: dict[str, float], message: str
) -> None:
    with pytest.raises(ExpressionError, match=f"^{re.escape(message)}$"):
        differentiate(text, values)


def test_there_is_no_central_difference_if_one_side_is_not_finite() -> None:
    assert differentiate("log(x)", {"x": 1e-9}).differences == {"x": None}


CALLS = ["__import__('os')", "().__class__", "await ", "f'{x}'", "x.", "x:=", "0.5", "**", "0x1"]
CALLS += ["exp(", "x", "y", "1j", "lambda x:"]
PIECES = [*"()+-*/., \n\t;'[]{}=^@", "\0#_π０", "9" * 400, "(" * 50, "-" * 50, *CALLS]


def test_2000_hostile_texts_are_differentiated_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that took long would make this test hang. Only arithmetic reaches Python's parser."""
    parsed, parse = [], ast.parse
    monkeypatch.setattr(
        ast, "parse", lambda text, **options: parsed.append(text) or parse(text, **options)
    )
    rng = random.Random(0)
    for _ in range(2_000):
        text = "".join(rng.choices(PIECES, k=rng.randint(1, 12)))
        try:
            differentiate(text, {"x": 1.5, "y": 0.5})
        except ExpressionError as error:
            assert len(str(error)) < 500
    assert parsed
    assert not any(re.search(r"[^\w\s.+*/();=-]", text, re.ASCII) for text in parsed)

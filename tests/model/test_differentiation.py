"""Arithmetic expressions are differentiated as in the notes, with a name for every step."""

import ast
import math
import random
import re
from math import cos, exp

import pytest

from mnistnet.errors import ExpressionError
from mnistnet.model.differentiation import FUNCTIONS, Differentiation, differentiate

PYTHON = {name: getattr(math, name, None) for name in FUNCTIONS}
PYTHON["logistic"] = lambda t: 1 / (1 + exp(-t))


def derivatives(result: Differentiation) -> dict[str, float]:
    return {variable.name: variable.derivative for variable in result.inputs}


def test_the_notes_example_has_the_derivative_of_equation_2_2() -> None:
    """Its steps and rules are tested as printed, in report/test_steps.py."""
    result = differentiate("exp(exp(x) + exp(x)**2) + sin(exp(x) + exp(x)**2)", {"x": 0.5})
    z = exp(0.5) + exp(1)
    equation_2_2 = (exp(z) + cos(z)) * (exp(0.5) + 2 * exp(1))
    assert derivatives(result)["x"] == pytest.approx(equation_2_2, rel=1e-12)
    assert result.differences["x"] == pytest.approx(equation_2_2, rel=1e-8)


LEAVES = ["x", "y", "0.5", "3", "1e-1", ".25"]
BRANCHES = [  # smooth, and of moderate size for moderate x and y
    *("({} + {})", "({} - {})", "{} * {}", "{} / (1.5 + sin({}))", "logistic({})**tanh({})"),
    *("(-({}))**2 * cos({})", "exp(-tanh({}))", "log(2 + cos({}))"),
]


def expression(rng: random.Random, depth: int) -> str:
    if not depth or rng.random() < 0.1:
        return rng.choice(LEAVES)
    return rng.choice(BRANCHES).format(expression(rng, depth - 1), expression(rng, depth - 1))


def test_values_agree_with_python_and_derivatives_with_differences() -> None:
    rng = random.Random(0)
    for _ in range(100):
        text = f"x * y + {expression(rng, 3)}"
        point = {"x": rng.uniform(-1.5, 1.5), "y": rng.uniform(-1.5, 1.5)}
        result = differentiate(text, point)
        variables = result.inputs + result.steps
        [output] = [each.value for each in variables if each.name == result.output]
        assert output == pytest.approx(eval(text, PYTHON | point), rel=1e-9, abs=1e-12)
        steepest = max(abs(each.derivative) for each in variables)
        for name, derivative in derivatives(result).items():
            assert result.differences[name] == pytest.approx(
                derivative, rel=1e-5, abs=1e-6 * (1 + steepest)
            )


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("x + 2", "da/da"),
        ("2 - x", "-da/da"),
        ("3 * x", "da/da * 3"),
        ("x * x", "da/da * x + da/da * x"),
        ("x / 4", "da/da / 4"),
        ("1 / x", "-da/da * a / x"),
        ("x**3", "da/da * 3 x**2"),
        ("x**-1", "da/da * (-1) x**(-2)"),
        ("2**x", "da/da * a * log(2)"),
        ("log(x)", "da/da / x"),
        ("cos(x)", "-da/da * sin(x)"),
        ("tanh(x)", "da/da * (1 - a**2)"),
        ("logistic(x)", "da/da * a * (1 - a)"),
        ("+x", "1"),
        ("x**y", "da/da * y * x**(y - 1)"),
        ("x**(1 + 1)", "da/da * 2 x"),
    ],
)
def test_printed_rules_give_the_derivatives(text: str, rule: str) -> None:
    result = differentiate(text, {"x": 0.75, "y": 1.5})
    assert result.inputs[0].rule == rule
    python = re.sub(r"([\d)]) x", r"\1 * x", re.sub(r"d\w/d\w", "1", rule))
    values = {variable.name: variable.value for variable in result.inputs + result.steps}
    assert derivatives(result)["x"] == pytest.approx(eval(python, PYTHON | values), rel=1e-12)


def test_equal_subexpressions_share_a_variable_and_used_names_are_skipped() -> None:
    result = differentiate("sin(a * b) + sin(a * b)**3 + d", {"a": 1, "b": 2, "d": 3, "unused": 4})
    assert [f"{step.name} = {step.formula}" for step in result.steps] == [
        "c = a * b",
        "e = sin(c)",
        "f = e**3",
        "g = e + f",
        "h = g + d",
    ]
    unused = result.inputs[-1]
    assert (unused.rule, unused.derivative, result.differences["unused"]) == ("0", 0, 0)


def test_constant_subexpressions_are_evaluated() -> None:
    result = differentiate("x**(4 / 2) * -3", {"x": -2})
    assert [step.formula for step in result.steps] == ["x**2", "a * (-3)"]
    assert derivatives(result) == {"x": 12}


def test_a_long_expression_has_more_variables_than_letters() -> None:
    result = differentiate("+".join(["x"] * 400), {"x": 1})
    assert derivatives(result) == {"x": 400}
    assert result.steps[26].name == "ab"


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("1 + foo(x)", "unknown name in the expression; give its value, as in foo=1, or", "foo"),
        ("__import__('os')", 'unexpected "\'" in the expression', "'"),
        ("x" + "+x" * 401, "expected at most 400 operations", None),
        ("x ^ 2", "unexpected '^' in the expression; powers are written x**2", "^"),
        ("x.real", "this is not arithmetic", "x.real"),
        ("x * True", "this is not arithmetic", "True"),
        ("2 x", "this is not an expression (invalid syntax); write for example 2 * x", None),
        ("(x", "this is not an expression (", None),
        ("exp", "this is not arithmetic; write for example 2 * x", "exp"),
        ("x(2)", "this is not arithmetic", "x(2)"),
        ("exp()", "this is not arithmetic", "exp()"),
        ("x * 1e999", "this number is too large", "1e999"),
        ("x * 1" + "0" * 400, "this number is too large", None),
        ("1 + exp(exp(9 * x))", "this is too large", "exp(exp(9 * x))"),
        ("1 + log(-x)", "this is not a finite real number", "log(-x)"),
        ("1 / (x - x)", "this is not a finite real number", None),
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
        ("", {}, "expected an expression of 1 to 1,000 characters; found 0"),
        ("x" * 1001, {}, "expected an expression of 1 to 1,000 characters; found 1,001"),
        ("1 + 2", {"x": 1}, "expected a variable in the expression; found none in '1 + 2'"),
        ("x", {"x y": 1}, "expected a name of letters, digits and _; found 'x y'"),
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
    result = differentiate("log(x)", {"x": 1e-9})
    assert derivatives(result) == {"x": pytest.approx(1e9)}
    assert result.differences == {"x": None}


HOSTILE = [
    *"()()()+-*/., ;:'\"[]{}=<>&|^~%@!\\\n\t\0#$?_aäπ∂𝑥０",
    *("**", "exp(", "exp", "x", "y", "log(", "1e9", "9" * 400, "0x1", "1j", "1_0", "lambda x:"),
    *("__import__('os').abort()", "().__class__", "for", "await ", "yield", "f'{x}'", "print("),
    *("((((((((((", "))))))))))", "**x" * 20, "-" * 50, "x.", "None", "True", "not ", "x:="),
    *("exec('1/0')", "x if x else y", "x" * 300, "-x" * 100, "exp(x)+", "(x+y)*", "sin(x*"),
]
ARITHMETIC = [*"xy2+-*/() ", "0.5", "**", "exp(", "log(", "tanh("]


@pytest.mark.parametrize("pieces", [HOSTILE, ARITHMETIC])
def test_2000_hostile_texts_are_differentiated_or_refused(
    pieces: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that took long would make this test hang. Only arithmetic reaches Python's parser."""
    parsed, parse = [], ast.parse
    monkeypatch.setattr(
        ast, "parse", lambda text, **options: parsed.append(text) or parse(text, **options)
    )
    rng = random.Random(0)
    for _ in range(2_000):
        text = "".join(rng.choices(pieces, k=rng.randint(1, 12)))
        try:
            differentiate(text, {"x": 1.5, "y": 0.5})
        except ExpressionError as error:
            assert len(str(error)) < 500
    assert parsed
    assert not any(re.search(r"[^\w\s.+*/()-]", text, re.ASCII) for text in parsed)

"""Tables, JSON and graph of a differentiated expression."""

from pathlib import Path

import pytest

from mnistnet.errors import MnistnetError
from mnistnet.model.differentiation import differentiate
from mnistnet.report import figures
from mnistnet.report.differentiation import as_json, differentiation_text

NOTES = "exp(exp(x) + exp(x)**2) + sin(exp(x) + exp(x)**2)"


def test_the_notes_example_has_the_notes_tables() -> None:
    assert differentiation_text(differentiate(NOTES, {"x": 0.5})) == (
        "forward\n"
        "  x                                                        0.5\n"
        "  a = exp(x)                                      1.6487212707\n"
        "  b = a**2                                       2.71828182846\n"
        "  c = a + b                                      4.36700309916\n"
        "  d = exp(c)                                     78.8071003807\n"
        "  e = sin(c)                                   -0.940944878796\n"
        "  f = d + e                                       77.866155502\n"
        "\n"
        "backward\n"
        "  df/df = 1                                                  1\n"
        "  df/de = df/df                                              1\n"
        "  df/dd = df/df                                              1\n"
        "  df/dc = df/de * cos(c) + df/dd * exp(c)        78.4685405853\n"
        "  df/db = df/dc                                  78.4685405853\n"
        "  df/da = df/dc + df/db * 2 a                    337.214044473\n"
        "  df/dx = df/da * exp(x)                         555.971967902\n"
        "\n"
        "central differences\n"
        "  df/dx (relative difference 5e-10)              555.971968204"
    )


def test_long_rules_are_wrapped_and_a_missing_difference_is_a_dash() -> None:
    text = "+".join(f"x**{n}" for n in range(1, 20)) + " + log(y)"
    result = differentiation_text(differentiate(text, {"x": 1, "y": 1e-9}))
    lines = result.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith(" " * 10) for line in lines) > 3
    assert lines[-1].split(" is not finite on both sides")[1].strip() == "-"


def test_json_has_the_variables_and_the_derivatives() -> None:
    facts = as_json(differentiate("x * x", {"x": 3}))
    assert facts.pop("central_differences") == {"x": pytest.approx(6)}
    variables = [
        {"name": "x", "formula": None, "value": 3, "rule": "da/da * x + da/da * x"},
        {"name": "a", "formula": "x * x", "value": 9, "rule": "1"},
    ]
    assert facts == {
        "expression": "x * x",
        "output": "a",
        "variables": [variables[0] | {"derivative": 6}, variables[1] | {"derivative": 1}],
        "derivatives": {"x": 6},
    }


def test_the_graph_has_a_circle_for_each_variable_and_an_arrow_for_each_use() -> None:
    [pane] = figures.expression(differentiate(NOTES, {"x": 0.5, "unused": 1})).axes
    texts = [text.get_text() for text in pane.texts]
    assert texts[::2] == ["a", "b", "c", "d", "e", "f", "x"]
    assert texts[1::2] == ["exp(x)", "a**2", "a + b", "exp(c)", "sin(c)", "d + e", ""]
    at = {text.get_text(): text.get_position() for text in pane.texts[::2]}
    columns = {name: round(x, 6) for name, (x, _) in at.items()}
    assert columns["x"] < columns["a"] < columns["b"] < columns["c"] < columns["d"] < columns["f"]
    assert columns["d"] == columns["e"]
    assert at["d"][1] > at["e"][1]
    arrows = [p for p in pane.patches if getattr(p, "get_arrowstyle", None)]
    heads = [p for p in arrows if type(p.get_arrowstyle()).__name__ == "CurveFilledB"]
    assert len(heads) == 8  # x a, a b, a c, b c, c d, c e, d f, e f
    assert len(arrows) == 9  # a to c passes the column of b


@pytest.mark.parametrize(
    "text", ["x", "x + y", "x * " * 40 + "y", "tanh(temperature_of_the_room * x)"]
)
def test_the_same_graph_gives_the_same_bytes(text: str, tmp_path: Path) -> None:
    result = differentiate(text, {"x": 1, "y": 2, "temperature_of_the_room": 0.1})
    for name in ("a.svg", "b.svg"):
        figures.save(figures.expression(result), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_graph_of_too_many_variables_is_refused() -> None:
    result = differentiate("+".join(["x"] * 80), {"x": 1})
    with pytest.raises(MnistnetError, match="at most 60 variables to draw; found 80"):
        figures.expression(result)

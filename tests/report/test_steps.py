"""Tables and JSON of a differentiated expression, and the result of a check of the gradient."""

import pytest

from mnistnet.model.differentiation import differentiate
from mnistnet.model.gradcheck import GradientCheck
from mnistnet.report.explain import gradient_check_text, steps_json, steps_text

NOTES = "exp(exp(x) + exp(x)**2) + sin(exp(x) + exp(x)**2)"


def test_the_notes_example_has_the_notes_tables() -> None:
    """Equation 2.1, split as in equation 2.3."""
    assert steps_text(differentiate(NOTES, {"x": 0.5})) == (
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
        "  df/dx (relative difference 5e-10)              555.971968204\n"
        "\n"
        "operations\n"
        "  6 for the value, 10 more for the gradient,\n"
        "  25 for the derivative written out without intermediate variables"
    )


def test_json_has_the_variables_and_the_derivatives() -> None:
    x = {"name": "x", "formula": None, "value": 3, "rule": "da/da * x + da/da * x"}
    a = {"name": "a", "formula": "x * x", "value": 9, "rule": "1"}
    assert steps_json(differentiate("x * x", {"x": 3})) == {
        "expression": "x * x",
        "output": "a",
        "variables": [x | {"derivative": 6}, a | {"derivative": 1}],
        "derivatives": {"x": 6},
        "central_differences": {"x": pytest.approx(6)},
        "operations": {"value": 1, "gradient": 3, "written_out": 1},
    }


def test_a_check_of_the_gradient_says_which_method_does_not_agree() -> None:
    assert gradient_check_text(GradientCheck(57168, 1000, 2e-14, 0.001, True, False)) == (
        "backpropagation against                         largest relative error\n"
        "automatic differentiation, 57,168 weights                      2.0e-14  agrees\n"
        "finite differences, 1,000 weights                              1.0e-03  does not agree"
    )

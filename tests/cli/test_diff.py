"""mnistnet diff."""

import json
from pathlib import Path

from program import assert_fails, run

# The tables are tested in report/test_steps.py.


def test_the_steps_are_printed_and_the_graph_is_drawn() -> None:
    result = run("diff", "exp(x) * y", "x=0", "y = -2.5e0", "--out", "graph.PNG")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("forward\n  x ")
    assert Path("graph.PNG").read_bytes().startswith(b"\x89PNG")


def test_an_expression_may_start_with_a_minus_and_errors_are_marked_in_it() -> None:
    assert json.loads(run("diff", "-tanh(x)", "x=0", "--json").stdout)["derivatives"] == {"x": -1}
    assert_fails(
        run("diff", "1 + log(x)", "x=-1"),
        "this is not a finite real number\n  1 + log(x)\n      ^^^^^^",
    )

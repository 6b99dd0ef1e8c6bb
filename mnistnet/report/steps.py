"""The steps of a differentiated expression as tables, at most 80 columns wide, and as JSON; and the
result of a check of the gradient."""

import textwrap
from typing import Any

from mnistnet.model.differentiation import Differentiation
from mnistnet.model.gradcheck import GradientCheck


def steps_text(result: Differentiation) -> str:
    """Format the forward and backward tables of the notes and the check by central differences."""
    f, inputs, steps = result.output, result.inputs, result.steps
    tables: dict[str, list[tuple[str, float | None]]] = {
        "forward": [
            (f"{v.name} = {v.formula}" if v.formula else v.name, v.value) for v in inputs + steps
        ],
        "backward": [(f"d{f}/d{v.name} = {v.rule}", v.derivative) for v in steps[::-1] + inputs],
        "central differences": [],
    }
    for v in inputs:
        difference, note = result.differences[v.name], "is not finite on both sides"
        if difference is not None:
            largest = max(abs(difference), abs(v.derivative), 1e-300)
            note = f"(relative difference {abs(difference - v.derivative) / largest:.1g})"
        tables["central differences"].append((f"d{f}/d{v.name} {note}", difference))
    width = min(56, max(len(text) for rows in tables.values() for text, _ in rows))
    lines: list[str] = []
    for title, rows in tables.items():
        lines += ["", title]
        for text, value in rows:
            first, *more = textwrap.wrap(text, width, subsequent_indent=" " * 8)
            number = "-" if value is None else f"{value:.12g}"
            lines += [f"  {first:<{width}}{number:>21}", *(f"  {line}" for line in more)]
    return "\n".join(lines[1:])


def as_json(result: Differentiation) -> dict[str, Any]:
    """Return the fields of `diff --json`."""
    names = ("name", "formula", "value", "rule", "derivative")
    return {
        "expression": result.expression,
        "output": result.output,
        "variables": [
            {name: getattr(v, name) for name in names} | {"formula": v.formula or None}
            for v in result.inputs + result.steps
        ],
        "derivatives": {v.name: v.derivative for v in result.inputs},
        "central_differences": result.differences,
    }


def gradient_check_text(check: GradientCheck) -> str:
    """Format the errors of backpropagation against the two other methods, one per line."""
    verdicts = ("does not agree", "agrees")
    autodiff, differences = check.backprop_vs_autodiff, check.backprop_vs_finite_differences
    first = f"automatic differentiation, {check.parameters:,} weights"
    second = f"finite differences, {check.sampled:,} weights"
    return (
        f"{'backpropagation against':<48}largest relative error\n"
        f"{first:<48}{autodiff:>22.1e}  {verdicts[check.autodiff_agrees]}\n"
        f"{second:<48}{differences:>22.1e}  {verdicts[check.finite_differences_agree]}"
    )

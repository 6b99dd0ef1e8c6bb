"""The steps of a differentiated expression as tables, at most 80 columns wide, and as JSON."""

import textwrap
from typing import Any

from mnistnet.model.differentiation import Differentiation

WIDTH = 56  # columns of a formula or rule; a value takes 21 more


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
    width = min(WIDTH, max(len(text) for rows in tables.values() for text, _ in rows))
    return "\n\n".join(
        "\n".join([title, *(_row(text, value, width) for text, value in rows)])
        for title, rows in tables.items()
    )


def _row(text: str, value: float | None, width: int) -> str:
    first, *more = textwrap.wrap(text, width, subsequent_indent=" " * 8)
    number = "-" if value is None else f"{value:.12g}"
    return "\n".join([f"  {first:<{width}}{number:>21}", *(f"  {line}" for line in more)])


def as_json(result: Differentiation) -> dict[str, Any]:
    """Return the fields of `diff --json`."""
    return {
        "expression": result.expression,
        "output": result.output,
        "variables": [
            {
                "name": v.name,
                "formula": v.formula or None,
                "value": v.value,
                "rule": v.rule,
                "derivative": v.derivative,
            }
            for v in result.inputs + result.steps
        ],
        "derivatives": {v.name: v.derivative for v in result.inputs},
        "central_differences": result.differences,
    }

"""A differentiated expression as tables, at most 80 columns wide, and as JSON."""

import textwrap
from collections.abc import Sequence
from typing import Any

from mnistnet.model.differentiation import Differentiation

WIDTH = 56  # columns of a formula or rule; a value takes 21 more


def differentiation_text(result: Differentiation) -> str:
    """Format the forward and backward tables of the notes and the check by central differences."""
    y, inputs, steps = result.output, result.inputs, result.steps
    check = []
    for q in inputs:
        found = result.differences[q.name]
        note = " is not finite on both sides" if found is None else ""
        if found is not None:
            error = abs(found - q.derivative) / max(abs(found), abs(q.derivative), 1e-300)
            note = f" (relative difference {error:.1g})"
        check.append((f"d{y}/d{q.name}{note}", found))
    tables: dict[str, Sequence[tuple[str, float | None]]] = {
        "forward": [
            (q.name + " = " * bool(q.formula) + q.formula, q.value) for q in inputs + steps
        ],
        "backward": [(f"d{y}/d{q.name} = {q.rule}", q.derivative) for q in steps[::-1] + inputs],
        "central differences": check,
    }
    longest = max(len(text) for rows in tables.values() for text, _ in rows)
    width = min(WIDTH, longest)
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
                "name": q.name,
                "formula": q.formula or None,
                "value": q.value,
                "rule": q.rule,
                "derivative": q.derivative,
            }
            for q in result.inputs + result.steps
        ],
        "derivatives": {q.name: q.derivative for q in result.inputs},
        "central_differences": result.differences,
    }

"""Show each number of a computation: of an answer (the formulas of network.py for one image), of a
differentiated expression, and of a check of the gradient. Texts have at most 80 columns."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.model.differentiation import Differentiation
from mnistnet.model.gradcheck import GradientCheck
from mnistnet.model.network import Perceptron, backpropagate, forward, log_probabilities, scale


def explain(network: Perceptron, image: Array, label: int | None = None) -> dict[str, Any]:
    """Explain the network's answer to an image (784,) uint8; computed in float64.

    Returns the fields of `predict --explain --json`: the two digits with the highest scores; the
    units of the last hidden layer (or pixels) whose contributions to these scores differ most, each
    with its input and h = tanh(input); the contributions of all others together; scores and
    probabilities of the digits 0 to 9; and if the label is known, the loss and the largest
    derivatives of each matrix.
    """
    exact = Perceptron(network.layers, np.float64)
    exact.parameters[:] = network.parameters
    W, x = exact.matrices, scale(image[None], np.empty((1, image.size)))
    layers, scores = forward(W, x)
    h, f = layers[-1][0], scores[0]
    inputs = W[-2] @ layers[-2][0] if len(W) > 1 else h
    log_p = log_probabilities(scores)[0]
    runner_up, answer = np.argsort(f, kind="stable")[-2:].tolist()
    shares = W[-1][[answer, runner_up]] * h
    order = np.argsort(-np.abs(shares[0] - shares[1]), kind="stable")
    first, others = order[:10], order[10:]
    to_answer, to_runner_up = shares[:, others].sum(axis=1).tolist()
    names = ("unit", "input", "h", "to_answer", "to_runner_up")
    columns = (each.tolist() for each in (first, inputs[first], h[first], *shares[:, first]))
    return {
        "answer": answer,
        "runner_up": runner_up,
        "units": [dict(zip(names, unit, strict=True)) for unit in zip(*columns, strict=True)],
        "others_to_answer": to_answer,
        "others_to_runner_up": to_runner_up,
        "scores": f.tolist(),
        "probabilities": np.exp(log_p).tolist(),
        "label": label,
        "loss": None if label is None else float(-log_p[label]),
        "derivatives": [] if label is None else _largest_derivatives(exact, x, label),
    }


def _largest_derivatives(network: Perceptron, x: Array, label: int) -> list[dict[str, Any]]:
    _, gradient, _ = backpropagate(network, x, np.array([label]))
    found = []
    for name, G in zip(matrix_names(len(network.matrices)), network.split(gradient), strict=True):
        rows = np.sort(np.argsort(-np.abs(G).max(axis=1), kind="stable")[:5])  # have the largest 5
        for place in np.argsort(-np.abs(G[rows]), axis=None, kind="stable")[:5].tolist():
            row, column = int(rows[place // G.shape[1]]), place % G.shape[1]
            value = float(G[row, column])
            found.append({"matrix": name, "row": row, "column": column, "value": value})
    return found


def matrix_names(count: int) -> list[str]:
    """M and W, as in the notes, for two matrices; else W1, W2, ..."""
    return ["M", "W"] if count == 2 else [f"W{layer}" for layer in range(1, count + 1)]


def explanation_text(found: dict[str, Any], layers: Sequence[int]) -> str:
    """Format the explanation of an answer of a network with these layers as tables."""
    *before, last = names = matrix_names(len(layers) - 1)
    kind, inputs = "pixel", "x"
    if before:
        kind, inputs = "unit", f"{before[-1]} {'h' if before[1:] else 'x'}"
    answer, runner_up, units = found["answer"], found["runner_up"], found["units"]
    heads = "".join(f"{f'{last} h for {digit}':>14}" for digit in (answer, runner_up))
    lines = [
        f"the {len(units)} {kind}s that matter most for {answer} against {runner_up}, and the sum "
        f"of the {layers[-2] - len(units)} others",
        f"{kind:>8}{inputs:>10}{'h':>10}{heads}{'difference':>14}",
    ]
    rows = []
    for unit in units:
        head = "{unit:>8}{input:>10.4f}{h:>10.4f}".format(**unit)
        rows.append((head, unit["to_answer"], unit["to_runner_up"]))
    rows.append((f"{'others':>8}", found["others_to_answer"], found["others_to_runner_up"]))
    rows.append((f"{'f':>8}", found["scores"][answer], found["scores"][runner_up]))
    lines += [f"{head:<28}{a:>14.4f}{b:>14.4f}{a - b:>14.4f}" for head, a, b in rows]
    lines += [
        "",
        f"{'digit':>8}" + "".join(f"{digit:>7}" for digit in range(CLASSES)),
        f"{'f':>8}" + "".join(f"{score:>7.2f}" for score in found["scores"]),
        f"{'softmax':>8}" + "".join(f"{p:>7.4f}" for p in found["probabilities"]),
    ]
    if found["loss"] is not None:
        lines += ["", "L = {loss:.6f} for the label {label}; largest derivatives".format(**found)]
    for d in found["derivatives"]:
        name = "dL/d{matrix}[{row}, {column}]".format(**d)
        where = f"  pixel {d['column'] % SIDE} across, {d['column'] // SIDE} down"
        lines.append(f"  {name:<20}{d['value']:>12.6f}" + where * (d["matrix"] == names[0]))
    return "\n".join(lines)


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


def steps_json(result: Differentiation) -> dict[str, Any]:
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

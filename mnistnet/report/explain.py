"""Show each number of a computation: of an answer (the formulas of network.py for one image), of a
differentiated expression, and of a check of the gradient. Texts have at most 80 columns."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.errors import PictureError
from mnistnet.model.answer import Answer
from mnistnet.model.differentiation import Differentiation
from mnistnet.model.gradcheck import GradientCheck
from mnistnet.model.network import Perceptron, backpropagate, forward, log_probabilities, scale
from mnistnet.report.text import half_blocks

LONGEST = 28.0  # length of a change of a picture; that from all black to all white


def explain(network: Perceptron, image: Array, label: int | None = None) -> dict[str, Any]:
    """Explain the network's answer to an image (784,) uint8; computed in float64.

    Returns the fields of `predict --explain --json`: the two digits with the highest scores; the
    units of the last hidden layer (or pixels) whose contributions to these scores differ most, each
    with its input and h = tanh(input); the contributions of all others together; scores and
    probabilities of the digits 0 to 9; and if the label is known, the loss, the largest derivatives
    of each matrix, and "backward": dL/df, and dL/dh, the slope 1 - h^2, their product and the
    length of the row of dL/dM of the units for which that is longest.
    """
    exact = network.in_float64()
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
        "backward": None if label is None else _backward(W, layers, np.exp(log_p), label),
    }


def _backward(W: Sequence[Array], layers: Sequence[Array], p: Array, label: int) -> dict[str, Any]:
    h, df = layers[-1][0], p - (np.arange(CLASSES) == label)
    dh, slope = df @ W[-1], 1 - h**2  # dL/dh = W^T dL/df
    rows = np.abs(dh * slope) * np.linalg.norm(layers[-2 % len(W)])
    first = np.argsort(-rows, kind="stable")[: 5 * (len(W) > 1)]
    table = np.array([dh, slope, dh * slope, rows])[:, first].tolist()
    names = ("unit", "dL_dh", "slope", "product", "row")
    units = [
        dict(zip(names, unit, strict=True)) for unit in zip(first.tolist(), *table, strict=True)
    ]
    return {"dL_df": df.tolist(), "units": units}


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
    if backward := found["backward"]:
        lines.append(f"{'dL/df':>8}" + "".join(f"{d:>7.3f}" for d in backward["dL_df"]))
        if backward["units"]:
            lines += ["", f"the {kind}s with the longest rows of dL/d{before[-1]}"]
            lines += [f"{kind:>8}{'dL/dh':>12}{'1 - h^2':>12}{'product':>12}{'|row|':>12}"]
        form = "{unit:>8}{dL_dh:>12.6f}{slope:>12.6f}{product:>12.6f}{row:>12.6f}"
        lines += [form.format(**unit) for unit in backward["units"]]
        lines += ["", "L = {loss:.6f} for the label {label}; largest derivatives".format(**found)]
    for d in found["derivatives"]:
        name = "dL/d{matrix}[{row}, {column}]".format(**d)
        where = f"  pixel {d['column'] % SIDE} across, {d['column'] // SIDE} down"
        lines.append(f"  {name:<20}{d['value']:>12.6f}" + where * (d["matrix"] == names[0]))
    return "\n".join(lines)


def change_toward(network: Perceptron, reply: Answer, digit: int) -> dict[str, Any]:
    """Find the smallest length s for which the answer to clip(x + s d, 0, 1) is this digit, where d
    is the direction of the gradient of f_digit - f_answer with respect to x, the pixels / 255.

    Returns the field "change" of `predict --json`; length and after are None if there is no such s
    up to 28. Raises PictureError if the reply is not one digit, or this digit already.
    """
    if reply.digit in (None, digit):
        found = reply.number or (f"a {digit}" if reply.digits else "no digit")
        raise PictureError(f"{reply.source}: expected a digit other than {digit}; found {found}")
    exact = network.in_float64()
    W, x = exact.matrices, reply.images[0] / 255
    layers, f = forward(W, x[None])
    answer, step, length = int(f.argmax()), LONGEST, LONGEST
    signal = W[-1][digit] - W[-1][answer]
    for M, h in zip(W[-2::-1], layers[:0:-1], strict=True):
        signal = signal * (1 - h[0] ** 2) @ M
    direction = signal / (np.linalg.norm(signal) or 1)
    change = {"answer": answer, "toward": digit, "before": x.tolist()}
    for _ in range(3):  # ever finer grids
        lengths, step = length - step + step * np.arange(1, 201) / 200, step / 200
        pictures = np.clip(x + lengths[:, None] * direction, 0, 1)
        reached = np.flatnonzero(exact.scores(pictures).argmax(axis=1) == digit)
        if not reached.size:
            return change | {"length": None, "after": None}
        length, after = float(lengths[reached[0]]), pictures[reached[0]].tolist()
    return change | {"length": length, "after": after}


def change_text(found: dict[str, Any], plain: bool) -> str:
    """Draw the picture before, its change and the picture after, without the outermost columns."""
    gradient = "along the gradient of f_{toward} - f_{answer}".format(**found)
    if found["length"] is None:
        return f"no change up to length {LONGEST:g} {gradient} makes it a {found['toward']}"
    before, after = 255 * np.array([found["before"], found["after"]])
    change = (after - before).reshape(SIDE // 2, 2, SIDE).mean(axis=1)
    signs = np.sign(change).astype(int) * (np.abs(change) > np.abs(change).max() / 5)
    parts = (half_blocks(before, plain), np.array(list(" +-"))[signs], half_blocks(after, plain))
    lines = [f"before, a change of length {found['length']:.4f} {gradient}, and after"]
    for row in zip(*parts, strict=True):
        lines.append(" ".join("".join(part[1:-1]) for part in row).rstrip())
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
    form = (
        "  {value} for the value, {gradient} more for the gradient, {written_out:.6g} written out"
    )
    return "\n".join([*lines[1:], "", "operations", form.format(**result.operations)])


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
        "operations": result.operations,
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


def epsilon_text(found: dict[str, Any]) -> str:
    """Format the errors of finite differences for each epsilon, and what a gradient costs."""
    form = "{epsilon:>9.0e}{one_sided:>24.1e}{central:>14.1e}"
    loss, gradient, differences = found["seconds"].values()
    return "\n".join(
        [
            f"{'epsilon':>9}{'(L1 - L0) / epsilon':>24}{'central':>14}  relative errors",
            *(form.format(**row) for row in found["errors"]),
            f"loss {loss:.2g} s, backpropagation {gradient / loss:.1f} times as long,",
            f"(L1 - L0) / epsilon of all weights {differences / loss:,.0f}, in {differences:.0f} s",
        ]
    )

"""Explain an answer with the numbers in the formulas of network.py for one image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.model.network import Network, backpropagate, forward, log_probabilities, scale

UNITS = 10  # shown
DERIVATIVES = 5  # shown of each matrix


@dataclass(frozen=True)
class Contribution:
    """What a unit of the last hidden layer, h = tanh(input), contributes to two scores."""

    unit: int
    input: float
    h: float
    to_answer: float
    to_runner_up: float


@dataclass(frozen=True)
class Derivative:
    """dL / d matrix[row, column]."""

    matrix: str
    row: int
    column: int
    value: float


@dataclass(frozen=True)
class Explanation:
    """The numbers behind an answer.

    answer, runner_up   the two digits with the highest scores
    units               contributions of the units that differ most between the two, in this order
    others_to_...       contributions of all other units together
    scores              of the digits 0 to 9, as are the probabilities
    loss, derivatives   for the label, if it is known: the largest derivatives of each matrix
    """

    answer: int
    runner_up: int
    units: list[Contribution]
    others_to_answer: float
    others_to_runner_up: float
    scores: list[float]
    probabilities: list[float]
    label: int | None
    loss: float | None
    derivatives: list[Derivative]


def explain(network: Network, image: Array, label: int | None = None) -> Explanation:
    """Explain the network's answer to an image (784,) uint8; computed in float64."""
    exact = Network(network.layers, np.float64)
    exact.parameters[:] = network.parameters
    x = scale(image[None], np.empty((1, image.size)))
    W = exact.matrices
    layers, scores = forward(W, x)
    h, f = layers[-1][0], scores[0]
    inputs = W[-2] @ layers[-2][0] if len(W) > 1 else h
    log_p = log_probabilities(scores)[0]
    runner_up, answer = np.argsort(f, kind="stable")[-2:].tolist()
    shares = W[-1] * h
    order = np.argsort(-np.abs(shares[answer] - shares[runner_up]), kind="stable")
    units = [
        Contribution(
            int(u), *map(float, (inputs[u], h[u], shares[answer, u], shares[runner_up, u]))
        )
        for u in order[:UNITS]
    ]
    others = shares[:, order[UNITS:]].sum(axis=1)
    return Explanation(
        answer=answer,
        runner_up=runner_up,
        units=units,
        others_to_answer=float(others[answer]),
        others_to_runner_up=float(others[runner_up]),
        scores=f.tolist(),
        probabilities=np.exp(log_p).tolist(),
        label=label,
        loss=None if label is None else float(-log_p[label]),
        derivatives=[] if label is None else _largest_derivatives(exact, x, label),
    )


def _largest_derivatives(network: Network, x: Array, label: int) -> list[Derivative]:
    _, gradient, _ = backpropagate(network, x, np.array([label]))
    found = []
    for name, G in zip(matrix_names(len(network.matrices)), network.split(gradient), strict=True):
        for place in np.argsort(-np.abs(G), axis=None, kind="stable")[:DERIVATIVES]:
            row, column = divmod(int(place), G.shape[1])
            found.append(Derivative(name, row, column, float(G[row, column])))
    return found


def matrix_names(count: int) -> list[str]:
    """M and W, as in the notes, for two matrices; else W1, W2, ..."""
    return ["M", "W"] if count == 2 else [f"W{layer}" for layer in range(1, count + 1)]


def explanation_text(found: Explanation, layers: Sequence[int]) -> str:
    """Format the explanation of an answer of a network with these layers as tables."""
    names = matrix_names(len(layers) - 1)
    kind, last = ("unit", names[-1]) if len(names) > 1 else ("pixel", names[0])
    inputs = f"{names[-2]} {'x' if len(names) == 2 else 'h'}" if len(names) > 1 else "x"
    heads = [f"{last} h for {digit}" for digit in (found.answer, found.runner_up)]
    lines = [
        f"the {len(found.units)} {kind}s that matter most for {found.answer} against "
        f"{found.runner_up}, and the sum of the {layers[-2] - len(found.units)} others",
        f"{kind:>8}{inputs:>10}{'h':>10}{heads[0]:>14}{heads[1]:>14}{'difference':>14}",
    ]
    for u in found.units:
        lines.append(
            f"{u.unit:>8}{u.input:>10.4f}{u.h:>10.4f}" + _pair(u.to_answer, u.to_runner_up)
        )
    lines.append(
        f"{'others':>8}{'':>20}" + _pair(found.others_to_answer, found.others_to_runner_up)
    )
    scores = found.scores[found.answer], found.scores[found.runner_up]
    lines += [f"{'f':>8}{'':>20}" + _pair(*scores), ""]
    lines.append(f"{'digit':>8}" + "".join(f"{digit:>7}" for digit in range(CLASSES)))
    lines.append(f"{'f':>8}" + "".join(f"{score:>7.2f}" for score in found.scores))
    lines.append(f"{'softmax':>8}" + "".join(f"{p:>7.4f}" for p in found.probabilities))
    if found.loss is not None:
        lines += ["", f"L = {found.loss:.6f} for the label {found.label}; largest derivatives"]
    for d in found.derivatives:
        where = f"  pixel {d.column % SIDE} across, {d.column // SIDE} down"
        name = f"dL/d{d.matrix}[{d.row}, {d.column}]"
        lines.append(f"  {name:<20}{d.value:>12.6f}" + where * (d.matrix == names[0]))
    return "\n".join(lines)


def _pair(answer: float, runner_up: float) -> str:
    return f"{answer:>14.4f}{runner_up:>14.4f}{answer - runner_up:>14.4f}"

"""Draw the graph of an expression as in the notes, from the inputs (left) to the output."""

import statistics
from collections import defaultdict

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Curve

from mnistnet.errors import MnistnetError
from mnistnet.model.differentiation import Differentiation
from mnistnet.report.figures.style import STYLE

MAX_VARIABLES = 60
ACROSS, DOWN, RADIUS = 1.3, 1.0, 0.27  # inches between variables, and of the circles
SWEEPS = 10

Point = tuple[str, int]  # a variable and the column of its circle, or of a point on its edge


@matplotlib.rc_context(STYLE)
def expression(result: Differentiation) -> Figure:
    """Draw a circle for each variable, its formula below, and an arrow to each variable using it.

    Raises MnistnetError for more than MAX_VARIABLES variables.
    """
    quantities = {q.name: q for q in result.inputs + result.steps}
    if len(quantities) > MAX_VARIABLES:
        raise MnistnetError(
            f"expected at most {MAX_VARIABLES} variables to draw; found {len(quantities)}"
        )
    columns, edges = _columns(result)
    places = _places(columns, edges)
    rows = max(abs(y) for _, y in places.values())
    width = ACROSS * max(columns.values()) + 1.2
    figure = Figure((width, DOWN * 2 * rows + 1.2))
    pane = figure.add_axes((0, 0, 1, 1))
    pane.set(
        xlim=(-0.6, width - 0.6), ylim=(-DOWN * rows - 0.65, DOWN * rows + 0.55), aspect="equal"
    )
    pane.axis("off")
    for start, end in edges:
        (x0, y0), (x1, y1) = places[start], places[end]
        x0 += RADIUS * (columns.get(start[0]) == start[1])
        is_end = columns.get(end[0]) == end[1]
        x1 -= RADIUS * is_end
        middle = (x0 + x1) / 2
        curve = Curve([(x0, y0), (middle, y0), (middle, y1), (x1, y1)], [1, 4, 4, 4])
        style = "-|>" if is_end else "-"
        pane.add_patch(
            FancyArrowPatch(path=curve, arrowstyle=style, mutation_scale=10, color="black")
        )
    for name, column in columns.items():
        x, y = places[name, column]
        formula = quantities[name].formula
        face = "white" if formula else "#e5e5e5"
        pane.add_patch(Circle((x, y), RADIUS, facecolor=face, edgecolor="black"))
        pane.text(x, y, name, ha="center", va="center", fontsize=min(11, 30 / len(name)))
        size = min(9, 110 / max(1, len(formula)))
        pane.text(x, y - RADIUS - 0.06, formula, ha="center", va="top", fontsize=size)
    return figure


def _columns(result: Differentiation) -> tuple[dict[str, int], list[tuple[Point, Point]]]:
    """Return the column of each variable that is used, and the edges, split at each column."""
    users = defaultdict(list)
    columns: dict[str, int] = {}
    for step in result.steps:
        parents = [x for x in dict.fromkeys(step.operands) if isinstance(x, str)]
        columns[step.name] = 1 + max(columns.get(parent, 0) for parent in parents)
        for parent in parents:
            users[parent].append(step.name)
    for quantity in result.inputs:  # in the column before the first use
        used = [columns[user] for user in users[quantity.name]]
        if used or quantity.name == result.output:
            columns[quantity.name] = min(used, default=1) - 1
    edges = {
        ((parent, column), (user if column + 1 == columns[user] else parent, column + 1))
        for parent, names in users.items()
        for user in names
        for column in range(columns[parent], columns[user])
    }
    return columns, sorted(edges)


def _places(
    columns: dict[str, int], edges: list[tuple[Point, Point]]
) -> dict[Point, tuple[float, float]]:
    """Return the place of each point. Each column is ordered by the mean height of the neighbours,
    so that few edges cross (Sugiyama, Tagawa and Toda 1981)."""
    points = list(dict.fromkeys([*columns.items(), *(end for edge in edges for end in edge)]))
    layers = [[p for p in points if p[1] == column] for column in range(max(columns.values()) + 1)]
    neighbours = defaultdict(list)
    for start, end in edges:
        neighbours[start, 1].append(end)
        neighbours[end, -1].append(start)
    heights = {p: _height(i, layer) for layer in layers for i, p in enumerate(layer)}
    for sweep in range(SWEEPS):
        step = 1 if sweep % 2 else -1
        for layer in layers[::-step]:
            means = {
                p: statistics.fmean([heights[q] for q in neighbours[p, step]] or [heights[p]])
                for p in layer
            }
            layer.sort(key=means.__getitem__)
            heights |= {p: _height(i, layer) for i, p in enumerate(layer)}
    return {p: (ACROSS * p[1], -DOWN * heights[p]) for p in points}


def _height(index: int, layer: list[Point]) -> float:
    return index - (len(layer) - 1) / 2

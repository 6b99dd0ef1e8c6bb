"""Draw the graph of an expression as in the notes, from the inputs (left) to the output."""

import textwrap
from collections import defaultdict
from statistics import fmean

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Curve

from mnistnet.errors import MnistnetError
from mnistnet.model.differentiation import Differentiation
from mnistnet.report.figures.style import STYLE

MAX_VARIABLES = 60
ACROSS, RADIUS = 1.3, 0.27  # inches from column to column, and of circles; rows are 1 inch apart
NAME = 6  # characters of a name in a circle; a longer one stands below
LINE, LINES = 18, 4  # characters of a line below a circle, and lines
SWEEPS = 10

Point = tuple[str, int]  # a variable and the column of its circle, or of a point on its edge


@matplotlib.rc_context(STYLE)
def expression(result: Differentiation) -> Figure:
    """Draw a circle for each variable, its formula below, and an arrow to each variable using it.

    Raises MnistnetError for more than MAX_VARIABLES variables.
    """
    count = len(result.inputs) + len(result.steps)
    if count > MAX_VARIABLES:
        raise MnistnetError(f"expected at most {MAX_VARIABLES} variables to draw; found {count}")
    columns, edges = _columns(result)
    places = _places(columns, edges)
    rows = max(abs(y) for _, y in places.values())
    width = ACROSS * max(columns.values()) + 1.2
    figure = Figure((width, 2 * rows + 1.2))
    pane = figure.add_axes((0, 0, 1, 1))
    pane.set(xlim=(-0.6, width - 0.6), ylim=(-rows - 0.65, rows + 0.55), aspect="equal")
    pane.axis("off")
    for start, end in edges:
        (x0, y0), (x1, y1) = places[start], places[end]
        is_end = end in columns.items()
        x0 += RADIUS * (start in columns.items())
        x1 -= RADIUS * is_end
        middle = (x0 + x1) / 2
        curve = Curve([(x0, y0), (middle, y0), (middle, y1), (x1, y1)], [1, 4, 4, 4])
        style = "-|>" if is_end else "-"
        arrow = FancyArrowPatch(path=curve, arrowstyle=style, mutation_scale=10, color="black")
        pane.add_patch(arrow)
    for variable in result.inputs + result.steps:
        if variable.name not in columns:
            continue
        x, y = places[variable.name, columns[variable.name]]
        name, below = variable.name, variable.formula
        face = "white" if variable.formula else "#e5e5e5"
        if len(name) > NAME:
            name, below = "", name
        pane.add_patch(Circle((x, y), RADIUS, facecolor=face, edgecolor="black"))
        pane.text(x, y, name, ha="center", va="center", fontsize=11 if len(name) < 5 else 8)
        lines = textwrap.wrap(below, LINE, max_lines=LINES, placeholder=" ...")
        size = 9 if len(below) <= 13 else 7
        pane.text(x, y - RADIUS - 0.06, "\n".join(lines), ha="center", va="top", fontsize=size)
    return figure


def _columns(result: Differentiation) -> tuple[dict[str, int], list[tuple[Point, Point]]]:
    """Return the column of each variable that is used, and the edges, split at each column."""
    columns: dict[str, int] = {}
    uses = []
    for step in result.steps:
        operands = [x for x in step.operands if isinstance(x, str)]
        uses += [(operand, step.name) for operand in operands]
        columns[step.name] = 1 + max(columns.get(operand, 0) for operand in operands)
    for variable in result.inputs:  # in the column before the first use
        users = [columns[user] for operand, user in uses if operand == variable.name]
        if users or variable.name == result.output:
            columns[variable.name] = min(users, default=1) - 1
    edges = {
        ((operand, column), (user if column + 1 == columns[user] else operand, column + 1))
        for operand, user in uses
        for column in range(columns[operand], columns[user])
    }
    return columns, sorted(edges)


def _places(
    columns: dict[str, int], edges: list[tuple[Point, Point]]
) -> dict[Point, tuple[float, float]]:
    """Return the place of each point in inches. Each column is ordered by the mean height of the
    neighbours, so that few edges cross (Sugiyama, Tagawa and Toda 1981)."""
    points = dict.fromkeys([*columns.items(), *(end for edge in edges for end in edge)])
    layers = [[p for p in points if p[1] == column] for column in range(max(columns.values()) + 1)]
    neighbours = defaultdict(list)
    for start, end in edges:
        neighbours[start, 1].append(end)
        neighbours[end, -1].append(start)
    heights = {p: _height(i, layer) for layer in layers for i, p in enumerate(layer)}
    for sweep in range(SWEEPS):
        side = 1 if sweep % 2 else -1  # the neighbours on the right, or on the left
        for layer in layers[::-side]:
            means = {p: fmean(heights[q] for q in neighbours[p, side] or [p]) for p in layer}
            layer.sort(key=means.__getitem__)
            heights |= {p: _height(i, layer) for i, p in enumerate(layer)}
    return {p: (ACROSS * p[1], -heights[p]) for p in points}


def _height(index: int, layer: list[Point]) -> float:
    return index - (len(layer) - 1) / 2

"""Draw the graph of an expression as in the notes, from the inputs (left) to the output."""

import textwrap
from collections import defaultdict
from itertools import pairwise
from statistics import fmean

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path as Curve

from mnistnet.errors import MnistnetError
from mnistnet.model.differentiation import Differentiation
from mnistnet.report.figures.style import ORANGE, STYLE

ACROSS, DOWN, RADIUS = 1.3, 1.25, 0.27  # inches from column to column, row to row; of circles

Point = tuple[str, int]  # a variable and the column of its circle, or of a point on its edge
Edge = tuple[Point, Point]


@matplotlib.rc_context(STYLE)
def expression(result: Differentiation) -> Figure:
    """Draw a circle for each variable, its formula and value below, the derivative by it above, and
    an arrow to each variable using it.
    Raises MnistnetError for more than 60 variables."""
    variables = result.inputs + result.steps
    if len(variables) > 60:
        raise MnistnetError(f"expected at most 60 variables to draw; found {len(variables)}")
    columns, edges = _edges(result)
    output = (result.output, columns[result.output])
    places = _places(output, edges)
    rows = max(abs(y) for _, y in places.values())
    width = ACROSS * output[1] + 1.2
    figure = Figure((width, 2 * rows + 1.2))
    pane = figure.add_axes((0, 0, 1, 1))
    pane.set(xlim=(-0.6, width - 0.6), ylim=(-rows - 0.65, rows + 0.55), aspect="equal")
    pane.axis("off")
    for start, end in edges:
        (x0, y0), (x1, y1) = places[start], places[end]
        is_head = end in columns.items()
        x0 += RADIUS * (start in columns.items())
        x1 -= RADIUS * is_head
        middle = (x0 + x1) / 2
        curve = Curve([(x0, y0), (middle, y0), (middle, y1), (x1, y1)], [1, 4, 4, 4])
        style = "-|>" if is_head else "-"
        arrow = FancyArrowPatch(path=curve, arrowstyle=style, mutation_scale=10, color="black")
        pane.add_patch(arrow)
    for variable in variables:
        point = (variable.name, columns[variable.name])
        if point not in places:  # an input that is not used
            continue
        (x, y), name, below = places[point], variable.name, variable.formula
        face = "white" if below else "#e5e5e5"
        if len(name) > 6:
            name, below = "", name
        pane.add_patch(Circle((x, y), RADIUS, facecolor=face, edgecolor="black"))
        pane.text(x, y, name, ha="center", va="center", fontsize=11 if len(name) < 5 else 8)
        lines = textwrap.wrap(below, 18, max_lines=3, placeholder=" ...")
        lines.append(f"= {variable.value:.5g}")
        size = 9 if len(below) <= 13 else 7
        pane.text(x, y - RADIUS - 0.06, "\n".join(lines), ha="center", va="top", fontsize=size)
        slope = f"d{result.output[:7]}/d{name or '...'} = {variable.derivative:.5g}"
        pane.text(x, y + RADIUS + 0.05, slope, ha="center", fontsize=8, color=ORANGE)
    return figure


def _edges(result: Differentiation) -> tuple[dict[str, int], list[Edge]]:
    """Return the column of each variable, and the edges, split at each column."""
    columns = {variable.name: 0 for variable in result.inputs}
    uses = []
    for step in result.steps:
        operands = [name for name in step.operands if isinstance(name, str)]
        uses += [(operand, step.name) for operand in operands]
        columns[step.name] = 1 + max(columns[operand] for operand in operands)
    for variable in result.inputs:  # in the column before the first use
        users = [columns[user] for operand, user in uses if operand == variable.name]
        columns[variable.name] = min(users, default=1) - 1
    edges: dict[Edge, None] = {}  # an ordered set
    for operand, user in uses:
        passed = [(operand, n) for n in range(columns[operand], columns[user])]
        edges |= dict.fromkeys(pairwise([*passed, (user, columns[user])]))
    return columns, list(edges)


def _places(output: Point, edges: list[Edge]) -> dict[Point, tuple[float, float]]:
    """Return the place of each point in inches. Each column is ordered by the mean height of the
    neighbours, so that few edges cross (Sugiyama, Tagawa and Toda 1981)."""
    neighbours = defaultdict(list)
    for start, end in edges:
        neighbours[start, 1].append(end)
        neighbours[end, -1].append(start)
    heights = dict.fromkeys([output, *(point for edge in edges for point in edge)], 0.0)
    layers = [[p for p in heights if p[1] == column] for column in range(output[1] + 1)]
    for sweep in range(10):
        side = 1 if sweep % 2 else -1  # the neighbours on the right, or on the left
        for layer in layers[::-side]:
            means = {p: fmean(heights[q] for q in neighbours[p, side] or [p]) for p in layer}
            layer.sort(key=means.__getitem__)
            heights |= {p: i - (len(layer) - 1) / 2 for i, p in enumerate(layer)}
    return {p: (ACROSS * p[1], -DOWN * height) for p, height in heights.items()}

"""Figures of the weights of a network, and of its units for some images."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.errors import MnistnetError
from mnistnet.model.network import Network, forward, scale
from mnistnet.report.explain import matrix_names
from mnistnet.report.figures.style import BLUE, ORANGE, ORDER, SIGNS, STYLE, show_digit

MAX_LAYERS = 12
MAX_WEIGHTS = 4_000_000  # in a matrix; drawing takes about 100 bytes per weight
MAX_TILES = 72  # hidden units of the first layer shown
FAINT = 0.2  # of the common scale; a fainter tile has its own scale
TILE = SIDE + 2  # pixels, including the gap
NAME = 16  # characters shown of the name of an image


@matplotlib.rc_context(STYLE)
def weights(network: Network) -> Figure:
    """Draw all matrices: the first with a 28 x 28 tile per hidden unit, the others with a row per
    unit, the scores in the notes' order.

    Each matrix has a colour scale symmetric about zero; framed tiles have their own. Of more than
    72 units, those with the largest outgoing weights are shown. Raises MnistnetError for more than
    MAX_LAYERS matrices or MAX_WEIGHTS weights in one.
    """
    count, largest = len(network.matrices), max(W.size for W in network.matrices)
    if count > MAX_LAYERS:
        raise MnistnetError(
            f"expected a network of at most {MAX_LAYERS} matrices to draw; found {count}"
        )
    if largest > MAX_WEIGHTS:
        raise MnistnetError(
            f"expected matrices of at most {MAX_WEIGHTS:,} weights to draw; found {largest:,}"
        )
    chosen = _chosen(network)
    across = _across(len(chosen))
    heights = [7 * -(-len(chosen) // across) / across + 0.4]  # inches; the width is about 7
    heights += [1 + min(len(W) / 12, 3) for W in network.matrices[1:]]
    figure = Figure((8, sum(heights)), layout="constrained")
    panes = figure.subplots(count, height_ratios=heights, squeeze=False)[:, 0]
    _show_tiles(panes[0], network, chosen, across)
    for layer, pane in enumerate(panes[1:], start=1):
        columns = chosen if layer == 1 else np.arange(network.layers[layer])
        _show_matrix(pane, network.matrices[layer], columns, is_last=layer == count - 1)
    for name, pane, height in zip(matrix_names(count), panes, heights, strict=True):
        pane.set_title(f"{name}: {pane.get_title()}")
        bar = figure.colorbar(pane.images[0], ax=pane, extend="both", pad=0.01, aspect=7 * height)
        bar.set_label("weight")
    return figure


def _chosen(network: Network) -> Array:
    """Return the units of the first layer to show, in order."""
    units = len(network.matrices[0])
    if len(network.matrices) == 1 or units <= MAX_TILES:
        return np.arange(units)
    outgoing = np.linalg.norm(network.matrices[1], axis=0)
    return np.sort(np.argsort(-outgoing, kind="stable")[:MAX_TILES])


def _across(count: int) -> int:
    """Columns for count tiles: about 1.6 times the number of rows, with few empty places."""
    least = math.ceil(math.sqrt(1.6 * count))
    return min(range(least, 2 * least), key=lambda columns: -count % columns)


def _grid(cells: Array, across: int) -> Array:
    """Arrange cells (n, height, width) in rows of this many, the last one filled with NaN."""
    n, height, width = cells.shape
    down = -(-n // across)
    grid = np.full((down * across, height, width), np.nan, np.float32)
    grid[:n] = cells
    rows = grid.reshape(down, across, height, width).transpose(0, 2, 1, 3)
    return rows.reshape(down * height, across * width)


def _limit(W: Array) -> float:
    """The largest weight of the colour scale, but for a few outliers."""
    return float(np.quantile(np.abs(W), 0.999)) or 1.0


def _show_tiles(pane: Axes, network: Network, chosen: Array, across: int) -> None:
    """Show the first matrix as tiles with white gaps; number some and frame faint ones."""
    limit, units = _limit(network.matrices[0]), len(network.matrices[0])
    tiles = network.matrices[0][chosen].reshape(-1, SIDE, SIDE)
    largest = np.abs(tiles).max(axis=(1, 2), keepdims=True)
    is_faint = (largest > 0) & (largest < FAINT * limit)
    tiles = tiles * (limit / np.where(is_faint, largest, limit))
    gaps = ((0, 0), (1, 1), (1, 1))
    grid = _grid(np.pad(tiles, gaps, constant_values=np.nan), across)
    pane.imshow(grid, SIGNS, vmin=-limit, vmax=limit)
    pane.set(xticks=[], yticks=[])
    for place in range(0, len(chosen), 10 if len(chosen) > 20 else 1):
        y, x = np.multiply(divmod(place, across), TILE) + 1.5
        pane.text(x, y, str(chosen[place]), ha="left", va="top", fontsize=6)
    for place in np.flatnonzero(is_faint).tolist():
        y, x = np.multiply(divmod(place, across), TILE)
        pane.add_patch(Rectangle((x, y), TILE - 1, TILE - 1, fill=False, edgecolor="#808080"))
    kind = "hidden units" if len(network.matrices) > 1 else "scores, 0 to 9"
    title = f"{units} {kind}: the weights of each on the {SIDE} x {SIDE} pixels"
    if len(chosen) < units:
        title = f"the {len(chosen)} of {units} hidden units with the largest outgoing weights"
    if is_faint.any():
        title += f"\n({is_faint.sum()} with weak weights, framed, each on its own scale)"
    pane.set_title(title)


def _show_matrix(pane: Axes, W: Array, columns: Array, is_last: bool) -> None:
    """Show these columns of a matrix, with a row per unit, or per score in the notes' order."""
    shown, limit = W[:, columns], _limit(W)
    pane.set_yticks([])
    if is_last:
        shown = shown[ORDER]
        pane.set(ylabel="score", yticks=range(CLASSES), yticklabels=ORDER)
    pane.imshow(shown, SIGNS, vmin=-limit, vmax=limit, aspect="auto")
    pane.xaxis.set_major_locator(MaxNLocator(20, steps=[1, 5, 10], integer=True))
    pane.xaxis.set_major_formatter(
        lambda place, _: str(columns[int(place)]) if 0 <= place < len(columns) else ""
    )
    pane.tick_params(axis="x", labelsize=6)
    pane.set_xlabel("hidden unit")
    of = "ten scores" if is_last else f"{len(W)} hidden units"
    these = f"these {len(columns)}" if len(columns) < W.shape[1] else str(W.shape[1])
    pane.set_title(f"weights of the {of} on {these} hidden units")


@matplotlib.rc_context(STYLE)
def units(
    network: Network, images: Array, names: Sequence[str], labels: Sequence[int | None]
) -> Figure:
    """Draw each image (n, 784) with its name, h of the last hidden layer, arranged like the
    tiles of weights, and the ten scores with the label marked, unless it is None."""
    depth = len(network.matrices)
    features = forward(network.matrices, scale(images))[0][-1]
    scores = (features @ network.matrices[-1].T)[:, ORDER]
    chosen = _chosen(network) if depth == 2 else np.arange(features.shape[1])
    across = SIDE if depth == 1 else _across(len(chosen))
    kind = f"h: {len(chosen)} hidden units" if depth > 1 else "x: the pixels"
    down = -(-len(images) // 2)
    figure = Figure((8, 1.3 * down + 0.6), layout="constrained")
    panes = figure.subplots(down, 6, width_ratios=(1, 1.9, 1.9) * 2, squeeze=False).reshape(-1, 3)
    for pane in panes[len(images) :].ravel():
        pane.axis("off")
    for row, (image, hidden, bars) in enumerate(panes[: len(images)]):
        show_digit(image, images[row])
        name = names[row] if len(names[row]) <= NAME else f"...{names[row][3 - NAME :]}"
        image.set_title(name, fontsize=7, loc="left")
        cells = features[row, chosen, None, None]
        shown = hidden.imshow(_grid(cells, across), SIGNS, vmin=-1, vmax=1)
        hidden.set(xticks=[], yticks=[])
        _show_scores(bars, scores[row], labels[row])
        bars.set_ylim(scores.min() - 1, scores.max() + 1)
        if row < 2:
            hidden.set_title(kind, fontsize=8)
            bars.set_title("f: scores", fontsize=8)
    figure.suptitle("scores: answer in orange, label outlined in black", fontsize=9)
    below = panes[:, 1].tolist()
    bar = figure.colorbar(shown, ax=below, location="bottom", aspect=90, pad=0.02, panchor=False)
    bar.set_label("tanh of the unit's input" if depth > 1 else "ink", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def _show_scores(pane: Axes, f: Array, label: int | None) -> None:
    """Draw ten bars, with the answer in orange and the label outlined."""
    colours = [ORANGE if score == f.max() else BLUE for score in f]
    edges = ["black" if digit == label else "none" for digit in ORDER]
    pane.bar(range(CLASSES), f, color=colours, edgecolor=edges, linewidth=1.5)
    pane.axhline(0, color="black", linewidth=0.5)
    pane.set_xticks(range(CLASSES), ORDER, fontsize=6)
    pane.tick_params(axis="y", labelsize=6)

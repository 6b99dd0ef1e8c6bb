"""Figures of the weights of a network, and of its units for some images."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.errors import MnistnetError
from mnistnet.model.network import Network, forward, scale
from mnistnet.report.explain import matrix_names
from mnistnet.report.figures.style import BLUE, ORANGE, ORDER, SIGNS, STYLE, show_digit

MAX_LAYERS = 12
MAX_WEIGHTS = 4_000_000  # in a matrix; drawing takes about 100 bytes per weight
MAX_TILES = 72  # hidden units of the first layer shown
NUMBERED = 10  # every tenth tile and column has a number
FAINT = 0.2  # of the common scale; a fainter tile has its own scale
TILE = SIDE + 2  # pixels, including the gap


@matplotlib.rc_context(STYLE)
def weights(network: Network) -> Figure:
    """Draw all matrices: the first with a 28 x 28 tile per hidden unit, the others with a row per
    unit, the scores in the notes' order.

    Each matrix has a colour scale symmetric about zero; framed tiles have their own. Of more than
    72 units, those with the largest outgoing weights are shown. Raises MnistnetError for more than
    MAX_LAYERS matrices or MAX_WEIGHTS weights in one.
    """
    count = len(network.matrices)
    if count > MAX_LAYERS:
        raise MnistnetError(
            f"expected a network of at most {MAX_LAYERS} matrices to draw; found {count}"
        )
    if (largest := max(W.size for W in network.matrices)) > MAX_WEIGHTS:
        raise MnistnetError(
            f"expected matrices of at most {MAX_WEIGHTS:,} weights to draw; found {largest:,}"
        )
    chosen = _chosen(network)
    across = _across(len(chosen))
    heights = [7 * -(-len(chosen) // across) / across + 0.4]  # inches; the width is about 7
    heights += [1 + min(len(W) / 12, 3) for W in network.matrices[1:]]
    figure = Figure((8, sum(heights)), layout="constrained")
    panes = figure.subplots(count, height_ratios=heights, squeeze=False)[:, 0]
    for layer, (name, pane) in enumerate(zip(matrix_names(count), panes, strict=True)):
        W = network.matrices[layer]
        limit = float(np.quantile(np.abs(W), 0.999)) or 1.0
        if layer == 0:
            picture, title = _first_matrix(pane, network, chosen, across, limit)
        else:
            columns = chosen if layer == 1 else np.arange(W.shape[1])
            picture, title = _later_matrix(pane, W, columns, W is network.matrices[-1])
        aspect = "auto" if layer else "equal"
        shown = pane.imshow(picture, SIGNS, vmin=-limit, vmax=limit, aspect=aspect)
        pane.set_title(f"{name}: {title}")
        bar = 7 * heights[layer]
        figure.colorbar(shown, ax=pane, extend="both", label="weight", pad=0.01, aspect=bar)
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


def _first_matrix(
    pane: Axes, network: Network, chosen: Array, across: int, limit: float
) -> tuple[Array, str]:
    """Number every tenth tile, frame faint ones, and return the tiles and the title."""
    M = network.matrices[0][chosen].reshape(-1, SIDE, SIDE)
    largest = np.abs(M).max(axis=(1, 2))
    own = (largest < FAINT * limit) & (largest > 0)
    factors = np.where(own, limit / np.where(own, largest, 1), 1).astype(M.dtype)
    for place, unit in enumerate(chosen):
        x, y = TILE * (place % across), TILE * (place // across)
        if place % NUMBERED == 0:
            pane.text(x + 1.5, y + 1.5, str(unit), ha="left", va="top", fontsize=6)
        if own[place]:
            frame = Rectangle((x, y), TILE - 1, TILE - 1, fill=False, edgecolor="#808080")
            pane.add_patch(frame)
    pane.set(xticks=[], yticks=[])
    units = len(network.matrices[0])
    kind = "hidden units" if len(network.matrices) > 1 else "scores, 0 to 9"
    title = f"{units} {kind}: the weights of each on the {SIDE} x {SIDE} pixels"
    if len(chosen) < units:
        title = f"the {len(chosen)} of {units} hidden units with the largest outgoing weights"
    if own.any():
        title += f"\n({own.sum()} with weak weights, framed, each on its own scale)"
    return _tiles(M * factors[:, None, None], across), title


def _later_matrix(pane: Axes, W: Array, columns: Array, is_last: bool) -> tuple[Array, str]:
    """Number every tenth column, and return the matrix, a row per unit or score, and the title."""
    units = W.shape[1]
    W = W[:, columns]
    places = range(0, len(columns), max(NUMBERED, len(columns) // 20 // NUMBERED * NUMBERED))
    pane.set_xticks(places, [str(columns[place]) for place in places], fontsize=6)
    pane.set_yticks(range(CLASSES) if is_last else [], ORDER if is_last else [])
    pane.set_xlabel("hidden unit")
    pane.set_ylabel("score" if is_last else "")
    of = "ten scores" if is_last else f"{len(W)} hidden units"
    these = f"these {len(columns)}" if len(columns) < units else str(units)
    return W[ORDER] if is_last else W, f"weights of the {of} on {these} hidden units"


def _tiles(images: Array, across: int) -> Array:
    """Arrange images (n, 28, 28) in a grid with white gaps."""
    down = -(-len(images) // across)
    tiles = np.full((down * across, TILE, TILE), np.nan, np.float32)
    tiles[: len(images), 1:-1, 1:-1] = images
    grid = tiles.reshape(down, across, TILE, TILE).transpose(0, 2, 1, 3)
    return grid.reshape(down * TILE, across * TILE)


@matplotlib.rc_context(STYLE)
def units(
    network: Network, images: Array, names: Sequence[str], labels: Sequence[int | None]
) -> Figure:
    """Draw each image (n, 784) with its name, h of the last hidden layer, arranged like the
    tiles of weights, and the ten scores with the label marked, unless it is None."""
    x = scale(images)
    features = forward(network.matrices, x)[0][-1]
    scores = (features @ network.matrices[-1].T)[:, ORDER]
    is_first = len(network.matrices) == 2
    chosen = _chosen(network) if is_first else np.arange(features.shape[1])
    across = SIDE if len(network.matrices) == 1 else _across(len(chosen))
    down = -(-len(images) // 2)
    figure = Figure((8, 1.3 * down + 0.6), layout="constrained")
    ratios = (1, 1.9, 1.9)
    panes = figure.subplots(down, 6, width_ratios=ratios * 2, squeeze=False).reshape(-1, 3)
    for row, (image, hidden, bars) in enumerate(panes):
        if row >= len(images):
            for pane in (image, hidden, bars):
                pane.axis("off")
            continue
        h = features[row, chosen]
        grid = np.full((-(-len(h) // across), across), np.nan, np.float32)
        grid.ravel()[: len(h)] = h
        show_digit(image, images[row])
        image.set_title(_short(names[row]), fontsize=8)
        shown = hidden.imshow(grid, SIGNS, vmin=-1, vmax=1)
        hidden.set(xticks=[], yticks=[])
        _scores(bars, scores[row], labels[row], scores.min() - 1, scores.max() + 1)
    kind = f"h: {len(chosen)} hidden units" if len(network.matrices) > 1 else "x: the pixels"
    for top in panes[:2]:
        top[1].set_title(kind, fontsize=8)
        top[2].set_title("f: scores", fontsize=8)
    figure.suptitle("scores: answer in orange, label outlined in black", fontsize=9)
    below = panes[:, 1].tolist()
    bar = figure.colorbar(shown, ax=below, location="bottom", aspect=90, pad=0.02, panchor=False)
    bar.set_label("tanh of the unit's input" if len(network.matrices) > 1 else "ink", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 16 else "..." + name[-13:]


def _scores(pane: Axes, f: Array, label: int | None, low: float, high: float) -> None:
    """Draw ten bars, with the answer in orange and the label outlined."""
    colours = [ORANGE if score == f.max() else BLUE for score in f]
    edges = ["black" if digit == label else "none" for digit in ORDER]
    pane.bar(range(CLASSES), f, color=colours, edgecolor=edges, linewidth=1.5)
    pane.axhline(0, color="black", linewidth=0.5)
    pane.set_ylim(low, high)
    pane.set_xticks(range(CLASSES), ORDER, fontsize=6)
    pane.tick_params(axis="y", labelsize=6)

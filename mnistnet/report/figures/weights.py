"""Figures of the weights of a network, and of its units for some images."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.errors import MnistnetError
from mnistnet.model.network import Perceptron, backpropagate, forward, scale
from mnistnet.report.explain import matrix_names
from mnistnet.report.figures.style import BLUE, ORANGE, ORDER, SIGNS, STYLE, show_digit
from mnistnet.report.text import counted

TILES = 72  # hidden units of the first layer shown, at most


@matplotlib.rc_context(STYLE)
def weights(network: Perceptron, of: str = "") -> Figure:
    """Draw all matrices (or of="dL/d", a gradient): the first with a 28 x 28 tile per hidden unit,
    the others with a row per unit, the scores in the notes' order.

    Each matrix has a colour scale symmetric about zero. Of more than 72 units, the tiles are of
    those with the largest outgoing weights or derivatives. Raises MnistnetError for more than 12
    matrices or 4 million weights in one, as drawing takes about 100 bytes per weight.
    """
    W, largest = network.matrices, max(M.size for M in network.matrices)
    if len(W) > 12 or largest > 4_000_000:
        found = f"{len(W)}, the largest of {largest:,}"
        raise MnistnetError(f"expected at most 12 matrices of 4,000,000 weights; found {found}")
    count = len(W[0])
    units, title = np.arange(count), f"weights of {counted(count, 'hidden unit')} on the pixels"
    if len(W) == 1:
        units, title = np.array(ORDER), "weights of the ten scores on the pixels"
    elif count > TILES:
        sizes = np.linalg.norm(W[0], axis=1) if of else np.linalg.norm(W[1], axis=0)
        units = np.sort(np.argsort(-sizes, kind="stable")[:TILES])
        which = "derivatives" if of else "outgoing weights"
        title = f"the {TILES} of {count} hidden units with the largest {which}"
    across, gaps = _across(len(units)), ((0, 0), (1, 1), (1, 1))
    tiles = np.pad(W[0][units].reshape(-1, SIDE, SIDE), gaps, constant_values=np.nan)
    shown = [(title, _grid(tiles, across))]
    shown += [(f"weights of {len(M)} hidden units on {M.shape[1]}", M) for M in W[1:-1]]
    if len(W) > 1:
        title = f"weights of the ten scores on {counted(W[-1].shape[1], 'hidden unit')}"
        shown.append((title, W[-1][ORDER]))
    heights = [min(7 * len(shown[0][1]) / shown[0][1].shape[1], 4) + 0.4]  # inches, of about 7
    heights += [1 + min(len(M) / 12, 3) for M in W[1:]]
    figure = Figure((8, sum(heights)), layout="constrained")
    panes = figure.subplots(len(W), height_ratios=heights, squeeze=False)[:, 0]
    names, label = matrix_names(len(W)), "derivative" if of else "weight"
    for pane, height, name, (title, M) in zip(panes, heights, names, shown, strict=True):
        limit = np.nanquantile(np.abs(M), 0.999) or 1  # but for a few outliers
        image = pane.imshow(M, SIGNS, vmin=-limit, vmax=limit, aspect="auto")
        figure.colorbar(image, ax=pane, label=label, extend="both", pad=0.01, aspect=7 * height)
        pane.locator_params("x", nbins=20, integer=True, min_n_ticks=1)
        if M.shape[1] <= 20:
            pane.set(xticks=range(M.shape[1]))
        pane.set(title=f"{of}{name}: {title}", xlabel="hidden unit", yticks=[])
    if len(W) > 1:
        panes[-1].set(ylabel="score", yticks=range(CLASSES), yticklabels=ORDER)
    panes[0].set(xlabel="", xticks=[], aspect="equal")
    behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.3}
    for place, unit in enumerate(units):
        y, x = np.multiply(divmod(place, across), SIDE + 2) + 1.5
        panes[0].text(x, y, str(unit), va="top", fontsize=6, bbox=behind)
    return figure


def gradient(network: Perceptron, image: Array, label: int) -> Figure:
    """Draw the derivatives of the loss of an image (784,) with this label, like the weights."""
    _, derivatives, _ = backpropagate(network, scale(image[None]), np.array([label]))
    return weights(Perceptron.of(network.layers, derivatives), of="dL/d")


@matplotlib.rc_context(STYLE)
def change(found: dict[str, Any]) -> Figure:
    """Draw the picture before and after, and its change, if change_toward found one."""
    before, after = 255 * np.array([found["before"], found["after"]])
    changed = 127.5 * (1 + (after - before) / (np.abs(after - before).max() or 1))
    figure = Figure((8, 3), layout="constrained")
    titles = [found["answer"], f"change of length {found['length']:.3f}", found["toward"]]
    for pane, image in zip(figure.subplots(1, 3), (before, changed, after), strict=True):
        show_digit(pane, image)
        pane.set_title(titles.pop(0))
    return figure


def _across(count: int) -> int:
    """Columns for count cells, about twice the number of rows."""
    return min(count, math.ceil(math.sqrt(2 * count)))


def _grid(cells: Array, across: int) -> Array:
    """Arrange cells (n, height, width) in rows of this many, the last one filled with NaN."""
    n, height, width = cells.shape
    full = np.pad(cells, ((0, -n % across), (0, 0), (0, 0)), constant_values=np.nan)
    rows = full.reshape(-1, across, height, width).swapaxes(1, 2)
    return rows.reshape(-1, across * width)


@matplotlib.rc_context(STYLE)
def units(
    network: Perceptron, images: Array, names: Sequence[str], labels: Sequence[int | None]
) -> Figure:
    """Draw each image (n, 784) with its name, h of the last hidden layer, arranged like the
    tiles of weights, and the ten scores with the label marked, unless it is None."""
    layers, scores = forward(network.matrices, scale(images))
    h, f = layers[-1], scores[:, ORDER]
    kind, across = f"h: {counted(h.shape[1], 'hidden unit')}", _across(h.shape[1])
    if len(layers) == 1:
        kind, across = "x: the pixels", SIDE
    down = -(-len(images) // 2)
    figure = Figure((8, 1.3 * down + 0.5), layout="constrained")
    panes = figure.subplots(down, 6, width_ratios=(1, 1.9, 1.9) * 2, squeeze=False).reshape(-1, 3)
    for pane in panes[len(images) :].ravel():
        pane.axis("off")
    for row, (image, hidden, bars) in enumerate(panes[: len(images)]):
        show_digit(image, images[row])
        image.set_title(names[row][-16:], fontsize=7, loc="left")
        hidden.imshow(_grid(h[row, :, None, None], across), SIGNS, vmin=-1, vmax=1)
        hidden.set(xticks=[], yticks=[])
        colours = [ORANGE if score == f[row].max() else BLUE for score in f[row]]
        edges = ["black" if digit == labels[row] else "none" for digit in ORDER]
        bars.bar(range(CLASSES), f[row], color=colours, edgecolor=edges, linewidth=1.5)
        bars.axhline(0, color="black", linewidth=0.5)
        bars.set(ylim=(f.min() - 1, f.max() + 1), xticks=range(CLASSES), xticklabels=ORDER)
        bars.tick_params(labelsize=6)
        if row < 2:
            hidden.set_title(kind, fontsize=8)
            bars.set_title("f: scores", fontsize=8)
    signs = f"{kind[0]}: red is positive, blue negative"
    figure.suptitle(f"{signs}; f: the answer is orange, the label outlined in black")
    return figure

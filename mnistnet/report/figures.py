"""Pictures of what a network learned, drawn with matplotlib.

Each function returns a figure; save writes it. Digits are in the order of the notes, 1 to 9 and
then 0. Colours are told apart by the colour-blind: blue against red for signs, blue against orange
(of Okabe and Ito) for kinds. The same figure gives the same bytes, with the same matplotlib.
"""

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.atomic import atomic_write
from mnistnet.errors import MnistnetError, reason
from mnistnet.model.metadata import Report
from mnistnet.model.network import Network, scale
from mnistnet.report.evaluation import Evaluation
from mnistnet.report.text import percent

ORDER = [*range(1, CLASSES), 0]
SIGNS = "RdBu_r"  # blue below zero, red above
BLUE, ORANGE = "#0072b2", "#d55e00"
MAX_LAYERS = 12
MAX_WEIGHTS = 4_000_000  # of a matrix; drawing one takes some 100 bytes a weight
MARK = b"mnistnet plot, by Matplotlib"  # in every plot, by which it is known
TILES = 30  # mistakes that are shown
# matplotlib's own, whatever the user's settings are; naming the backend would load it for nothing.
DEFAULTS = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")}
STYLE: Any = DEFAULTS | {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 10,
    "svg.hashsalt": "mnistnet",
    "image.interpolation": "nearest",
}


def check_replaceable(path: Path) -> None:
    """Raise MnistnetError where the file at path is not a plot of mnistnet's, nor empty."""
    try:
        is_ours = not path.is_file() or not path.stat().st_size or MARK in path.read_bytes()
    except OSError as error:
        raise MnistnetError(f"cannot read {path}: {reason(error)}") from error
    if not is_ours:
        raise MnistnetError(
            f"{path}: expected a plot of mnistnet's; found another file, which is not replaced: "
            "name another with --out, or add --force"
        )


def save(figure: Figure, path: Path, force: bool = False) -> None:
    """Write it as its ending says, .png, .svg or .pdf, atomically.

    Raises MnistnetError if that fails, or if the file at path is not a plot of mnistnet's, unless
    force is given.
    """
    kind = path.suffix[1:].lower()
    maker = MARK.decode()
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": maker},
        "svg": {"Creator": maker, "Date": None},
        "pdf": {"Creator": maker, "CreationDate": None},
    }

    def check(path: Path) -> None:
        if not force:
            check_replaceable(path)

    check(path)
    with matplotlib.rc_context(STYLE), atomic_write(path, check) as stream:
        figure.savefig(stream, format=kind, dpi=120, metadata=metadata[kind])


@matplotlib.rc_context(STYLE)
def weights(network: Network) -> Figure:
    """The first matrix as a tile of 28 x 28 a hidden unit; each other one as a row a unit, and the
    last, for the scores, in the notes' order. One scale of colours a matrix, alike on both sides of
    zero. Raises MnistnetError for more than MAX_LAYERS matrices, or
    MAX_WEIGHTS in one."""
    first, *others = network.matrices
    if len(others) >= MAX_LAYERS:
        raise MnistnetError(
            f"expected a network of at most {MAX_LAYERS} matrices to draw; found {len(others) + 1}"
        )
    if (largest := max(W.size for W in network.matrices)) > MAX_WEIGHTS:
        raise MnistnetError(
            f"expected matrices of at most {MAX_WEIGHTS:,} weights to draw; found {largest:,}"
        )
    least = math.ceil(math.sqrt(1.6 * len(first)))
    across = min(range(least, 2 * least), key=lambda columns: -len(first) % columns)
    down = -(-len(first) // across)
    # in inches, of which the first matrix is some 7 wide
    heights = [7 * down / across + 0.4, *(1 + min(len(W) / 12, 3) for W in others)]
    figure = Figure((8, sum(heights)), layout="constrained")
    panes = figure.subplots(len(network.matrices), height_ratios=heights, squeeze=False)[:, 0]
    count = len(network.matrices)
    names = ["M", "W"] if count == 2 else [f"W{layer}" for layer in range(1, count + 1)]
    for name, pane, W, height in zip(names, panes, network.matrices, heights, strict=True):
        units, inputs = W.shape
        is_first = W is first
        is_last = W is network.matrices[-1] and not is_first
        if is_first:
            picture = _tiles(W.reshape(-1, SIDE, SIDE), across)
            kind = "hidden units" if others else "scores, 0 to 9"
            title = f"{units} {kind}: the weights of each on the {SIDE} x {SIDE} pixels"
        else:
            picture = W[ORDER] if is_last else W
            title = f"weights of the {'ten scores' if is_last else f'{units} hidden units'}"
            title += f" on {inputs} hidden units"
        limit = float(np.quantile(np.abs(W), 0.999)) or 1.0
        shown = pane.imshow(
            picture, SIGNS, vmin=-limit, vmax=limit, aspect="equal" if is_first else "auto"
        )
        pane.set_title(f"{name}: {title}")
        pane.set_xticks([])
        pane.set_yticks(range(CLASSES) if is_last else [], ORDER if is_last else [])
        if is_last:
            pane.set_ylabel("score")
            pane.set_xlabel("hidden unit")
        figure.colorbar(shown, ax=pane, extend="both", label="weight", pad=0.01, aspect=7 * height)
    return figure


def _tiles(images: Array, across: int) -> Array:
    """Images (n, 28, 28) beside and below each other, with gaps that stay white."""
    down = -(-len(images) // across)
    tiles = np.full((down * across, SIDE + 2, SIDE + 2), np.nan, np.float32)
    tiles[: len(images), 1:-1, 1:-1] = images
    grid = tiles.reshape(down, across, SIDE + 2, SIDE + 2).transpose(0, 2, 1, 3)
    return grid.reshape(down * (SIDE + 2), across * (SIDE + 2))


@matplotlib.rc_context(STYLE)
def units(network: Network, images: Array, labels: Array, name: str) -> Figure:
    """For the first image (n, 784) of each digit, of those called name: the image, what the last
    hidden layer makes of it, and its ten scores."""
    rows = [index for digit in ORDER for index in np.flatnonzero(labels == digit)[:1]]
    features = network.features(scale(images[rows]))
    scores = (features @ network.matrices[-1].T)[:, ORDER]
    figure = Figure((8, 0.62 * len(rows) + 1), layout="constrained")
    panes = figure.subplots(len(rows), 3, width_ratios=(0.6, 5, 2.4), squeeze=False)
    span = scores.min() - 1, scores.max() + 1
    for (image, hidden, bars), row, h, f in zip(panes, rows, features, scores, strict=True):
        _show_digit(image, images[row])
        shown = hidden.imshow(h[None], SIGNS, vmin=-1, vmax=1, aspect="auto")
        hidden.set_yticks([])
        hidden.set_xticks([])
        colours = [ORANGE if score == f.max() else BLUE for score in f]
        bars.bar(range(CLASSES), f, color=colours)
        bars.axhline(0, color="black", linewidth=0.5)
        bars.set_ylim(*span)
        bars.set_xticks(range(CLASSES), ORDER if row == rows[-1] else [""] * CLASSES)
    panes[0, 0].set_title("digit")
    has_hidden = len(network.matrices) > 1
    kind = "h: its {} hidden features" if has_hidden else "x: its {} pixels"
    figure.suptitle(f"The first of the {name} images of each digit")
    panes[0, 1].set_title(kind.format(features.shape[1]))
    panes[0, 2].set_title("f: its ten scores")
    panes[-1, 1].set_xlabel("hidden unit" if has_hidden else "pixel")
    panes[-1, 2].set_xlabel("digit")
    bar = figure.colorbar(shown, ax=panes[:, 1], location="bottom", aspect=60, pad=0.02)
    bar.set_label("tanh of the unit's input" if has_hidden else "ink")
    return figure


@matplotlib.rc_context(STYLE)
def history(path: Path, reports: Sequence[Report]) -> Figure:
    """Loss, accuracy and learning rate over the epochs.

    Validation is mostly above training, whose figures are of distorted images, and of the network
    as it was on the way through the epoch. Raises MnistnetError if there is no epoch, naming the
    weights file at path.
    """
    if not reports:
        raise MnistnetError(f"{path}: expected the figures of each epoch; found none")
    epochs = [report.epoch for report in reports]
    figure = Figure((8, 2.8), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    lines = (("train", "training, on the way", ORANGE), ("validation", "validation", BLUE))
    for part, label, colour in lines:
        for pane, name in ((loss, "loss"), (accuracy, "accuracy")):
            values = [getattr(report, f"{part}_{name}") for report in reports]
            if None not in values:  # no validation images
                scaled = np.multiply(values, 100 if pane is accuracy else 1)
                pane.plot(epochs, scaled, color=colour, marker=".", label=label)
    rate.plot(epochs, [report.learning_rate for report in reports], color=BLUE, marker=".")
    if all(report.train_loss > 0 and report.validation_loss != 0 for report in reports):
        loss.set_yscale("log")
        loss.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
        loss.yaxis.set_major_formatter("{x:g}")
    loss.set_title("loss, mean an image")
    accuracy.set_title("accuracy, %")
    accuracy.legend()
    rate.set_title("learning rate")
    rate.set_ylim(bottom=0)
    for pane in (loss, accuracy, rate):
        pane.set_xlabel("epoch")
        pane.grid(alpha=0.3)
        pane.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


@matplotlib.rc_context(STYLE)
def confusion(evaluation: Evaluation, name: str) -> Figure:
    """How often which digit is read as which, for images called name; the colour is of the
    confusions alone, which the many right answers would outshine."""
    counts = evaluation.confusion[np.ix_(ORDER, ORDER)]
    off = np.where(np.eye(CLASSES, dtype=bool), np.nan, counts)
    figure = Figure((6.4, 5.4), layout="constrained")
    pane = figure.subplots()
    most = max(np.nanmax(off), 1)
    shown = pane.imshow(off, "Blues", vmin=0, vmax=most)
    for (row, column), count in np.ndenumerate(counts):
        if row == column:
            text, colour = f"{count:,}", "#808080"
        else:
            text, colour = str(count or ""), "white" if count > 0.6 * most else "black"
        pane.text(column, row, text, ha="center", va="center", color=colour)
    pane.set_xticks(range(CLASSES), ORDER)
    pane.set_yticks(range(CLASSES), ORDER)
    pane.set_xlabel("read as")
    pane.set_ylabel("true digit")
    pane.set_title(
        f"{evaluation.count:,} {name} images: {percent(evaluation.accuracy)} right (grey), "
        f"{evaluation.errors:,} confused"
    )
    figure.colorbar(shown, label="images that were confused", pad=0.02)
    return figure


@matplotlib.rc_context(STYLE)
def mistakes(
    evaluation: Evaluation, images: Array, name: str, label_errors: Collection[int]
) -> Figure:
    """The mistakes that the network was surest of, among images called name; those whose label is
    known to be wrong are framed."""
    shown = evaluation.mistakes[:TILES]
    across = 6
    down = max(1, -(-len(shown) // across))
    figure = Figure((8, 1.62 * down + 0.5), layout="constrained")
    panes = figure.subplots(down, across, squeeze=False).ravel()
    for pane in panes[len(shown) :]:
        pane.axis("off")
    for pane, mistake in zip(panes, shown, strict=False):
        _show_digit(pane, images[mistake.index])
        is_known = mistake.index in label_errors
        pane.set_title(
            f"{mistake.label}, read as {mistake.digit}\n{percent(mistake.probability, 1)}",
            color=ORANGE if is_known else "black",
        )
        pane.set_xlabel(f"{mistake.index}" + ", label error" * is_known)
        if is_known:
            for edge in pane.spines.values():
                edge.set(visible=True, color=ORANGE, linewidth=3)
    surest = (
        f"The {len(shown)} surest of {evaluation.errors:,} mistakes" if shown else "No mistakes"
    )
    figure.suptitle(
        f"{surest} on {evaluation.count:,} {name} images: true digit, answer and its probability"
    )
    return figure


def _show_digit(pane: Axes, image: Array) -> None:
    pane.imshow(image.reshape(SIDE, SIDE), "Greys", vmin=0, vmax=255)
    pane.set(xticks=[], yticks=[])

"""Figures of a network's answers to labelled images."""

from collections.abc import Collection

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnistnet.arrays import CLASSES, Array
from mnistnet.report.evaluation import Evaluation
from mnistnet.report.figures.style import BLUE, ORANGE, ORDER, STYLE, show_digit
from mnistnet.report.text import counted, percent

TILES = 30  # mistakes shown
BINS = np.array([0, 0.5, 0.7, 0.9, 0.99, 1])  # probabilities


@matplotlib.rc_context(STYLE)
def confusion(evaluation: Evaluation, name: str) -> Figure:
    """Draw the confusion matrix of the images called name, with the recall of each digit.

    Only mistakes are coloured: on a common scale, right answers would hide them.
    """
    counts = evaluation.confusion[np.ix_(ORDER, ORDER)]
    wrong = np.where(np.eye(CLASSES, dtype=bool), np.nan, counts)
    figure = Figure((6.4, 5.4), layout="constrained")
    pane = figure.subplots()
    most = max(np.nanmax(wrong), 1)
    pane.imshow(wrong, "Blues", vmin=0, vmax=most)
    for (row, column), count in np.ndenumerate(counts):
        if row == column:
            text, colour = f"{count:,}", "#808080"
        else:
            text, colour = str(count or ""), "white" if count > 0.6 * most else "black"
        pane.text(column, row, text, ha="center", va="center", color=colour)
    recalls = [percent(evaluation.per_digit[digit].recall, 1) for digit in ORDER]
    right = pane.secondary_yaxis("right")
    right.set_yticks(range(CLASSES), recalls)
    right.set_ylabel("recall")
    pane.set_xticks(range(CLASSES), ORDER)
    pane.set_yticks(range(CLASSES), ORDER)
    pane.set_xlabel("read as")
    pane.set_ylabel("true digit")
    figure.suptitle(
        f"{counted(evaluation.count, f'{name} image')}: accuracy {percent(evaluation.accuracy)}, "
        f"{counted(evaluation.errors, 'error')} (right answers grey)",
        fontsize=10,
    )
    return figure


@matplotlib.rc_context(STYLE)
def mistakes(
    evaluation: Evaluation, images: Array, name: str, label_errors: Collection[int]
) -> Figure:
    """Draw the most confident mistakes on the images called name; known label errors are framed."""
    shown = evaluation.mistakes[:TILES]
    across = 6
    down = max(1, -(-len(shown) // across))
    figure = Figure((8, 1.62 * down + 0.5), layout="constrained")
    panes = figure.subplots(down, across, squeeze=False).ravel()
    for pane in panes[len(shown) :]:
        pane.axis("off")
    for pane, mistake in zip(panes, shown, strict=False):
        show_digit(pane, images[mistake.index])
        is_known = mistake.index in label_errors
        unsure = ", unsure" * mistake.unsure
        pane.set_title(
            f"{mistake.label}, read as {mistake.digit}\n{percent(mistake.probability, 1)}{unsure}",
            color=ORANGE if is_known else "black",
        )
        pane.set_xlabel(f"test:{mistake.index}" + ", label error" * is_known, fontsize=7.5)
        if is_known:
            for edge in pane.spines.values():
                edge.set(visible=True, color=ORANGE, linewidth=3)
    title = "No mistakes"
    if shown:
        title = f"The {len(shown)} most confident of {counted(evaluation.errors, 'mistake')}"
    images_text = counted(evaluation.count, f"{name} image")
    figure.suptitle(f"{title} on {images_text}: label, answer, probability")
    return figure


@matplotlib.rc_context(STYLE)
def calibration(evaluation: Evaluation, name: str) -> Figure:
    """Draw the reliability diagram and the risk-coverage curve for the images called name."""
    figure = Figure((8, 3.8), layout="constrained")
    reliability, risk = figure.subplots(1, 2)
    _reliability(reliability, evaluation)
    _risk(risk, evaluation)
    figure.suptitle(
        f"{counted(evaluation.count, f'{name} image')}: accuracy {percent(evaluation.accuracy)}",
        fontsize=10,
    )
    return figure


def _reliability(pane: Axes, evaluation: Evaluation) -> None:
    """Draw the accuracy of answers with similar probabilities over their mean probability."""
    bins = np.digitize(evaluation.confidence, BINS[1:-1])
    pane.plot([0, 1], [0, 1], color="black", linewidth=0.5)
    for found in np.unique(bins):
        here = bins == found
        x, y = evaluation.confidence[here].mean(), evaluation.right[here].mean()
        spread = 2 * np.sqrt(max(y * (1 - y), 1 / here.sum()) / here.sum())
        pane.errorbar(x, y, spread, color=BLUE, marker="o", markersize=4, capsize=2)
        is_low = BINS[found + 1] < 1
        offset, side = ((6, -11), "left") if is_low else ((2, 5), "right")
        pane.annotate(
            f"{here.sum():,}", (x, y), offset, textcoords="offset points", fontsize=7, ha=side
        )
    pane.set(xlim=(0, 1.1), ylim=(0, 1.1), aspect="equal")
    pane.set_title("reliability diagram (with numbers of images)")
    pane.set_xlabel("mean probability of the answer")
    pane.set_ylabel("accuracy")
    pane.grid(alpha=0.3)


def _risk(pane: Axes, evaluation: Evaluation) -> None:
    """Draw the error rate among the answers with the largest margins, for each number of them."""
    order = np.argsort(-evaluation.margin, kind="stable")
    wrong = np.cumsum(~evaluation.right[order])
    answered = np.arange(1, len(order) + 1)
    pane.plot(100 * answered / len(order), 100 * wrong / answered, color=BLUE)
    sure = ~evaluation.unsure
    if sure.any():
        x, y = 100 * sure.mean(), 100 * (1 - evaluation.right[sure].mean())
        pane.plot(x, y, "o", color=ORANGE)
        pane.annotate(
            f"without unsure answers:\n{x:.1f} % answered, {y:.2f} % wrong",
            *((x, y), (-8, 12)),
            textcoords="offset points",
            ha="right",
        )
    pane.set(xlim=(0, 102), ylim=(0, None))
    pane.set_title("risk-coverage curve")
    pane.set_xlabel("coverage: images answered, largest margin first, %")
    pane.set_ylabel("risk: wrong answers among them, %")
    pane.grid(alpha=0.3)

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

TILES, ACROSS = 30, 6  # mistakes shown, and in a row
BINS = np.array([0, 0.5, 0.7, 0.9, 0.99, 1])  # probabilities


@matplotlib.rc_context(STYLE)
def confusion(evaluation: Evaluation, name: str) -> Figure:
    """Draw the confusion matrix of the images called name, with the recall of each digit.

    Only mistakes are coloured: on a common scale, right answers would hide them.
    """
    counts = evaluation.confusion[np.ix_(ORDER, ORDER)]
    wrong = np.where(np.eye(CLASSES, dtype=bool), np.nan, counts)
    most = max(np.nanmax(wrong), 1)
    figure = Figure((6.4, 5.4), layout="constrained")
    pane = figure.subplots()
    pane.imshow(wrong, "Blues", vmin=0, vmax=most)
    for (row, column), count in np.ndenumerate(counts):
        text = f"{count:,}" if count or row == column else ""
        colour = "white" if count > 0.6 * most else "black"
        if row == column:
            colour = "#808080"
        pane.text(column, row, text, ha="center", va="center", color=colour)
    pane.set(xlabel="read as", xticks=range(CLASSES), xticklabels=ORDER)
    pane.set(ylabel="true digit", yticks=range(CLASSES), yticklabels=ORDER)
    recalls = [percent(evaluation.per_digit[digit].recall, 1) for digit in ORDER]
    right = pane.secondary_yaxis("right")
    right.set(ylabel="recall", yticks=range(CLASSES), yticklabels=recalls)
    errors = counted(evaluation.errors, "error")
    figure.suptitle(f"{_summary(evaluation, name)}, {errors} (right answers grey)", fontsize=10)
    return figure


def _summary(evaluation: Evaluation, name: str) -> str:
    images = counted(evaluation.count, f"{name} image")
    return f"{images}: accuracy {percent(evaluation.accuracy)}"


@matplotlib.rc_context(STYLE)
def mistakes(
    evaluation: Evaluation, images: Array, name: str, label_errors: Collection[int]
) -> Figure:
    """Draw the most confident mistakes on the images called name; known label errors are framed."""
    shown = evaluation.mistakes[:TILES]
    down = max(1, -(-len(shown) // ACROSS))
    figure = Figure((8, 1.62 * down + 0.5), layout="constrained")
    panes = figure.subplots(down, ACROSS, squeeze=False).ravel()
    for pane in panes[len(shown) :]:
        pane.axis("off")
    for pane, mistake in zip(panes, shown, strict=False):
        show_digit(pane, images[mistake.index])
        answer = f"{mistake.label}, read as {mistake.digit}"
        probability = percent(mistake.probability, 1) + ", unsure" * mistake.unsure
        pane.set_title(f"{answer}\n{probability}")
        pane.set_xlabel(f"test:{mistake.index}", fontsize=7.5)
        if mistake.index in label_errors:
            pane.title.set_color(ORANGE)
            pane.spines[:].set(color=ORANGE, linewidth=3)
            pane.set_xlabel(f"test:{mistake.index}, label error")
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
    for pane in (reliability, risk):
        pane.grid(alpha=0.3)
    figure.suptitle(_summary(evaluation, name), fontsize=10)
    return figure


def _reliability(pane: Axes, evaluation: Evaluation) -> None:
    """Draw the accuracy of answers with similar probabilities over their mean probability."""
    bins = np.digitize(evaluation.confidence, BINS[1:-1])
    pane.plot([0, 1], [0, 1], color="black", linewidth=0.5)
    for found in np.unique(bins):
        here = bins == found
        count, x, y = here.sum(), evaluation.confidence[here].mean(), evaluation.right[here].mean()
        spread = 2 * np.sqrt(max(y * (1 - y), 1 / count) / count)
        pane.errorbar(x, y, spread, color=BLUE, marker="o", markersize=4, capsize=2)
        # the last two points are close to each other
        place, side = ((2, 5), "right") if found == len(BINS) - 2 else ((6, -11), "left")
        text = f"{count:,}"
        pane.annotate(text, (x, y), place, textcoords="offset points", fontsize=7, ha=side)
    pane.set(xlim=(0, 1.1), ylim=(-0.1, 1.1), aspect="equal")
    pane.set(xlabel="mean probability of the answer", ylabel="accuracy")
    pane.set_title("reliability diagram (with numbers of images)")


def _risk(pane: Axes, evaluation: Evaluation) -> None:
    """Draw the error rate among the answers with the largest margins, for each number of them."""
    order = np.argsort(-evaluation.margin, kind="stable")
    wrong = np.cumsum(~evaluation.right[order])
    answered = np.arange(1, len(order) + 1)
    pane.plot(100 * answered / len(order), 100 * wrong / answered, color=BLUE)
    sure = ~evaluation.unsure
    if sure.any():
        x, y = 100 * sure.mean(), 100 * (1 - evaluation.right[sure].mean())
        label = f"without unsure answers:\n{x:.1f} % answered, {y:.2f} % wrong"
        pane.plot(x, y, "o", color=ORANGE, label=label)
        pane.legend(loc="upper left")
    pane.set(xlim=(0, 102), xlabel="coverage: images answered, largest margin first, %")
    pane.set(ylim=(0, None), ylabel="risk: wrong answers among them, %")
    pane.set_title("risk-coverage curve")

"""Figures of results: the answers of a network to labelled images, the history of one or several
trainings, and the starts of a search."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import MnistnetError, TrainingError
from mnistnet.model.metadata import EpochReport
from mnistnet.report.evaluation import Evaluation
from mnistnet.report.figures.style import BLUE, COLOURS, ORANGE, ORDER, STYLE, show_digit
from mnistnet.report.starts import Analysis
from mnistnet.report.text import counted, epoch_text, percent


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
        colour = "white" if count > 0.6 * most else "black"
        if row == column:
            colour = "#808080"
        if count or row == column:
            pane.text(column, row, f"{count:,}", ha="center", va="center", color=colour)
    pane.set(xlabel="read as", xticks=range(CLASSES), xticklabels=ORDER)
    pane.set(ylabel="true digit", yticks=range(CLASSES), yticklabels=ORDER)
    recalls = [percent(evaluation.per_digit[digit]["recall"], 1) for digit in ORDER]
    right = pane.secondary_yaxis("right")
    right.set(ylabel="recall", yticks=range(CLASSES), yticklabels=recalls)
    figure.suptitle(f"{_summary(evaluation, name)} (right answers grey)")
    return figure


def _summary(evaluation: Evaluation, name: str) -> str:
    images = counted(evaluation.count, f"{name} image")
    errors = counted(evaluation.errors, "error")
    return f"{images}: accuracy {percent(evaluation.accuracy)}, {errors}"


@matplotlib.rc_context(STYLE)
def mistakes(
    evaluation: Evaluation, images: Array, name: str, label_errors: Collection[int]
) -> Figure:
    """Draw the most confident mistakes on the images called name; known label errors are framed."""
    shown = evaluation.mistakes[:30]
    down = max(1, -(-len(shown) // 6))
    figure = Figure((8, 1.75 * down + 0.6), layout="constrained")
    panes = figure.subplots(down, 6, squeeze=False).ravel()
    for pane in panes[len(shown) :]:
        pane.axis("off")
    for pane, mistake in zip(panes, shown, strict=False):
        index = mistake["index"]
        show_digit(pane, images[index])
        probability = percent(mistake["probability"], 1) + ", unsure" * mistake["unsure"]
        pane.set_title(f"{mistake['label']}, read as {mistake['digit']}\n{probability}", fontsize=9)
        pane.set_xlabel(f"test:{index}", fontsize=7.5)
        if index in label_errors:
            pane.spines[:].set(color=ORANGE, linewidth=3)
            pane.set_xlabel(f"test:{index}, label error", fontsize=7.5, color=ORANGE)
    which = f"the {len(shown)} most confident mistakes: label, answer, probability"
    figure.suptitle(f"{_summary(evaluation, name)}\n{which if shown else 'no mistakes'}")
    return figure


@matplotlib.rc_context(STYLE)
def calibration(evaluation: Evaluation, name: str) -> Figure:
    """Draw the reliability diagram (the accuracy of answers with similar probabilities over their
    mean probability) and the risk-coverage curve (the error rate among the answers with the
    largest margins, for each number of them) for the images called name."""
    figure = Figure((8, 3.8), layout="constrained")
    reliability, risk = figure.subplots(1, 2)
    right, confidence, sure = evaluation.right, evaluation.confidence, evaluation.sure
    bins = np.digitize(confidence, (0.5, 0.7, 0.9))
    reliability.plot([0, 1], [0, 1], color="black", linewidth=0.5)
    for found in np.unique(bins):
        here = bins == found
        n, x, y = here.sum(), confidence[here].mean(), right[here].mean()
        spread = 2 * np.sqrt(max(y * (1 - y), 1 / n) / n)
        reliability.errorbar(x, y, spread, fmt="o", color=BLUE, markersize=4, capsize=2)
        reliability.annotate(f"{n:,} ", (x, y), fontsize=7, ha="right", va="bottom")
    reliability.set(xlim=(0, 1.1), ylim=(-0.1, 1.1), aspect="equal")
    reliability.set(xlabel="mean probability of the answer", ylabel="accuracy")
    reliability.set_title("reliability diagram (with numbers of images)")
    order = np.argsort(-evaluation.margin, kind="stable")
    answered = np.arange(1, len(order) + 1)
    wrong = np.cumsum(~right[order])
    risk.plot(100 * answered / len(order), 100 * wrong / answered, color=BLUE)
    if sure.any():
        x, y = 100 * sure.mean(), 100 * (1 - right[sure].mean())
        label = f"without unsure answers:\n{x:.1f} % answered, {y:.2f} % wrong"
        risk.plot(x, y, "o", color=ORANGE, label=label)
        risk.legend(loc="upper left")
    risk.set(xlim=(0, 102), xlabel="coverage: images answered, largest margin first, %")
    risk.set(ylim=(0, None), ylabel="risk: wrong answers among them, %")
    risk.set_title("risk-coverage curve")
    for pane in (reliability, risk):
        pane.grid(alpha=0.3)
    figure.suptitle(_summary(evaluation, name))
    return figure


@matplotlib.rc_context(STYLE)
def history(histories: Mapping[str, Sequence[EpochReport]]) -> Figure:
    """Draw loss, accuracy and learning rate over the epochs of one or several networks, by name.

    Validation accuracy is usually higher than training accuracy, which is a running mean over the
    epoch on distorted images. Raises MnistnetError, naming the weights file, without epochs.
    """
    figure = Figure((8, 3.2 + 0.35 * len(histories)), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for (name, reports), colour in zip(histories.items(), cycle(COLOURS), strict=False):
        if not reports:
            raise MnistnetError(f"{name}: expected a training history; found none")
        # without validation images None, which becomes NaN and is not drawn
        epochs, *columns, _ = np.array([astuple(report) for report in reports], float).T
        training, validation = (":x", "-o") if len(reports) <= 40 else (":", "-")
        style = {"color": colour, "markersize": 3}
        loss.plot(epochs, columns[0], training, **style)
        loss.plot(epochs, columns[2], validation, **style)
        accuracy.plot(epochs, 100 * columns[1], training, **style)
        accuracy.plot(epochs, 100 * columns[3], validation, **style)
        label = f"weights {name}\n{epoch_text(reports[-1], len(reports))}"
        rate.plot(epochs, columns[4], validation, label=label, **style)
    loss.set(title="mean loss per image", yscale="log")
    loss.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
    loss.yaxis.set_major_formatter("{x:g}")
    accuracy.set_title("accuracy, %")
    rate.set(title="learning rate", ylim=(0, None))
    for pane in figure.axes:
        pane.set_xlabel("epoch")
        pane.locator_params("x", nbins=5, integer=True, min_n_ticks=1)
        pane.grid(alpha=0.3)
    figure.suptitle("dotted, x: training (running mean over each epoch); solid, o: validation")
    figure.legend(loc="outside lower left")
    return figure


@matplotlib.rc_context(STYLE)
def starts(analysis: Analysis) -> Figure:
    """Draw the validation loss of each start over its training loss, and the validation accuracy of
    committees of the best 1, 2, ... starts. Raises TrainingError if no images were held out."""
    if not analysis.committee_accuracy:
        raise TrainingError("comparing starts needs validation images; found none")
    last = [start.last for start in analysis.starts]
    sizes, together = range(1, len(last) + 1), np.multiply(100, analysis.committee_accuracy)
    figure = Figure((8, 3.4), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    points = np.array([astuple(report) for report in last], float).T
    losses.plot(points[1], points[3], "o", color=BLUE)
    found = analysis.rank_correlation
    losses.set_title("local minima" + ("" if found is None else f": rank correlation {found:+.2f}"))
    losses.set(xlabel="training loss (running mean over the last epoch)", ylabel="validation loss")
    accuracy.plot(sizes, 100 * points[4], "o", color=BLUE, label="single start, best first")
    accuracy.plot(sizes, together, ".-", color=ORANGE, label="committee of the best starts")
    accuracy.set_title(f"validation accuracy, %; all starts {together[-1]:.2f} %")
    accuracy.set_xlabel("starts in the committee")
    accuracy.locator_params("x", nbins=5, integer=True, min_n_ticks=1)
    figure.legend(loc="outside lower right", ncols=2)
    for pane in (losses, accuracy):
        pane.grid(alpha=0.3)
    return figure


@matplotlib.rc_context(STYLE)
def epsilons(rows: Sequence[dict[str, float]]) -> Figure:
    """Draw the errors of finite differences by epsilon, on logarithmic scales."""
    figure = Figure((6.4, 4), layout="constrained")
    pane = figure.subplots()
    x, *errors = np.array([list(row.values()) for row in rows]).T
    names = ["(L1 - L0) / epsilon", "(L1 - L-1) / (2 epsilon)"]
    pane.loglog(x, np.transpose(errors), "o-", label=names)
    pane.set(xlabel="epsilon", ylabel="relative error of the derivatives")
    pane.xaxis.set_major_formatter("{x:.0e}")
    pane.yaxis.set_major_formatter("{x:.0e}")
    pane.legend()
    return figure

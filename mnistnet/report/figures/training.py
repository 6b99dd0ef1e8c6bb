"""Figures of trainings: the history of one or several networks, and the starts of a search."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from mnistnet.errors import MnistnetError, TrainingError
from mnistnet.model.metadata import Report
from mnistnet.report.figures.style import BLUE, COLOURS, ORANGE, STYLE
from mnistnet.report.starts import Analysis
from mnistnet.report.text import epoch_text


@matplotlib.rc_context(STYLE)
def history(histories: Mapping[str, Sequence[Report]]) -> Figure:
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

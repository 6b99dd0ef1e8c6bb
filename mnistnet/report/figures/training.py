"""Figures of trainings: the history of one or several networks, and the starts of a search."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from mnistnet.errors import MnistnetError, TrainingError
from mnistnet.model.metadata import Report
from mnistnet.report.figures.style import BLUE, COLOURS, ORANGE, STYLE
from mnistnet.report.starts import Analysis
from mnistnet.report.text import accuracy_text, percent

MARKED = 40  # epochs; longer histories have no markers
TITLES = ("mean loss per image", "accuracy, %", "learning rate")


@matplotlib.rc_context(STYLE)
def history(histories: Mapping[str, Sequence[Report]]) -> Figure:
    """Draw loss, accuracy and learning rate over the epochs of one or several networks, by name.

    Validation accuracy is usually higher than training accuracy, which is a running mean over the
    epoch on distorted images. Raises MnistnetError, naming the weights file, without epochs.
    """
    for name, reports in histories.items():
        if not reports:
            raise MnistnetError(f"{name}: expected a training history; found none")
    figure = Figure((8, 3.2 + 0.35 * len(histories)), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    for (name, reports), colour in zip(histories.items(), cycle(COLOURS), strict=False):
        for pane, what in ((loss, "loss"), (accuracy, "accuracy")):
            _line(pane, reports, f"train_{what}", color=colour, linestyle=":")
            _line(pane, reports, f"validation_{what}", color=colour)
        label = f"weights {name}\n{_last_figures(reports[-1])}"
        _line(rate, reports, "learning_rate", color=colour, label=label)
    every = [report for reports in histories.values() for report in reports]
    if all(report.train_loss > 0 and report.validation_loss != 0 for report in every):
        loss.set_yscale("log")
        loss.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
        loss.yaxis.set_major_formatter("{x:g}")
    rate.set_ylim(bottom=0)
    epochs = max(report.epoch for report in every)
    for pane, title in zip(figure.axes, TITLES, strict=True):
        limits = (0, 2) if epochs == 1 else (1 - 0.03 * epochs, 1.03 * epochs)
        pane.set(title=title, xlabel="epoch", xlim=limits)
        pane.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        pane.grid(alpha=0.3)
    figure.suptitle("dotted: training (running mean over each epoch); solid: validation")
    figure.legend(loc="outside lower left")
    return figure


def _line(pane: Axes, reports: Sequence[Report], name: str, **style: Any) -> None:
    """Draw a figure of the reports over the epochs, unless it is None: no validation images."""
    epochs = [report.epoch for report in reports]
    values = [getattr(report, name) for report in reports]
    if None not in values:
        factor = 100 if name.endswith("accuracy") else 1
        marker = "." if len(epochs) <= MARKED else ""
        pane.plot(epochs, np.multiply(values, factor), marker=marker, **style)


def _last_figures(last: Report) -> str:
    text = f"epoch {last.epoch}: training loss {last.train_loss:.4f}"
    text += f", accuracy {percent(last.train_accuracy)}"
    if last.validation_loss is not None:
        text += f"; validation loss {last.validation_loss:.4f}"
    return text + accuracy_text(", accuracy {}", last)


@matplotlib.rc_context(STYLE)
def starts(analysis: Analysis) -> Figure:
    """Draw the validation loss of each start over its training loss, and the validation accuracy of
    committees of the best 1, 2, ... starts. Raises TrainingError if no images were held out."""
    if not analysis.committee_accuracy:
        raise TrainingError("comparing starts needs validation images; found none")
    last = [start.last for start in analysis.starts]
    figure = Figure((8, 3.4), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    points = np.array([(report.train_loss, report.validation_loss) for report in last])
    losses.plot(*points.T, "o", color=BLUE)
    correlation = analysis.rank_correlation
    found = "" if correlation is None else f": rank correlation {correlation:+.2f}"
    losses.set(title=f"local minima{found}", ylabel="validation loss")
    losses.set_xlabel("training loss (running mean over the last epoch)")
    sizes = range(1, len(last) + 1)
    alone = [100 * (report.validation_accuracy or 0) for report in last]
    together = [100 * share for share in analysis.committee_accuracy]
    accuracy.plot(sizes, alone, "o", color=BLUE, label="single start, best first")
    accuracy.plot(sizes, together, ".-", color=ORANGE, label="committee of the best starts")
    accuracy.set(title=f"validation accuracy, %; all starts {together[-1]:.2f} %")
    accuracy.set(xlabel="starts in the committee")
    accuracy.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    accuracy.legend()
    for pane in (losses, accuracy):
        pane.grid(alpha=0.3)
    return figure

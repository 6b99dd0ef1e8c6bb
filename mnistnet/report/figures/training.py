"""Figure of training histories."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from mnistnet.errors import MnistnetError
from mnistnet.model.metadata import Report
from mnistnet.report.figures.style import BLUE, COLOURS, ORANGE, STYLE
from mnistnet.report.text import accuracy_text, counted, percent

MARKED = 40  # epochs; longer histories have no markers


@matplotlib.rc_context(STYLE)
def history(histories: Mapping[str, Sequence[Report]]) -> Figure:
    """Draw loss, accuracy and learning rate over the epochs of one or several networks, by name.

    Validation accuracy is usually higher than training accuracy, which is a running mean over the
    epoch on distorted images. Raises MnistnetError, naming the weights file, without epochs.
    """
    for name, reports in histories.items():
        if not reports:
            raise MnistnetError(f"{name}: expected a training history; found none")
    every = [report for reports in histories.values() for report in reports]
    epochs = max(report.epoch for report in every)
    marker = "." if epochs <= MARKED else ""
    figure = Figure((8, 3.1 + 0.2 * (len(histories) > 1) * len(histories)), layout="constrained")
    loss, accuracy, rate = figure.subplots(1, 3)
    is_one = len(histories) == 1
    for (name, reports), colour in zip(histories.items(), COLOURS * len(histories), strict=False):
        end = f"epoch {reports[-1].epoch}" + accuracy_text(": validation {}", reports[-1])
        for part, label in (("train", "training (running mean)"), ("validation", "validation")):
            style = {"linestyle": "-" if part == "validation" or is_one else ":"}
            style["color"] = (ORANGE if part == "train" else BLUE) if is_one else colour
            style["label"] = label if is_one else f"{name}, {end}" if part == "validation" else ""
            for pane, what in ((loss, "loss"), (accuracy, "accuracy")):
                values = [getattr(report, f"{part}_{what}") for report in reports]
                if None not in values:  # no validation images
                    scaled = np.multiply(values, 100 if what == "accuracy" else 1)
                    _line(pane, reports, scaled, marker=marker, **style)
        rates = [report.learning_rate for report in reports]
        _line(rate, reports, rates, marker=marker, color=BLUE if is_one else colour)
    if all(report.train_loss > 0 and report.validation_loss != 0 for report in every):
        loss.set_yscale("log")
        loss.yaxis.set(major_locator=LogLocator(subs=(1, 2, 5)), minor_locator=NullLocator())
        loss.yaxis.set_major_formatter("{x:g}")
    last = every[-1]
    final = f"training {last.train_loss:.4f}"
    if last.validation_loss is not None:
        final += f", validation {last.validation_loss:.4f}"
    loss.set_title("mean loss per image" + f"\n{final}" * is_one, fontsize=8.5)
    final = f"training {percent(last.train_accuracy)}" + accuracy_text(", validation {}", last)
    accuracy.set_title("accuracy, %" + f"\n{final}" * is_one, fontsize=8.5)
    rate.set_title("learning rate" + "\n" * is_one, fontsize=8.5)
    rate.set_ylim(bottom=0)
    for pane in (loss, accuracy, rate):
        pane.set_xlabel("epoch")
        pane.grid(alpha=0.3)
        pane.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        pane.set_xlim(*((0, 2) if epochs == 1 else (1 - 0.03 * epochs, 1.03 * epochs)))
    if is_one:
        accuracy.legend()
        figure.suptitle(f"{next(iter(histories))}: {counted(epochs, 'epoch')}")
    else:
        figure.suptitle(f"{len(histories)} networks: validation solid, training dotted")
        figure.legend(*accuracy.get_legend_handles_labels(), loc="outside lower left")
    return figure


def _line(pane: Axes, reports: Sequence[Report], values: Any, **style: Any) -> None:
    pane.plot([report.epoch for report in reports], values, **style)

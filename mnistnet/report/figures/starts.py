"""The figure of a search from many initial weights."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mnistnet.errors import TrainingError
from mnistnet.report.figures.style import BLUE, ORANGE, STYLE
from mnistnet.report.starts import Analysis
from mnistnet.report.text import percent


@matplotlib.rc_context(STYLE)
def starts(analysis: Analysis) -> Figure:
    """Draw the validation loss of each start over its training loss, and the validation accuracy of
    committees of the best 1, 2, ... starts. Raises TrainingError if no images were held out."""
    if not analysis.committee_accuracy:
        raise TrainingError("comparing starts needs validation images; found none")
    last = [start.last for start in analysis.starts]
    sizes = np.arange(1, len(last) + 1)
    figure = Figure((8, 3.4), layout="constrained")
    losses, accuracy = figure.subplots(1, 2)
    losses.plot(
        [report.train_loss for report in last],
        [report.validation_loss or 0 for report in last],
        "o",
        color=BLUE,
    )
    correlation = analysis.rank_correlation
    losses.set_title(
        "local minima" + ("" if correlation is None else f": rank correlation {correlation:+.2f}")
    )
    losses.set_xlabel("training loss (running mean over the last epoch)")
    losses.set_ylabel("validation loss")
    alone = [100 * (report.validation_accuracy or 0) for report in last]
    together = np.multiply(analysis.committee_accuracy, 100)
    accuracy.plot(sizes, alone, "o", color=BLUE, label="single start, best first")
    accuracy.plot(sizes, together, ".-", color=ORANGE, label="committee of the best starts")
    accuracy.set_title(f"validation accuracy, %; all starts {percent(together[-1] / 100)}")
    accuracy.set_xlabel("starts in the committee")
    accuracy.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    accuracy.legend()
    for pane in (losses, accuracy):
        pane.grid(alpha=0.3)
    return figure

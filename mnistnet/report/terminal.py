"""Results as text for a person, 80 columns wide at most."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnistnet.model.network import CLASSES, PIXELS

if TYPE_CHECKING:  # predict prints without loading what it does not print
    from mnistnet.model.gradcheck import GradientCheck
    from mnistnet.model.training import Report
    from mnistnet.report.evaluation import Evaluation

SIDE = math.isqrt(PIXELS)  # of an image
BAR = 30  # characters of a probability of 1
# An answer is called unsure where its probability leads the next one's by less.
MARGIN = 0.8


def percent(share: float | None, decimals: int = 2) -> str:
    """0.9785 -> '97.85 %'; '-' where there is no figure."""
    return "-" if share is None else f"{100 * share:.{decimals}f} %"


def epoch_text(report: "Report", epochs: int) -> str:
    """One line for an epoch of so many."""
    return (
        f"epoch {report.epoch:>3}/{epochs}  train loss {report.train_loss:.4f}  "
        f"validation accuracy {percent(report.validation_accuracy)}  {report.seconds:.2f} s"
    )


def live_text(report: "Report", images: int) -> str:
    """What the live line says of the epoch just done, which trained on so many images."""
    return (
        f"train loss {report.train_loss:.4f}, validation {percent(report.validation_accuracy)}, "
        f"{images / report.seconds:,.0f} images/s"
    )


def evaluation_text(evaluation: "Evaluation", name: str) -> str:
    """Accuracy, loss and the confusion table, for images called name ('test:' and a number)."""
    low, high = evaluation.interval
    figures = evaluation.per_digit
    lines = [
        f"accuracy  {percent(evaluation.accuracy)}   "
        f"(95 % interval {percent(low)} to {percent(high)})",
        f"errors    {evaluation.errors:,} of {evaluation.count:,} {name} images",
        f"loss      {evaluation.loss:.4f}",
        "",
        "true      answer",
        "digit" + "".join(f"{digit:6}" for digit in range(CLASSES)) + "    recall",
    ]
    for row, figure in zip(evaluation.confusion, figures, strict=True):
        counts = "".join(f"{count or '.':>6}" for count in row)
        lines.append(f"{figure.digit:>5}{counts}{percent(figure.recall):>10}")
    precisions = ("-" if f.precision is None else f"{100 * f.precision:.1f}" for f in figures)
    lines.append("prec." + "".join(f"{text:>6}" for text in precisions) + f"{'%':>10}")
    return "\n".join(lines)


def mistakes_text(evaluation: "Evaluation", name: str, most: int) -> str:
    """The mistakes the network was surest of, one a line, most lines at the most."""
    return "\n".join(
        f"{f'{name}:{mistake.index}':<12} is {mistake.label}, "
        f"answered {mistake.digit} ({percent(mistake.probability, 1)})"
        for mistake in evaluation.mistakes[:most]
    )


def is_unsure(probabilities: Sequence[float]) -> bool:
    """Whether the first answer leads the second by less than MARGIN."""
    second, first = sorted(probabilities)[-2:]
    return first - second < MARGIN


def answer_text(picture: str, probabilities: Sequence[float], top: int) -> str:
    """'digit.png  7  99.8 %   then 1 0.1 %, 2 0.1 %': the answer and its top runners-up."""
    order = sorted(range(CLASSES), key=lambda digit: -probabilities[digit])
    best, *others = order[: top + 1]
    parts = [f"{picture}  {best}  {percent(probabilities[best], 1)}"]
    if is_unsure(probabilities):
        parts.append("unsure")
    if others:
        rest = (f"{digit} {percent(probabilities[digit], 1)}" for digit in others)
        parts.append("then " + ", ".join(rest))
    return "   ".join(parts)


def picture_text(image: Sequence[int], probabilities: Sequence[float], plain: bool) -> str:
    """An image (784,) as 14 lines of half blocks, ink filled, and the probabilities as bars beside
    it; plain does without characters beyond ASCII."""
    blocks, bar = (" '.:", "#") if plain else (" ▀▄█", "█")
    ink = [level > 127 for level in image]
    lines = []
    for line in range(SIDE // 2):
        upper, lower = (ink[row * SIDE :][:SIDE] for row in (2 * line, 2 * line + 1))
        lines.append("".join(blocks[up + 2 * down] for up, down in zip(upper, lower, strict=True)))
    for digit, probability in enumerate(probabilities):
        length = bar * round(BAR * probability)
        lines[digit + 2] += f"   {digit}  {length:<{BAR}}  {percent(probability, 1):>7}"
    return "\n".join(line.rstrip() for line in lines)


def gradient_check_text(check: "GradientCheck") -> str:
    """Errors and times of the three ways to differentiate, one a line."""
    tried = f"finite differences, {check.sampled:,} weights"
    every = check.differences_seconds / check.sampled * check.parameters
    rows = [
        ("", "largest relative error", "seconds"),
        ("backpropagation", "", f"{check.backprop_seconds:.4f}"),
        (
            "automatic differentiation",
            f"{check.backprop_vs_autodiff:.1e}",
            f"{check.autodiff_seconds:.4f}",
        ),
        (
            tried,
            f"{check.backprop_vs_finite_differences:.1e}",
            f"{check.differences_seconds:.4f}",
        ),
        (f"  all {check.parameters:,} would take", "", f"{every:.0f}"),
    ]
    return "\n".join(f"{name:<34}{error:>24}{seconds:>12}" for name, error, seconds in rows)

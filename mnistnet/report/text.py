"""Results as text, at most 80 columns wide."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.model.answer import Answer
from mnistnet.model.metadata import PIXEL_RANGE, Metadata, Report

if TYPE_CHECKING:  # so that predict does not load what it does not need
    from mnistnet.model.gradcheck import GradientCheck
    from mnistnet.report.evaluation import Evaluation, Mistake

GAP = 2  # columns between images
CONFUSIONS = 5  # listed
BAR = 30  # characters for a probability of 1


def percent(share: float | None, decimals: int = 2) -> str:
    """0.9785 -> '97.85 %', None -> '-'."""
    return "-" if share is None else f"{100 * share:.{decimals}f} %"


def counted(count: int, noun: str) -> str:
    """(1, 'image') -> '1 image', (2000, 'image') -> '2,000 images'."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def accuracy_text(form: str, report: Report) -> str:
    """Format the validation accuracy; empty if no images are held out."""
    accuracy = report.validation_accuracy
    return "" if accuracy is None else form.format(percent(accuracy))


def kind_text(published: bool, drawn: bool) -> str:
    """Describe the source of images: 'they are ...'."""
    if published:
        return "MNIST's own"
    return "drawn digits, not MNIST" if drawn else "not MNIST's own"


def epoch_text(report: Report, epochs: int) -> str:
    """Format the report of an epoch as a line; epochs is their total number."""
    validation = accuracy_text("validation accuracy {}  ", report)
    loss = f"train loss {report.train_loss:.4f}"
    return f"epoch {report.epoch:>3}/{epochs}  {loss}  {validation}{report.seconds:.2f} s"


def live_text(report: Report, images: int) -> str:
    """Format the report of an epoch with this number of training images for a progress bar."""
    validation = accuracy_text("validation {}, ", report)
    return f"loss {report.train_loss:.4f}, {validation}{images / report.seconds:,.0f} images/s"


def trained_text(metadata: Metadata, path: Path) -> str:
    """Format the result of a training run: validation accuracy, epochs, time and weights file."""
    history = metadata.history
    drawn = " on drawn digits" * metadata.data.drawn
    reached = accuracy_text(f"validation accuracy {{}}{drawn} after ", history[-1])
    seconds = sum(report.seconds for report in history)
    return f"{reached}{counted(len(history), 'epoch')} in {seconds:.1f} s; weights in {path}"


def evaluation_text(evaluation: "Evaluation", name: str, subsets: Mapping[str, float]) -> str:
    """Format accuracy, errors, loss, accuracies of subsets, confusion matrix and most frequent
    confusions; name is 'test', 'validation' or 'train'."""
    low, high = evaluation.interval
    figures, confusions = evaluation.per_digit, evaluation.confusions[:CONFUSIONS]
    lines = [
        f"accuracy  {percent(evaluation.accuracy)}   "
        f"(95 % interval {percent(low)} to {percent(high)})",
        f"errors    {evaluation.errors:,} of {counted(evaluation.count, f'{name} image')}",
        f"loss      {evaluation.loss:.4f}",
        *(
            f"  {part.replace('_', ' '):<20}  {percent(share):>8}"
            for part, share in subsets.items()
        ),
        f"unsure    {evaluation.unsure.sum():,} of the answers; "
        f"accuracy of the others {percent(evaluation.sure_accuracy)}",
        "",
        f"digit images{'   read as':<50}{'recall':>8} precision",
        " " * 12 + "".join(f"{digit:5}" for digit in range(CLASSES)),
    ]
    for row, figure in zip(evaluation.confusion, figures, strict=True):
        counts = "".join(f"{count or '.':>5}" for count in row)
        shares = f"{percent(figure.recall, 1):>8}{percent(figure.precision, 1):>10}"
        lines.append(f"{figure.digit:>5}{figure.count:>7}{counts}{shares}")
    if confusions:
        lines += ["", "most frequent confusions"]
    for count, digit, answer in confusions:
        share = percent(count / figures[digit].count, 1)
        times = "once" if count == 1 else f"{count:,} times"
        lines.append(f"{digit} read as {answer}  {times}, {share} of the {digit}s")
    return "\n".join(lines)


def mistakes_text(
    mistakes: Sequence["Mistake"],
    images: Array,
    name: str,
    label_errors: Collection[int],
    width: int,
    plain: bool,
) -> str:
    """Draw the image of each mistake in half blocks, with its name, label and answer.

    name is 'test', 'validation' or 'train'. The images stand side by side up to width columns.
    """
    cells = []
    for mistake in mistakes:
        known = ", label error" if mistake.index in label_errors else ""
        unsure = ", unsure" * mistake.unsure
        caption = [
            f"{name}:{mistake.index} is {mistake.label}, read as {mistake.digit}",
            f"{percent(mistake.probability, 1)}{unsure}{known}",
        ]
        cells.append(caption + half_blocks(images[mistake.index].tolist(), plain))
    across = max(1, (width + GAP) // (SIDE + GAP))
    blocks = []
    for start in range(0, len(cells), across):
        rows = zip(*cells[start : start + across], strict=True)
        lines = [(" " * GAP).join(f"{cell:<{SIDE}}" for cell in row).rstrip() for row in rows]
        drawn = "\n".join(lines[2:]).strip("\n")
        blocks.append("\n".join([*lines[:2], drawn]))
    return "\n\n".join(blocks)


def answer_lines(pictures: Sequence[str], answers: Sequence[Answer], top: int) -> list[str]:
    """Format the answer for each picture as a line in aligned columns, with the top runners-up:

    seven.png  7    99.8 %
    odd.png    7    61.0 %  unsure: close second, 1 35.2 %
    form.png   204  98.7 %
    cat.jpg    -            no digit
    """
    numbers = [
        answer.number or ("-" if answer.digit is None else str(answer.digit)) for answer in answers
    ]
    widths = [max(map(len, column), default=0) for column in (pictures, numbers)]
    lines = []
    for picture, number, answer in zip(pictures, numbers, answers, strict=True):
        probability = percent(answer.probability, 1) if answer.digits else ""
        columns = f"{picture:<{widths[0]}}  {number:<{widths[1]}}  {probability:>7}"
        lines.append(f"{columns}  {_remark(answer, top)}".rstrip())
    return lines


def _remark(answer: Answer, top: int) -> str:
    """Format the reason and the runners-up: 'unsure: close second, 1 35.2 %'."""
    if not answer.digits:
        return "no digit"
    place = next((k for k, digit in enumerate(answer.digits) if digit.unsure), 0)
    if answer.number and not answer.unsure:
        return ""
    probabilities = answer.digits[place].probabilities
    order = sorted(range(CLASSES), key=lambda digit: -probabilities[digit])
    others = order[1 : 1 + max(top, answer.unsure)]
    rest = ", ".join(f"{digit} {percent(probabilities[digit], 1)}" for digit in others)
    if not answer.unsure:
        return f"then {rest}" if rest else ""
    where = f" at digit {place + 1}" if answer.number else ""
    return f"unsure: {answer.reason}{where}, {rest}"


def half_blocks(image: Sequence[int], plain: bool) -> list[str]:
    """Draw an image (784,) as 14 lines of 28 characters, with ASCII characters only if plain."""
    upper, lower = (np.asarray(image).reshape(SIDE // 2, 2, SIDE) > 127).swapaxes(0, 1)
    blocks = np.array(list(" '.:" if plain else " ▀▄█"))
    return ["".join(row) for row in blocks[upper + 2 * lower]]


def picture_text(image: Sequence[int], probabilities: Sequence[float], plain: bool) -> str:
    """Draw an image (784,) in half blocks, with the probabilities as bars next to it."""
    lines, bar = half_blocks(image, plain), "#" if plain else "█"
    for digit, probability in enumerate(probabilities):
        length = bar * round(BAR * probability)
        lines[digit + 2] += f"   {digit}  {length:<{BAR}}  {percent(probability, 1):>7}"
    return "\n".join(line.rstrip() for line in lines)


def gradient_check_text(check: "GradientCheck") -> str:
    """Format the errors of backpropagation against the two other methods, one per line."""
    autodiff = f"automatic differentiation, {check.parameters:,} weights"
    differences = f"finite differences, {check.sampled:,} weights"
    lines = [f"{'backpropagation against':<48}largest relative error"]
    for name, error, agrees in (
        (autodiff, check.backprop_vs_autodiff, check.autodiff_agrees),
        (differences, check.backprop_vs_finite_differences, check.finite_differences_agree),
    ):
        lines.append(f"{name:<48}{error:>22.1e}  {'agrees' if agrees else 'does not agree'}")
    return "\n".join(lines)


def info_text(path: Path, layers: Sequence[int], metadata: Metadata) -> str:
    """Format the metadata of a weights file."""
    data, history, members = metadata.data, metadata.history, metadata.members
    options = asdict(metadata.options)
    del options["hidden"]  # shown as layers
    seed, start = options.pop("seed"), options.pop("start")
    kind = "MNIST" if data.published else f"{data.name or 'a data set'}, not MNIST's own"
    if data.drawn:
        kind = "drawn digits, not MNIST"
    if options["drawn"]:
        kind += f" and {counted(options['drawn'], 'drawn digit')}"
    held_out = counted(options["validation"], "training image")
    epochs = f"{len(history)} in {sum(report.seconds for report in history):,.1f} s"
    starts = f"{len(members)} starts, whose scores are averaged: {', '.join(map(str, members))}"
    rows = {
        "weights": f"{path}, {path.stat().st_size:,} bytes",
        "network": f"{'-'.join(map(str, layers))}, tanh hidden units, identity scores, no biases",
        "pixels": PIXEL_RANGE,
        "trained on": f"{kind}; {held_out} held out",
        "seeds of" if members else "epochs": starts if members else epochs,
        **_last_figures(history),
        "options": _listed(options),
        "started from": f"weights of SHA-256 {start}" if start else "random weights",
        "seed": f"{seed}",
        "made with": _listed(metadata.versions),
        "SHA-256": _listed(data.sha256),
    }
    width = max(map(len, rows)) + 3
    lines = []
    for name, value in rows.items():
        # an untrusted file may contain control characters
        text = f"{name:<{width}}" + "".join(filter(str.isprintable, value))
        lines += textwrap.wrap(text, 80, subsequent_indent=" " * width, break_long_words=False)
    return "\n".join(lines)


def _last_figures(history: Sequence[Report]) -> dict[str, str]:
    """Format the losses and accuracies of the last epoch."""
    figures = {}
    for part in ("train", "validation"):
        loss = getattr(history[-1], f"{part}_loss") if history else None
        accuracy = getattr(history[-1], f"{part}_accuracy") if history else None
        figures[f"{part} loss"] = "-" if loss is None else f"{loss:.4f}"
        figures[f"{part} accuracy"] = percent(accuracy)
    return figures


def _listed(facts: Mapping[str, Any]) -> str:
    """Format a dict: 'batch size 100, learning rate 0.2'."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()) or "-"

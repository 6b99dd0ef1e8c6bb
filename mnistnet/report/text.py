"""Results as text, at most 80 columns wide."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, SIDE, Array
from mnistnet.model.answer import Answer
from mnistnet.model.metadata import PIXEL_RANGE, EpochReport, Metadata
from mnistnet.report.evaluation import Evaluation


def percent(share: float | None, decimals: int = 2) -> str:
    """0.9785 -> '97.85 %', None -> '-'."""
    return "-" if share is None else f"{100 * share:.{decimals}f} %"


def loss_text(loss: float | None) -> str:
    """0.05 -> '0.0500', None -> '-'."""
    return "-" if loss is None else f"{loss:.4f}"


def counted(count: int, noun: str) -> str:
    """(1, 'image') -> '1 image', (2000, 'image') -> '2,000 images'."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def kind_text(published: bool, drawn: bool) -> str:
    """Describe the source of images: 'they are ...'."""
    if published:
        return "MNIST's own"
    return "drawn digits, not MNIST" if drawn else "not MNIST's own"


def epoch_text(report: EpochReport, epochs: int) -> str:
    """Format the report of an epoch as a line; epochs is their total number."""
    loss, accuracy = loss_text(report.train_loss), percent(report.validation_accuracy)
    figures = f"train loss {loss}  validation accuracy {accuracy}"
    return f"epoch {report.epoch:>3}/{epochs}  {figures}  {report.seconds:.2f} s"


def trained_text(metadata: Metadata, path: Path, before: float | None) -> str:
    """Format the result of a training run: accuracy, also that before, epochs, time and file."""
    history, accuracy = metadata.history, metadata.validation_accuracy
    drawn = " on drawn digits" * metadata.data.drawn
    drawn += f" (before: {percent(before)})" * (before is not None)
    reached = "" if accuracy is None else f"validation accuracy {percent(accuracy)}{drawn} after "
    seconds = sum(report.seconds for report in history)
    return f"{reached}{counted(len(history), 'epoch')} in {seconds:.1f} s; weights in {path}"


def evaluation_text(evaluation: Evaluation, name: str, subsets: Mapping[str, float]) -> str:
    """Format an evaluation of the images called name, such as 'test', and accuracies of subsets."""
    low, high = map(percent, evaluation.interval)
    lines = [
        f"accuracy  {percent(evaluation.accuracy)}   (95 % interval {low} to {high})",
        f"errors    {evaluation.errors:,} of {counted(evaluation.count, f'{name} image')}",
        f"loss      {evaluation.loss:.4f}",
        *(f"  {part.replace('_', ' '):<20}{percent(x):>10}" for part, x in subsets.items()),
        f"unsure    {evaluation.unsure:,} of the answers; "
        f"accuracy of the others {percent(evaluation.sure_accuracy)}",
        "",
        f"digit images{'   read as':<50}{'recall':>8} precision",
        " " * 12 + "".join(f"{digit:5}" for digit in range(CLASSES)),
    ]
    for row, figures in zip(evaluation.confusion, evaluation.per_digit, strict=True):
        counts = "".join(f"{count or '.':>5}" for count in row)
        shares = f"{percent(figures['recall'], 1):>8}{percent(figures['precision'], 1):>10}"
        lines.append(f"{figures['digit']:>5}{figures['count']:>7}{counts}{shares}")
    pairs = np.ndenumerate(evaluation.confusion)
    confusions = sorted((-count, *pair) for pair, count in pairs if count and pair[0] != pair[1])
    if confusions:
        lines += ["", "most frequent confusions"]
    for negative, digit, answer in confusions[:5]:
        share = percent(-negative / evaluation.per_digit[digit]["count"], 1)
        times = "once" if negative == -1 else f"{-negative:,} times"
        lines.append(f"{digit} read as {answer}  {times}, {share} of the {digit}s")
    return "\n".join(lines)


def mistakes_text(
    mistakes: Sequence[dict[str, Any]],
    images: Array,
    name: str,
    label_errors: Collection[int],
    width: int,
    plain: bool,
) -> str:
    """Draw each mistake with its name, label and answer, side by side up to width columns."""
    cells = []
    for mistake in mistakes:
        index, probability = mistake["index"], percent(mistake["probability"], 1)
        remarks = ", unsure" * mistake["unsure"] + ", label error" * (index in label_errors)
        caption = f"{name}:{index} is {mistake['label']}, read as {mistake['digit']}"
        cells.append([caption, probability + remarks, *half_blocks(images[index].tolist(), plain)])
    across = max(1, (width + 2) // (SIDE + 2))
    lines = []
    for start in range(0, len(cells), across):
        for row in zip(*cells[start : start + across], strict=True):
            lines.append("  ".join(f"{cell:<{SIDE}}" for cell in row).rstrip())
    return "\n".join(lines).rstrip("\n")


def comparison_text(comparison: dict[str, Any], split: str) -> str:
    """Format both accuracies, the images of the split that only one gets right, and the test."""
    mine, theirs = percent(comparison["accuracy"]), percent(comparison["other_accuracy"])
    lines = [f"this network {mine}, {comparison['name']} {theirs}"]
    for who, which in (("this network", "only_network"), ("the other", "only_other")):
        images = comparison[which]
        listed = [f"{split}:{image}" for image in images[:8]] + ["..."] * (len(images) > 8)
        text = f"only {who} is right on {len(images):,}: {', '.join(listed) or '-'}"
        lines += textwrap.wrap(text, 80, subsequent_indent="  ")
    p = comparison["p_value"]
    verdict = f"the difference is{' not' * (p >= 0.05)} statistically significant"
    return "\n".join([*lines, f"{verdict}: p = {p:.2g} (exact McNemar test)"])


def answer_lines(pictures: Sequence[str], answers: Sequence[Answer], top: int) -> list[str]:
    """Format the answer for each picture as a line in aligned columns, with the top runners-up."""
    numbers = [answer.number or str(answer.digit if answer.digits else "-") for answer in answers]
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
    if answer.number and not answer.unsure:
        return ""
    place = next((k for k, digit in enumerate(answer.digits) if digit.unsure), 0)
    p = answer.digits[place].probabilities
    ranked = sorted(range(CLASSES), key=p.__getitem__, reverse=True)
    rest = ", ".join(f"{k} {percent(p[k], 1)}" for k in ranked[1 : 1 + max(top, answer.unsure)])
    if not answer.unsure:
        return rest and f"then {rest}"
    where = f" at digit {place + 1}" if answer.number else ""
    return f"unsure: {answer.reason}{where}, {rest}"


def half_blocks(image: Sequence[int] | Array, plain: bool) -> list[str]:
    """Draw an image (784,) as 14 lines of 28 characters, with ASCII characters only if plain."""
    upper, lower = (np.asarray(image).reshape(SIDE // 2, 2, SIDE) > 127).swapaxes(0, 1)
    blocks = np.array(list(" '.:" if plain else " ▀▄█"))
    return ["".join(row) for row in blocks[upper + 2 * lower]]


def picture_text(image: Sequence[int], probabilities: Sequence[float], plain: bool) -> str:
    """Draw an image (784,) in half blocks, with the probabilities as bars next to it."""
    lines = half_blocks(image, plain)
    for digit, probability in enumerate(probabilities):
        bar = ("#" if plain else "█") * round(30 * probability)
        lines[digit + 2] += f"   {digit}  {bar:<30}  {percent(probability, 1):>7}"
    return "\n".join(line.rstrip() for line in lines)


def info_text(path: Path, layers: Sequence[int], metadata: Metadata) -> str:
    """Format the metadata of a weights file."""
    data, history, members = metadata.data, metadata.history, metadata.members
    last = asdict(history[-1]) if history else {}
    options = asdict(metadata.options)
    del options["hidden"]  # shown as layers
    seed, start = options.pop("seed"), options.pop("start")
    kind = "MNIST" if data.published else f"{data.name or 'a data set'}, not MNIST's own"
    if data.drawn:
        kind = "drawn digits, not MNIST"
    if options["drawn"]:
        kind += f" and {counted(options['drawn'], 'drawn digit')}"
    training = {"epochs": f"{len(history)} in {sum(r.seconds for r in history):,.1f} s"}
    if members:
        seeds = ", ".join(map(str, members))
        training = {"seeds of": f"{len(members)} starts, whose scores are averaged: {seeds}"}
    rows = {
        "weights": f"{path}, {path.stat().st_size:,} bytes",
        "network": f"{'-'.join(map(str, layers))}, tanh hidden units, identity scores, no biases",
        "pixels": PIXEL_RANGE,
        "trained on": f"{kind}; {counted(options['validation'], 'training image')} held out",
        **training,
        "train loss": loss_text(last.get("train_loss")),
        "train accuracy": percent(last.get("train_accuracy")),
        "validation loss": loss_text(last.get("validation_loss")),
        "validation accuracy": percent(last.get("validation_accuracy")),
        "options": _listed(options),
        "unsure below": _listed(asdict(metadata.used_limits)),
        "started from": f"weights of SHA-256 {start}" if start else "random weights",
        "seed": str(seed),
        "made with": _listed(metadata.versions),
        "SHA-256": _listed(data.sha256),
    }
    width = max(map(len, rows)) + 3
    lines = []
    for name, value in rows.items():
        text = f"{name:<{width}}{value}"
        lines += textwrap.wrap(
            text, 80, subsequent_indent=" " * width, break_long_words=False, max_lines=50
        )
    return "\n".join(lines)


def _listed(facts: Mapping[str, Any]) -> str:
    """Format a dict: 'batch size 100, learning rate 0.2'."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()) or "-"

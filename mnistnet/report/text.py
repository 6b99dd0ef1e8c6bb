"""Results as text for a person, 80 columns wide at most."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistnet.arrays import CLASSES, PIXELS, SIDE
from mnistnet.model.metadata import PIXEL_RANGE

if TYPE_CHECKING:  # predict prints without loading what it does not print
    from mnistnet.arrays import Array
    from mnistnet.model.answer import Answer
    from mnistnet.model.gradcheck import GradientCheck
    from mnistnet.model.metadata import Metadata, Report
    from mnistnet.report.evaluation import Evaluation, Mistake

GAP = 2  # columns between images
CONFUSIONS = 5  # told in words
FIGURES = [(part, name) for part in ("train", "validation") for name in ("loss", "accuracy")]
BAR = 30  # characters of a probability of 1


def percent(share: float | None, decimals: int = 2) -> str:
    """0.9785 -> '97.85 %'; '-' where there is no figure."""
    return "-" if share is None else f"{100 * share:.{decimals}f} %"


def kind_text(published: bool, drawn: bool) -> str:
    """What images are, in words that follow 'they are'."""
    if published:
        return "MNIST's own"
    return "drawn digits, not MNIST" if drawn else "not MNIST's own"


def epoch_text(report: "Report", epochs: int) -> str:
    """One line for an epoch of so many."""
    return (
        f"epoch {report.epoch:>3}/{epochs}  train loss {report.train_loss:.4f}  "
        f"validation accuracy {percent(report.validation_accuracy)}  {report.seconds:.2f} s"
    )


def live_text(report: "Report", images: int) -> str:
    """What the live line says of the epoch just done, which trained on so many images."""
    return (
        f"loss {report.train_loss:.4f}, validation {percent(report.validation_accuracy)}, "
        f"{images / report.seconds:,.0f} images/s"
    )


def trained_text(metadata: "Metadata", path: Path) -> str:
    """What a training that is done has reached, and where its weights are."""
    history = metadata.history
    seconds = sum(report.seconds for report in history)
    drawn = " on drawn digits" * metadata.data.drawn
    return (
        f"validation accuracy {percent(history[-1].validation_accuracy)}{drawn} after "
        f"{len(history)} epochs in {seconds:.1f} s; weights in {path}"
    )


def evaluation_text(evaluation: "Evaluation", name: str, parts: Mapping[str, float]) -> str:
    """Accuracy, errors, loss, the accuracy of parts, the table of digits and the most frequent
    confusions, for images called name."""
    low, high = evaluation.interval
    figures, confusions = evaluation.per_digit, evaluation.confusions[:CONFUSIONS]
    lines = [
        f"accuracy  {percent(evaluation.accuracy)}   "
        f"(95 % interval {percent(low)} to {percent(high)})",
        f"errors    {evaluation.errors:,} of {evaluation.count:,} {name} images",
        f"loss      {evaluation.loss:.4f}",
        *(f"  {part.replace('_', ' '):<20}  {percent(share):>8}" for part, share in parts.items()),
        *_unsure_lines(evaluation),
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


def _unsure_lines(evaluation: "Evaluation") -> list[str]:
    if not len(evaluation.unsure):
        return []
    others = percent(evaluation.sure_accuracy)
    return [
        f"unsure    {evaluation.unsure.sum():,} of the answers; accuracy of the others {others}"
    ]


def mistakes_text(
    mistakes: Sequence["Mistake"],
    images: "Array",
    name: str,
    label_errors: Collection[int],
    width: int,
    plain: bool,
) -> str:
    """Each mistake's image (784,) in half blocks with what it is and was read as, for images called
    name ('test:' and a number), as many beside each other as fit into so many columns."""
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
        lines = [
            (" " * GAP).join(f"{part:<{SIDE}}" for part in parts).rstrip()
            for parts in zip(*cells[start : start + across], strict=True)
        ]
        caption, drawn = lines[:2], lines[2:]
        inked = [row for row, line in enumerate(drawn) if line] or [0]
        blocks.append("\n".join(caption + drawn[inked[0] : inked[-1] + 1]))
    return "\n\n".join(blocks)


def answer_lines(pictures: Sequence[str], answers: Sequence["Answer"], top: int) -> list[str]:
    """A line for each picture's answer, with its top runners-up, columns below each other:

    seven.png  7    99.8 %
    odd.png    7    61.0 %  unsure: close second, 1 35.2 %
    form.png   204  98.7 %
    cat.jpg    -            no digit
    """
    said = [
        answer.number or ("-" if answer.digit is None else str(answer.digit)) for answer in answers
    ]
    wide, deep = (max(map(len, column), default=0) for column in (pictures, said))
    lines = []
    for picture, word, answer in zip(pictures, said, answers, strict=True):
        sure = percent(answer.probability, 1) if answer.digits else ""
        line = f"{picture:<{wide}}  {word:<{deep}}  {sure:>7}  {_remark(answer, top)}"
        lines.append(line.rstrip())
    return lines


def _remark(answer: "Answer", top: int) -> str:
    """'unsure: close second, 1 35.2 %': the reason, and the runners-up of the digit it is about."""
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
    """An image (784,) as 14 lines of 28 characters, ink filled; plain does without characters
    beyond ASCII."""
    blocks = " '.:" if plain else " ▀▄█"
    ink = [level > 127 for level in image]
    rows = [ink[start : start + SIDE] for start in range(0, PIXELS, SIDE)]
    return [
        "".join(blocks[up + 2 * down] for up, down in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def picture_text(image: Sequence[int], probabilities: Sequence[float], plain: bool) -> str:
    """An image (784,) in half blocks, and the probabilities as bars beside it."""
    lines, bar = half_blocks(image, plain), "#" if plain else "█"
    for digit, probability in enumerate(probabilities):
        length = bar * round(BAR * probability)
        lines[digit + 2] += f"   {digit}  {length:<{BAR}}  {percent(probability, 1):>7}"
    return "\n".join(line.rstrip() for line in lines)


def gradient_check_text(check: "GradientCheck") -> str:
    """The errors of backpropagation against the two other ways to differentiate, one per line."""
    rows = [
        (
            f"automatic differentiation, {check.parameters:,} weights",
            check.backprop_vs_autodiff,
            check.autodiff_agrees,
        ),
        (
            f"finite differences, {check.sampled:,} weights",
            check.backprop_vs_finite_differences,
            check.finite_differences_agree,
        ),
    ]
    lines = [f"{'backpropagation against':<48}largest relative error"]
    for name, error, agrees in rows:
        lines.append(f"{name:<48}{error:>22.1e}  {'agrees' if agrees else 'does not agree'}")
    return "\n".join(lines)


def info_text(path: Path, layers: Sequence[int], metadata: "Metadata") -> str:
    """What a weights file says of its network, in a dozen lines."""
    data, options, history = metadata.data, asdict(metadata.options), metadata.history
    kind = "MNIST" if data.published else f"{data.name or 'a data set'}, not MNIST's own"
    if data.drawn:
        kind = "drawn digits, not MNIST"
    more = f" and {options['drawn']} drawn digits" if options["drawn"] else ""
    seconds = sum(report.seconds for report in history)
    seed = options.pop("seed")
    del options["hidden"]  # which the layers tell
    start = options.pop("start")
    members = metadata.members
    made = f"{len(history)} in {seconds:,.1f} s"
    if members:
        made = f"{len(members)} starts, whose scores are averaged: {', '.join(map(str, members))}"
    rows = [
        ("weights", f"{path}, {path.stat().st_size:,} bytes"),
        ("network", f"{'-'.join(map(str, layers))}, tanh hidden units, identity scores, no biases"),
        ("pixels", PIXEL_RANGE),
        ("trained on", f"{kind}{more}; {options['validation']:,} training images held out"),
        ("seeds of" if members else "epochs", made),
        *((f"{part} {name}", _last(history, part, name)) for part, name in FIGURES),
        ("options", _listed(options)),
        ("started from", f"weights of SHA-256 {start}" if start else "random weights"),
        ("seed", seed),
        ("made with", _listed(metadata.versions)),
        ("SHA-256", _listed(data.sha256)),
    ]
    width = max(len(name) for name, _ in rows) + 3
    lines = []
    for name, value in rows:
        # a file from elsewhere may have anything in it, a terminal's control characters too
        text = "".join(filter(str.isprintable, str(value)))
        lines += textwrap.wrap(
            f"{name:<{width}}{text}", 80, subsequent_indent=" " * width, break_long_words=False
        )
    return "\n".join(lines)


def _last(history: Sequence["Report"], part: str, name: str) -> str:
    """A figure of the last epoch."""
    value = getattr(history[-1], f"{part}_{name}") if history else None
    return percent(value) if name == "accuracy" or value is None else f"{value:.4f}"


def _listed(facts: Mapping[str, Any]) -> str:
    """'batch size 100, learning rate 0.2' of a dict."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items()) or "-"

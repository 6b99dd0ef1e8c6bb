"""Results as text for a person, 80 columns wide at most."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistnet.arrays import CLASSES, PIXELS, SIDE

if TYPE_CHECKING:  # predict prints without loading what it does not print
    from mnistnet.arrays import Array
    from mnistnet.model.gradcheck import GradientCheck
    from mnistnet.model.training import Report
    from mnistnet.report.evaluation import Evaluation, Mistake

GAP = 2  # columns between images
CONFUSIONS = 5  # told in words
FIGURES = [(part, name) for part in ("train", "validation") for name in ("loss", "accuracy")]
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
        f"loss {report.train_loss:.4f}, validation {percent(report.validation_accuracy)}, "
        f"{images / report.seconds:,.0f} images/s"
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
        known = ", known label error" if mistake.index in label_errors else ""
        caption = [
            f"{name}:{mistake.index} is {mistake.label}, read as {mistake.digit}",
            f"{percent(mistake.probability, 1)}{known}",
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


def info_text(path: Path, layers: Sequence[int], meta: Mapping[str, Any]) -> str:
    """What a weights file tells of its network (weights.metadata), in a dozen lines."""
    data, options = meta["data"], meta["options"]
    kind = "MNIST" if data.get("published") else "a data set that is not MNIST"
    if data.get("drawn"):
        kind = "drawn digits, not MNIST"
    more = f" and {options['drawn']} drawn digits" if options.get("drawn") else ""
    epochs = [row for row in meta["history"] if isinstance(row, dict)]
    seconds = sum(row["seconds"] for row in epochs if isinstance(row.get("seconds"), float))
    rows = [
        ("weights", f"{path}, {path.stat().st_size:,} bytes"),
        ("network", f"{'-'.join(map(str, layers))}, tanh hidden units, identity scores, no biases"),
        ("pixels", meta.get("pixels")),
        ("trained on", f"{kind}{more}; {options['validation']:,} training images held out"),
        ("epochs", f"{meta.get('epochs')} in {seconds:,.1f} s"),
        *((f"{part} {name}", _last(epochs, f"{part}_{name}")) for part, name in FIGURES),
        ("options", _listed(options)),
        ("seed", meta.get("seed")),
        ("made with", _listed(meta.get("versions"))),
        ("SHA-256", _listed(data.get("sha256"))),
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


def _last(epochs: Sequence[Mapping[str, Any]], name: str) -> str:
    """A figure of the last epoch."""
    value = epochs[-1].get(name) if epochs else None
    if not isinstance(value, float):
        return "-"
    return percent(value) if name.endswith("accuracy") else f"{value:.4f}"


def _listed(facts: Any) -> str:
    """'batch size 100, learning rate 0.2' of a dict."""
    if not isinstance(facts, dict):
        return "-"
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items())

"""Compare the starts of a search: how much the minima differ, whether the lowest training loss is
also the best on validation images, and how much a committee gains."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import CLASSES, Array
from mnistnet.errors import TrainingError
from mnistnet.model.network import log_probabilities, logistic_loss
from mnistnet.model.search import Start, best
from mnistnet.model.state import split
from mnistnet.report.text import loss_text, percent


@dataclass(frozen=True)
class Analysis:
    """The comparison of the starts of a search on their validation images, if they have any."""

    starts: list[Start]  # by validation loss, the lowest first; by seed if no images are held out
    rank_correlation: float | None  # Spearman's, of training and validation loss; None for few
    disagreement: float | None  # mean fraction of the images that two starts read differently
    committee_accuracy: list[float]  # of the best 1, 2, ... starts; empty without images
    committee_loss: list[float]  # of the same committees


def analyse(
    starts: Sequence[Start], images: Array, labels: Array, sha256: dict[str, str]
) -> Analysis:
    """Compare the starts on their validation images. images (n, 784) uint8 and labels (n,), with
    this SHA-256, are the whole training set. Raises TrainingError if theirs was another one."""
    first = starts[0].metadata
    if dict(first.data.sha256) != sha256:
        message = "trained on other images; name their folder with --data"
        raise TrainingError(f"{starts[0].path}: {message}")
    rows = split(len(labels), first.options)[1]
    if not len(rows):
        return Analysis(sorted(starts, key=lambda start: start.seed), None, None, [], [])
    starts, count, labels = best(starts, len(starts)), len(starts), labels[rows]
    total, votes = np.zeros((2, len(rows), CLASSES))
    accuracies, losses = [], []
    for size, start in enumerate(starts, start=1):
        scores = start.load().image_scores(images[rows])
        votes += scores.argmax(axis=1)[:, None] == np.arange(CLASSES)
        total += scores
        accuracies.append(float((total.argmax(axis=1) == labels).mean()))
        losses.append(logistic_loss(log_probabilities(total / size), labels))
    agreeing = float((votes * (votes - 1)).sum(axis=1).mean())  # of count * (count - 1) pairs
    disagreement = 1 - agreeing / (count * (count - 1)) if count > 1 else None
    pairs = np.array([(start.last.train_loss, start.last.validation_loss) for start in starts])
    ranks = pairs.argsort(axis=0).argsort(axis=0)
    correlation = float(np.corrcoef(*ranks.T)[0, 1]) if count >= 5 else None
    return Analysis(starts, correlation, disagreement, accuracies, losses)


def start_json(start: Start) -> dict[str, Any]:
    """Return the fields of a start in `search --json`."""
    last = start.last
    return {
        "seed": start.seed,
        "train_loss": last.train_loss,
        "validation_loss": last.validation_loss,
        "validation_accuracy": last.validation_accuracy,
        "epochs": last.epoch,
        "seconds": _seconds(start),
        "weights": str(start.path),
        "kept": start.kept,
    }


def start_text(start: Start) -> str:
    """Format a finished start in one line."""
    loss, accuracy = start.last.train_loss, percent(start.last.validation_accuracy)
    time = "kept" if start.kept else f"{_seconds(start):.1f} s"
    return f"seed {start.seed:>4}  training loss {loss:.4f}  validation accuracy {accuracy}  {time}"


def summary_json(analysis: Analysis, seeds: Sequence[int], path: Path) -> dict[str, Any]:
    """Return the fields of a search in JSON; seeds are of the starts in the network at path."""
    accuracies, losses = analysis.committee_accuracy, analysis.committee_loss
    return {
        "weights": str(path),
        "seeds": list(seeds),
        "starts": len(analysis.starts),
        "validation_accuracy": accuracies[len(seeds) - 1] if accuracies else None,
        "validation_loss": losses[len(seeds) - 1] if losses else None,
        "rank_correlation": analysis.rank_correlation,
        "disagreement": analysis.disagreement,
        "committee_accuracy": accuracies,
        "seconds": sum(map(_seconds, analysis.starts)),
    }


def starts_text(analysis: Analysis) -> str:
    """Format a table of the starts, the best first, and their comparison."""
    lines = [f"{'':<8}{'seed':>6}{'training loss':>15}{'validation loss':>17}{'accuracy':>10}"]
    starts, names = analysis.starts, {}
    if analysis.committee_accuracy and len(starts) >= 3:
        names = {0: "best", len(starts) // 2: "median", len(starts) - 1: "worst"}
    for rank, start in enumerate(starts):
        last, line = start.last, f"{names.get(rank, ''):<8}{start.seed:>6}"
        line += f"{last.train_loss:>15.4f}{loss_text(last.validation_loss):>17}"
        lines.append(f"{line}{percent(last.validation_accuracy):>10}")
    losses = [start.last.train_loss for start in starts]
    lines += ["", f"training losses from {min(losses):.4f} to {max(losses):.4f}"]
    if analysis.disagreement is not None:
        lines[-1] += f"; two starts read {percent(analysis.disagreement)} of the validation"
        lines.append("images differently, on average")
    if analysis.rank_correlation is not None:
        rank = losses.index(min(losses))
        lowest = f"seed {starts[rank].seed} has the lowest training loss"
        lines.append(f"{lowest} and ranks number {rank + 1} by validation loss;")
        found = f"{analysis.rank_correlation:+.2f}"
        lines.append(f"rank correlation of training and validation loss {found}")
    return "\n".join(lines)


def written_text(analysis: Analysis, seeds: Sequence[int], path: Path) -> str:
    """Format what the network at path is, its validation accuracy and its path."""
    kind = f"the committee of {len(seeds)} starts" if len(seeds) > 1 else f"seed {seeds[0]}"
    accuracy = summary_json(analysis, seeds, path)["validation_accuracy"]
    reached = "" if accuracy is None else f", validation accuracy {percent(accuracy)}"
    return f"{kind}{reached}; weights in {path}"


def _seconds(start: Start) -> float:
    return sum(report.seconds for report in start.metadata.history)

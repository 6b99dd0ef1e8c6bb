"""How a network was trained: the metadata in a weights file.

It is stored as a JSON object, and parsed and checked here when the file is read.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import numpy as np

from mnistnet import __version__
from mnistnet.model.answer import STANDARD, Limits
from mnistnet.model.options import MOST, Options, conform
from mnistnet.model.threads import blas

PIXEL_RANGE = "x = pixel / 255; pixel 0 is background, 255 is ink"
MAX_FIGURE = 1_000_000_000  # limit for losses and times read from a file


@dataclass(frozen=True)
class EpochReport:
    """The figures of one epoch: losses are means per image, accuracies are from 0 to 1.

    Training figures are running means over the epoch, of each distorted minibatch before its step.
    Validation figures are None if no images are held out. learning_rate is that of the first step.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class TrainingSet:
    """The training images of a network.

    sha256     of the IDX files, by "images" and "labels"
    published  whether they are MNIST's own
    drawn      whether they are digits drawn by the program
    name       of the data set, if it has one
    """

    sha256: Mapping[str, str] = field(default_factory=dict)
    published: bool = False
    drawn: bool = False
    name: str = ""


@dataclass(frozen=True)
class Metadata:
    """How a network was trained.

    history has a report for each epoch. A committee (search.py) has no history; its members are
    the seeds of the starts that it averages. limits are those of its unsure answers; None in older
    files, and for networks trained with few validation images.
    """

    options: Options
    data: TrainingSet
    history: tuple[EpochReport, ...] = ()
    versions: Mapping[str, str] = field(
        default_factory=lambda: {"mnistnet": __version__, "numpy": np.__version__, "BLAS": blas()}
    )
    members: tuple[int, ...] = ()
    limits: Limits | None = None

    @property
    def validation_accuracy(self) -> float | None:
        """The accuracy after the last epoch; None for a committee or without validation images."""
        return self.history[-1].validation_accuracy if self.history else None

    @property
    def used_limits(self) -> Limits:
        """The limits of the network, or the standard ones if it has none."""
        return self.limits or STANDARD

    def as_json(self) -> dict[str, Any]:
        """Return the JSON fields of the weights file and of `info --json`."""
        options = asdict(self.options.completed(MOST))
        del options["hidden"]  # stored as layers
        return {
            "pixels": PIXEL_RANGE,
            "seed": options.pop("seed"),
            "options": options,
            "epochs": len(self.history),
            "validation_accuracy": self.validation_accuracy,
            "data": asdict(self.data),
            "versions": dict(self.versions),
            "history": [asdict(report) for report in self.history],
            **({"members": list(self.members)} if self.members else {}),
            **({"limits": asdict(self.limits)} if self.limits else {}),
        }


def parse(found: Mapping[str, Any], hidden: tuple[int, ...]) -> Metadata:
    """Parse the JSON object of a network with these hidden layers; unknown keys are ignored. Raises
    ValueError, with what was expected and found, if a field is missing or has a wrong type."""
    rows = conform("history", list, found.get("history"))
    history = tuple(_parsed("history", EpochReport, row) for row in rows)
    if [report.epoch for report in history] != list(range(1, len(history) + 1)):
        raise ValueError("expected epochs 1, 2, 3, ... in history; found other numbers")
    options = dict(conform("options", dict, found.get("options")), seed=found.get("seed"))
    return Metadata(
        _parsed("options", Options, options | {"hidden": hidden}).completed(MOST),
        _parsed("data", TrainingSet, found.get("data")),
        history,
        conform("versions", Mapping[str, str], found.get("versions", {})),
        conform("members", tuple[int, ...], found.get("members", [])),
        _parsed("limits", Limits, found["limits"]) if found.get("limits") else None,
    )


def _parsed(name: str, kind: Any, found: Any) -> Any:
    """Make an instance of a dataclass, with each field checked against its declared type."""
    conform(name, dict, found)
    limits = (0, MAX_FIGURE if kind is EpochReport else math.inf, None)
    values = {}
    for each in fields(kind):
        if each.name in found:
            values[each.name] = conform(each.name, each.type, found[each.name], limits)
        elif each.default is each.default_factory is MISSING:
            raise ValueError(f"expected {each.name} in {name}; found none")
    return kind(**values)

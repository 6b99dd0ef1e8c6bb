"""How a network was trained: the metadata in a weights file.

It is stored as a JSON object, and parsed and checked here when the file is read.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any

import numpy as np

from mnistnet import __version__
from mnistnet.errors import TrainingError
from mnistnet.model.options import BATCH_SIZE, MOST, VALIDATION, Options

PIXEL_RANGE = "x = pixel / 255; pixel 0 is background, 255 is ink"
MAX_FIGURE = 1e9  # limit for losses and times read from a file


@dataclass(frozen=True)
class Report:
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
class Source:
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
    the seeds of the starts that it averages.
    """

    options: Options
    data: Source
    history: tuple[Report, ...] = ()
    versions: Mapping[str, str] = field(
        default_factory=lambda: {"mnistnet": __version__, "numpy": np.__version__}
    )
    members: tuple[int, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON fields of the weights file and of `info --json`."""
        options = asdict(self.options.completed(MOST))
        del options["hidden"]  # stored as layers
        return {
            "pixels": PIXEL_RANGE,
            "seed": options.pop("seed"),
            "options": options,
            "epochs": len(self.history),
            "validation_accuracy": self.history[-1].validation_accuracy if self.history else None,
            "data": asdict(self.data),
            "versions": dict(self.versions),
            "history": [asdict(report) for report in self.history],
            **({"members": list(self.members)} if self.members else {}),
        }


def parse(found: Mapping[str, Any], hidden: tuple[int, ...]) -> Metadata:
    """Parse the JSON object of a network with these hidden layers; unknown keys are ignored.

    Raises ValueError, with what was expected and found, if a field is missing or has a wrong type.
    """
    history = tuple(_parsed(Report, row, "history") for row in _checked(list, found, "history"))
    if [report.epoch for report in history] != list(range(1, len(history) + 1)):
        raise ValueError("expected epochs 1, 2, 3, ... in 'history'; found other numbers")
    usual = {"start": "", "validation": VALIDATION, "batch_size": BATCH_SIZE}
    options = usual | _checked(dict, found, "options")
    for name, value in usual.items():
        _checked(type(value), options, name)
    names = {option.name for option in fields(Options)}
    known = {name: value for name, value in options.items() if name in names}
    try:
        read = Options(**known | {"hidden": hidden, "seed": found.get("seed")})
    except TrainingError as error:
        raise ValueError(str(error)) from error
    more = {"versions": {}, "members": [], **found}
    return Metadata(
        read,
        _parsed(Source, found.get("data"), "data"),
        history,
        _checked(Mapping[str, str], more, "versions"),
        tuple(_checked(list[int], more, "members")),
    )


def _parsed(kind: Any, found: Any, name: str) -> Any:
    """Make an instance of a dataclass, with each field checked against its declared type."""
    _checked(dict, {name: found}, name)
    values = {}
    for each in fields(kind):
        if each.name in found:
            values[each.name] = _checked(each.type, found, each.name)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ValueError(f"expected '{each.name}' in '{name}'; found none")
    return kind(**values)


def _checked(kind: Any, found: Mapping[str, Any], name: str) -> Any:
    """Return the value of this name if it has the given type; raises ValueError otherwise."""
    value = found.get(name)
    words, is_right = _KINDS[kind]
    if not is_right(value):
        shown = repr(value)
        shown = shown if len(shown) < 60 else f"{shown[:57]}..."
        raise ValueError(f"expected {words} for '{name}'; found {shown}")
    return value


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= MAX_FIGURE


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_strings(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


_FIGURE = f"a number from 0 to {MAX_FIGURE:g}"
_KINDS: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    int: ("a whole number", _is_count),
    str: ("text", lambda value: isinstance(value, str)),
    bool: ("true or false", lambda value: type(value) is bool),
    float: (_FIGURE, _is_figure),
    float | None: (_FIGURE, lambda value: value is None or _is_figure(value)),
    list: ("a list", lambda value: isinstance(value, list)),
    list[int]: ("whole numbers", lambda value: type(value) is list and all(map(_is_count, value))),
    dict: ("an object", lambda value: isinstance(value, dict)),
    Mapping[str, str]: ("an object of strings", _is_strings),
}

"""The options that the commands that train share, and loading what they name."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import Field
from pathlib import Path
from typing import Any, NamedTuple

import click

from mnistnet.api import load_network
from mnistnet.cli import options
from mnistnet.data.mnist import Dataset
from mnistnet.errors import TrainingError
from mnistnet.files import check_writable
from mnistnet.model.diagnosis import training_warning
from mnistnet.model.metadata import Report
from mnistnet.model.network import Network
from mnistnet.model.options import BATCH_SIZE, DECLARED, MOST, VALIDATION, Options
from mnistnet.report.text import counted


class FiniteRange(click.FloatRange):
    """A number in a range; click accepts nan and infinity."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class Layers(click.types.StringParamType):
    """Units of hidden layers, such as 300,100, as a tuple of int."""

    name = "units,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            layers = tuple(int(units) for units in value.split(","))
        except ValueError:
            layers = (0,)
        if not all(1 <= units <= MOST for units in layers):
            self.fail(
                f"{value!r} is not a valid list of units, such as 300,100, each from 1 to {MOST}.",
                param,
                ctx,
            )
        return layers


def _option(field: "Field[Any]") -> Callable[..., Any]:
    """Make the command-line option of a field of Options."""
    name = f"--{field.name.replace('_', '-')}"
    low, high, excluded = field.metadata["range"]
    limits = {"min": low, "max": None if high == math.inf else high}
    more: dict[str, Any] = {"default": field.default, "show_default": field.default is not None}
    if field.type is bool:
        name = f"{name}/--no-{name[2:]}"
    elif field.type is float:
        is_open = {"min_open": excluded == low, "max_open": excluded == high}
        more["type"] = FiniteRange(**limits, **is_open)
    elif field.name == "hidden":  # may be repeated; --from may determine it
        flatten = lambda _ctx, _param, groups: tuple(itertools.chain(*groups))  # noqa: E731
        more = {"type": Layers(), "multiple": True, "callback": flatten}
    else:
        more["type"] = click.IntRange(**limits)
    return click.option(name, help=field.metadata["help"], **more)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to train, on which data, and which file to write."""
    start: Any = click.option(
        "--from",
        "start",
        type=options.FILE,
        help="Weights file to start from, or 'pretrained' for the bundled weights.",
    )
    weights = options.weights_option("Weights file to write.", options.DEFAULT_WEIGHTS)
    for option in reversed([options.data_options, weights, *map(_option, DECLARED), start]):
        command = option(command)
    return command


class Prepared(NamedTuple):
    """What the training options name: the data, the settings, and the network to start from."""

    data: Dataset
    settings: Options
    start: Network | None


def prepare(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    start: Path | None,
    given: dict[str, Any],
) -> Prepared:
    """Load what the training options name, and print notes and warnings about it."""
    check_writable(weights)  # before MNIST is downloaded
    network = _load_start(start, given)
    data = options.load_dataset(folder, mirrors, "train")
    settings = Options(**given)
    validation, batch_size = settings.sizes(len(data.labels))
    chosen = []
    if settings.validation is None and validation != VALIDATION:
        chosen.append(f"{counted(validation, 'validation image')} (--validation)")
    if settings.batch_size is None and batch_size != BATCH_SIZE:
        chosen.append(f"{counted(batch_size, 'image')} in a minibatch (--batch-size)")
    if chosen:
        options.note(f"for a set of {counted(len(data.labels), 'image')}: {', '.join(chosen)}")
    if data.drawn:
        options.note("training on drawn digits, not MNIST")
    elif not data.published:
        options.note(f"training on {data.name}, not MNIST's own")
    return Prepared(data, settings.completed(len(data.labels)), network)


def note_failure(prepared: Prepared, history: Sequence[Report]) -> None:
    """Warn if the network with this history learned nothing."""
    data = prepared.data
    failure = training_warning(history, data.images, data.labels, prepared.settings)
    if failure:
        options.note(f"Warning: {failure}")


def _load_start(path: Path | None, given: dict[str, Any]) -> Network | None:
    """Load the network to start from; set the options that it determines."""
    if path is None:
        given["hidden"] = given["hidden"] or Options.hidden
        return None
    network = load_network(None if path == Path("pretrained") else path).model
    hidden = network.layers[1:-1]
    if given["hidden"] not in ((), hidden):
        own, other = (",".join(map(str, layers)) for layers in (hidden, given["hidden"]))
        raise TrainingError(
            f"{path}: expected its own layers, --hidden {own}; found --hidden {other}"
        )
    given |= {"hidden": hidden, "start": network.sha256}
    return network

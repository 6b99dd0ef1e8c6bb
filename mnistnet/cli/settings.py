"""The options that the commands that train share, and loading what they name."""

import math
from collections.abc import Callable, Sequence
from dataclasses import Field
from pathlib import Path
from typing import Any

import click

from mnistnet.api import load_network
from mnistnet.cli import options
from mnistnet.data.mnist import Dataset
from mnistnet.errors import TrainingError
from mnistnet.files import check_writable
from mnistnet.model.network import Network
from mnistnet.model.options import BATCH_SIZE, DECLARED, MOST, VALIDATION, Options
from mnistnet.report.text import counted


def _layers(ctx: click.Context, param: click.Parameter, groups: Sequence[str]) -> tuple[int, ...]:
    """Parse the units of hidden layers, such as '300,100'."""
    units = click.IntRange(1, MOST)
    return tuple(units(word, param, ctx) for group in groups for word in group.split(","))


def _option(field: "Field[Any]") -> Callable[..., Any]:
    """Make the command-line option of a field of Options."""
    name = f"--{field.name.replace('_', '-')}"
    low, high, excluded = field.metadata["range"]
    more: dict[str, Any] = {"default": field.default}
    if field.type is bool:
        name = f"{name}/--no-{name[2:]}"
    elif field.name == "hidden":  # without a default, because --from may determine it
        more = {"multiple": True, "callback": _layers, "metavar": "UNITS,..."}
    else:
        kind = click.FloatRange if field.type is float else click.IntRange
        most = None if high == math.inf else high
        more["type"] = kind(low, most, min_open=excluded == low, max_open=excluded == high)
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


def prepare(
    weights: Path, start: Path | None, folder: Path | None, mirrors: tuple[str, ...], **given: Any
) -> tuple[Dataset, Options, Network | None]:
    """Load the data and the network to start from, and print notes about them.

    Takes the values of training_options; returns the settings for a set of this size.
    """
    check_writable(weights)  # before MNIST is downloaded
    network = None
    if start is None:
        given["hidden"] = given["hidden"] or Options.hidden
    else:
        network = load_network(None if start == Path("pretrained") else start).model
        hidden = network.layers[1:-1]
        if given["hidden"] not in ((), hidden):
            own, other = (",".join(map(str, layers)) for layers in (hidden, given["hidden"]))
            raise TrainingError(
                f"{start}: expected its own layers, --hidden {own}; found --hidden {other}"
            )
        given |= {"hidden": hidden, "start": network.sha256}
    settings = Options(**given)
    data = options.load_dataset("train", folder, mirrors)
    count = len(data.labels)
    sizes = settings.sizes(count)
    if sizes != (VALIDATION, BATCH_SIZE) and None in (settings.validation, settings.batch_size):
        validation, batch = counted(sizes[0], "validation image"), counted(sizes[1], "image")
        options.note(
            f"for a set of {counted(count, 'image')}: {validation} (--validation), {batch} in a "
            "minibatch (--batch-size)"
        )
    if data.drawn:
        options.note("training on drawn digits, not MNIST")
    elif not data.published:
        options.note(f"training on {data.name}, not MNIST's own")
    return data, settings.completed(count), network

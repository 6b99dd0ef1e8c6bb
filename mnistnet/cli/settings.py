"""The options that the commands that train share, and loading what they name."""

import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet.cli.options import (
    DEFAULT_WEIGHTS,
    FILE,
    data_options,
    load_with_warnings,
    note,
    weights_option,
)
from mnistnet.errors import TrainingError
from mnistnet.model.options import Options, default_sizes

if TYPE_CHECKING:
    from mnistnet.data.mnist import Dataset
    from mnistnet.model.metadata import Report
    from mnistnet.model.network import Network

    Prepared = tuple[Dataset, Options, Network | None, list[str]]

MAX_COUNT = 1_000_000  # epochs, units or images; more is a typing error
COUNT = click.IntRange(1, MAX_COUNT)
COUNT_OR_ZERO = click.IntRange(0, MAX_COUNT)


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
        if not all(1 <= units <= MAX_COUNT for units in layers):
            self.fail(
                f"{value!r} is not a valid list of units, such as 300,100, each from 1 to "
                f"{MAX_COUNT}.",
                param,
                ctx,
            )
        return layers


def setting(name: str, kind: "click.ParamType[Any]", text: str) -> Callable[..., Any]:
    """Return an option whose default is that of the field of Options with its name."""
    default = getattr(Options, name.removeprefix("--").replace("-", "_"))
    return click.option(name, type=kind, default=default, show_default=True, help=text)


TRAINING_OPTIONS = [
    data_options,
    weights_option("Weights file to write.", DEFAULT_WEIGHTS),
    click.option(
        "--hidden",
        type=Layers(),
        multiple=True,
        callback=lambda _ctx, _param, groups: tuple(itertools.chain(*groups)),
        help="Units of each hidden layer, as in 300,100; may be repeated.  [default: 72]",
    ),
    setting("--epochs", COUNT, "Passes over the training images."),
    click.option(
        "--batch-size",
        type=COUNT,
        help="Images per minibatch.  [default: 100, or a tenth of a small set]",
    ),
    setting(
        "--learning-rate",
        FiniteRange(min=0, min_open=True),
        "Learning rate of the first step; it falls to zero along a cosine.",
    ),
    setting(
        "--momentum",
        FiniteRange(0, 1, max_open=True),
        "Fraction of the previous step that is carried over.",
    ),
    setting(
        "--weight-decay",
        FiniteRange(0, 1),
        "L2 penalty: adds decay/2 * sum of squared weights to the loss.",
    ),
    click.option(
        "--augment/--no-augment",
        default=Options.augment,
        show_default=True,
        help="Distort the images of each minibatch slightly and at random.",
    ),
    setting("--warps", COUNT, "Distortions per minibatch; several help wide networks."),
    setting(
        "--strength",
        FiniteRange(0, 4),
        "Factor of the distortions; stronger ones help with unusual handwriting.",
    ),
    setting(
        "--widen",
        FiniteRange(0, 1),
        "Fraction of the distortions that also widen the digits, up to twofold.",
    ),
    setting(
        "--drawn",
        COUNT_OR_ZERO,
        "Drawn digits to add to the training images; they help with pictures.",
    ),
    setting(
        "--nondigits",
        COUNT_OR_ZERO,
        "Drawn images of no digit to add to the training images, so that predict recognises those.",
    ),
    click.option(
        "--validation",
        type=click.IntRange(min=0),
        help="Training images held out for validation.  [default: 5000, or a sixth of a small set]",
    ),
    setting(
        "--seed",
        click.IntRange(min=0),
        "Random seed; the same seed on the same machine gives the same weights.",
    ),
    click.option(
        "--from",
        "start",
        type=FILE,
        help="Weights file to start from, or 'pretrained' for the bundled weights.",
    ),
]


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to train, on which data, and which file to write."""
    for option in reversed(TRAINING_OPTIONS):
        command = option(command)
    return command


def prepare(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    start: Path | None,
    options: dict[str, Any],
) -> "Prepared":
    """Load what the training options name: the data, the settings, the network to start from, and
    the warnings about the images, which are printed."""
    from mnistnet.files import check_writable

    check_writable(weights)  # before MNIST is downloaded
    network = _load_start(start, options)
    data, warnings = load_with_warnings(folder, mirrors, "train")
    return data, _settings(len(data.labels), options), network, warnings


def note_dataset(data: "Dataset") -> None:
    """Print a note if the images are not those of MNIST."""
    if data.drawn:
        note("training on drawn digits, not MNIST")
    elif not data.published:
        note(f"training on {data.name}, not MNIST's own")


def note_failure(prepared: "Prepared", history: "Sequence[Report]") -> None:
    """Warn if the network with this history learned nothing."""
    from mnistnet.model.diagnosis import training_warning

    data, settings, _, warnings = prepared
    failure = training_warning(
        history, data.labels, settings.validation, settings.learning_rate, warnings
    )
    if failure:
        note(f"Warning: {failure}")


def _load_start(path: Path | None, options: dict[str, Any]) -> "Network | None":
    """Load the network to start from; set the options that it determines."""
    from mnistnet.api import load_network

    if path is None:
        options["hidden"] = options["hidden"] or Options.hidden
        return None
    network = load_network(None if path == Path("pretrained") else path).model
    hidden = network.layers[1:-1]
    if options["hidden"] not in ((), hidden):
        layers = (",".join(map(str, each)) for each in (hidden, options["hidden"]))
        raise TrainingError(
            "{}: expected its own layers, --hidden {}; found --hidden {}".format(path, *layers)
        )
    options |= {"hidden": hidden, "start": network.sha256}
    return network


def _settings(count: int, options: dict[str, Any]) -> Options:
    """Complete the options for a training on count images; print those chosen for a small set."""
    given = options["validation"], options["batch_size"]
    options["validation"], options["batch_size"] = chosen = default_sizes(count, *given)
    usual = Options.validation, Options.batch_size
    names = ("validation images (--validation)", "images in a minibatch (--batch-size)")
    unusual = [
        f"{number:,} {name}"
        for number, name, default, wanted in zip(chosen, names, usual, given, strict=True)
        if wanted is None and number != default
    ]
    if unusual:
        note(f"for a set of {count:,} images: {', '.join(unusual)}")
    return Options(**options)

"""What the commands that train share: their options, and what these stand for."""

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mnistnet.cli.options import (
    DEFAULT_WEIGHTS,
    data_option,
    dataset,
    mirror_option,
    note,
    weights_option,
)
from mnistnet.errors import TrainingError
from mnistnet.model.options import Options, default_sizes

if TYPE_CHECKING:
    from mnistnet.data.mnist import Dataset
    from mnistnet.model.network import Network

MANY = 1_000_000  # epochs, units or images; more is a slip of the finger


class Finite(click.FloatRange):
    """A number in a range, which click takes nan and infinity for, too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        return number if math.isfinite(number) else self.fail(f"{value} is no number", param, ctx)


def setting(name: str, kind: "click.ParamType[Any]", text: str) -> Callable[..., Any]:
    """An option of train whose default is the one in Options."""
    default = getattr(Options, name.removeprefix("--").replace("-", "_"))
    return click.option(name, type=kind, default=default, show_default=True, help=text)


TRAINING_OPTIONS = [
    data_option,
    mirror_option,
    weights_option("Weights file to write.", DEFAULT_WEIGHTS),
    click.option(
        "--hidden",
        type=click.IntRange(1, MANY),
        multiple=True,
        help="Units in a hidden layer; repeat it for more layers.  [default: 72]",
    ),
    setting("--epochs", click.IntRange(1, MANY), "Times that every training image is seen."),
    click.option(
        "--batch-size",
        type=click.IntRange(1, MANY),
        help="Images in a minibatch.  [default: 100, or a tenth of a small set]",
    ),
    setting(
        "--learning-rate",
        Finite(min=0, min_open=True),
        "At the first step; it falls to zero along a cosine.",
    ),
    setting(
        "--momentum", Finite(0, 1, max_open=True), "Share of the last step that the next one keeps."
    ),
    setting(
        "--weight-decay",
        Finite(0, 1),
        "Penalty on the weights: half of it times their squared length.",
    ),
    click.option(
        "--augment/--no-augment",
        default=Options.augment,
        show_default=True,
        help="Distort each minibatch a little, another way each time.",
    ),
    setting(
        "--warps",
        click.IntRange(1, MANY),
        "Distortions per minibatch; several help wide networks.",
    ),
    setting(
        "--widen",
        Finite(0, 1),
        "Share of the distortions that also widen the digits, up to twofold.",
    ),
    setting(
        "--drawn",
        click.IntRange(0, MANY),
        "Digits drawn by the program to train on besides: for people's pictures.",
    ),
    setting(
        "--nondigits",
        click.IntRange(0, MANY),
        "Images of no digit drawn by the program to train on as well, so that `predict` can tell.",
    ),
    click.option(
        "--validation",
        type=click.IntRange(min=0),
        help="Training images held out to validate on.  [default: 5000, or a sixth of a small set]",
    ),
    setting(
        "--seed",
        click.IntRange(min=0),
        "The same seed on the same machine gives the same weights.",
    ),
    click.option(
        "--from",
        "start",
        type=click.Path(path_type=Path, readable=False),
        help="Weights file to start from, or 'pretrained' for the bundled weights.",
    ),
]


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what to train, on what, and where to write it."""
    return functools.reduce(
        lambda wrapped, option: option(wrapped), TRAINING_OPTIONS[::-1], command
    )


class Prepared(NamedTuple):
    """What a training needs; found are doubts about the images."""

    data: "Dataset"
    settings: Options
    network: "Network | None"
    found: list[str]


def prepare(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    start: Path | None,
    options: dict[str, Any],
) -> Prepared:
    """Load what the training options name."""
    from mnistnet.atomic import check_writable
    from mnistnet.model.diagnosis import image_warnings

    check_writable(weights)  # before MNIST is downloaded
    network = _start_from(start, options)
    data = dataset(folder, mirrors, "train")
    settings = _settings(len(data.labels), options)
    return Prepared(data, settings, network, image_warnings(data.images))


def say_what(data: "Dataset") -> None:
    """A note where it is not MNIST that is trained on."""
    if data.drawn:
        note("training on drawn digits, not MNIST")
    elif not data.published:
        note(f"training on {data.name}, not MNIST's own")


def _start_from(start: Path | None, options: dict[str, Any]) -> "Network | None":
    """The network to start from; options gets its hidden layers and the SHA-256 of its weights."""
    from mnistnet.api import load_network

    if start is None:
        options["hidden"] = options["hidden"] or Options.hidden
        return None
    network = load_network(None if start == Path("pretrained") else start)
    hidden = network.model.layers[1:-1]
    if options["hidden"] not in ((), hidden):
        layers = (
            " ".join(f"--hidden {units}" for units in each) for each in (hidden, options["hidden"])
        )
        raise TrainingError("{}: expected its own layers, {}; found {}".format(start, *layers))
    options |= {"hidden": hidden, "start": network.model.sha256}
    return network.model


def _settings(count: int, options: dict[str, Any]) -> Options:
    """The options of a training on count images; what was not given is chosen, and said."""
    given = options["validation"], options["batch_size"]
    options["validation"], options["batch_size"] = chosen = default_sizes(count, *given)
    usual = Options.validation, Options.batch_size
    names = ("validation images (--validation)", "images in a minibatch (--batch-size)")
    said = [
        f"{number:,} {name}"
        for number, name, default, wish in zip(chosen, names, usual, given, strict=True)
        if wish is None and number != default
    ]
    if said:
        note(f"for a set of {count:,} images: {', '.join(said)}")
    return Options(**options)

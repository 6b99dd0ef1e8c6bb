"""mnistnet train, and the options and preparations that it shares with search."""

import math
from collections.abc import Callable, Sequence
from dataclasses import Field
from pathlib import Path
from typing import Any

import click

from mnistnet.api import load_network
from mnistnet.cli import echo, escape, options
from mnistnet.data.mnist import Dataset
from mnistnet.files import check_writable
from mnistnet.model.diagnosis import training_warning
from mnistnet.model.metadata import EpochReport
from mnistnet.model.network import Perceptron
from mnistnet.model.options import DECLARED, MOST, Options
from mnistnet.model.run import fitted, run
from mnistnet.report.text import counted, epoch_text, percent, trained_text
from mnistnet.trainer import additions, source


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
        type=options.WEIGHTS,
        help="Weights file to start from, or 'pretrained' for the bundled weights; weights that "
        "read the set change --epochs, --learning-rate, --drawn and --nondigits, to lose little.",
    )
    weights = options.weights_option("Weights file to write.", options.DEFAULT_WEIGHTS)
    for option in reversed([options.data_options, weights, *map(_option, DECLARED), start]):
        command = option(command)
    return command


def prepare(
    weights: Path, start: Path | None, folder: Path | None, mirrors: tuple[str, ...], **given: Any
) -> tuple[Dataset, Options, Perceptron | None, float | None]:
    """Load the data and the network to start from, and print notes about them.

    Takes the values of training_options; returns the network's validation accuracy, too.
    """
    check_writable(weights)  # before MNIST is downloaded
    origin = None
    if start is None:
        given["hidden"] = given["hidden"] or Options.hidden
    else:
        network = load_network(start)
        origin = network.model, network.metadata
    settings = Options(**given)
    data = options.load_dataset("train", folder, mirrors)
    settings, before = fitted(settings, data.images, data.labels, origin)
    usual = vars(Options().completed(MOST))
    chosen = {k: v for k, v in vars(settings).items() if v != usual[k] and given.get(k, 0) is None}
    if chosen:
        count = counted(settings.images(len(data.labels)), "training image")
        listed = (f"--{name.replace('_', '-')} {value}" for name, value in chosen.items())
        options.note(f"chosen for {count}: {' '.join(listed)}")
    if data.drawn:
        options.note("training on drawn digits, not MNIST")
    elif not data.published:
        options.note(f"training on {data.name}, not MNIST's own")
    if before is not None:
        options.note(f"before training: validation accuracy {percent(before)}")
    return data, settings, origin[0] if origin else None, before


@click.command()
@training_options
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@options.output_options
def train(weights: Path, resume: bool, as_json: bool, **given: Any) -> None:
    """Train a network and write its weights.

    The test set is not used: the accuracy after each epoch is that on validation images, which are
    training images held out, the same for every seed. The weights are those of the last epoch.

    After each epoch, a checkpoint is saved next to the weights file; it is removed at the end. If
    the training is interrupted, the same command with --resume continues it, to the same weights.
    Do not run two trainings for one weights file at a time.

    \b
    Examples:
      mnistnet train
      mnistnet train --hidden 300,100 --weights deep.npz
      mnistnet train --from pretrained --data DIR --epochs 10
    """
    data, settings, initial, before = prepare(weights, **given)
    replaced = options.describe_weights(weights)
    seen = settings.images(len(data.images)) + settings.drawn + settings.nondigits
    form = "epoch {n_fmt}/{total_fmt} |{bar}| {desc}, {remaining} left"
    with options.make_bar(as_json, desc="training", total=settings.epochs, bar_format=form) as bar:

        def show(report: EpochReport, *_: object) -> None:
            if as_json:
                options.print_json(vars(report))
            else:
                options.note(epoch_text(report, settings.epochs))
            if not bar.n:  # a resumed training begins later
                bar.initial = bar.n = report.epoch - 1
            speed, accuracy = seen / report.seconds, percent(report.validation_accuracy)
            live = f"loss {report.train_loss:.4f}, validation {accuracy}, {speed:,.0f} images/s"
            bar.set_description_str(live, refresh=False)
            bar.update()

        network, metadata = run(
            data.images,
            data.labels,
            settings,
            source(data),
            start=initial,
            path=weights,
            resume=resume,
            additions=additions,
            notify=options.note,
            callback=show,
        )
    if replaced and not resume:
        options.note(f"{weights} replaced {replaced}")
    history = metadata.history
    if failure := training_warning(history, data.images, data.labels, settings, before):
        options.note(f"Warning: {failure}")
    if not as_json:
        echo(escape(trained_text(metadata, weights, before)))
        return
    facts = {
        "weights": str(weights),
        "validation_accuracy": metadata.validation_accuracy,
        "accuracy_before": before,
        "epochs": len(history),
        "seconds": sum(report.seconds for report in history),
        "parameters": len(network.parameters),
        "published": data.published,
        "drawn": data.drawn,
    }
    options.print_json(facts)

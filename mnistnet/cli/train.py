"""mnistnet train."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mnistnet.cli.options import (
    DEFAULT_WEIGHTS,
    data_option,
    dataset,
    json_option,
    mirror_option,
    print_json,
    weights_option,
)
from mnistnet.model.options import Options

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


@click.command()
@data_option
@mirror_option
@weights_option("Weights file to write.", DEFAULT_WEIGHTS)
@click.option(
    "--hidden",
    type=click.IntRange(1, MANY),
    multiple=True,
    default=Options.hidden,
    show_default=True,
    help="Units in a hidden layer; repeat it for more layers.",
)
@setting("--epochs", click.IntRange(1, MANY), "Times that every training image is seen.")
@setting("--batch-size", click.IntRange(1, MANY), "Images in a minibatch, that is, for one step.")
@setting(
    "--learning-rate",
    Finite(min=0, min_open=True),
    "At the first step; it falls to zero along a cosine.",
)
@setting(
    "--momentum", Finite(0, 1, max_open=True), "Share of the last step that the next one keeps."
)
@setting(
    "--weight-decay", Finite(0, 1), "Penalty on the weights: half of it times their squared length."
)
@click.option(
    "--augment/--no-augment",
    default=Options.augment,
    show_default=True,
    help="Distort each minibatch a little, another way each time.",
)
@setting(
    "--drawn",
    click.IntRange(0, MANY),
    "Digits drawn by the program to train on besides: for people's pictures.",
)
@setting("--validation", click.IntRange(min=0), "Training images held out to validate on.")
@setting(
    "--seed",
    click.IntRange(min=0),
    "The same seed on the same machine gives the same weights.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@json_option
def train(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a network and write its weights, those of the last epoch.

    The test set is not touched: what is reported is the accuracy on training images that are held
    out to validate on, the same ones whatever the seed.

    After each epoch a checkpoint is left beside the weights file, and removed at the end. The same
    command with --resume continues from there, to the same weights. Run one training at a
    time for one weights file.

    \b
    Examples:
      mnistnet train
      mnistnet train --hidden 300 --hidden 100 --weights deep.npz
    """
    from mnistnet.api import additions, source
    from mnistnet.atomic import check_writable
    from mnistnet.model.run import Run
    from mnistnet.report.text import epoch_text, live_text, trained_text

    settings = Options(**options)
    check_writable(weights)  # before MNIST is downloaded
    data = dataset(folder, mirrors, "train")
    with Run(weights, settings, source(data), resume=resume, notify=_note) as run:
        if data.drawn:
            _note("training on drawn digits, not MNIST")
        augment, extra = additions(settings)
        history = run.state.history
        with _live_line(settings.epochs, len(history), as_json) as line:
            for report in run.train(data.images, data.labels, augment, extra):
                if as_json:
                    print_json(vars(report))
                elif line.disable:
                    _note(epoch_text(report, settings.epochs))
                trained_on = len(data.images) + settings.drawn - settings.validation
                line.set_description_str(live_text(report, trained_on), refresh=False)
                line.update()
    if not as_json:
        click.echo(trained_text(run.metadata, weights))
        return
    closing = {
        "weights": str(weights),
        "validation_accuracy": history[-1].validation_accuracy,
        "epochs": len(history),
        "seconds": sum(report.seconds for report in history),
        "parameters": len(run.state.network.parameters),
        "published": data.published,
        "drawn": data.drawn,
    }
    print_json(closing)


def _note(sentence: str) -> None:
    click.echo(sentence, err=True)


def _live_line(epochs: int, done: int, as_json: bool) -> Any:
    """A tqdm bar over the epochs on stderr; disabled where that is not a terminal, or for JSON."""
    from tqdm import tqdm

    form = "epoch {n_fmt}/{total_fmt} |{bar:3}| {desc}, {remaining} left"  # fits 80 columns
    return tqdm(
        total=epochs,
        initial=done,
        desc="training",
        bar_format=form,
        dynamic_ncols=True,
        disable=as_json or None,
    )

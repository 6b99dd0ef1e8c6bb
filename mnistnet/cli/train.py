"""mnistnet train."""

import functools
import json
import math
import shlex
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
    weights_option,
)
from mnistnet.errors import MnistnetError, TrainingError
from mnistnet.model.options import HIDDEN, Options

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
    default=HIDDEN,
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
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed on the same machine gives the same weights.",
)
@click.option("--resume", is_flag=True, help="Go on with a training that was cut short.")
@json_option
@click.pass_context
def train(
    ctx: click.Context,
    /,
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path,
    hidden: tuple[int, ...],
    seed: int,
    resume: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a network and write its weights, those of the last epoch.

    The test set is not touched: what is reported is the accuracy on training images that are held
    out to validate on, the same ones whatever the seed.

    After each epoch a checkpoint is left beside the weights file, and removed at the end. The same
    command with --resume goes on from there, to the same weights. One training at a time, please,
    for one weights file.

    \b
    Examples:
      mnistnet train
      mnistnet train --hidden 300 --hidden 100 --weights deep.npz
    """
    import numpy as np

    from mnistnet.arrays import CLASSES, PIXELS
    from mnistnet.atomic import check_writable
    from mnistnet.image import warp
    from mnistnet.model import checkpoint, training
    from mnistnet.model import weights as weights_file
    from mnistnet.model.network import Network
    from mnistnet.report.text import epoch_text, live_text, percent

    kept = checkpoint.beside(check_writable(weights))
    check_writable(kept)
    weights_file.check_replaceable(weights)
    data = dataset(folder, mirrors, "train")
    initial, rng, drawing = np.random.default_rng(seed).spawn(3)
    state = training.State(Network.random((PIXELS, *hidden, CLASSES), initial), rng)
    settings = Options(**options)
    source = {"sha256": data.sha256, "published": data.published, "drawn": data.drawn}
    metadata = functools.partial(weights_file.metadata, settings, seed, source)
    if resume and kept.exists():
        checkpoint.load(kept, state, metadata([]))
    elif resume:
        click.echo(f"there is no checkpoint {kept}: beginning with epoch 1", err=True)
    elif kept.exists():
        weights_file.check_replaceable(kept)
        click.echo(
            f"{kept}, of a training cut short, is replaced after epoch 1; to go on with that "
            "training, press Ctrl-C now and add --resume",
            err=True,
        )

    if data.drawn:
        click.echo("training on drawn digits, not MNIST", err=True)
    history = state.history
    images, labels = data.images, data.labels
    if settings.drawn:
        from mnistnet.image.drawn import draw  # which loads Pillow

        drawn = draw(settings.drawn, drawing)
        images, labels = np.concatenate([images, drawn[0]]), np.concatenate([labels, drawn[1]])
    augment = warp.warps if settings.augment else None
    saved = len(history)
    try:
        with _live_line(settings.epochs, saved, as_json) as line:
            for report in training.train(state, images, labels, settings, augment):
                checkpoint.save(kept, state, metadata(history))
                saved = len(history)
                if as_json:
                    click.echo(json.dumps(vars(report)))
                elif line.disable:
                    click.echo(epoch_text(report, settings.epochs), err=True)
                trained_on = len(images) - settings.validation
                line.set_description_str(live_text(report, trained_on), refresh=False)
                line.update()
        weights_file.save(weights, state.network, metadata(history))
    except TrainingError:
        if saved:  # whoever goes on from this checkpoint ends here again
            kept.unlink(missing_ok=True)
        raise
    except (KeyboardInterrupt, MnistnetError) as stop:  # a full disk, say
        if not saved:
            raise
        command, *words = ctx.obj
        again = [*shlex.split(ctx.find_root().info_name or ""), command, "--resume"]
        again += [word for word in words if word != "--resume"]
        where = f"after epoch {saved} of {settings.epochs}; to go on: {shlex.join(again)}"
        raise type(stop)(" ".join([*map(str, stop.args), where])) from stop
    kept.unlink(missing_ok=True)

    seconds = sum(report.seconds for report in history)
    accuracy = history[-1].validation_accuracy
    if as_json:
        closing = {
            "weights": str(weights),
            "validation_accuracy": accuracy,
            "epochs": len(history),
            "seconds": seconds,
            "parameters": len(state.network.parameters),
            "published": data.published,
            "drawn": data.drawn,
        }
        click.echo(json.dumps(closing))
    else:
        click.echo(
            f"validation accuracy {percent(accuracy)}{' on drawn digits' * data.drawn} after "
            f"{len(history)} epochs in {seconds:.1f} s; weights in {weights}"
        )


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

"""mnistnet eval, gradcheck and info: what there is to know of a network."""

import json
import shutil
from pathlib import Path

import click

from mnistnet.cli.shared import (
    DEFAULT_WEIGHTS,
    READ_WEIGHTS,
    can_print,
    data_option,
    dataset,
    json_option,
    mirror_option,
    read_weights,
    weights_option,
)
from mnistnet.errors import MnistnetError
from mnistnet.model.options import HIDDEN

GRADCHECK_IMAGES = 100


@click.command(name="eval")
@data_option
@mirror_option
@weights_option(READ_WEIGHTS)
@click.option(
    "--split",
    type=click.Choice(["test", "train", "validation"]),
    default="test",
    show_default=True,
    help="Images to evaluate on; train and validation as the network was trained.",
)
@click.option(
    "--mistakes",
    type=click.IntRange(min=0),
    default=0,
    help="Draw so many of the mistakes it was surest of; JSON lists all.",
)
@json_option
def evaluate(
    folder: Path | None,
    mirrors: tuple[str, ...],
    weights: Path | None,
    split: str,
    mistakes: int,
    as_json: bool,
) -> None:
    """Tell how good a network is.

    Prints the accuracy, its loss, how often each digit is taken for another, and the most frequent
    confusions. On MNIST's own test images also the accuracy without the 15 that are known to be
    labelled wrongly, and on each half, since the first was written by other people.

    \b
    Examples:
      mnistnet eval
      mnistnet eval --split validation --json
    """
    from mnistnet.report import evaluation as library
    from mnistnet.report import terminal

    path, network, meta, whence = read_weights(weights)
    file_split = "test" if split == "test" else "train"
    data = dataset(folder, mirrors, file_split)
    rows = library.rows_of(split, len(data.labels), data.sha256, meta)
    result = library.evaluate(network, data.images, data.labels, rows)
    parts = {name: result.accuracy_among(indices) for name, indices in data.parts.items()}
    if as_json:
        facts = {
            "split": split,
            "published": data.published,
            "drawn": data.drawn,
            "weights": str(path),
            "parts": parts,
        }
        click.echo(json.dumps(library.as_json(result) | facts))
        return
    click.echo(f"{whence}; {split} images are {data.kind}", err=True)
    name = f"drawn {split}" if data.drawn else split
    click.echo(terminal.evaluation_text(result, name, parts))
    if mistakes and result.mistakes:
        drawn = terminal.mistakes_text(
            result.mistakes[:mistakes],
            data.images,
            file_split,
            data.label_errors,
            shutil.get_terminal_size().columns,
            plain=not can_print("▀▄█"),
        )
        click.echo(f"\nsurest mistakes\n\n{drawn}")


@click.command()
@weights_option(
    "Weights file to read.  [default: mnistnet.npz; where there is none, a fresh network]"
)
@data_option
@mirror_option
@json_option
def gradcheck(
    weights: Path | None, folder: Path | None, mirrors: tuple[str, ...], as_json: bool
) -> None:
    """Check the gradient that trains.

    On a minibatch of training images, in float64, backpropagation is compared with automatic
    differentiation in every weight, and with finite differences in a random sample of up to 500
    weights of each matrix. Errors are relative to the largest derivative in the same matrix. Exits
    with 1 where backpropagation is wrong.
    """
    import numpy as np

    from mnistnet.model import gradcheck as library
    from mnistnet.model import weights as weights_file
    from mnistnet.model.network import CLASSES, PIXELS, Network, scale
    from mnistnet.report.terminal import gradient_check_text

    rng = np.random.default_rng(0)
    if weights is None and not DEFAULT_WEIGHTS.exists():
        name, network = "a fresh network", Network.random((PIXELS, *HIDDEN, CLASSES), rng)
    else:
        name = str(weights or DEFAULT_WEIGHTS)
        network, _ = weights_file.load(weights or DEFAULT_WEIGHTS)
    data = dataset(folder, mirrors, "train")
    x, labels = scale(data.images[:GRADCHECK_IMAGES]), data.labels[:GRADCHECK_IMAGES]
    check = library.check_gradient(network, x, labels, rng)
    if as_json:
        facts = {
            "parameters": check.parameters,
            "backprop_vs_autodiff": check.backprop_vs_autodiff,
            "backprop_vs_finite_differences": check.backprop_vs_finite_differences,
            "ok": check.ok,
        }
        click.echo(json.dumps(facts))
    else:
        click.echo(
            f"{name}, {'-'.join(map(str, network.layers))}; {len(x)} {'drawn ' * data.drawn}images",
            err=True,
        )
        click.echo(gradient_check_text(check))
    if not check.ok:
        raise MnistnetError("backpropagation does not compute the gradient of the loss")


@click.command()
@weights_option(READ_WEIGHTS)
@json_option
def info(weights: Path | None, as_json: bool) -> None:
    """Tell what a weights file holds and how it was made.

    \b
    Examples:
      mnistnet info
      mnistnet info --json --weights deep.npz
    """
    from mnistnet.report import terminal

    path, network, meta, whence = read_weights(weights)
    if as_json:
        click.echo(json.dumps({**meta, "weights": str(path)}))
        return
    if weights is None:
        click.echo(whence, err=True)
    click.echo(terminal.info_text(path, network.layers, meta))

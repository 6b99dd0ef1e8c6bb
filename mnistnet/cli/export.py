"""mnistnet export."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from mnistnet import __version__
from mnistnet.cli import echo, options
from mnistnet.data import download, mnist
from mnistnet.errors import DataError
from mnistnet.files import atomic_write, check_replaceable
from mnistnet.model.answer import STANDARD
from mnistnet.model.network import Perceptron
from mnistnet.report import export as report
from mnistnet.report.text import kind_text, percent

KINDS = {".onnx": "onnx", ".h": "c", ".json": "json"}
OPTIONS = {"onnx": "pixels", "c": "int8", "json": None}


@click.command()
@click.argument("out", type=options.FILE, metavar="FILE")
@options.weights_option()
@options.data_option
@click.option(
    "--kind", type=click.Choice([*OPTIONS]), help="What to write.  [default: as FILE ends]"
)
@click.option("--input", "pixels", type=click.Choice(["uint8", "float"]), help="Pixels for ONNX.")
@click.option("--int8", is_flag=True, help="C with weights of 8 bits.")
@click.option("--force", is_flag=True, help="Replace a file even if it is not an earlier export.")
@options.quiet_option
def export(out: Path, weights: Path | None, folder: Path | None, force: bool, **how: Any) -> None:
    """Write a network for other programs.

    FILE ends in .onnx (this needs onnx: python -m pip install onnx), .h (C99) or .json. It says
    what share of the test images in --data or the cache is read; none are downloaded.

    \b
    Examples:
      mnistnet export digit.onnx --input float
      mnistnet export digit.h --int8 --weights mine.npz
    """
    kind = how.pop("kind") or KINDS.get(out.suffix.lower())
    if not kind:
        raise click.UsageError(f"expected --kind, or a name in {', '.join(KINDS)}; found {out}")
    how = {name: value for name, value in how.items() if value}
    if how.keys() - {OPTIONS[kind]}:
        raise click.UsageError("--input is for ONNX and --int8 for C")
    check_replaceable(out, report.MARKER, "previous export", force)
    _, network, _ = options.load_weights(weights, says_which=True)
    model, limits = network.model, asdict(network.metadata.limits or STANDARD)
    accuracy = _accuracy(model, folder, **how)
    facts = {"version": __version__, "layers": [*model.layers], "accuracy": accuracy, **limits}
    content = getattr(report, f"as_{kind}")(model, facts, **how)
    with atomic_write(out) as stream:
        stream.write(content)
    echo(out)


def _accuracy(network: Perceptron, folder: Path | None, int8: bool = False, **_: Any) -> str:
    """Return the accuracy on the test images as text."""
    try:
        data = mnist.load(folder or download.cache_folder(), "test")
    except DataError as error:
        options.note(f"the accuracy was not measured: {error}")
        return "not measured"
    scores = [network.image_scores(data.images)]
    if int8:
        parts = np.array_split(data.images, 10)
        scores.append(np.concatenate([report.int8_layers(network, part)[1] for part in parts]))
    shares = [percent(float((each.argmax(axis=1) == data.labels).mean())) for each in scores]
    kind = kind_text(data.published, data.drawn)
    return f"{', as int8 '.join(shares)} on {len(data.labels):,} test images, {kind}"

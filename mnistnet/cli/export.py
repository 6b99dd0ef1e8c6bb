"""mnistnet export."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mnistnet import __version__
from mnistnet.cli import echo, options
from mnistnet.data import download, mnist
from mnistnet.errors import DataError
from mnistnet.files import atomic_write, check_replaceable
from mnistnet.report import export as report
from mnistnet.report.text import kind_text

KINDS = {".onnx": "onnx", ".h": "c", ".json": "json"}
OPTIONS = {"onnx": {"pixels"}, "c": {"int8"}, "json": set[str]()}


@click.command()
@click.argument("out", type=options.FILE, metavar="FILE")
@options.weights_option()
@options.data_option
@click.option("--kind", type=click.Choice([*OPTIONS]), help="Kind of a FILE with another ending.")
@click.option(
    "--input",
    "pixels",
    type=click.Choice(["uint8", "float"]),
    help="Pixels of the ONNX model: 0 to 255 (the default), or 0 to 1.",
)
@click.option("--int8", is_flag=True, help="Store the weights in C with 8 bits.")
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
    how = {name: value for name, value in how.items() if value}
    if not kind or how.keys() - OPTIONS[kind]:
        raise click.UsageError("expected FILE.onnx [--input], FILE.h [--int8], FILE.json or --kind")
    check_replaceable(out, report.MARKER, "previous export", force)
    _, network, _ = options.load_weights(weights, says_which=True)
    facts = {"version": __version__, "layers": [*network.model.layers], "accuracy": "not measured"}
    try:
        data = mnist.load(folder or download.cache_folder(), "test")
        shares = report.accuracy(network.model, data.images, data.labels, "int8" in how)
        kind_of = kind_text(data.published, data.drawn)
        facts["accuracy"] = f"{shares} on {len(data.labels):,} test images, {kind_of}"
    except DataError as error:
        options.note(f"the accuracy was not measured: {error}")
    facts |= asdict(network.metadata.used_limits)
    content = getattr(report, f"as_{kind}")(network.model, facts, **how)
    with atomic_write(out) as stream:
        stream.write(content)
    echo(out)

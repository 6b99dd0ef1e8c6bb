"""mnistnet info."""

import json
from pathlib import Path

import click

from mnistnet.cli.options import READ_WEIGHTS, json_option, read_weights, weights_option


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
    from mnistnet.report.text import info_text

    path, network, meta, whence = read_weights(weights)
    if as_json:
        click.echo(json.dumps({**meta, "weights": str(path)}))
        return
    if weights is None:
        click.echo(whence, err=True)
    click.echo(info_text(path, network.layers, meta))

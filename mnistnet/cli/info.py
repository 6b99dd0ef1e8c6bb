"""mnistnet info."""

from pathlib import Path

import click

from mnistnet.cli.options import READ_WEIGHTS, json_option, print_json, read_weights, weights_option


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
    from mnistnet.model.weights import FORMAT
    from mnistnet.report.text import info_text

    path, network, whence = read_weights(weights)
    layers = network.model.layers
    if as_json:
        facts = {"format": FORMAT, "layers": layers, **network.metadata.as_json()}
        facts["weights"] = str(path)
        print_json(facts)
        return
    if weights is None:
        click.echo(whence, err=True)
    click.echo(info_text(path, layers, network.metadata))

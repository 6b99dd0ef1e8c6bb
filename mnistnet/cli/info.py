"""mnistnet info."""

from pathlib import Path

import click

from mnistnet.cli import echo, options
from mnistnet.model.weights import FORMAT
from mnistnet.report.text import epoch_text, info_text


@click.command()
@options.weights_option()
@click.option("--history", is_flag=True, help="Also print the figures of each epoch.")
@options.output_options
def info(weights: Path | None, history: bool, as_json: bool) -> None:
    """Show what a weights file contains.

    Print the layers of the network, the data and options of its training, and the figures of the
    last epoch.

    \b
    Examples:
      mnistnet info
      mnistnet info --json --weights deep.npz
    """
    path, network, _ = options.load_weights(weights, says_which=not as_json)
    layers, metadata = network.model.layers, network.metadata
    if as_json:
        facts = {"format": FORMAT, "layers": layers, **metadata.as_json(), "weights": str(path)}
        if not history:
            del facts["history"]
        options.print_json(facts)
        return
    echo(info_text(path, layers, metadata))
    if history and metadata.history:
        lines = [epoch_text(report, len(metadata.history)) for report in metadata.history]
        echo("\n" + "\n".join(lines))

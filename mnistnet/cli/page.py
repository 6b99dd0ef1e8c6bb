"""mnistnet page."""

import webbrowser
from pathlib import Path

import click

from mnistnet.cli import echo, options
from mnistnet.data.synthetic import sample
from mnistnet.files import atomic_write, check_replaceable
from mnistnet.report import page as report


@click.command()
@options.weights_option()
@options.data_option
@click.option(
    "--out",
    type=options.FILE,
    default=Path("digit.html"),
    help="File to write; only an earlier page is replaced.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@options.quiet_option
def page(weights: Path | None, folder: Path | None, out: Path, show: bool) -> None:
    """Write a web page to draw digits on and to watch a network learn.

    While you draw, the page shows the image x, the hidden units h, the scores f and the
    probabilities. It trains another network with images of the data set: MNIST's if it was
    downloaded, else drawn digits. It is a single file that works in any browser, without a
    connection. Its path is printed.

    \b
    Examples:
      mnistnet page --open
      mnistnet page --weights mine.npz --out mine.html
    """
    check_replaceable(out, report.MARKER, "page")
    path, network, description = options.load_weights(weights)
    images = sample(folder)
    name = description.replace(str(path), path.name)  # a page may be shared: omit the folder
    with atomic_write(out) as stream:
        stream.write(report.page(network.model, name, images, network.metadata.used_limits))
    echo(out)
    if show and not webbrowser.open(out.resolve().as_uri()):
        options.note(f"no browser was found: open {out} in one")

"""mnistnet page: a page to draw on."""

from pathlib import Path

import click

from mnistnet.cli.options import READ_WEIGHTS, UserPath, read_weights, weights_option


@click.command()
@weights_option(READ_WEIGHTS)
@click.option(
    "--out",
    type=UserPath(),
    default=Path("digit.html"),
    show_default=True,
    help="File to write; no file is replaced but an earlier page.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
def page(weights: Path | None, out: Path, show: bool) -> None:
    """Write a page to draw digits on, and print its path.

    The page shows what the network makes of a drawing while the pen moves: the image x, the hidden
    units h, the scores f and the probabilities. It is one file; any browser shows it, without a
    connection.

    \b
    Examples:
      mnistnet page --open
      mnistnet page --weights mine.npz --out mine.html
    """
    import webbrowser

    from mnistnet.image import digit, ink, number, pieces
    from mnistnet.image.levels import WORKING_SIDE
    from mnistnet.image.strokes import WAYS
    from mnistnet.model.answer import LIKE_A_DIGIT, MARGIN
    from mnistnet.report import page as report

    report.check_replaceable(out)
    path, network, whence = read_weights(weights)
    rules = {
        "side": WORKING_SIDE,
        "contrast": ink.MIN_CONTRAST,
        "cells": number.CELLS,
        "speck": pieces.SPECK,
        "light": number.LIGHT,
        "low": number.LOW,
        "wide": number.WIDE,
        "digit": digit.DIGIT,
        "fine": digit.FINE,
        "thin": digit.THIN,
        "margin": MARGIN,
        "likeADigit": LIKE_A_DIGIT,
    }
    name = whence.replace(str(path), path.name)  # others need not know the folder
    report.save(out, report.page(network.model, name, WAYS, rules))
    click.echo(out)
    if show and not webbrowser.open(out.resolve().as_uri()):
        click.echo(f"no browser was found: open {out} in one", err=True)

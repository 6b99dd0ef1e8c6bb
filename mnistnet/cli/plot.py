"""mnistnet plot: pictures of what a network learned."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import click

from mnistnet.cli.options import (
    READ_WEIGHTS,
    data_option,
    dataset,
    mirror_option,
    read_weights,
    weights_option,
)
from mnistnet.errors import MnistnetError


def _checked(ctx: click.Context, param: click.Parameter, out: Path | None) -> Path | None:  # noqa: ARG001
    if out is not None and out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise click.BadParameter(f"expected a name that ends in .png, .svg or .pdf; found {out}")
    return out


@contextlib.contextmanager
def _away() -> Iterator[None]:
    """In another folder: importing matplotlib reads a matplotlibrc that is in the current one."""
    if not hasattr(os, "fchdir"):
        yield
        return
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(Path(__file__).parent)
        yield
    finally:
        os.fchdir(here)
        os.close(here)


@click.command()
@click.argument(
    "what",
    type=click.Choice(["weights", "units", "history", "confusion", "mistakes"]),
    metavar="WHAT",
)
@weights_option(READ_WEIGHTS)
@data_option
@mirror_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    callback=_checked,
    help="File to write; its ending, .png, .svg or .pdf, is the format.  [default: WHAT.png]",
)
@click.option("--force", is_flag=True, help="Replace a file that is not a plot of mnistnet's.")
def plot(
    what: str,
    weights: Path | None,
    folder: Path | None,
    mirrors: tuple[str, ...],
    out: Path | None,
    force: bool,
) -> None:
    """Draw WHAT a network learned, and print the path of the picture.

    \b
    weights    what each hidden unit looks for, and what each score makes of it
    units      a test image of each digit, its hidden features and its scores
    history    loss, accuracy and learning rate over the epochs
    confusion  how often which digit is read as which on the test images
    mistakes   the surest mistakes on the test images

    Needs matplotlib: python -m pip install matplotlib

    \b
    Examples:
      mnistnet plot weights
      mnistnet plot mistakes --out mistakes.svg
    """
    import numpy as np

    from mnistnet.atomic import check_writable

    try:
        with _away():
            from mnistnet.report import figures
    except ModuleNotFoundError as error:
        raise MnistnetError(
            f"plot needs {error.name}; to install it: python -m pip install matplotlib"
        ) from error
    except (ImportError, OSError, ValueError) as error:  # an MPLBACKEND that there is not, say
        raise MnistnetError(f"plot cannot load matplotlib: {error}") from error
    from mnistnet.report.evaluation import evaluate

    out = out or Path(f"{what}.png")
    check_writable(out)
    if not force:
        figures.check_replaceable(out)
    path, network, whence = read_weights(weights)
    if weights is None or network.metadata.data.drawn:
        click.echo(whence, err=True)
    if what == "weights":
        figure = figures.weights(network.model)
    elif what == "history":
        figure = figures.history(path, network.metadata.history)
    else:
        data = dataset(folder, mirrors, "test")
        name = "drawn test" if data.drawn else "test"
        if what == "units":
            figure = figures.units(network.model, data.images, data.labels, name)
        else:
            rows = np.arange(len(data.labels))
            result = evaluate(network.model, data.images, data.labels, rows)
            if what == "confusion":
                figure = figures.confusion(result, name)
            else:
                figure = figures.mistakes(result, data.images, name, data.label_errors)
    figures.save(figure, out, force)
    click.echo(out)

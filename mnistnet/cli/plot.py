"""mnistnet plot."""

from collections.abc import Callable, Sequence
from contextlib import chdir
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np

from mnistnet.arrays import Array
from mnistnet.cli.options import (
    DEFAULT_WEIGHTS,
    FILE,
    PICTURE,
    READ_WEIGHTS,
    data_options,
    load_dataset,
    load_weights,
    note,
    quiet_option,
)
from mnistnet.cli.pictures import Samples
from mnistnet.errors import MnistnetError, PictureError
from mnistnet.files import check_writable
from mnistnet.image.digit import read_picture
from mnistnet.model.search import load_starts, starts_folder
from mnistnet.report.evaluation import evaluate
from mnistnet.report.starts import analyse

MAX_PICTURES = 60
KINDS = ["weights", "units", "history", "confusion", "mistakes", "calibration", "starts"]


def _check_suffix(_ctx: click.Context, _param: click.Parameter, out: Path | None) -> Path | None:
    if out is not None and out.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise click.BadParameter(f"expected a name that ends in .png, .svg or .pdf; found {out}")
    return out


def figure_options(text: str) -> Callable[..., Any]:
    """Add --out with this help, for a figure, and --force."""
    out = click.option("--out", type=FILE, callback=_check_suffix, help=text)
    force = click.option(
        "--force", is_flag=True, help="Replace a file even if mnistnet did not plot it."
    )
    return lambda command: out(force(command))


def load_figures(command: str) -> ModuleType:
    """Import the figures of the library. Raises MnistnetError if matplotlib cannot be loaded."""
    try:
        with chdir(Path(__file__).parent):  # or a matplotlibrc in the current folder would be read
            from mnistnet.report import figures
    except ModuleNotFoundError as error:
        raise MnistnetError(
            f"{command} needs {error.name}; to install it: python -m pip install matplotlib"
        ) from error
    except (ImportError, OSError, ValueError) as error:
        raise MnistnetError(f"{command} cannot load matplotlib: {error}") from error
    return figures


@click.command()
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("pictures", nargs=-1, type=PICTURE, metavar="[PICTURE]...")
@click.option(
    "--weights",
    type=FILE,
    multiple=True,
    help=f"{READ_WEIGHTS}  May be repeated for history.",
)
@data_options
@figure_options("File to write, .png, .svg or .pdf.  [default: KIND.png]")
@click.option(
    "--dpi",
    type=click.IntRange(20, 600),
    default=120,
    show_default=True,
    help="Resolution of a .png in pixels per inch; a figure is 8 inches wide.",
)
@quiet_option
def plot(
    kind: str,
    pictures: tuple[str, ...],
    weights: tuple[Path, ...],
    folder: Path | None,
    mirrors: tuple[str, ...],
    out: Path | None,
    force: bool,
    dpi: int,
) -> None:
    """Plot what a network has learned.

    The path of the plot is printed. KIND is one of:

    \b
    weights      the weights of each hidden unit as an image, and of each score
    units        the hidden units and scores for each PICTURE (a file, or test:7
                 as for predict), or else for a test image of each digit
    history      loss, accuracy and learning rate by epoch
    confusion    the confusion matrix on the test images
    mistakes     the most confident mistakes on the test images
    calibration  accuracy against probability on the test images
    starts       the losses of all starts of a search, and the accuracy of
                 committees

    Needs matplotlib: python -m pip install matplotlib

    \b
    Examples:
      mnistnet plot weights
      mnistnet plot units digit.png test:247
      mnistnet plot mistakes --out mistakes.svg
    """
    if pictures and kind != "units":
        raise click.UsageError(f"plot {kind} takes no pictures; only plot units does")
    if len(weights) > 1 and kind != "history":
        raise click.UsageError(f"plot {kind} takes one --weights; only plot history takes several")
    figures = load_figures("plot")
    out = out or Path(f"{kind}.png")
    check_writable(out)
    if not force:
        figures.check_replaceable(out)
    figure = _figure(figures, kind, pictures, weights, folder, mirrors)
    figures.save(figure, out, force, dpi)
    click.echo(out)


def _figure(
    figures: ModuleType,
    kind: str,
    pictures: Sequence[str],
    weights: Sequence[Path],
    folder: Path | None,
    mirrors: tuple[str, ...],
) -> Any:
    if kind == "starts":
        starts = load_starts(starts_folder(weights[0] if weights else DEFAULT_WEIGHTS))
        data = load_dataset(folder, mirrors, "train")
        return figures.starts(analyse(starts, data.images, data.labels, data.sha256))
    loaded = [load_weights(path) for path in weights or (None,)]
    for each in loaded:
        if not weights or each.network.metadata.data.drawn:
            note(each.description)
    if kind == "history":
        return figures.history({str(each.path): each.network.metadata.history for each in loaded})
    network, metadata = loaded[0].network.model, loaded[0].network.metadata
    if kind == "weights":
        return figures.weights(network)
    if pictures:
        return figures.units(network, *_read(pictures, Samples(folder, mirrors, metadata)))
    data = load_dataset(folder, mirrors, "test")
    if kind == "units":
        firsts = [np.flatnonzero(data.labels == digit)[:1] for digit in [*range(1, 10), 0]]
        rows = np.concatenate(firsts)
        names = [f"test:{row}" for row in rows]
        return figures.units(network, data.images[rows], names, data.labels[rows].tolist())
    name = "drawn test" if data.drawn else "test"
    result = evaluate(network, data.images, data.labels, np.arange(len(data.labels)))
    if kind == "mistakes":
        return figures.mistakes(result, data.images, name, data.label_errors)
    return (figures.confusion if kind == "confusion" else figures.calibration)(result, name)


def _read(pictures: Sequence[str], samples: Samples) -> tuple[Array, list[str], list[int | None]]:
    """Return the images (n, 784) of all digits, the names of their pictures, and the labels if
    known."""
    names = [name for picture in pictures for name in samples.expand(picture)]
    if len(names) > MAX_PICTURES:
        raise PictureError(f"expected at most {MAX_PICTURES} pictures to plot; found {len(names)}")
    images: list[Array] = []
    sources: list[str] = []
    labels: list[int | None] = []
    for name in names:
        try:
            sample = samples.get(name)
            digits = [sample] if sample else read_picture(Path(name)).digits
        except PictureError as error:
            raise PictureError(f"{name}: {error}") from error
        images += [digit.image for digit in digits]
        sources += [name] * len(digits)
        labels += [sample.label if sample else None] * len(digits)
    return np.array(images), sources, labels

"""mnistnet plot."""

import itertools
from collections.abc import Callable, Sequence
from contextlib import chdir
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np

from mnistnet.api import Network, answers
from mnistnet.cli import echo, escape, options
from mnistnet.cli.pictures import Pictures
from mnistnet.errors import MnistnetError, PictureError, reason
from mnistnet.files import check_replaceable
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
    out = click.option("--out", type=options.FILE, callback=_check_suffix, help=text)
    force = click.option(
        "--force", is_flag=True, help="Replace a file even if mnistnet did not plot it."
    )
    return lambda command: out(force(command))


def load_figures(command: str, out: Path, force: bool) -> ModuleType:
    """Import the figures of the library. Raises MnistnetError if matplotlib cannot be loaded, or if
    out cannot be written or, unless force is given, has a file that mnistnet did not plot."""
    try:
        with chdir(Path(__file__).parent):  # or a matplotlibrc in the current folder would be read
            from mnistnet.report import figures
    except (ImportError, OSError, ValueError) as error:
        raise MnistnetError(
            f"{command} needs matplotlib, which cannot be loaded: {reason(error)}; "
            "to install it: python -m pip install matplotlib"
        ) from error
    check_replaceable(out, figures.style.MARK.encode(), "plot", force)
    return figures


@click.command()
@click.argument("kind", type=click.Choice(KINDS), metavar="KIND")
@click.argument("pictures", nargs=-1, type=options.PICTURE, metavar="[PICTURE]...")
@click.option(
    "--weights",
    type=options.WEIGHTS,
    multiple=True,
    help=f"{options.READ_WEIGHTS}  May be repeated for history.",
)
@options.data_options
@click.option("--gradient", is_flag=True, help="For units: draw dL/dM of one labelled image.")
@figure_options("File to write, .png, .svg or .pdf.  [default: KIND.png]")
@click.option(
    "--dpi",
    type=click.IntRange(20, 600),
    default=120,
    help="Resolution of a .png in pixels per inch; a figure is 8 inches wide.",
)
@options.quiet_option
def plot(
    kind: str,
    pictures: tuple[str, ...],
    weights: tuple[Path, ...],
    gradient: bool,
    out: Path | None,
    force: bool,
    dpi: int,
    **source: Any,
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
    if gradient and (kind != "units" or not pictures):
        raise click.UsageError("--gradient is for plot units PICTURE")
    out = out or Path(f"{kind}.png")
    figures = load_figures("plot", out, force)
    shown = "gradient" if gradient else kind
    figures.style.save(_figure(figures, shown, pictures, weights, **source), out, dpi)
    echo(out)


def _figure(
    figures: ModuleType, kind: str, pictures: Sequence[str], weights: Sequence[Path], **source: Any
) -> Any:
    """Make the figure of this kind; source has the values of options.data_options."""
    if kind == "starts":
        starts = load_starts(starts_folder(weights[0] if weights else options.DEFAULT_WEIGHTS))
        data = options.load_dataset("train", **source)
        return figures.results.starts(analyse(starts, data.images, data.labels, data.sha256))
    histories = {}
    for given in weights or (None,):
        path, network, _ = options.load_weights(given, says_which=True)
        histories[escape(str(path))] = network.metadata.history
    if kind == "history":
        return figures.results.history(histories)
    if kind == "weights":
        return figures.weights.weights(network.model)
    if pictures:
        images, names, labels = _read(pictures, network, **source)
        if kind == "units":
            return figures.weights.units(network.model, images, names, labels)
        if len(images) > 1 or labels[0] is None:
            raise PictureError("expected one labelled image for --gradient, such as test:247")
        return figures.weights.gradient(network.model, images[0], labels[0])
    data = options.load_dataset("test", **source)
    if kind == "units":
        firsts = [np.flatnonzero(data.labels == digit)[:1] for digit in [*range(1, 10), 0]]
        rows = np.concatenate(firsts)
        names = [f"test:{row}" for row in rows]
        labels = data.labels[rows].tolist()
        return figures.weights.units(network.model, data.images[rows], names, labels)
    name = "drawn test" if data.drawn else "test"
    rows, limits = np.arange(len(data.labels)), network.metadata.used_limits
    result = evaluate(network.model, data.images, data.labels, rows, limits)
    if kind == "mistakes":
        return figures.results.mistakes(result, data.images, name, data.label_errors)
    return getattr(figures.results, kind)(result, name)


def _read(pictures: Sequence[str], network: Network, **source: Any) -> tuple[Any, ...]:
    """Return the images (n, 784) of all digits, the names of their pictures, and the labels if
    known."""
    finder = Pictures(network.metadata, **source)
    items = list(
        itertools.islice(
            itertools.chain.from_iterable(map(finder.find, pictures)), MAX_PICTURES + 1
        )
    )
    if len(items) > MAX_PICTURES:
        raise PictureError(f"expected at most {MAX_PICTURES} pictures to plot; found more")
    rows: list[Any] = []
    for item, reply in answers(network, items):
        if isinstance(reply, MnistnetError):
            raise PictureError(f"{item.name}: {reply}")
        rows += [(image, escape(item.name), item.label) for image in reply.images]
    images, *others = zip(*rows, strict=True)
    return np.array(images), *others

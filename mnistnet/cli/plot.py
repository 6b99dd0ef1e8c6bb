"""mnistnet plot."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet.cli.figures import figure_options, load_figures
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

if TYPE_CHECKING:
    from mnistnet.data.mnist import Dataset
    from mnistnet.model.network import Network

MAX_PICTURES = 60
KINDS = ["weights", "units", "history", "confusion", "mistakes", "calibration", "starts"]


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
    from mnistnet.files import check_writable

    if pictures and kind != "units":
        raise click.UsageError(f"plot {kind} takes no pictures; only plot units does")
    if len(weights) > 1 and kind != "history":
        raise click.UsageError(f"plot {kind} takes one --weights; only plot history takes several")
    figures = load_figures("plot")
    out = out or Path(f"{kind}.png")
    check_writable(out)
    if not force:
        figures.check_replaceable(out)
    if kind == "starts":
        figure = _starts(figures, weights[0] if weights else DEFAULT_WEIGHTS, folder, mirrors)
        figures.save(figure, out, force, dpi)
        click.echo(out)
        return
    loaded = [load_weights(path) for path in weights or (None,)]
    for each in loaded:
        if not weights or each.network.metadata.data.drawn:
            note(each.description)

    network = loaded[0].network
    if kind == "weights":
        figure = figures.weights(network.model)
    elif kind == "history":
        figure = figures.history({str(each.path): each.network.metadata.history for each in loaded})
    elif pictures:
        samples = Samples(folder, mirrors, network.metadata)
        figure = figures.units(network.model, *_read(pictures, samples))
    else:
        data = load_dataset(folder, mirrors, "test")
        figure = _of_test_images(figures, kind, network.model, data)
    figures.save(figure, out, force, dpi)
    click.echo(out)


def _starts(figures: Any, weights: Path, folder: Path | None, mirrors: tuple[str, ...]) -> Any:
    """Return the figure of the search that wrote the weights file."""
    from mnistnet.model.search import load_starts, starts_folder
    from mnistnet.report.starts import analyse

    starts = load_starts(starts_folder(weights))
    data = load_dataset(folder, mirrors, "train")
    return figures.starts(analyse(starts, data.images, data.labels, data.sha256))


def _of_test_images(figures: Any, kind: str, network: "Network", data: "Dataset") -> Any:
    import numpy as np

    from mnistnet.report.evaluation import evaluate

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


def _read(pictures: tuple[str, ...], samples: Samples) -> tuple[Any, list[str], list[int | None]]:
    """Return the images (n, 784) of all digits, the names of their pictures, and the labels if
    known."""
    import numpy as np

    from mnistnet.errors import PictureError
    from mnistnet.image.digit import read_picture

    names = [name for picture in pictures for name in samples.expand(picture)]
    if len(names) > MAX_PICTURES:
        raise PictureError(f"expected at most {MAX_PICTURES} pictures to plot; found {len(names)}")
    images: list[Any] = []
    sources: list[str] = []
    labels: list[int | None] = []
    for name in names:
        try:
            sample = samples.get(name)
            digits = [sample] if sample else read_picture(Path(name)).digits
        except PictureError as error:
            raise PictureError(f"{name}: {error}") from error
        for digit in digits:
            images.append(digit.image)
            sources.append(name)
            labels.append(sample.label if sample else None)
    return np.array(images), sources, labels

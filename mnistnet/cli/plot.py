"""mnistnet plot: figures of what a network learned."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnistnet.cli.options import (
    DEFAULT_WEIGHTS,
    READ_WEIGHTS,
    UserPath,
    data_option,
    dataset,
    figure_option,
    load_figures,
    mirror_option,
    note,
    quiet_option,
    read_weights,
)
from mnistnet.cli.samples import Samples

if TYPE_CHECKING:
    from mnistnet.data.mnist import Dataset
    from mnistnet.model.network import Network

MAX_PICTURES = 60
WHAT = ["weights", "units", "history", "confusion", "mistakes", "calibration", "starts"]


@click.command()
@click.argument("what", type=click.Choice(WHAT), metavar="WHAT")
@click.argument("pictures", nargs=-1, metavar="[PICTURE]...")
@click.option(
    "--weights",
    type=UserPath(),
    multiple=True,
    help=f"{READ_WEIGHTS}; for history it may be repeated",
)
@data_option
@mirror_option
@figure_option("File to write; its ending, .png, .svg or .pdf, is the format.  [default: WHAT.png]")
@click.option(
    "--dpi",
    type=click.IntRange(20, 600),
    default=120,
    show_default=True,
    help="Pixels per inch of a .png; a figure is 8 inches wide.",
)
@quiet_option
def plot(
    what: str,
    pictures: tuple[str, ...],
    weights: tuple[Path, ...],
    folder: Path | None,
    mirrors: tuple[str, ...],
    out: Path | None,
    force: bool,
    dpi: int,
) -> None:
    """Draw WHAT a network learned, and print the path of the picture.

    \b
    weights      what each hidden unit looks for, and what each score makes of it
    units        hidden features and scores of each PICTURE (a file, or test:7 as
                 for predict), else of a test image of each digit
    history      loss, accuracy and learning rate over the epochs
    confusion    how often which digit is read as which on the test images
    mistakes     the most confident mistakes on the test images
    calibration  whether probabilities mean what they say on the test images
    starts       the losses of all starts of a search, and what a committee gains

    Needs matplotlib: python -m pip install matplotlib

    \b
    Examples:
      mnistnet plot weights
      mnistnet plot units digit.png test:247
      mnistnet plot mistakes --out mistakes.svg
    """
    from mnistnet.atomic import check_writable

    if pictures and what != "units":
        raise click.UsageError(f"plot {what} takes no pictures; only plot units does")
    if len(weights) > 1 and what != "history":
        raise click.UsageError(f"plot {what} takes one --weights; only plot history takes several")
    figures = load_figures("plot")
    out = out or Path(f"{what}.png")
    check_writable(out)
    if not force:
        figures.check_replaceable(out)
    if what == "starts":
        figure = _starts(figures, weights[0] if weights else DEFAULT_WEIGHTS, folder, mirrors)
        figures.save(figure, out, force, dpi)
        click.echo(out)
        return
    networks = [read_weights(path) for path in weights or (None,)]
    for read in networks:
        if not weights or read.network.metadata.data.drawn:
            note(read.whence)

    if what == "weights":
        figure = figures.weights(networks[0].network.model)
    elif what == "history":
        figure = figures.history({str(r.path): r.network.metadata.history for r in networks})
    elif pictures:
        network = networks[0].network
        samples = Samples(folder, mirrors, network.metadata)
        figure = figures.units(network.model, *_read(pictures, samples))
    else:
        data = dataset(folder, mirrors, "test")
        figure = _of_test_images(figures, what, networks[0].network.model, data)
    figures.save(figure, out, force, dpi)
    click.echo(out)


def _starts(figures: Any, weights: Path, folder: Path | None, mirrors: tuple[str, ...]) -> Any:
    """The figure of the search that wrote the weights file."""
    from mnistnet.model.search import load_starts, starts_folder
    from mnistnet.report.starts import analyse

    found = load_starts(starts_folder(weights))
    data = dataset(folder, mirrors, "train")
    return figures.starts(analyse(found, data.images, data.labels, data.sha256))


def _of_test_images(figures: Any, what: str, network: "Network", data: "Dataset") -> Any:
    import numpy as np

    from mnistnet.report.evaluation import evaluate

    if what == "units":
        firsts = [np.flatnonzero(data.labels == digit)[:1] for digit in [*range(1, 10), 0]]
        rows = np.concatenate(firsts)
        names = [f"test:{row}" for row in rows]
        return figures.units(network, data.images[rows], names, data.labels[rows].tolist())
    name = "drawn test" if data.drawn else "test"
    result = evaluate(network, data.images, data.labels, np.arange(len(data.labels)))
    if what == "mistakes":
        return figures.mistakes(result, data.images, name, data.label_errors)
    return (figures.confusion if what == "confusion" else figures.calibration)(result, name)


def _read(pictures: tuple[str, ...], samples: Samples) -> tuple[Any, list[str], list[int | None]]:
    """The images (n, 784) of the pictures, their names, and their labels as far as known."""
    import numpy as np

    from mnistnet.errors import PictureError
    from mnistnet.image.digit import read_picture

    names = [name for word in pictures for name in samples.names(word)]
    if len(names) > MAX_PICTURES:
        raise PictureError(f"expected at most {MAX_PICTURES} pictures to draw; found {len(names)}")
    images: list[Any] = []
    found: list[str] = []
    labels: list[int | None] = []
    for name in names:
        try:
            sample = samples.get(name)
            digits = [sample] if sample else read_picture(Path(name)).digits
        except PictureError as error:
            raise PictureError(f"{name}: {error}") from error
        for digit in digits:
            images.append(digit.image)
            found.append(name)
            labels.append(sample.label if sample else None)
    return np.array(images), found, labels

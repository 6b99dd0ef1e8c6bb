"""What several commands share: options, the data set, the weights file, notes, the progress bar."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from mnistnet.api import Network, load_network
from mnistnet.cli import echo, escape
from mnistnet.data.mnist import Dataset
from mnistnet.errors import MnistnetError
from mnistnet.model.diagnosis import image_warning
from mnistnet.model.weights import PRETRAINED
from mnistnet.report.text import percent
from mnistnet.trainer import load_data

DEFAULT_WEIGHTS = Path("mnistnet.npz")
READ_WEIGHTS = (
    "Weights file to read, or 'pretrained' for the bundled weights.  [default: mnistnet.npz if it "
    "exists, else the bundled weights]"
)


class UserPath(click.Path):
    """A path; ~ is the home folder even where the shell does not expand it, as in --data=~/mnist.

    The library checks it; click only completes it in a shell.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        try:
            return Path(value).expanduser()
        except RuntimeError:  # ~name of an unknown user
            return self.fail(f"there is no home folder for {value}", param, ctx)


class WeightsPath(UserPath):
    """A weights file. 'pretrained' is the bundled one, ./pretrained a file of that name."""

    def __init__(self, is_written: bool = False) -> None:
        super().__init__(dir_okay=False)
        self.is_written = is_written

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if value == "pretrained" and self.is_written:
            names = "'pretrained' names the bundled weights, which are only read"
            self.fail(f"{names}; for a file of that name: ./pretrained", param, ctx)
        return PRETRAINED if value == "pretrained" else super().convert(value, param, ctx)


FILE = UserPath(dir_okay=False)
WEIGHTS = WeightsPath()
FOLDER = UserPath(file_okay=False)
# A file, a folder, an image of the data set such as test:7, or -; the library checks it.
PICTURE = click.Path(readable=False)


data_option = click.option(
    "--data",
    "folder",
    type=FOLDER,
    envvar="MNISTNET_DATA",
    show_envvar=True,
    help="Folder with the files of MNIST or a similar set.  [default: ~/.cache/mnistnet]",
)


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --data and --mirror, whose values load_dataset takes."""
    mirror = click.option(
        "--mirror",
        "mirrors",
        multiple=True,
        metavar="URL|DIR",
        help="URL or folder to get MNIST from, before those in MNISTNET_MIRROR; may be repeated.",
    )
    return data_option(mirror(command))


def weights_option(text: str = READ_WEIGHTS, default: Path | None = None) -> Callable[..., Any]:
    """Add --weights with this help; with a default, of a file to write."""
    kind = WeightsPath(is_written=default is not None)
    return click.option("--weights", type=kind, default=default, show_default=True, help=text)


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, one object per line."
)
quiet_option = click.option(
    "--quiet",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda ctx, _, quiet: ctx.meta.update(quiet=quiet),
    help="Print nothing but errors on stderr.",
)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --json and --quiet."""
    return json_option(quiet_option(command))


def _shown() -> dict[str, Any]:
    """Return what holds for this run of the program: whether it is quiet, and its progress bar."""
    ctx = click.get_current_context(silent=True)
    return ctx.meta if ctx else {}


def note(sentence: str) -> None:
    """Print a sentence for the user on stderr, above the bar, unless --quiet is given."""
    shown = _shown()
    if "bar" in shown:
        shown["bar"].clear()
    if not shown.get("quiet"):
        echo(escape(sentence), err=True)


def make_bar(hidden: bool = False, **look: Any) -> Any:
    """Return a progress bar on stderr, hidden if that is not a terminal or --quiet is given."""
    from tqdm import tqdm  # slow to load, and not needed to read a picture

    hidden = hidden or _shown().get("quiet", False)
    bar = _shown()["bar"] = tqdm(dynamic_ncols=True, disable=hidden or None, **look)
    return bar


@contextmanager
def progress(title: str = "MNIST", unit: str = "B") -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr; yield the library's callback advance, which moves it."""
    with make_bar(desc=title, unit=unit, unit_scale=True, delay=1) as bar:

        def advance(received: int, total: int) -> None:
            bar.total, bar.delay = total or None, 0  # with a delay, the bar is not shown
            bar.update(received)

        yield advance


def load_weights(given: Path | None, says_which: bool = False) -> tuple[Path, Network, str]:
    """Load the file given, else mnistnet.npz if it exists, else the bundled weights.

    Returns the path, the network and a description; with says_which, prints this as a note if no
    file is given or the training images were drawn.
    """
    path = given or DEFAULT_WEIGHTS
    description = f"weights {path}"
    if given == PRETRAINED or (given is None and not os.path.lexists(path)):
        path, description = PRETRAINED, "bundled weights"
    network = load_network(path)
    if network.metadata.data.drawn:
        description += ", trained on drawn digits, not MNIST"
    if says_which and (given is None or network.metadata.data.drawn):
        note(description)
    return path, network, description


def describe_weights(path: Path) -> str:
    """Say what a weights file is, '' if there is none."""
    with suppress(MnistnetError):
        if path.is_file():
            metadata = load_network(path).metadata
            accuracy = metadata.validation_accuracy
            more = f", with a validation accuracy of {percent(accuracy)}" * (accuracy is not None)
            return f"weights trained on {metadata.data.name or 'MNIST'}{more}"
    return ""


def load_dataset(split: str, folder: Path | None, mirrors: tuple[str, ...]) -> Dataset:
    """Load one split from the folder, else from the cache, to which MNIST is downloaded first;
    print warnings about its images."""
    with progress() as advance:
        data = load_data(split, folder, mirrors, note, advance)
    if not data.published and (warning := image_warning(data.images)):
        note(f"Warning: {warning}")
    return data


def print_json(facts: Any) -> None:
    """Print one line of JSON on stdout."""
    echo(json.dumps(facts))


def is_ascii() -> bool:
    """Whether stdout may lack the block characters of a picture."""
    return not str(getattr(sys.stdout, "encoding", "")).lower().startswith("utf")

"""What several commands share: options, the data set, the weights file, the bar."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mnistnet.data.mnist import Dataset

DEFAULT_WEIGHTS = Path("mnistnet.npz")


class Mirrors(click.types.StringParamType):
    """An address or a folder; in the environment one a line, since a folder may have spaces."""

    name = "url|dir"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [line for line in rv.splitlines() if line.strip()]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value or self.fail("an empty one is none", param, ctx)


data_option = click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, readable=False),
    envvar="MNISTNET_DATA",
    show_envvar=True,
    help="Folder with the MNIST files.  [default: ~/.cache/mnistnet]",
)
mirror_option = click.option(
    "--mirror",
    "mirrors",
    type=Mirrors(),
    multiple=True,
    envvar="MNISTNET_MIRROR",
    show_envvar=True,
    help="Ask this address or folder first; may be repeated.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def weights_option(text: str, default: Path | None = None) -> Callable[..., Any]:
    """--weights FILE, for what the text says."""
    path = click.Path(path_type=Path, readable=False)
    return click.option("--weights", type=path, default=default, show_default=True, help=text)


READ_WEIGHTS = (
    "Weights file to read.  [default: mnistnet.npz; where there is none, the weights that ship "
    "with mnistnet]"
)


def weights_to_read(given: Path | None) -> tuple[Path, str]:
    """The weights file that a command reads, and a line that says which that is."""
    from mnistnet.model.weights import PRETRAINED

    if given is None and not os.path.lexists(DEFAULT_WEIGHTS):
        return PRETRAINED, "weights that ship with mnistnet"
    path = given or DEFAULT_WEIGHTS
    return path, f"weights {path}"


def dataset(folder: Path | None, mirrors: tuple[str, ...], split: str) -> "Dataset":
    """One split, downloaded first where it is not there yet."""
    from mnistnet.data import download, mnist

    with progress() as (notify, advance):
        return download.obtain(
            folder or download.cache_folder(),
            split,
            (*mirrors, *mnist.MIRRORS),
            notify,
            advance,
        )


def can_print(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def progress() -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """notify and advance for the downloader: sentences and one bar, both on stderr."""
    bar: Any = None

    def notify(sentence: str) -> None:
        if bar is not None:
            bar.clear()
        click.echo(sentence, err=True)

    def advance(received: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            from tqdm import tqdm

            bar = tqdm(desc="MNIST", total=total, unit="B", unit_scale=True, disable=None)
        bar.update(received)

    try:
        yield notify, advance
    finally:
        if bar is not None:
            bar.close()

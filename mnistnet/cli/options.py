"""What several commands share: options, the data set, the weights file, the bar."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mnistnet.errors import MnistnetError

if TYPE_CHECKING:
    from mnistnet.api import Network
    from mnistnet.data.mnist import Dataset

DEFAULT_WEIGHTS = Path("mnistnet.npz")


class Mirrors(click.types.StringParamType):
    """An address or a folder; in the environment one a line, since a folder may have spaces."""

    name = "url|dir"

    def split_envvar_value(self, rv: str) -> list[str]:
        return [line for line in rv.splitlines() if line.strip()]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value or self.fail("an empty one is none", param, ctx)


class UserPath(click.ParamType[Path]):
    """A path; ~ is the home folder even where the shell has not replaced it, as in --data=~/a."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        try:
            return Path(value).expanduser()
        except RuntimeError:  # ~name of somebody who has no home
            return self.fail(f"there is no home folder for {value}", param, ctx)


data_option = click.option(
    "--data",
    "folder",
    type=UserPath(),
    envvar="MNISTNET_DATA",
    show_envvar=True,
    help="Folder with MNIST's files or a set like it.  [default: ~/.cache/mnistnet]",
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


def _set_quiet(ctx: click.Context, param: click.Parameter, quiet: bool) -> None:  # noqa: ARG001
    ctx.meta["mnistnet.quiet"] = quiet


quiet_option = click.option(
    "--quiet",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_set_quiet,
    help="Leave out notes on stderr; errors are still printed.",
)


def note(sentence: str) -> None:
    """Print a note for the user on stderr, unless --quiet is given."""
    if not click.get_current_context().meta.get("mnistnet.quiet"):
        click.echo(sentence, err=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


def weights_option(text: str, default: Path | None = None) -> Callable[..., Any]:
    """--weights FILE, for what the text says."""
    path = click.Path(path_type=Path, readable=False)
    return click.option("--weights", type=path, default=default, show_default=True, help=text)


def figure_option(text: str) -> Callable[..., Any]:
    """--out FILE, a figure, and --force."""

    def checked(ctx: click.Context, param: click.Parameter, out: Path | None) -> Path | None:  # noqa: ARG001
        if out is not None and out.suffix.lower() not in (".png", ".svg", ".pdf"):
            raise click.BadParameter(
                f"expected a name that ends in .png, .svg or .pdf; found {out}"
            )
        return out

    force = click.option("--force", is_flag=True, help="Replace a file that is not a plot of ours.")
    out = click.option("--out", type=UserPath(), callback=checked, help=text)
    return lambda command: out(force(command))


@contextmanager
def _away() -> Iterator[None]:
    """In another folder: importing matplotlib reads a matplotlibrc that is in the current one."""
    if sys.platform == "win32":  # which opens no folder, and removes no current one
        here: int | Path = Path.cwd()
    else:
        here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(Path(__file__).parent)
        yield
    finally:
        os.chdir(here)
        if isinstance(here, int):
            os.close(here)


def load_figures(command: str) -> ModuleType:
    """The figures of the library; raises MnistnetError if there is no matplotlib."""
    try:
        with _away():
            from mnistnet.report import figures
    except ModuleNotFoundError as error:
        raise MnistnetError(
            f"{command} needs {error.name}; to install it: python -m pip install matplotlib"
        ) from error
    except (ImportError, OSError, ValueError) as error:  # an MPLBACKEND that there is not, say
        raise MnistnetError(f"{command} cannot load matplotlib: {error}") from error
    return figures


READ_WEIGHTS = (
    "Weights file to read.  [default: mnistnet.npz; where there is none, the weights that ship "
    "with mnistnet]"
)


class Read(NamedTuple):
    """A weights file that was read, and a line that says which that is."""

    path: Path
    network: "Network"
    whence: str


def read_weights(given: Path | None) -> Read:
    """The weights given, or mnistnet.npz, or if there is none the bundled ones."""
    from mnistnet.api import load_network
    from mnistnet.model.weights import PRETRAINED

    path = given or DEFAULT_WEIGHTS
    whence = f"weights {path}"
    if given is None and not os.path.lexists(path):
        path, whence = PRETRAINED, "weights that ship with mnistnet"
    network = load_network(path)
    if network.metadata.data.drawn:
        whence += ", trained on drawn digits, not MNIST"
    return Read(path, network, whence)


def dataset(folder: Path | None, mirrors: tuple[str, ...], split: str) -> "Dataset":
    """One split from the folder; or from the cache, which is filled first."""
    from mnistnet.api import load_data
    from mnistnet.model.diagnosis import doubts

    with progress() as (notify, advance):
        data = load_data(split, folder, mirrors, notify, advance)
    for sentence in [] if data.published else doubts(data.images):
        click.echo(f"Warning: {sentence}", err=True)
    return data


def print_json(facts: Any) -> None:
    """One line of JSON on stdout."""
    import json  # which costs --help more than all commands together

    click.echo(json.dumps(facts))


def can_print(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def progress(
    what: str = "MNIST", unit: str = "B"
) -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """notify and advance for the library: sentences and one bar, both on stderr."""
    bar: Any = None

    def notify(sentence: str) -> None:
        if bar is not None:
            bar.clear()
        note(sentence)

    def advance(received: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            from tqdm import tqdm

            bar = tqdm(desc=what, total=total or None, unit=unit, unit_scale=True, disable=None)
        bar.update(received)

    try:
        yield notify, advance
    finally:
        if bar is not None:
            bar.close()

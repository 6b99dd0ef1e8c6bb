"""Options and loading of figures, which plot and diff share."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from mnistnet.cli.options import FILE
from mnistnet.errors import MnistnetError


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


@contextmanager
def _outside_current_folder() -> Iterator[None]:
    """Change the current folder, from which matplotlib reads a matplotlibrc when it is imported."""
    if sys.platform == "win32":  # which cannot open a folder, but does not let it be deleted either
        before: int | Path = Path.cwd()
    else:
        before = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(Path(__file__).parent)
        yield
    finally:
        os.chdir(before)
        if isinstance(before, int):
            os.close(before)


def load_figures(command: str) -> ModuleType:
    """Import the figures of the library. Raises MnistnetError if matplotlib cannot be loaded."""
    try:
        with _outside_current_folder():
            from mnistnet.report import figures
    except ModuleNotFoundError as error:
        raise MnistnetError(
            f"{command} needs {error.name}; to install it: python -m pip install matplotlib"
        ) from error
    except (ImportError, OSError, ValueError) as error:  # such as an unknown MPLBACKEND
        raise MnistnetError(f"{command} cannot load matplotlib: {error}") from error
    return figures

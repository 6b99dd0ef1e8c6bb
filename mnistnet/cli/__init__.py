"""The commands: parse, call the library, print. The only room that imports click.

Results go to stdout, everything else to stderr. What a command needs is imported inside it, so
that `mnistnet --help` loads neither NumPy nor requests nor Pillow.
"""

import os
import sys
from contextlib import suppress
from typing import Any

import click

from mnistnet import __version__
from mnistnet.cli.diff import diff
from mnistnet.cli.download import download
from mnistnet.cli.eval import evaluate
from mnistnet.cli.gradcheck import gradcheck
from mnistnet.cli.import_ import import_
from mnistnet.cli.info import info
from mnistnet.cli.page import page
from mnistnet.cli.plot import plot
from mnistnet.cli.predict import predict
from mnistnet.cli.search import search
from mnistnet.cli.streams import prepare_streams, visible
from mnistnet.cli.train import train
from mnistnet.errors import MnistnetError, reason

# Variables that libraries read as they are imported, some of them failing at nonsense; none changes
# a result. SOURCE_DATE_EPOCH would date a plot, which has no date.
NOT_WANTED = ("TQDM_", "PILLOW_", "SOURCE_DATE_EPOCH", "MATPLOTLIBRC")


class Commands(click.Group):
    """The one place where errors become exit codes: 1 it failed, 2 wrong usage, 130 interrupted."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        prepare_streams()
        for name in [name for name in os.environ if name.startswith(NOT_WANTED)]:
            del os.environ[name]
        is_program = kwargs.pop("standalone_mode", True)
        try:
            kwargs["standalone_mode"] = False  # or click would end the program its own way
            result = super().main(*args, **kwargs)
            if not is_program:
                return result
            sys.exit(result)
        except click.Abort:
            click.echo("Interrupted", err=True)
            sys.exit(130)
        except click.UsageError as error:
            click.UsageError(_visible_lines(error.format_message()), error.ctx).show()
            sys.exit(error.exit_code)
        except (click.ClickException, MnistnetError, MemoryError, OSError, ImportError) as error:
            click.echo(f"Error: {_visible_lines(_words(error))}", err=True)
            sys.exit(1)

    def _main_shell_completion(self, *args: Any, **kwargs: Any) -> None:
        with suppress(KeyError, ValueError):  # a shell's variables that make no sense
            super()._main_shell_completion(*args, **kwargs)
            return
        sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            click.echo(" ".join(["Interrupted", *interrupt.args]), err=True)
            ctx.exit(130)


def _words(error: Exception) -> str:
    """What to tell of an error that ends the program."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    if isinstance(error, ImportError):
        return f"a library cannot be loaded: {reason(error)}"
    if isinstance(error, OSError):
        what = f"cannot use {error.filename}" if error.filename else "the system refused something"
        return f"{what}: {reason(error)}"
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


def _visible_lines(text: str) -> str:
    return "\n".join(map(visible, text.split("\n")))


@click.group(
    name="mnistnet", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="mnistnet")
def main() -> None:
    """Train, evaluate and use a small neural network that reads handwritten digits."""


COMMANDS = (
    *(download, import_, train, search, evaluate, predict),
    *(plot, page, diff, gradcheck, info),
)
for command in COMMANDS:
    main.add_command(command)

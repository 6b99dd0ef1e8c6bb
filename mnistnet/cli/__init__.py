"""The commands: parse, call the library, print. The only room that imports click.

Results go to stdout, everything else to stderr. What a command needs is imported inside it, so
that `mnistnet --help` loads neither NumPy nor requests nor Pillow.
"""

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from mnistnet import __version__
from mnistnet.cli.download import download
from mnistnet.cli.eval import evaluate
from mnistnet.cli.gradcheck import gradcheck
from mnistnet.cli.import_ import import_
from mnistnet.cli.info import info
from mnistnet.cli.options import visible
from mnistnet.cli.plot import plot
from mnistnet.cli.predict import predict
from mnistnet.cli.train import train
from mnistnet.errors import MnistnetError, reason


class Commands(click.Group):
    """The one place where errors become exit codes: 1 it could not be done, 130 interrupted."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        if sys.stderr is None:  # closed: messages are not wanted, which is no reason to fail
            sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name need not fit the terminal's encoding
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().main(*args, **kwargs)
        except OSError as error:  # stdout is on a full disk, say; click sees to a closed pipe
            with suppress(OSError):  # or Python tries once more at its end, and complains, too
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(f"Error: cannot write the result: {reason(error)}")

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MnistnetError as error:
            lines = map(visible, str(error).split("\n"))
            raise click.ClickException("\n".join(lines)) from error
        except MemoryError as error:
            raise click.ClickException("there is not enough memory for this") from error
        except KeyboardInterrupt as interrupt:
            click.echo(" ".join(["Interrupted", *interrupt.args]), err=True)
            ctx.exit(130)


@click.group(
    name="mnistnet", cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="mnistnet")
def main() -> None:
    """Train, evaluate and use a small neural network that reads handwritten digits."""


for command in (download, import_, train, evaluate, predict, plot, gradcheck, info):
    main.add_command(command)

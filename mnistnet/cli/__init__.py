"""The command-line interface: commands parse their options, call the library and print.

Results go to stdout, everything else to stderr. The module of a command is imported when the
command runs, so that `mnistnet --help` starts fast.
"""

import importlib
import os
import sys
from contextlib import suppress
from typing import Any

import click

from mnistnet import __version__
from mnistnet.cli.streams import echo, escape_lines, prepare_streams, writing
from mnistnet.errors import MnistnetError, reason

# Each command, the function in this package that defines it, and its summary in --help.
COMMANDS = {
    "diff": ("diff.diff", "Differentiate EXPRESSION at a point, step by step."),
    "download": ("download.download", "Download MNIST, verify it and keep it."),
    "eval": ("eval.evaluate", "Evaluate a network on labelled images."),
    "gradcheck": ("gradcheck.gradcheck", "Check the gradient computed by backpropagation."),
    "import": ("import_.import_", "Convert a data set for the other commands."),
    "info": ("info.info", "Show what a weights file contains."),
    "page": ("page.page", "Write a web page to draw digits on."),
    "plot": ("plot.plot", "Plot what a network has learned."),
    "predict": ("predict.predict", "Recognise the digit or number in each PICTURE."),
    "search": ("search.search", "Train many networks and keep the best, or average them."),
    "train": ("train.train", "Train a network and write its weights."),
}

# Variables (or prefixes) that libraries read when imported, some failing on invalid values. None
# changes a result, except SOURCE_DATE_EPOCH, which would add a date to plots. MPLBACKEND may name a
# backend of the notebook that runs mnistnet; figures need none.
IGNORED_VARIABLES = ("TQDM_", "PILLOW_", "SOURCE_DATE_EPOCH", "MATPLOTLIBRC", "MPLBACKEND")


class Program(click.Group):
    """A group that imports the module of a command on demand, and turns errors into exit codes.

    Its commands are placeholders with a name and a summary until one is resolved. The exit code is
    1 after a failure, 2 after wrong usage and 130 after an interruption.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        prepare_streams()
        for name in [name for name in os.environ if name.startswith(IGNORED_VARIABLES)]:
            del os.environ[name]
        is_program = kwargs.pop("standalone_mode", True)
        try:
            kwargs["standalone_mode"] = False  # or click would handle errors itself
            with writing("stdout"):
                result = super().main(*args, **kwargs)
            if not is_program:
                return result
            sys.exit(result)
        except click.Abort:
            echo("Interrupted", err=True)
            sys.exit(130)
        except click.UsageError as error:
            with writing("stderr"):
                _usage_error(error).show()
            sys.exit(error.exit_code)
        except (click.ClickException, MnistnetError, MemoryError, OSError, ImportError) as error:
            echo(f"Error: {_message(error)}", err=True)
            sys.exit(1)

    def _main_shell_completion(self, *args: Any, **kwargs: Any) -> None:
        with suppress(KeyError, ValueError):  # the shell's variables are missing or malformed
            super()._main_shell_completion(*args, **kwargs)
            return
        sys.exit(1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            echo(" ".join(["Interrupted", *interrupt.args]), err=True)
            ctx.exit(130)


def load_command(name: str) -> click.Command:
    """Import the module of a command."""
    module, _, function = COMMANDS[name][0].partition(".")
    command: click.Command = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    return command


def _message(error: Exception) -> str:
    """Return the text that reports an error which ends the program."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this"
    if isinstance(error, ImportError):
        return f"cannot load a library: {reason(error)}"
    if isinstance(error, OSError):
        action = f"cannot use {error.filename}" if error.filename else "a system call failed"
        return f"{action}: {reason(error)}"
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


def _usage_error(error: click.UsageError) -> click.UsageError:
    """Escape the message of a usage error; suggest the options that an unknown one abbreviates."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error  # its message is the help
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.ctx:
        names = [name for param in error.ctx.command.params for name in param.opts]
        meant = [name for name in names if _abbreviates(error.option_name, name)]
        if meant:
            message = f"{error.message} Did you mean {' or '.join(map(repr, meant))}?"
    return click.UsageError(escape_lines(message), error.ctx)


def _abbreviates(word: str, option: str) -> bool:
    """Whether a word such as --learn or --lr is a prefix or the initials of --learning-rate."""
    initials = "".join(part[:1] for part in option.split("-"))
    return option.startswith("--") and (option.startswith(word) or word == f"--{initials}")


@click.group(
    name="mnistnet",
    cls=Program,
    commands=[click.Command(name, short_help=text) for name, (_, text) in COMMANDS.items()],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", prog_name="mnistnet")
def main() -> None:
    """Train, evaluate and use a small neural network that reads handwritten digits."""

"""The command-line interface: commands parse their options, call the library and print.

Results go to stdout, everything else to stderr. Characters that a terminal would interpret are
escaped, because names come from files and users. The module of a command is imported when the
command runs, so that `mnistnet --help` starts fast.
"""

import importlib
import io
import os
import sys
import warnings
from typing import Any

import click

from mnistnet import __version__
from mnistnet.errors import DownloadError, ExpressionError, MnistnetError

# Each command, the function in this package that defines it, and its summary in --help.
COMMANDS = {
    "diff": ("diff.diff", "Differentiate EXPRESSION at a point, step by step."),
    "download": ("download.download", "Download MNIST, verify it and keep it."),
    "eval": ("eval.evaluate", "Evaluate a network on labelled images."),
    "export": ("export.export", "Write a network for other programs."),
    "gradcheck": ("gradcheck.gradcheck", "Check the gradient computed by backpropagation."),
    "import": ("import_.import_", "Convert a data set for the other commands."),
    "info": ("info.info", "Show what a weights file contains."),
    "page": ("page.page", "Write a web page to draw digits on and to watch a network learn."),
    "plot": ("plot.plot", "Plot what a network has learned."),
    "predict": ("predict.predict", "Recognise the digit or number in each PICTURE."),
    "search": ("search.search", "Train many networks and keep the best, or average them."),
    "train": ("train.train", "Train a network and write its weights."),
}

# Variables (or their prefixes) that libraries read, some failing on invalid values. A notebook sets
# MPLBACKEND to a backend of its own.
IGNORED_VARIABLES = ("TQDM_", "PILLOW_", "SOURCE_DATE_EPOCH", "MATPLOTLIBRC", "MPLBACKEND")


def escape(text: str) -> str:
    """Escape every unprintable character, line breaks included."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def echo(text: object = "", err: bool = False) -> None:
    """Print lines, or a path in one, on stdout; or on stderr, where a full disk is no error."""
    lines = text.split("\n") if isinstance(text, str) else [str(text)]
    try:
        click.echo("\n".join(map(escape, lines)), err=err)
    except OSError as error:
        if not err or isinstance(error, BrokenPipeError):  # which click handles
            raise
        sys.stderr = io.StringIO()  # or Python would try again at exit


class Program(click.Group):
    """A group that imports the module of a command on demand, and turns errors into exit codes.

    Its commands are placeholders with a name and a summary until one is resolved. The exit code is
    1 after a failure, 2 after wrong usage and 130 after an interruption.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for name in [name for name in os.environ if name.startswith(IGNORED_VARIABLES)]:
            del os.environ[name]
        warnings.simplefilter("ignore")  # of Pillow about damaged files
        sys.warnoptions = ["ignore"]  # of worker processes
        if sys.stderr is None:  # closed
            sys.stderr = io.StringIO()
        if isinstance(sys.stdout, io.TextIOWrapper):  # its encoding may lack characters
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            sys.exit(super().main(*args, **kwargs | {"standalone_mode": False}))
        except click.Abort as abort:
            echo(" ".join(["Interrupted", *abort.args]), err=True)
            sys.exit(130)
        except click.ClickException as error:
            text = io.StringIO()
            _suggesting(error).show(text)
            echo(text.getvalue().rstrip("\n"), err=True)
            sys.exit(error.exit_code)
        except MemoryError:
            echo("Error: there is not enough memory for this", err=True)
            sys.exit(1)
        except (MnistnetError, OSError, ImportError) as error:
            sys.stdout = io.StringIO()  # at exit, Python would try again to fill a full disk
            has_lines = isinstance(error, DownloadError | ExpressionError)
            echo(f"Error: {error if has_lines else escape(str(error))}", err=True)
            sys.exit(1)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else None, rest

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:  # its arguments say how to continue
            raise click.Abort(*interrupt.args) from interrupt


def _suggesting(error: click.ClickException) -> click.ClickException:
    """Suggest the options that have the initials of an unknown one, such as --lr."""
    if not isinstance(error, click.NoSuchOption) or not error.ctx:
        return error
    names = [name for param in error.ctx.command.params for name in param.opts if "--" in name]
    initials = {name: "".join(part[:1] for part in name[2:].split("-")) for name in names}
    meant = [repr(name) for name in names if f"--{initials[name]}" == error.option_name]
    return (
        click.UsageError(f"{error.message} Did you mean {meant[0]}?", error.ctx) if meant else error
    )


def load_command(name: str) -> click.Command:
    """Import the module of a command."""
    module, _, function = COMMANDS[name][0].partition(".")
    command: click.Command = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    command.help = command.help or COMMANDS[name][1]  # python -OO removes docstrings
    return command


@click.group(
    name="mnistnet",
    cls=Program,
    commands=[click.Command(name, short_help=text) for name, (_, text) in COMMANDS.items()],
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(__version__, "-V", "--version", prog_name="mnistnet")
def main() -> None:
    """Train, evaluate and use a small neural network that reads handwritten digits."""

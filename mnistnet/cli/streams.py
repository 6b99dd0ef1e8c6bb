"""Print results on stdout and messages on stderr.

Characters that a terminal would interpret are escaped, because names come from files and users.
Failing to write a message, to a full disk for instance, is not an error; failing to write a result
is.
"""

import errno
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import click


def escape(text: str) -> str:
    """Escape every unprintable character, line breaks included."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def escape_lines(text: str) -> str:
    """Escape every unprintable character except line breaks."""
    return "\n".join(map(escape, text.split("\n")))


def echo(text: object = "", err: bool = False) -> None:
    """Print lines on stdout, or on stderr."""
    with writing("stderr" if err else "stdout"):
        click.echo(escape_lines(str(text)), err=err)


@contextmanager
def writing(name: Literal["stdout", "stderr"]) -> Iterator[None]:
    """Write to a stream in the block; ignore errors of stderr."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader has exited, which click handles
            raise
        # Python would write the rest at exit, and fail again
        setattr(sys, name, io.StringIO())
        if name == "stdout":
            raise


def prepare_streams() -> None:
    """Make stderr exist, and stdout print the characters that its encoding lacks as escapes."""
    if sys.stderr is None:  # closed
        sys.stderr = io.StringIO()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")

"""Print results on stdout and messages on stderr.

Characters that a terminal would interpret are escaped, because names come from files and users.
"""

import io
import sys

import click


def escape(text: str) -> str:
    """Escape every unprintable character, line breaks included."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def echo(text: object = "", err: bool = False) -> None:
    """Print lines on stdout, or on stderr, where it is not an error if the disk is full."""
    try:
        click.echo("\n".join(map(escape, str(text).split("\n"))), err=err)
    except OSError as error:
        if not err or isinstance(error, BrokenPipeError):  # which click handles
            raise
        sys.stderr = io.StringIO()  # or Python would try again at exit

"""Standard output and standard error, as the commands use them.

Characters that a terminal would interpret are escaped, because names come from files and users.
Failing to write a message, to a full disk for instance, is not an error; failing to write a result
is.
"""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from mnistnet.errors import MnistnetError, reason


def escape(text: str) -> str:
    """Escape every unprintable character, line breaks included."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def escape_lines(text: str) -> str:
    """Escape every unprintable character except line breaks."""
    return "\n".join(map(escape, text.split("\n")))


class _Raw(io.FileIO):
    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            if self.fileno() == 2:
                return len(content)
            if error.errno == errno.EPIPE:  # the reader has exited, which click handles
                raise
            with suppress(OSError):  # or Python would flush again at exit, and fail again
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise MnistnetError(f"cannot write the result: {reason(error)}") from error


class _Text(io.TextIOWrapper):
    def write(self, text: str) -> int:
        kept = "\n\r"  # line breaks, and what tqdm's bar needs
        if not text.isprintable():
            text = "".join(c if c in kept else escape(c) for c in text)
        return super().write(text)


def _wrapped(stream: TextIO, number: int) -> TextIO:
    """Wrap the stream of this file number, unless something else, such as a test, replaced it."""
    if sys.platform == "win32" or not isinstance(stream, io.TextIOWrapper):
        return stream
    if stream not in (sys.__stdout__, sys.__stderr__) or isinstance(stream, _Text):
        return stream
    return _Text(
        io.BufferedWriter(_Raw(number, "wb", closefd=False)),
        stream.encoding,
        "backslashreplace",  # the terminal's encoding may lack a name's characters
        line_buffering=number == 2 or stream.line_buffering or stream.write_through,
    )


def prepare_streams() -> None:
    """Make sys.stdout and sys.stderr behave as the module's docstring says."""
    if sys.stderr is None:  # closed
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    sys.stderr = _wrapped(sys.stderr, 2)
    if sys.stdout is not None:
        sys.stdout.flush()
        sys.stdout = _wrapped(sys.stdout, 1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

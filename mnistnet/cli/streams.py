"""Standard output and standard error, as the commands write to them.

What a terminal would obey is escaped, whoever put it into a name. A message that cannot be written,
to a full disk for instance, is no reason to fail; a result that cannot be written is.
"""

import errno
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from mnistnet.errors import MnistnetError, reason


def visible(text: str) -> str:
    """The text with escapes for what a terminal would obey: names come from files and from
    elsewhere."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class _Raw(io.FileIO):
    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            if self.fileno() == 2:
                return len(content)
            if error.errno == errno.EPIPE:  # whoever read it has gone, which click sees to
                raise
            with suppress(OSError):  # or Python tries once more at its end, and complains, too
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise MnistnetError(f"cannot write the result: {reason(error)}") from error


class _Text(io.TextIOWrapper):
    def write(self, text: str) -> int:
        kept = "\n\r"  # lines, and the bar of tqdm
        if not text.isprintable():
            text = "".join(c if c in kept else visible(c) for c in text)
        return super().write(text)


def _wrapped(stream: TextIO, number: int) -> TextIO:
    """The stream of this number, unless something else, such as a test, takes its place."""
    if sys.platform == "win32" or not isinstance(stream, io.TextIOWrapper):
        return stream
    if stream not in (sys.__stdout__, sys.__stderr__) or isinstance(stream, _Text):
        return stream
    return _Text(
        io.BufferedWriter(_Raw(number, "wb", closefd=False)),
        stream.encoding,
        "backslashreplace",  # a name need not fit the terminal's encoding
        line_buffering=number == 2 or stream.line_buffering or stream.write_through,
    )


def prepare_streams() -> None:
    """Make sys.stdout and sys.stderr streams as described above."""
    if sys.stderr is None:  # closed: messages are not wanted, which is no reason to fail
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = _wrapped(sys.stderr, 2)
    if sys.stdout is not None:
        sys.stdout.flush()
        sys.stdout = _wrapped(sys.stdout, 1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

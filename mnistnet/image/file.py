"""Decode a picture file of any supported format to upright pixels of moderate size.

Files are untrusted: formats.py limits what is read, and every decoding failure is a PictureError.
"""

import contextlib
import os
import re
import select
import stat
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image, ImageFile

from mnistnet.arrays import Array
from mnistnet.errors import PictureError, reason
from mnistnet.image.formats import (
    MAX_BYTES,
    MAX_PIXELS,
    check_size,
    find_format,
    open_picture,
    orientation,
)
from mnistnet.image.levels import WORKING_SIDE, read_levels

PIPE_TIMEOUT = 10.0  # seconds to the first byte from a pipe
URL = re.compile(r"(https?|ftp|file|data):", re.IGNORECASE)
SEVERAL = "it has several pictures; only the first was read"


class Decoded(NamedTuple):
    """A decoded picture.

    levels   pixels (height, width, colours), 0 to 255, float32: three colours, or one if all are
             grey; no more pixels than in a square of WORKING_SIDE
    factor   original size / reduced size
    notes    sentences for the user
    """

    levels: Array
    factor: float
    notes: tuple[str, ...] = ()


def read_pixels(source: Path | BinaryIO) -> Decoded:
    """Decode a file or stream; transparent pictures get an opaque background.

    Raises PictureError, without the file's name, if it cannot be read, has more than MAX_PIXELS or
    is entirely transparent.
    """
    try:
        content = _content(source)
        kind = find_format(content)
        with warnings.catch_warnings(action="ignore"), open_picture(kind, content) as picture:
            return _decode(kind, picture)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("not enough memory to decode it") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"expected at most {MAX_PIXELS // 10**6} megapixels") from error
    except Exception as error:  # Pillow raises a dozen kinds for damaged files
        if isinstance(source, Path) and URL.match(str(source)):
            raise PictureError(
                "expected a file; found a URL: save the picture to a file first"
            ) from error
        raise PictureError(f"cannot read it: {reason(error)}") from error


def pictures_in(folder: Path) -> list[Path]:
    """List the pictures in a folder, recognised by their first bytes and sorted by name.

    Subfolders are not searched. Raises PictureError if the folder cannot be read.
    """
    found = []
    try:
        for path in sorted(folder.iterdir()):
            if path.is_file():
                with path.open("rb") as stream, contextlib.suppress(PictureError):
                    find_format(stream.read(1024))
                    found.append(path)
    except OSError as error:
        raise PictureError(f"cannot read it: {reason(error)}") from error
    return found


def _content(source: Path | BinaryIO) -> bytes:
    """Read at most MAX_BYTES.

    Pillow would map a file that it opens itself, and truncating a mapped file kills its readers.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(source, Path):
            if source.is_dir():
                raise PictureError(
                    "expected a picture or a folder of pictures; found a folder without pictures"
                )
            source = stack.enter_context(open(source, "rb", opener=_open_with_timeout))
        chunks, size = [], 0
        while chunk := source.read(1 << 20):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise PictureError(f"expected at most {MAX_BYTES // 10**6} megabytes")
    return b"".join(chunks)


def _open_with_timeout(name: str, flags: int) -> int:
    """Open like os.open, but raise PictureError if a pipe delivers no data in time."""
    file = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            poll = select.poll()
            poll.register(file, select.POLLIN)
            if not poll.poll(1000 * PIPE_TIMEOUT):
                raise PictureError(f"no data came through the pipe in {PIPE_TIMEOUT:g} seconds")
        if hasattr(os, "set_blocking"):
            os.set_blocking(file, True)
    except BaseException:
        os.close(file)
        raise
    return file


def _decode(kind: str, picture: ImageFile.ImageFile) -> Decoded:
    has_several = False
    with contextlib.suppress(Exception):  # later pictures may be damaged
        has_several = getattr(picture, "is_animated", False)
    full = max(picture.size)
    if kind == "JPEG":  # decodes directly to a reduced size
        picture.draft(None, (WORKING_SIDE, WORKING_SIDE))
    with _silent_libtiff(kind):
        picture.load()
    check_size(picture.size)  # some formats learn their size only now
    full = max(full, *picture.size)
    levels = read_levels(picture, 1 if kind == "TIFF" else orientation(picture.info))
    return Decoded(levels, full / max(levels.shape[:2]), (SEVERAL,) * has_several)


@contextlib.contextmanager
def _silent_libtiff(kind: str) -> Iterator[None]:
    """Hide libtiff's messages on standard error: Pillow also reports the damage."""
    try:
        if kind != "TIFF" or sys.platform == "win32":
            raise OSError
        kept = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)

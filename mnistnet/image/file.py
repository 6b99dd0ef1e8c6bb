"""A picture file as the pixels in it: upright, of moderate size, whatever format it is in.

Files are untrusted: formats.py says what is read and bounds it, and whatever Pillow makes of a
damaged file is a PictureError.
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

PIPE_WAIT = 10.0  # seconds for the first byte from a pipe
ADDRESS = re.compile(r"(https?|ftp|file|data):", re.IGNORECASE)
SEVERAL = "it has several pictures, of which the first was read"


class Decoded(NamedTuple):
    """levels   pixels (height, width, colours) of 0 to 255, float32: three colours, or one where
                all is grey; at most WORKING_SIDE pixels to a side
    factor   by which they were reduced
    notes    sentences for the user, such as that the file has more pictures
    """

    levels: Array
    factor: float
    notes: tuple[str, ...] = ()


def read_pixels(source: Path | BinaryIO) -> Decoded:
    """The pixels in a file or stream.

    Transparent pictures come out on an opaque ground. Raises PictureError, without the name, for
    what cannot be read, has more than MAX_PIXELS or is all transparent.
    """
    try:
        content = _content(source)
        kind = find_format(content)
        with warnings.catch_warnings(action="ignore"), open_picture(kind, content) as picture:
            return _decode(kind, picture)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("there is not enough memory to decode it") from error
    except IsADirectoryError as error:
        raise PictureError("expected a picture, or a folder that has some; found none") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"expected at most {MAX_PIXELS // 10**6} megapixels") from error
    except Exception as error:  # a damaged file makes Pillow's readers raise a dozen kinds
        if isinstance(source, Path) and (found := ADDRESS.match(str(source))):
            what = "a data URL" if found[1].lower() == "data" else "an address"
            raise PictureError(
                f"expected a file; found {what}: save the picture in a file first"
            ) from error
        raise PictureError(f"cannot read it: {reason(error)}") from error


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder, not in its folders, sorted by name; told by their first bytes.

    Raises PictureError where the folder cannot be read.
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
    """All the bytes, MAX_BYTES at most. Not left to Pillow, which would map a file that it opens:
    whoever cuts a mapped file short kills all that look at it."""
    with contextlib.ExitStack() as stack:
        if isinstance(source, Path):
            source = stack.enter_context(open(source, "rb", opener=_open_without_waiting))
        chunks, size = [], 0
        while chunk := source.read(1 << 20):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise PictureError(f"expected at most {MAX_BYTES // 10**6} megabytes")
    return b"".join(chunks)


def _open_without_waiting(name: str, flags: int) -> int:
    """As os.open, but of a pipe that nobody writes to an error instead of waiting for ever."""
    file = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            poll = select.poll()
            poll.register(file, select.POLLIN)
            if not poll.poll(1000 * PIPE_WAIT):
                raise PictureError(f"it is a pipe, and nothing came out for {PIPE_WAIT:g} seconds")
        if hasattr(os, "set_blocking"):
            os.set_blocking(file, True)
    except BaseException:
        os.close(file)
        raise
    return file


def _decode(kind: str, picture: ImageFile.ImageFile) -> Decoded:
    has_several = False
    with contextlib.suppress(Exception):  # what comes after the first picture may be damaged
        has_several = getattr(picture, "is_animated", False)
    full = max(picture.size)
    if kind == "JPEG":  # which can be decoded at part of its size
        picture.draft(None, (WORKING_SIDE, WORKING_SIDE))
    with _without_libtiff(kind):
        picture.load()
    check_size(picture.size)  # some formats know only now what mode and size they are
    full = max(full, *picture.size)
    levels = read_levels(picture, 1 if kind == "TIFF" else orientation(picture.info))
    return Decoded(levels, full / max(levels.shape[:2]), (SEVERAL,) * has_several)


@contextlib.contextmanager
def _without_libtiff(kind: str) -> Iterator[None]:
    """Without what libtiff prints to standard error about damage, which Pillow reports, too."""
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

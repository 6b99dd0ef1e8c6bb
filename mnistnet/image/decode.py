"""Decode a picture file of any supported format to upright, opaque pixels of moderate size.

Files are untrusted. The first bytes choose one of FORMATS, and only that reader of Pillow's is
used: none of them runs programs, opens other files or guesses the format of an embedded picture.
Limits on pixels, bytes and reads bound the cost, and every failure is a PictureError.
"""

import contextlib
import importlib
import io
import os
import re
import select
import struct
import warnings
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image, ImageFile, ImageOps

from mnistnet.arrays import Array
from mnistnet.errors import PictureError, reason
from mnistnet.image.pixels import WORKING_SIDE, small_pixels

MAX_PIXELS = 64_000_000
MAX_BYTES = 3 * MAX_PIXELS + (1 << 23)  # three uncompressed bytes per pixel
MAX_PACKED = 64_000_000  # bytes, in formats that always compress
MAX_READS = 300_000  # read calls of one reader
SLOW_PIXELS = 250_000  # in formats that Python decodes pixel by pixel
MAX_SCANS = 16  # of MAX_PIXELS each in a JPEG; progressive ones have about 10
MAX_STRIPS = 200_000  # of a TIFF
MAX_EXIF = 1 << 16  # bytes; the rest of a longer one is not read
EXIF = b"Exif\0\0"  # begins a JPEG's segment
PRIVATE = 700  # the first tag of a TIFF that does not describe its pixels
PIPE_TIMEOUT = 10.0  # seconds to the first byte from a pipe

# name: module and class of the reader, first bytes of a file, whether it always compresses
FORMATS = {
    "PNG": ("PIL.PngImagePlugin", "PngImageFile", rb"\x89PNG\r\n\x1a\n", False),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile", rb"\xff\xd8\xff", True),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile", rb"GIF8[79]a", True),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile", rb"BM", False),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile", rb"II\*\0|MM\0\*", False),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile", rb"RIFF....WEBP", True),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile", rb"....ftyp(avi[fs]|mi(f1|af).*avif)", True),
    "HEIC": ("pillow_heif", "HeifImageFile", rb"....ftyp(he[iv][cxms]|mif1)", True),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile", rb"P[4-6]\s", False),
}
EXPECTED = "expected a picture: PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM"
OTHERS = {  # unsupported formats, with advice
    rb"%!PS|\xc5\xd0\xd3\xc6": "PostScript: export it as PNG",
    rb"\s*%PDF": "a PDF document: export the page as PNG, or take a screenshot of it",
    rb"\s*<(\?xml|!--|!doctype svg|svg)": "an SVG drawing: export it as PNG",
    rb"\s*<(!doctype )?html": "a web page: save the picture itself, not the page",
    rb"\x93NUMPY|PK\x03\x04.*\.npy": (
        "a NumPy array: save it as a picture with PIL.Image.fromarray(array).save('digit.png')"
    ),
    rb"data:image/": "a data URL: decode it to a file with base64 -d",
    rb"P[1-3]\s": "a PPM written as text: save it as PNG",
}
URL = re.compile(r"(https?|ftp|file|data):", re.IGNORECASE)
SEVERAL = "it has several pictures; only the first was read"


class Decoded(NamedTuple):
    """A decoded picture.

    pixels   (height, width, colours), 0 to 255, float32: three colours, or one if all are grey; no
             more pixels than in a square of WORKING_SIDE
    factor   original size / reduced size
    notes    sentences for the user
    """

    pixels: Array
    factor: float
    notes: tuple[str, ...]


def read_pixels(source: Path | BinaryIO) -> Decoded:
    """Decode a file or stream; transparent pictures get an opaque background.

    Raises PictureError, without the file's name, if it cannot be read, has more than MAX_PIXELS or
    is entirely transparent.
    """
    try:
        content = _content(source)
        kind = find_format(content)
        with warnings.catch_warnings(action="ignore"), open_picture(kind, content) as picture:
            return _decoded(kind, picture)
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
            opener = _open_pipe if source.is_fifo() else None
            source = stack.enter_context(open(source, "rb", opener=opener))
        chunks, size = [], 0
        while chunk := source.read(1 << 20):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_BYTES:
                raise PictureError(f"expected at most {MAX_BYTES // 10**6} megabytes")
    return b"".join(chunks)


def _open_pipe(name: str, flags: int) -> int:
    """Open a pipe like os.open, but raise PictureError if it delivers no data in time."""
    pipe = os.open(name, flags | os.O_NONBLOCK)
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    if not poll.poll(1000 * PIPE_TIMEOUT):
        os.close(pipe)
        raise PictureError(f"no data came through the pipe in {PIPE_TIMEOUT:g} seconds")
    os.set_blocking(pipe, True)
    return pipe


def find_format(content: bytes) -> str:
    """Recognise one of FORMATS by its first bytes; raise PictureError, with advice, for others."""
    start = content[:1024]
    for kind, (_, _, magic, _) in FORMATS.items():
        if re.match(magic, start, re.DOTALL):
            return kind
    for magic, advice in OTHERS.items():
        if re.match(magic, start, re.DOTALL | re.IGNORECASE):
            raise PictureError(f"expected pixels; found {advice}")
    raise PictureError(f"{EXPECTED}; found {'another format' if content else 'an empty file'}")


class _Stream(io.BytesIO):
    """A stream of the content that limits the number of reads, and the bytes read in total."""

    reads = total = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.reads += 1
        self.total += len(data)
        if self.reads > MAX_READS:
            raise PictureError(f"expected at most {MAX_READS:,} blocks of data; found more")
        # Pillow reads the tags of a TIFF up to three times.
        if self.total > 4 * self.getbuffer().nbytes + (1 << 20):
            raise PictureError("expected each block of data once; found some many times")
        return data


def open_picture(kind: str, content: bytes) -> ImageFile.ImageFile:
    """Open the picture with its sizes checked and no pixel decoded yet."""
    module, name, _, is_packed = FORMATS[kind]
    if is_packed and len(content) > MAX_PACKED:
        raise PictureError(f"expected at most {MAX_PACKED // 10**6} megabytes of {kind}")
    try:
        # Image.open would import the readers of other formats, and search a JPEG for more pictures.
        reader = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise PictureError(
            f"reading {kind} needs {error.name}: python -m pip install pillow-heif, or export the "
            "picture as JPEG"
        ) from error
    scans = 0
    if kind == "JPEG":
        scans = content.count(b"\xff\xda\0")
        # Pillow would join all segments of EXIF and parse the result: leave it the first.
        end = content.find(EXIF) + len(EXIF)
        content = content[:end] + content[end:].replace(EXIF, bytes(len(EXIF)))
    elif kind == "TIFF":
        _check_strips(content)
    picture: ImageFile.ImageFile = reader(_Stream(content))
    _check_size(picture.size)
    pixels = picture.width * picture.height
    if pixels > SLOW_PIXELS and any(tile[0] in Image.DECODERS for tile in picture.tile):
        raise PictureError(
            f"expected at most {SLOW_PIXELS:,} pixels in a {kind} of this encoding; save it as PNG"
        )
    if scans * pixels > MAX_SCANS * MAX_PIXELS:
        raise PictureError(
            f"expected at most {MAX_SCANS} scans in a JPEG of this size; found {scans:,}"
        )
    return picture


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise PictureError(
            f"expected at most {MAX_PIXELS // 10**6} megapixels; found {size[0]} x {size[1]}"
        )


def _check_strips(content: bytes) -> None:
    """Check the counts in a TIFF's first directory, of which Pillow makes lists."""
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", content, 4)
    (entries,) = struct.unpack_from(f"{order}H", content, start)
    tags = content[start + 2 : start + 2 + 12 * entries]
    for tag, count in struct.iter_unpack(f"{order}HxxIxxxx", tags[: len(tags) // 12 * 12]):
        if tag < PRIVATE and count > MAX_STRIPS:
            raise PictureError(f"expected at most {MAX_STRIPS:,} strips; found {count:,}")


def _decoded(kind: str, picture: ImageFile.ImageFile) -> Decoded:
    has_several = False
    with contextlib.suppress(Exception):  # later pictures may be damaged
        has_several = getattr(picture, "is_animated", False)
    full = max(picture.size)
    if kind == "JPEG":  # decodes directly to a reduced size
        picture.draft(None, (WORKING_SIDE, WORKING_SIDE))
    picture.load()
    _check_size(picture.size)  # some formats learn their size only now
    full = max(full, *picture.size)
    picture.info["exif"] = (picture.info.get("exif") or b"")[:MAX_EXIF]
    with contextlib.suppress(Exception):  # damaged EXIF
        ImageOps.exif_transpose(picture, in_place=True)
    pixels = small_pixels(picture)
    return Decoded(pixels, full / max(pixels.shape[:2]), (SEVERAL,) * has_several)

"""Decode a picture file of any supported format to small, upright, opaque pixels of 0 to 255.

Files are untrusted. The first bytes choose one of Pillow's readers; none of READERS runs programs,
opens other files or guesses the format of an embedded picture. The pixels and what a reader reads
are limited, and every failure is a PictureError.
"""

import importlib
import io
import math
import os
import re
import struct
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile, ImageOps

from mnistnet.arrays import Array, Box, quantile, variation
from mnistnet.errors import PictureError, reason

WORKING_SIDE = 320  # pixels: a picture with more than in a square of this side is reduced
MAX_PIXELS = 64_000_000
MAX_BYTES = 200_000_000  # of a file: three uncompressed bytes per pixel
MAX_READ = 4 * MAX_BYTES  # by a reader: Pillow reads the tags of a TIFF up to three times
MAX_LIST = 200_000  # strips or other numbers of a TIFF
EXIF = b"Exif\0\0"  # begins a JPEG's segment
PATCH = 24  # most outline^2 / area of a patch: 16 for a square, 18 for 1 x 2, more for strokes
PLAIN = 64  # of 255: a smaller range of colours, or of transparency, counts as uniform


READERS = {  # by their names in Pillow, with the first bytes of a file
    "Png": rb"\x89PNG\r\n\x1a\n",
    "Jpeg": rb"\xff\xd8\xff",
    "Gif": rb"GIF8[79]a",
    "Bmp": rb"BM",
    "Tiff": rb"II\*\0|MM\0\*",
    "WebP": rb"RIFF....WEBP",
    "Avif": rb"....ftyp(avi[fs]|mi(f1|af).*avif)",
    "Heif": rb"....ftyp(he[iv][cxms]|mif1)",
    "Ppm": rb"P[4-6]\s",
}


def read_content(path: Path) -> bytes:
    """Read a file. Raises PictureError, without its name, if it cannot be read."""
    try:
        # Pillow would map a file that it opens itself, and truncating a mapped file kills readers.
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except IsADirectoryError as error:
        raise PictureError("expected a picture; found a folder without pictures") from error
    except (OSError, ValueError) as error:
        raise PictureError(f"cannot read it: {reason(error)}") from error


def read_pixels(
    content: bytes | Image.Image, region: Box | None = None
) -> tuple[Array, float, bool]:
    """Decode the first picture in a file's content, or a PIL image, to pixels (height, width,
    colours), float32, 0 to 255, of three colours, or one if all are grey, no more than in a square
    of WORKING_SIDE. Of a region, only the pixels in this box of the upright picture.

    Also returns the original size / that of the pixels, and whether there are more pictures. Raises
    PictureError, without the file's name, if there is none that can be read and shows anything.
    """
    try:
        with _opened(content) as picture:
            has_more = False
            with suppress(Exception):  # later pictures may be damaged
                has_more = getattr(picture, "is_animated", False)
            longer_side = max(picture.size)
            side = max(region[2] - region[0], region[3] - region[1]) if region else longer_side
            least = WORKING_SIDE * longer_side // side
            picture.draft(None, (least, least))  # decodes a JPEG to a reduced size
            picture.load()
            picture.info["exif"] = (picture.info.get("exif") or b"")[: 1 << 16]
            with suppress(Exception):  # damaged EXIF
                ImageOps.exif_transpose(picture, in_place=True)
            scale = longer_side / max(picture.size)
            shown: Image.Image = picture
            if region:
                left, top, right, bottom = (side / scale for side in region)
                shown = picture.crop((left, top, right, bottom))
            pixels = _small_pixels(shown)
            return pixels, scale * max(shown.size) / max(pixels.shape[:2]), has_more
    except PictureError:
        raise
    except Exception as error:  # Pillow raises a dozen kinds for damaged files
        fault = "truncated" if isinstance(error, struct.error | IndexError) else reason(error)
        raise PictureError(f"cannot read it: {fault}") from error


def pictures_in(folder: Path) -> Iterator[Path]:
    """Yield the pictures in a folder, recognised by their first bytes and sorted by name, without
    subfolders; and files that cannot be read, so that reading them is an error. Raises OSError if
    the folder cannot be read."""
    names = sorted(os.listdir(folder))  # noqa: PTH208 (a million paths would take 500 MB)
    return (path for path in map(folder.joinpath, names) if is_picture(path))


def is_picture(file: Path) -> bool:
    """Check the first bytes of a file. One that cannot be read may be a picture."""
    with suppress(OSError):
        if not file.is_file():
            return False
        with file.open("rb") as stream:
            return _reader(stream.read(1024)) is not None
    return True


def _reader(content: bytes) -> str | None:
    """Return which of READERS, if any, reads this content."""
    start = content[:1024]
    return next((name for name, magic in READERS.items() if re.match(magic, start, re.S)), None)


class _Stream(io.BytesIO):
    """Limits what is read: a file can make its reader read many tiny blocks, decode pixel by pixel
    in Python, or read the same block many times."""

    left = MAX_READ
    cost = 2_500  # of a call, in bytes

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.left -= len(data) + self.cost
        if self.left < 0:
            raise PictureError("expected fewer or smaller blocks of data: save it as PNG")
        return data


def _opened(content: bytes | Image.Image) -> Any:
    return nullcontext(content) if isinstance(content, Image.Image) else _open(content)


def _open(content: bytes) -> ImageFile.ImageFile:
    """Open the picture, with its size checked, and no pixel decoded yet."""
    if len(content) > MAX_BYTES:
        raise PictureError(f"expected at most {MAX_BYTES // 10**6} megabytes")
    name = _reader(content)
    if name is None:
        found = "another format: save it as PNG" if content else "an empty file"
        kinds = "PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM"
        raise PictureError(f"expected a picture: {kinds}; found {found}")
    module = "pillow_heif" if name == "Heif" else f"PIL.{name}ImagePlugin"
    try:
        # Image.open would import the readers of other formats, and search a JPEG for more pictures.
        reader = getattr(importlib.import_module(module), f"{name}ImageFile")
    except ImportError as error:
        advice = "python -m pip install pillow-heif, or export the picture as JPEG"
        raise PictureError(f"reading HEIC needs pillow_heif: {advice}") from error
    passes = 1.0
    if name == "Jpeg":
        # A scan passes over all pixels; a progressive picture has about ten.
        passes = max(content.count(b"\xff\xda\0") / 16, 1)
        # Pillow would join all segments of EXIF and parse the result: leave it the first.
        start, exif, rest = content.partition(EXIF)
        content = start + exif + rest.replace(EXIF, bytes(len(EXIF)))
    elif name == "Tiff":
        _check_lists(content)
    elif content.count(b"iCCP") > 100:  # each is unpacked
        raise PictureError("expected at most 100 colour profiles")
    stream = _Stream(content)
    if name == "Gif":  # older versions of Pillow join the blocks of a comment one by one
        stream.cost = 60_000
    picture: ImageFile.ImageFile = reader(stream)
    width, height = picture.size
    if passes * width * height > MAX_PIXELS:
        most = f"{MAX_PIXELS // 10**6} megapixels, or fewer in a JPEG of many scans"
        raise PictureError(f"expected at most {most}; found {width} x {height}")
    return picture


def _check_lists(content: bytes) -> None:
    """Check the counts in a TIFF's first directory: Pillow makes lists of strips and numbers, but
    leaves the bytes of private tags as they are."""
    order = "<" if content[:2] == b"II" else ">"
    with suppress(struct.error):  # Pillow reports a truncated directory
        (start,) = struct.unpack_from(f"{order}I", content, 4)
        (entries,) = struct.unpack_from(f"{order}H", content, start)
        for place in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind, count = struct.unpack_from(f"{order}HHI", content, place)
            if count > MAX_LIST and (tag < 700 or kind not in (1, 7)):
                raise PictureError(f"expected at most {MAX_LIST:,} strips; found {count:,}")


def _small_pixels(picture: Image.Image) -> Array:
    """Reduce a picture by averaging, and interpret transparency and grey of any depth."""
    factor = math.ceil(math.sqrt(picture.width * picture.height) / WORKING_SIDE)
    if picture.mode[0] in "IF":  # grey of 16 or 32 bits: spread all but 1 in 1,000 over 0 to 255
        grey = np.asarray(picture).astype(np.float32)
        sample = grey[:: 1 + len(grey) // 1000, :: 1 + grey.shape[1] // 1000].ravel()
        low, high = float(quantile(sample, 0.001)), float(quantile(sample, 0.999))
        np.clip(grey, low, high, out=grey)
        grey -= low
        grey *= 255 / ((high - low) or 1)
        small = Image.fromarray(grey.astype(np.uint8)).reduce(factor)
    elif picture.has_transparency_data:
        if picture.mode not in ("LA", "RGBA"):
            picture = picture.convert("RGBA")
        weighted = picture.convert(f"{picture.mode[:-1]}a")  # premultiplied, so that averages hold
        small = _opaque(weighted.reduce(factor).convert(picture.mode).convert("RGBA"))
    else:
        picture = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
        top = np.max(picture.getextrema())
        if top in (1, 15, 16):  # masks, 4-bit grey, and scikit-learn's digits
            picture = picture.point(lambda value: 255 * value // int(top))
        small = picture.reduce(factor)
    pixels = np.asarray(small.convert("RGB"), np.float32)
    is_grey = (pixels == pixels[..., :1]).all()
    return pixels[..., :1] if is_grey else pixels


def _opaque(picture: Image.Image) -> Image.Image:
    """Convert RGBA to RGB. If transparency hardly varies, keep the colours; otherwise draw strokes
    of one colour in black on white, extend the background of a patch that has a drawing on it, and
    put anything else on white."""
    pixels = np.asarray(picture)
    alpha = pixels[..., 3]
    colours = pixels[alpha > 127][:, :3]
    if not len(colours):
        raise PictureError("found no digit: it is entirely transparent")
    if np.ptp(alpha) < PLAIN:
        return picture.convert("RGB")
    spread = np.ptp(colours.astype(int), axis=0).max()
    visible = alpha / np.float32(255)
    is_patch = variation(np.pad(visible, 1)) ** 2 < PATCH * visible.sum()
    if spread < (PLAIN // 4 if is_patch else PLAIN):
        return Image.fromarray(255 - alpha)
    paper = tuple(quantile(colours, 0.5).tolist()) if is_patch else (255, 255, 255)
    return Image.alpha_composite(Image.new("RGBA", picture.size, paper), picture)

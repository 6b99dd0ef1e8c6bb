"""Recognise the supported picture formats, and check files before they are decoded.

Files are untrusted. The first bytes choose one of FORMATS, and only that reader of Pillow's is
used: none of them runs programs, opens other files or guesses the format of an embedded picture.
Limits on pixels, bytes and reads bound the cost of decoding.
"""

import importlib
import io
import re
import struct
from typing import Any

from PIL import Image, ImageFile

from mnistnet.errors import PictureError

MAX_PIXELS = 64_000_000
MAX_BYTES = 3 * MAX_PIXELS + (1 << 23)  # three uncompressed bytes per pixel
MAX_PACKED = 64_000_000  # bytes, in formats that always compress
MAX_READS = 300_000  # read calls of one reader
SLOW_PIXELS = 250_000  # limits for formats that Python decodes pixel by pixel
SLOW_BYTES = 8_000_000
MAX_SCANS = 16  # of MAX_PIXELS each in a JPEG; progressive ones have about 10

# name: module and class of the reader, first bytes of a file, whether it always compresses
FORMATS = {
    "PNG": ("PIL.PngImagePlugin", "PngImageFile", rb"\x89PNG\r\n\x1a\n", False),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile", rb"\xff\xd8\xff", True),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile", rb"GIF8[79]a", True),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile", rb"BM", False),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile", rb"II\*\0|MM\0\*", False),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile", rb"RIFF....WEBP", True),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile", rb"....ftyp(avi[fs]|mi(f1|af).*avif)", True),
    "HEIC": ("pillow_heif.as_plugin", "HeifImageFile", rb"....ftyp(he[iv][cxms]|mif1)", True),
    "PPM": ("PIL.PpmImagePlugin", "PpmImageFile", rb"P[1-6]\s", False),
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
}
JPEG_MARKER = re.compile(rb"\xff+[^\0\1\xff\xd0-\xd8]")  # those with a length, and the end
JPEG_SCAN, JPEG_END = 0xDA, 0xD9
JPEG_EXTRAS = {*range(0xE1, 0xEE), 0xEF, 0xFE}  # without JFIF's and Adobe's, which state colours
# The TIFF tags that describe how pixels are stored; all others are dropped.
TIFF_TAGS = {*range(254, 260), 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320}
TIFF_TAGS |= {*range(322, 326), *range(332, 335), *range(338, 344), 347, *range(512, 533)}
SHORT = 3  # TIFF's two-byte type
TILE = (322, 323)  # tags of a tile's width and length
MAX_TIFF_VALUES = 200_000  # per tag, which limits strips and tiles
ORIENTATION = 0x0112  # EXIF tag


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
    """A stream of the content that allows at most MAX_READS reads."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        if self.reads > MAX_READS:
            raise PictureError(f"expected at most {MAX_READS:,} blocks of data; found more")
        return super().read(size)


def open_picture(kind: str, content: bytes) -> ImageFile.ImageFile:
    """Open the picture with its sizes checked and no pixel decoded yet."""
    module, name, _, is_packed = FORMATS[kind]
    if is_packed and len(content) > MAX_PACKED:
        raise PictureError(f"expected at most {MAX_PACKED // 10**6} megabytes of {kind}")
    try:
        reader = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise PictureError(
            f"reading {kind} needs {error.name}: python -m pip install pillow-heif, or export the "
            "picture as JPEG"
        ) from error
    exif, scans = b"", 0
    if kind == "JPEG":
        content, exif, scans = _plain_jpeg(content)
    elif kind == "TIFF":
        content = _plain_tiff(content)
    elif kind == "PPM" and content[1:2] in b"123":  # Pillow strips comments very slowly
        content = re.sub(rb"#[^\r\n]*", b"", content)
    picture: ImageFile.ImageFile = reader(_Stream(content))
    check_size(picture.size)
    pixels = picture.width * picture.height
    is_slow = any(tile[0] in Image.DECODERS for tile in picture.tile)
    if is_slow and (pixels > SLOW_PIXELS or len(content) > SLOW_BYTES):
        raise PictureError(
            f"expected at most {SLOW_PIXELS:,} pixels in a {kind} of this encoding; save it as PNG"
        )
    if scans * pixels > MAX_SCANS * MAX_PIXELS:
        raise PictureError(
            f"expected at most {MAX_SCANS} scans in a JPEG of this size; found {scans:,}"
        )
    if exif:
        picture.info["exif"] = exif
    return picture


def check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise PictureError(
            f"expected at most {MAX_PIXELS // 10**6} megapixels; found {size[0]} x {size[1]}"
        )


def _plain_jpeg(content: bytes) -> tuple[bytes, bytes, int]:
    """Return a JPEG without application segments, its EXIF, and its number of scans, as far as its
    segments can be followed."""
    kept, exif, scans, place = [content[:2]], b"", 0, 2
    for _ in range(MAX_READS):
        found = JPEG_MARKER.search(content, place)
        if not found:
            break
        marker, start = found[0][-1], found.end()
        end = start + int.from_bytes(content[start : start + 2])
        if marker in JPEG_EXTRAS:
            kept.append(content[place : found.start()])
            if not exif and content.startswith(b"Exif\0\0", start + 2):
                exif = content[start + 2 : end]
        else:
            kept.append(content[place:end])
        scans += marker == JPEG_SCAN
        place = end
        if marker == JPEG_END:
            break
    else:
        raise PictureError(f"expected at most {MAX_READS:,} segments; found more")
    return b"".join([*kept, content[place:]]), exif, scans


def _plain_tiff(content: bytes) -> bytes:
    """Keep only the tags in a TIFF's first directory that its pixels need, with their sizes
    checked."""
    plain = bytearray(content)
    order = "<" if content[:2] == b"II" else ">"
    (start,) = struct.unpack_from(f"{order}I", content, 4)
    (entries,) = struct.unpack_from(f"{order}H", content, start)
    sides = dict.fromkeys(TILE, 0)
    for place in range(start + 2, start + 2 + 12 * entries, 12):
        tag, kind, count, value = struct.unpack_from(f"{order}HHII", content, place)
        if tag not in TIFF_TAGS:
            struct.pack_into(f"{order}HHII", plain, place, 65_000, 1, 1, 0)
        elif count > MAX_TIFF_VALUES:
            raise PictureError(f"expected at most {MAX_TIFF_VALUES:,} strips; found {count:,}")
        elif tag in TILE:
            if kind == SHORT:
                value = value & 0xFFFF if order == "<" else value >> 16
            sides[tag] = max(sides[tag], value)
    check_size((sides[TILE[0]], sides[TILE[1]]))
    return bytes(plain)


def orientation(info: dict[Any, Any]) -> int:
    """Return the EXIF orientation, 1 to 8, in Pillow's info; 1 if there is none.

    Pillow's getexif would read all of the EXIF, however large.
    """
    exif = info.get("exif", b"")
    try:
        exif = exif.removeprefix(b"Exif\0\0")
        order = "<" if exif[:2] == b"II" else ">"
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, start)
        for place in range(start + 2, start + 2 + 12 * entries, 12):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, place)
            if tag == ORIENTATION:
                return int(value)
    except (AttributeError, struct.error, TypeError):
        pass
    return 1

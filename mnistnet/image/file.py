"""A picture file as the pixels in it: upright, of moderate size, in any format that Pillow reads.

Nothing in a file is believed: what it holds is bounded before it is unpacked, and whatever Pillow
makes of a damaged one is a PictureError. No format is read that is a program (PostScript).
"""

import contextlib
import io
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from mnistnet.arrays import Array
from mnistnet.errors import PictureError, reason

MAX_PIXELS = 64_000_000
MAX_BYTES = 10 * MAX_PIXELS  # in a pipe; four colours of 16 bits, as they are, take eight a pixel
ORIENTATION = 0x0112  # of EXIF, and what undoes it
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
WORKING_SIDE = 320  # pixels; larger pictures are averaged down first
PATCH = 24  # outline squared over area, at most: 16 for a square, 18 for 1 x 2, more for strokes


def read_pixels(source: Path | BinaryIO) -> tuple[Array, float]:
    """The pixels in a file or stream (height, width, colours), of 0 to 255, float32: three colours,
    or one where all is grey, at most WORKING_SIDE pixels to a side; and the factor they were
    reduced by.

    Transparent pictures come out on an opaque ground. Raises PictureError, without the name, for
    what cannot be read, has more than MAX_PIXELS or is all transparent.
    """
    try:
        with contextlib.ExitStack() as stack:
            stack.enter_context(warnings.catch_warnings(action="ignore"))
            # Opened here, since Pillow maps what it opens itself: who cuts a mapped file short
            # kills all who look at it.
            stream = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
            if not stream.seekable():
                stream = _whole(stream)
            picture = stack.enter_context(Image.open(stream))
            if picture.format == "EPS":  # which Pillow would have Ghostscript run
                raise PictureError("expected pixels; found PostScript, which is a program")
            return _pixels(picture)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError("expected a picture in a format that Pillow reads") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"expected at most {MAX_PIXELS // 10**6} megapixels") from error
    except Exception as error:  # a damaged file makes Pillow's readers raise a dozen kinds
        raise PictureError(f"cannot read it: {reason(error)}") from error


def _whole(stream: BinaryIO) -> BinaryIO:
    """All that comes out of a pipe, which might have no end."""
    content = bytearray()
    while chunk := stream.read(1 << 20):
        content += chunk
        if len(content) > MAX_BYTES:
            raise PictureError(f"expected at most {MAX_BYTES // 10**6} megabytes")
    return io.BytesIO(content)


def _pixels(picture: Image.Image) -> tuple[Array, float]:
    """The upright picture (height, width, colours), three or one, at most WORKING_SIDE pixels to a
    side; and the factor it was reduced by."""
    if picture.width * picture.height > MAX_PIXELS:
        raise PictureError(
            f"expected at most {MAX_PIXELS // 10**6} megapixels; "
            f"found {picture.width} x {picture.height}"
        )
    full = max(picture.size)
    turn = _turn(picture)
    picture.draft(None, (WORKING_SIDE, WORKING_SIDE))  # JPEG can be decoded at part of its size
    picture.load()  # some formats know only then what mode and size they are
    factor = -(-max(picture.size) // WORKING_SIDE)
    if picture.mode[0] in "IF":  # grey of 16 or 32 bits, which Pillow would cut off at 255
        small = _eight_bits(picture).reduce(factor)
    elif picture.has_transparency_data:
        if picture.mode not in ("LA", "RGBA"):
            picture = picture.convert("RGBA")
        weighted = picture.convert(f"{picture.mode[:-1]}a")  # where Pillow can average colours
        small = _opaque(weighted.reduce(factor).convert(picture.mode).convert("RGBA"))
    else:
        small = (picture if picture.mode in ("L", "RGB") else picture.convert("RGB")).reduce(factor)
    upright = small.transpose(turn) if turn is not None else small
    pixels = np.asarray(upright.convert("RGB"), np.float32)
    if (pixels == pixels[..., :1]).all():
        pixels = pixels[..., :1]
    return pixels, full / max(upright.size)


def _turn(picture: Image.Image) -> Image.Transpose | None:
    """What turns it upright, by its EXIF; which many a file has damaged."""
    try:
        return TURNS.get(picture.getexif().get(ORIENTATION, 1))
    except Exception:
        return None


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey levels of any range spread over 0 to 255, but for the outermost one in a thousand."""
    levels = np.asarray(picture).astype(np.float32)
    sample = levels[:: 1 + len(levels) // 1000, :: 1 + levels.shape[1] // 1000]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        raise PictureError("there is no digit in it: none of its levels is a number")
    low, high = float(quantile(sample, 0.001)), float(quantile(sample, 0.999))
    levels = np.nan_to_num(levels, copy=False, nan=low, posinf=high, neginf=low)
    levels = np.clip(levels, low, high, out=levels)
    levels -= low
    levels *= 255 / ((high - low) or 1)
    return Image.fromarray(levels.astype(np.uint8))


def _opaque(picture: Image.Image) -> Image.Image:
    """An RGBA picture as RGB: strokes of one colour, whatever it is, as black on white; a patch
    that has a drawing on it, on ground of the patch's own colour; else over white."""
    pixels = np.asarray(picture)
    alpha = pixels[..., 3]
    colours = pixels[alpha > 127][:, :3]
    if not len(colours):
        raise PictureError("there is no digit in it: all of it is transparent")
    if np.ptp(colours.astype(int), axis=0).max() < 64:
        return Image.fromarray(255 - alpha)
    visible = alpha / np.float32(255)
    is_patch = variation(np.pad(visible, 1)) ** 2 < PATCH * visible.sum()
    ground = tuple(quantile(colours, 0.5).tolist()) if is_patch else (255, 255, 255)
    return Image.alpha_composite(Image.new("RGBA", picture.size, ground), picture)


def quantile(values: Array, share: float) -> Array:
    """The value that this share of them lies below, along the first axis; np.quantile, which finds
    values between, takes ten times as long."""
    place = int(share * len(values))
    middle: Array = np.partition(values, place, axis=0)[place]
    return middle


def variation(levels: Array) -> float:
    """Total variation: the length of the outline of what is full ink."""
    down, across = np.diff(levels, axis=0)[:, :-1], np.diff(levels, axis=1)[:-1]
    return float(np.sqrt(down * down + across * across).sum())  # np.hypot takes three times as long

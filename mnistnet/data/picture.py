"""Anyone's picture as a 28 x 28 image, light on dark, for the network.

So far a plain resize: the picture should hold one digit that fills most of it, as MNIST's do. Any
format that Pillow reads will do; transparent parts count as white.
"""

import warnings
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from mnistnet.data.mnist import SIDE
from mnistnet.errors import PictureError


class Picture(NamedTuple):
    """The image for the network, (784,) uint8 with 0 = background, and how it was made."""

    image: np.ndarray[Any, np.dtype[np.uint8]]
    inverted: bool


def read_picture(source: Path | BinaryIO) -> Picture:
    """The picture in a file or stream; raises PictureError (without the name) if there is none."""
    try:
        with warnings.catch_warnings():
            # Pillow only warns of a picture of 90 to 180 megapixels; no digit needs one.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source) as picture:
                colours = _eight_bits(picture).convert("RGBA")
    except UnidentifiedImageError as error:
        raise PictureError("expected a picture in a format that Pillow reads") from error
    except Exception as error:  # a damaged file makes Pillow's readers raise a dozen kinds
        reason = getattr(error, "strerror", None) or error
        raise PictureError(f"cannot read it: {reason}") from error
    paper = Image.new("RGBA", colours.size, "white")
    grey = Image.alpha_composite(paper, colours).convert("L")
    small = np.array(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    border = np.concatenate([small[0], small[-1], small[1:-1, 0], small[1:-1, -1]])
    inverted = bool(border.mean() > 127)  # dark ink on light paper; MNIST is light on dark
    return Picture((255 - small if inverted else small).reshape(-1), inverted)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """The picture with grey levels of 16 or 32 bits spread over 0 to 255; Pillow would cut them off
    at 255."""
    if picture.mode[0] not in "IF":
        return picture
    levels = np.asarray(picture, np.float64)
    low, high = levels.min(), levels.max()
    return Image.fromarray((255 * (levels - low) / ((high - low) or 1)).astype(np.uint8))

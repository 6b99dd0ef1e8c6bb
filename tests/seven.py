"""A picture of a 7, in any colours, size and file format, and what it must be read as."""

from typing import Any

import numpy as np
from changes import saved
from PIL import Image, ImageDraw

from mnistnet.image.digit import Picture, read_picture

POINTS = [(90, 60), (200, 60), (130, 240)]  # in a picture of 300 x 300


def seven(
    ink: Any = "black", paper: Any = "white", mode: str = "RGB", width: int = 24, side: int = 300
) -> Image.Image:
    picture = Image.new(mode, (side, side), paper)
    points = [(x * side / 300, y * side / 300) for x, y in POINTS]
    ImageDraw.Draw(picture).line(points, fill=ink, width=width, joint="curve")
    return picture


def read(picture: Image.Image, form: str = "PNG", **options: Any) -> Picture:
    return read_picture(saved(picture, form, **options).getvalue())


def assert_is_the_seven(picture: Picture, tolerance: float = 4) -> None:
    """The mean difference per pixel from the plain seven, out of 255, is below the tolerance if
    rounding may shift the image by a pixel."""
    (digit,), (plain,) = picture.digits, read(seven()).digits
    image, expected = (each.image.astype(int).reshape(28, 28) for each in (digit, plain))
    moved = (np.roll(image, (down - 1, right - 1), (0, 1)) for down, right in np.ndindex(3, 3))
    assert min(np.abs(one - expected).mean() for one in moved) < tolerance

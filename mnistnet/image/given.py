"""Take a picture in any of the forms in which a program may have it."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from mnistnet.arguments import as_path, wrong
from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.errors import PictureError, reason
from mnistnet.image.decode import MAX_BYTES

KINDS = (
    "a path, a binary stream, bytes, a PIL image, or an array (height, width), (height, width, 1), "
    "(height, width, 3) or (height, width, 4) of uint8, bool or floats from 0 to 1"
)


def as_source(picture: Any) -> Path | bytes | Image.Image:
    """Return what read_picture takes; raise PictureError for what is not one of KINDS, and for a
    folder."""
    if isinstance(picture, str | os.PathLike):
        path = as_path(picture, "picture", PictureError)
        if path.is_dir():
            raise PictureError("expected a picture; found a folder: use predict_many(folder)")
        return path
    try:
        if isinstance(picture, Image.Image):
            return ImageOps.exif_transpose(picture)
        if hasattr(picture, "read"):
            picture = picture.read(MAX_BYTES + 1)
        if isinstance(picture, bytes | bytearray | memoryview):
            return bytes(picture)
        return Image.fromarray(_levels(np.asarray(picture)))
    except PictureError:
        raise
    except Exception as error:  # of a stream, a damaged file behind a PIL image, or nested lists
        raise PictureError(f"{wrong(picture, 'picture', KINDS)}: {reason(error)}") from error


def _levels(array: Array) -> Array:
    """Return a copy of an array of KINDS as uint8, (height, width) or (height, width, 3 or 4)."""
    shape, kind = array.shape, array.dtype.kind
    found = f"{' x '.join(map(str, shape)) or repr(array[()])} {array.dtype}"
    if shape[-1:] == (PIXELS,) or (len(shape) > 2 and shape[1:] == (SIDE, SIDE)):
        found += (
            f": for images like MNIST's, (n, {PIXELS}), use Network.predict; "
            f"for a picture {PIXELS} pixels wide, (height, {PIXELS}, 1)"
        )
    elif array.size and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4))):
        array = array[..., 0] if shape[2:] == (1,) else array
        if array.dtype == np.uint8:
            return array.copy()
        if kind == "b" or (kind == "f" and 0 <= array.min() <= array.max() <= 1):  # not if NaN
            return np.rint(array * np.float32(255)).astype(np.uint8)
        found += f", {array.min()} to {array.max()}"
    raise PictureError(f"expected {KINDS}; found {found}")

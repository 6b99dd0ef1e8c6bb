"""Find the scale of the values of images, and convert them to MNIST's 0 to 255."""

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.data.parts import Part
from mnistnet.errors import DataError

SLICE = 5000  # images converted at a time
ROOM = 0.02  # of a scale: values so far outside come from rounding or interpolation
# Black and white of each scale, and the range in which the largest value lies.
SCALES = (
    (0, 1, 0, 1 + ROOM),
    (-1, 1, -1, 1 + 2 * ROOM),
    (0, 15, 14.5, 15),
    (0, 16, 15, 16 * (1 + ROOM)),
    (0, 255, 127, 255 * (1 + ROOM)),
)


def to_bytes(part: Part) -> tuple[Array, str]:
    """Return the images as uint8 (n, 784), 0 to 255, and a sentence if their scale was another.

    The scale is chosen by the smallest and the largest of all values. Raises DataError, naming an
    image, if no usual scale fits.
    """
    images = part.images
    if images.dtype.kind not in "buif":
        raise DataError(f"{part.place(0)}: expected numbers as pixels; found {images.dtype}")
    low, high = float(images.min()), float(images.max())
    black, white = _scale(part, low, high)
    if images.dtype == np.uint8 and white == 255:
        return images, ""
    converted = np.empty((len(images), PIXELS), np.uint8)
    for start in range(0, len(images), SLICE):  # needs little memory beside the two arrays
        share = (images[start : start + SLICE].astype(np.float32) - black) / (white - black)
        converted[start : start + SLICE] = np.rint(255 * np.clip(share, 0, 1))
    if white == 255:
        return converted, ""
    how = "multiplied by 255" if (black, white) == (0, 1) else "converted to 0 to 255"
    return converted, f"the pixel values are {black} to {white}; they were {how}"


def _scale(part: Part, low: float, high: float) -> tuple[int, int]:
    """Return black and white of the scale with these extreme values."""
    if low == high == 0:
        return 0, 255
    for black, white, least, most in SCALES:
        room = ROOM * (white - black)
        is_low = abs(low - black) <= 5 * room if black < 0 else low >= -room
        if is_low and least < high <= most:
            return black, white
    worst = part.images.argmin() if low < 0 else part.images.argmax()  # either is that of a nan
    raise DataError(
        f"{part.place(int(worst) // PIXELS)}: expected pixel values 0 to 255, 0 to 1, -1 to 1 or 0 "
        f"to 16; found {low:g} to {high:g} in its split; to undo a scaling, in NumPy: "
        "x = (x - x.min()) / (x.max() - x.min())"
    )

"""Check and scale pixel values: MNIST's are 0 to 255, light digits on black."""

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.errors import DataError

FULL = 255


def is_light(images: Array) -> bool:
    """Check by their corners whether most images (n, 784) uint8 have a light background."""
    corners = images[:, [0, SIDE - 1, PIXELS - SIDE, PIXELS - 1]]
    return bool((corners > FULL // 2).mean() > 0.75)


class Scale:
    """Scales blocks of images to 0 to 255 by one factor: 255 if the first block that is not blank
    has no value above 1, else 1."""

    def __init__(self) -> None:
        self.factor: int | None = None

    def apply(self, images: Array) -> Array:
        """Return images (n, 784) of any numeric type as uint8; raise DataError for values outside
        the range."""
        if images.dtype == np.bool_:
            images = images.view(np.uint8)
        if images.dtype.kind not in "uif":
            raise DataError(f"expected numeric images; found {images.dtype}")
        low, high = images.min(), images.max()
        if self.factor is None and high > 0:
            self.factor = FULL if high <= 1 else 1
        factor = self.factor or 1
        if not (low >= 0 and high * float(factor) <= FULL):  # also refuses nan
            most = "1, as in earlier images" if factor == FULL else "255 or 0 to 1"
            raise DataError(f"expected pixel values 0 to {most}; found {low:g} to {high:g}")
        if factor == 1 and images.dtype == np.uint8:
            return images
        levels: Array = np.rint(images * np.float32(factor)).astype(np.uint8)
        return levels

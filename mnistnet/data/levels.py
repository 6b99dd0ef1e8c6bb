"""The grey levels of images: MNIST's are 0 to 255, light digits on black."""

import numpy as np

from mnistnet.arrays import PIXELS, SIDE, Array
from mnistnet.errors import DataError

FULL = 255


def is_light(images: Array) -> bool:
    """Whether most images (n, 784) uint8 have a light ground, judged by their corners."""
    corners = images[:, [0, SIDE - 1, PIXELS - SIDE, PIXELS - 1]]
    return bool((corners > FULL // 2).mean() > 0.75)


class Scale:
    """Brings blocks of images to 0 to 255, all by one factor, which the first that is not blank
    decides: 255 where its levels are at most 1, else 1."""

    def __init__(self) -> None:
        self.factor: int | None = None

    def apply(self, images: Array) -> Array:
        """The images (n, 784), of any numbers, as uint8; raises DataError for other levels."""
        if images.dtype == np.bool_:
            images = images.view(np.uint8)
        if images.dtype.kind not in "uif":
            raise DataError(f"expected images of numbers; found {images.dtype}")
        low, high = images.min(), images.max()
        if self.factor is None and high > 0:
            self.factor = FULL if high <= 1 else 1
        factor = self.factor or 1
        if not (low >= 0 and high * float(factor) <= FULL):  # nan is in no range
            most = "1, as in the images before" if factor == FULL else "255, or 0 to 1"
            raise DataError(f"expected levels from 0 to {most}; found {low:g} to {high:g}")
        if factor == 1 and images.dtype == np.uint8:
            return images
        levels: Array = np.rint(images * np.float32(factor)).astype(np.uint8)
        return levels

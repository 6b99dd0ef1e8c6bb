"""Images and labels that a script hands over, checked before they are used."""

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.errors import DataError


def checked_images(images: Array) -> Array:
    """The images as (n, 784); raises DataError unless they are uint8 (n, 784) or (n, 28, 28)."""
    images = np.asarray(images)
    shape = " x ".join(map(str, images.shape)) or "a single number"
    if images.dtype != np.uint8:
        raise DataError(
            "expected images of uint8, 0 to 255, 0 = background; "
            f"found {images.dtype}, {shape}: do not divide them by 255, convert them to uint8"
        )
    if images.shape[1:] not in ((PIXELS,), (SIDE, SIDE)):
        raise DataError(f"expected images n x {PIXELS} or n x {SIDE} x {SIDE}; found {shape}")
    return images.reshape(len(images), PIXELS)


def checked_labels(labels: Array, count: int) -> Array:
    """The labels as uint8 (n,); raises DataError unless there are count whole numbers of 0 to 9."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        shape = " x ".join(map(str, labels.shape)) or "a single number"
        raise DataError(f"expected {count} whole numbers as labels; found {labels.dtype}, {shape}")
    outside = np.flatnonzero((labels < 0) | (labels >= CLASSES))
    if len(outside):
        raise DataError(
            f"expected labels 0 to {CLASSES - 1}; "
            f"found {labels[outside[0]]} for image {outside[0]:,}"
        )
    return labels.astype(np.uint8)

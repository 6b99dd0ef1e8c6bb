"""Check the images and labels that a script passes in."""

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.errors import DataError


def checked_images(images: Array) -> Array:
    """Return the images as (n, 784); raise DataError unless uint8 (n, 784) or (n, 28, 28)."""
    images = np.asarray(images)
    if images.dtype != np.uint8:
        raise DataError(
            "expected uint8 images, 0 to 255, 0 = background; "
            f"found {images.dtype}, {_shape(images)}: convert them to uint8, not divided by 255"
        )
    if images.shape[1:] not in ((PIXELS,), (SIDE, SIDE)):
        raise DataError(
            f"expected images n x {PIXELS} or n x {SIDE} x {SIDE}; found {_shape(images)}"
        )
    return images.reshape(len(images), PIXELS)


def checked_labels(labels: Array, count: int) -> Array:
    """Return the labels as uint8 (n,); raise DataError unless they are count integers, 0 to 9."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise DataError(f"expected {count} integer labels; found {labels.dtype}, {_shape(labels)}")
    outside = np.flatnonzero((labels < 0) | (labels >= CLASSES))
    if len(outside):
        raise DataError(
            f"expected labels 0 to {CLASSES - 1}; "
            f"found {labels[outside[0]]} for image {outside[0]:,}"
        )
    return labels.astype(np.uint8)


def _shape(array: Array) -> str:
    return " x ".join(map(str, array.shape)) or "a single number"

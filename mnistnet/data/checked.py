"""Check images and labels, from a file or from a script."""

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, SIDE, Array
from mnistnet.data.idx import describe
from mnistnet.errors import DataError

TEN_CLASSES = (
    "to keep ten of more classes: mnistnet import SOURCE --labels 1=0,2=1,... --out NEW_FOLDER"
)


def checked_images(images: Array, name: object = "images") -> Array:
    """Return the images as (n, 784); raise DataError unless uint8 (n, 784) or (n, 28, 28).

    name tells in errors where they are from.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.shape[1:] not in ((PIXELS,), (SIDE, SIDE)):
        raise DataError(
            f"{name}: expected n x {PIXELS} or n x {SIDE} x {SIDE} uint8, 0 to 255 (not divided by "
            f"255), 0 = background; found {describe(images.shape, images.dtype)}"
        )
    return images.reshape(len(images), PIXELS)


def checked_labels(labels: Array, count: int, name: object = "labels") -> Array:
    """Return the labels as uint8 (n,); raise DataError unless they are count integers, 0 to 9, at
    least one."""
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu" or labels.shape != (count,) or not count:
        raise DataError(
            f"{name}: expected an integer for each image, here {count:,}, and at least one; found "
            f"{describe(labels.shape, labels.dtype)}"
        )
    outside = np.flatnonzero((labels < 0) | (labels >= CLASSES))
    if len(outside):
        raise DataError(
            f"{name}: expected labels 0 to {CLASSES - 1}; found {labels[outside[0]]} for image "
            f"{outside[0]:,}; {TEN_CLASSES}"
        )
    return labels.astype(np.uint8)

"""The types of arrays and boxes, the sizes of images and scores, and functions of arrays that NumPy
lacks or has slower."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are exclusive

SIDE = 28  # pixels in a row or column of an image
PIXELS = SIDE * SIDE  # in an image, and inputs of a network
CLASSES = 10  # digits 0 to 9, and scores of a network


def quantile(values: Array, share: float) -> Array:
    """Return the quantile along the first axis; np.quantile interpolates, ten times as slowly."""
    place = int(share * len(values))
    middle: Array = np.partition(values, place, axis=0)[place]
    return middle


def variation(ink: Array) -> float:
    """Return the total variation of ink (height, width): the length of the outline of full ink."""
    down, across = np.diff(ink, axis=0)[:, :-1], np.diff(ink, axis=1)[:-1]
    return float(np.sqrt(down * down + across * across).sum())  # np.hypot takes three times as long

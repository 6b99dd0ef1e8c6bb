"""The array type, and the sizes of images and scores."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SIDE = 28  # pixels in a row or column of an image
PIXELS = SIDE * SIDE  # in an image, and inputs of a network
CLASSES = 10  # digits 0 to 9, and scores of a network

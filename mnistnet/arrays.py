"""What every module means by an array, an image and a class."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SIDE = 28  # pixels, of an image as MNIST has them
PIXELS = SIDE * SIDE  # in an image: the inputs of a network
CLASSES = 10  # the digits 0 to 9: its scores

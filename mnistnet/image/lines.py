"""Lines that were on the paper before the digit was."""

import numpy as np

from mnistnet.arrays import Array

MIN_CONTRAST = 12


def remove_lines(ink: Array) -> None:
    pass

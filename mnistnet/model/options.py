"""Training options. Does not import NumPy, so that `mnistnet --help` starts quickly."""

import math
from dataclasses import dataclass

from mnistnet.errors import TrainingError

VALIDATION = 5000  # images held out; a sixth of a small set
BATCH_SIZE = 100  # images in a minibatch; a tenth of a small set


def default_sizes(count: int, validation: int | None, batch_size: int | None) -> tuple[int, int]:
    """Fill in the number of validation images and the batch size for a set of count images."""
    if validation is None:
        validation = min(VALIDATION, count // 6)
    if batch_size is None:
        batch_size = min(BATCH_SIZE, max((count - validation) // 10, 1))
    return validation, batch_size


@dataclass(frozen=True)
class Options:
    """The options of a training run; with the images they determine the weights.

    hidden         units of each hidden layer; (72,) is the notes' network
    epochs         passes over the training images
    batch_size     images in a minibatch
    learning_rate, momentum, weight_decay    as in the formulas of descent.py and training.py
    augment        whether minibatches are distorted (image/warp.py)
    warps          distortions per minibatch, each applied to an equal part of it
    strength       factor of the limits of the distortions
    widen          fraction of the distortions that also widen the images, up to twofold
    validation     number of training images held out for validation
    drawn          number of drawn digits (image/drawn.py) added to the training images
    nondigits      number of images without a digit (image/nondigits.py) added to them; their target
                   is the uniform distribution
    start          SHA-256 of the weights to start from; empty for random weights
    seed           determines the initial weights, the order of the images and the distortions
    """

    hidden: tuple[int, ...] = (72,)
    epochs: int = 80
    batch_size: int = BATCH_SIZE
    learning_rate: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-5
    augment: bool = True
    warps: int = 1
    strength: float = 1.0
    widen: float = 0.0
    validation: int = VALIDATION
    drawn: int = 0
    nondigits: int = 0
    start: str = ""
    seed: int = 0

    def check(self) -> None:
        """Raise TrainingError if an option is out of range."""
        for name, ok, words in (
            ("hidden", all(units >= 1 for units in self.hidden), "at least 1 unit in each layer"),
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "a number above 0"),
            ("momentum", 0 <= self.momentum < 1, "a number from 0 to below 1"),
            ("weight_decay", 0 <= self.weight_decay <= 1, "a number from 0 to 1"),
            ("warps", self.warps >= 1, "at least 1"),
            ("strength", 0 <= self.strength <= 4, "a number from 0 to 4"),
            ("widen", 0 <= self.widen <= 1, "a number from 0 to 1"),
            ("drawn", self.drawn >= 0, "at least 0"),
            ("nondigits", self.nondigits >= 0, "at least 0"),
            ("seed", self.seed >= 0, "at least 0"),
        ):
            if not ok:
                raise TrainingError(f"expected {words} for {name}; found {getattr(self, name)}")

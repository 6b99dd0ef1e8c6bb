"""How to train. A module without NumPy, so that `mnistnet --help` can show the defaults at once."""

import math
from dataclasses import dataclass

from mnistnet.errors import TrainingError

VALIDATION = 5000  # images held out, or a sixth of a smaller set
BATCH_SIZE = 100  # images in a minibatch, or a tenth of a smaller set


def fit(count: int, validation: int | None, batch_size: int | None) -> tuple[int, int]:
    """The validation images and the batch size for count images: those given, else what suits."""
    if validation is None:
        validation = min(VALIDATION, count // 6)
    if batch_size is None:
        batch_size = min(BATCH_SIZE, max((count - validation) // 10, 1))
    return validation, batch_size


@dataclass(frozen=True)
class Options:
    """What determines a training, together with the images.

    hidden         units of each hidden layer; (72,) is the notes' network
    epochs         passes over the training images
    batch_size     images in a minibatch
    learning_rate, momentum, weight_decay    as in the formulas of training.py
    augment        whether each minibatch is distorted (image/warp.py)
    warps          distortions per minibatch, each of an equal part of it
    widen          share of the distortions that also widen the images, up to twofold
    validation     training images that are held out to validate on
    drawn          digits drawn by the program (image/drawn.py) that are also trained on
    nondigits      images of no digit (image/nondigits.py) that are also trained on, for which all
                   digits are to be equally likely
    start          SHA-256 of the weights to start from; empty if they are random
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
    widen: float = 0.0
    validation: int = VALIDATION
    drawn: int = 0
    nondigits: int = 0
    start: str = ""
    seed: int = 0

    def check(self) -> None:
        """Raise TrainingError for an option that no training can have."""
        for name, ok, words in (
            ("hidden", all(units >= 1 for units in self.hidden), "at least 1 unit in each layer"),
            ("epochs", self.epochs >= 1, "at least 1"),
            ("batch_size", self.batch_size >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "a number above 0"),
            ("momentum", 0 <= self.momentum < 1, "a number from 0 to below 1"),
            ("weight_decay", 0 <= self.weight_decay <= 1, "a number from 0 to 1"),
            ("warps", self.warps >= 1, "at least 1"),
            ("widen", 0 <= self.widen <= 1, "a number from 0 to 1"),
            ("drawn", self.drawn >= 0, "at least 0"),
            ("nondigits", self.nondigits >= 0, "at least 0"),
            ("seed", self.seed >= 0, "at least 0"),
        ):
            if not ok:
                raise TrainingError(f"expected {words} for {name}; found {getattr(self, name)}")

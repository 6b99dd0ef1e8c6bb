"""How to train. In a room of its own, without NumPy, so that `mnistnet --help` can show the
defaults at once."""

from dataclasses import dataclass

HIDDEN = (72,)  # units of each hidden layer: the notes' network


@dataclass(frozen=True)
class Options:
    """The rate, momentum and decay are those of training.py's formulas.

    augment tells whether each minibatch is distorted (image/warp.py); validation is the number of
    images held out of training to validate on; drawn is how many of the images, the last ones, were
    drawn by the program (image/drawn.py), and are only trained on.
    """

    epochs: int = 30
    batch_size: int = 100
    learning_rate: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 1e-4
    augment: bool = True
    validation: int = 5000
    drawn: int = 0

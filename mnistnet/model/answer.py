"""What scores say: the digit, its probability, and whether that can be relied on."""

from dataclasses import dataclass

import numpy as np

from mnistnet.arrays import Array
from mnistnet.model.network import log_probabilities

# An answer is unsure if its probability leads the second one's by less.
MARGIN = 0.8


@dataclass(frozen=True)
class Answer:
    """The digit in a picture, 0 to 9, and its probability, 0 to 1; scores and probabilities are
    those of the digits 0 to 9. unsure says that the answer should not be relied on; inverted, that
    the ink is darker than the ground."""

    digit: int
    probability: float
    probabilities: list[float]
    scores: list[float]
    unsure: bool
    inverted: bool = False


def answer(scores: Array, inverted: bool = False) -> Answer:
    """The answer of these scores (10,)."""
    probabilities = np.exp(log_probabilities(scores[None]))[0].tolist()
    second, first = sorted(probabilities)[-2:]
    return Answer(
        digit=int(scores.argmax()),
        probability=first,
        probabilities=probabilities,
        scores=scores.tolist(),
        unsure=first - second < MARGIN,
        inverted=inverted,
    )

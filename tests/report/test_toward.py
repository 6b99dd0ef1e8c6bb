"""A picture is changed along one gradient until the answer is another digit."""

from dataclasses import replace

import numpy as np
import pytest

from mnistnet.errors import PictureError
from mnistnet.model.answer import Answer, Limits, make_answer
from mnistnet.model.network import Perceptron
from mnistnet.report.explain import change_text, change_toward


def test_the_change_is_the_shortest_along_the_gradient_of_the_difference_of_scores() -> None:
    rng = np.random.default_rng(0)
    network = Perceptron.random((784, 30, 12, 10), rng, np.float64)
    image = rng.integers(0, 256, 784).astype(np.uint8)
    x = image / 255

    def difference(pixels: np.ndarray, digit: int, answer: int) -> float:
        f = network.scores(pixels[None])[0]
        return f[digit] - f[answer]

    def reply(network: Perceptron) -> Answer:
        return replace(
            make_answer(network.scores(x[None]), limits=Limits(no_digit=-99)), images=image[None]
        )

    answer, digit = np.argsort(-network.scores(x[None])[0])[:2].tolist()
    found = change_toward(network, reply(network), digit)
    steps = 1e-6 * np.eye(784)
    ends = [[difference(x + s, digit, answer) for s in (step, -step)] for step in steps]
    slopes = np.array([high - low for high, low in ends])
    direction = slopes / np.linalg.norm(slopes)
    assert found["after"] == pytest.approx(np.clip(x + found["length"] * direction, 0, 1), abs=1e-6)
    for share, expected in ((1, digit), (1 - 1e-3, answer)):
        moved = np.clip(x + share * found["length"] * direction, 0, 1)
        assert network.scores(moved[None]).argmax() == expected
    lines = change_text(found, plain=True).splitlines()
    assert f" along the gradient of f_{digit} - f_{answer}, " in lines[0]
    assert max(map(len, lines)) <= 80

    with pytest.raises(
        PictureError, match=f"expected one digit other than {answer}; found a {answer}"
    ):
        change_toward(network, reply(network), answer)
    zeros = Perceptron((784, 10))
    never = change_toward(zeros, reply(zeros), 3)
    assert (never["length"], never["after"]) == (None, None)
    assert change_text(never, True).startswith("no change up to length 28 along the gradient")

"""A picture is changed along one gradient until the answer is another digit."""

from dataclasses import replace

import numpy as np
import pytest

from mnistnet.errors import PictureError
from mnistnet.model.answer import Answer, Limits, make_answer
from mnistnet.model.network import Perceptron
from mnistnet.report.explain import change_text, change_toward


def answer(network: Perceptron, image: np.ndarray) -> Answer:
    scores = network.scores(image[None] / 255)
    return replace(make_answer(scores, limits=Limits(no_digit=-99)), images=image[None])


def test_the_change_is_the_shortest_along_the_gradient_of_the_difference_of_scores() -> None:
    rng = np.random.default_rng(0)
    network = Perceptron.random((784, 30, 12, 10), rng, np.float64)
    image = rng.integers(0, 256, 784).astype(np.uint8)
    x = image / 255
    now, digit = np.argsort(-network.scores(x[None])[0])[:2].tolist()
    found = change_toward(network, answer(network, image), digit)
    ends = [network.scores(x + step * np.eye(784)) for step in (1e-6, -1e-6)]
    slopes = (ends[0] - ends[1]) @ (np.eye(10)[digit] - np.eye(10)[now])
    step = found["length"] * slopes / np.linalg.norm(slopes)
    assert found["after"] == pytest.approx(np.clip(x + step, 0, 1), abs=1e-6)
    moved = np.clip([x + step, x + 0.999 * step], 0, 1)
    assert network.scores(moved).argmax(axis=1).tolist() == [digit, now]
    lines = change_text(found, plain=True).splitlines()
    assert f" along the gradient of f_{digit} - f_{now}, " in lines[0]
    assert max(map(len, lines)) <= 80


def test_there_may_be_no_such_change() -> None:
    network, image = Perceptron((784, 10)), np.zeros(784, np.uint8)
    found = change_toward(network, answer(network, image), 3)
    assert (found["length"], found["after"]) == (None, None)
    assert change_text(found, True).startswith("no change up to length 28 along the gradient")
    with pytest.raises(PictureError, match="expected a digit other than 0; found a 0"):
        change_toward(network, answer(network, image), 0)

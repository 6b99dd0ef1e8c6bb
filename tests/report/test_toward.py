"""A picture is changed along one gradient until the answer is another digit."""

import numpy as np
import pytest

from mnistnet.errors import PictureError
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

    answer, digit = np.argsort(-network.scores(x[None])[0])[:2].tolist()
    found = change_toward(network, image, digit)
    steps = 1e-6 * np.eye(784)
    ends = [[difference(x + s, digit, answer) for s in (step, -step)] for step in steps]
    slopes = np.array([high - low for high, low in ends])
    direction = slopes / np.linalg.norm(slopes)
    assert found["after"] == pytest.approx(np.clip(x + found["length"] * direction, 0, 1), abs=1e-6)
    for share, expected in ((1, digit), (1 - 1e-3, answer)):
        moved = np.clip(x + share * found["length"] * direction, 0, 1)
        assert network.scores(moved[None]).argmax() == expected
    lines = change_text(found, plain=True).splitlines()
    assert lines[0].endswith(f"along the gradient of f_{digit} - f_{answer}")
    assert max(map(len, lines)) <= 80

    with pytest.raises(PictureError, match=f"the network reads a {answer} already"):
        change_toward(network, image, answer)
    never = change_toward(Perceptron((784, 10)), image, 3)
    assert (never["length"], never["after"]) == (None, None)
    assert change_text(never, True).startswith("no change along the gradient up to length 28 makes")

"""Automatic differentiation is right for any expression, of any shape and depth."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from mnistnet.model import autodiff as ad

CONSTANT = np.array([2.0, 3.0, 5.0])
OPERATIONS: dict[str, tuple[Callable[..., ad.Node], tuple[tuple[int, ...], ...]]] = {
    "negative": (lambda x: -x, ((2, 3),)),
    "exp": (ad.exp, ((2, 1, 3),)),
    "log": (ad.log, ((4,),)),
    "sin": (ad.sin, ((),)),
    "cos": (ad.cos, ((2, 3),)),
    "tanh": (lambda x: ad.tanh(x - 1), ((2, 3),)),
    "logistic": (lambda x: ad.logistic(x - 1), ((2, 3),)),
    "sqrt": (ad.sqrt, ((2, 3),)),
    "abs": (lambda x: ad.abs(x - 1), ((2, 3),)),
    "relu": (lambda x: ad.relu(x - 1), ((2, 3),)),
    "add": (lambda a, b: a + b, ((2, 3), (3,))),
    "multiply": (lambda a, b: a * b, ((), (2, 3))),
    "divide": (lambda a, b: a / b, ((2, 3), (2, 1))),
    "power": (lambda a, b: a**b, ((3, 1, 2), (3, 2))),
    "constants on the left": (lambda x: (3 - x) * (CONSTANT / x) + 2**x + 2 + x, ((3,),)),
    "arrays on either side": (lambda x: CONSTANT * x - CONSTANT + (x - CONSTANT), ((3,),)),
    "matmul": (lambda a, b: a @ b.T, ((2, 3), (4, 3))),
    "total": (ad.total, ((3, 4),)),
    "total of rows": (lambda x: ad.total(x, axis=1), ((3, 4),)),
    "logsumexp of rows": (lambda x: ad.logsumexp(x, axis=-1), ((3, 4),)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_agree_with_central_differences(name: str) -> None:
    """For a weighted sum of the result; different weights reveal wrong places."""
    operation, shapes = OPERATIONS[name]
    rng = np.random.default_rng(0)
    values = [rng.uniform(0.25, 2, shape) for shape in shapes]

    def scalar(*nodes: ad.Node) -> ad.Node:
        y = operation(*nodes)
        return ad.total(y * np.cos(np.arange(y.value.size)).reshape(y.value.shape))

    variables = [ad.Variable(value) for value in values]
    for which, gradient in enumerate(ad.gradients(scalar(*variables), variables)):
        expected = np.empty(shapes[which])
        for position in np.ndindex(expected.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [value.copy() for value in values]
                moved[which][position] += step
                ends.append(scalar(*map(ad.Variable, moved)).value)
            expected[position] = (ends[0] - ends[1]) / 2e-6
        assert gradient.shape == expected.shape
        assert gradient == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_gradients_of_repeated_uses_add_up_and_shared_nodes_are_visited_once() -> None:
    """200 doublings make 2^200 paths through 200 nodes."""
    x = ad.Variable(3.0)
    square = x * x
    assert ad.gradients(square * square + x, [x, square]) == [4 * 27 + 1, 2 * 9]
    f = x
    for _ in range(200):
        f = f + f
    assert ad.gradients(f, [x]) == [2.0**200]


def test_a_chain_of_50000_nodes_needs_no_recursion_and_an_unused_input_has_gradient_zero() -> None:
    f = x = ad.Variable(0.0)
    for _ in range(25_000):
        f = f * 1.0001 + 0.0001
    gradient, zeros = ad.gradients(f, [x, ad.Variable([[1.0, 2.0]])])
    assert gradient == pytest.approx(1.0001**25_000)
    assert zeros.tolist() == [[0, 0]]


def test_large_arguments_do_not_overflow() -> None:
    x = ad.Variable([1000.0, -1000.0, 0.0])
    y = ad.logistic(x)
    assert y.value.tolist() == [1, 0, 0.5]
    assert ad.gradients(ad.total(y), [x])[0].tolist() == [0, 0, 0.25]
    for u in (-700.0, -40.0, 40.0):  # e^-|u| is 1 - y or y, and the derivative
        slope = ad.gradients(ad.logistic(tail := ad.Variable(u)), [tail])[0]
        assert ad.logistic(-abs(u)).value == pytest.approx(math.exp(-abs(u)), rel=1e-15)
        assert slope == pytest.approx(math.exp(-abs(u)), rel=1e-15)
    top = ad.logsumexp(x, axis=0)
    assert top.value == 1000
    assert ad.gradients(top, [x])[0].tolist() == [1, 0, 0]


def test_powers_of_zero_have_finite_derivatives() -> None:
    for exponent, expected in ((0, 0), (1, 1), (2, 0)):
        x = ad.Variable(0.0)
        assert ad.gradients(x**exponent, [x]) == [expected]
    exponent = ad.Variable(2.0)
    assert ad.gradients(0.0**exponent, [exponent]) == [0]


def test_unsuitable_shapes_are_refused() -> None:
    x = ad.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match=r"expected a scalar to differentiate; found shape \(2,\)"):
        ad.gradients(x * 2, [x])
    with pytest.raises(ValueError, match=r"two matrices; found shapes \(2,\) and \(2, 3\)"):
        x @ np.ones((2, 3))

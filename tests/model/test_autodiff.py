"""Automatic differentiation is right for any expression, of any shape and depth."""

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnistnet.model import autodiff as ad


def numeric_gradient(function: Callable[..., ad.Node], values: list, which: int) -> np.ndarray:
    """Central differences of a scalar function of nodes by every element of one argument."""
    step = 1e-6
    gradient = np.empty_like(values[which])
    for position in np.ndindex(gradient.shape):
        ends = []
        for change in (step, -step):
            moved = [value.copy() for value in values]
            moved[which][position] += change
            ends.append(float(function(*map(ad.Variable, moved)).value))
        gradient[position] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def assert_differentiates(operation: Callable[..., ad.Node], *values: np.ndarray) -> None:
    """Check the gradient of a weighted sum of the result; different weights reveal wrong places."""

    def scalar(*nodes: ad.Node) -> ad.Node:
        y = operation(*nodes)
        weights = np.cos(np.arange(y.value.size)).reshape(y.value.shape)
        return ad.total(y * weights)

    variables = [ad.Variable(value) for value in values]
    found = ad.gradients(scalar(*variables), variables)
    for which, gradient in enumerate(found):
        expected = numeric_gradient(scalar, list(values), which)
        assert gradient.shape == values[which].shape
        assert gradient == pytest.approx(expected, rel=1e-5, abs=1e-6)


def arrays(shape: tuple[int, ...], low: float = -2, high: float = 2) -> st.SearchStrategy:
    return hnp.arrays(np.float64, shape, elements=st.floats(low, high, width=32))


shapes = hnp.array_shapes(min_dims=0, max_dims=3, max_side=3)
quick = settings(max_examples=30)

UNARY = {
    "negative": (lambda x: -x, -2),
    "exp": (ad.exp, -2),
    "log": (ad.log, 0.25),
    "sin": (ad.sin, -2),
    "cos": (ad.cos, -2),
    "tanh": (ad.tanh, -2),
    "logistic": (ad.logistic, -2),
}


@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
@quick
def test_functions_of_one_argument_are_differentiated(name: str, data: st.DataObject) -> None:
    function, low = UNARY[name]
    assert_differentiates(function, data.draw(shapes.flatmap(lambda shape: arrays(shape, low))))


BINARY = {
    "add": (lambda a, b: a + b, -2, -2),
    "subtract": (lambda a, b: a - b, -2, -2),
    "multiply": (lambda a, b: a * b, -2, -2),
    "divide": (lambda a, b: a / b, -2, 0.25),
    "power": (lambda a, b: a**b, 0.25, -2),
}


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
@quick
def test_functions_of_two_arguments_broadcast(name: str, data: st.DataObject) -> None:
    function, *lows = BINARY[name]
    pair = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3))
    values = [
        data.draw(arrays(shape, low)) for shape, low in zip(pair.input_shapes, lows, strict=True)
    ]
    assert_differentiates(function, *values)


def test_matrices_are_multiplied_and_transposed() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((4, 3))
    assert_differentiates(lambda a, b: a @ b.T, a, b)
    assert_differentiates(lambda b: a @ b.T, b)
    assert_differentiates(lambda a: a.T @ np.ones((2, 5)), a)
    with pytest.raises(ValueError, match=r"two matrices; found shapes \(2, 3\) and \(3,\)"):
        ad.Variable(a) @ np.ones(3)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_sums_run_over_an_axis_or_over_all(axis: int) -> None:
    values = np.random.default_rng(0).standard_normal((3, 4))
    assert_differentiates(lambda x: ad.total(x, axis=axis), values)
    assert_differentiates(lambda x: ad.logsumexp(x, axis=axis), values)
    assert_differentiates(ad.total, values)


def test_constants_may_be_on_either_side() -> None:
    x = ad.Variable([1.0, 2.0, 4.0])
    array = np.array([2.0, 3.0, 5.0])
    f = ad.total(2 + x - 1 + (3 - x) * array + array / x + 2**x + (x / 4) ** 2)
    [gradient] = ad.gradients(f, [x])
    v = x.value
    assert gradient == pytest.approx(1 - array - array / v**2 + np.log(2) * 2**v + v / 8)


def test_gradients_of_repeated_uses_add_up() -> None:
    x = ad.Variable(3.0)
    square = x * x
    assert ad.gradients(square * square + x, [x, square]) == [4 * 27 + 1, 2 * 9]


def test_shared_subexpressions_are_visited_once() -> None:
    """200 doublings make 2^200 paths through 200 nodes."""
    f = x = ad.Variable(1.0)
    for _ in range(200):
        f = f + f
    assert ad.gradients(f, [x]) == [2.0**200]


def test_a_chain_of_100000_nodes_needs_no_recursion() -> None:
    f = x = ad.Variable(0.0)
    for _ in range(100_000):
        f = f * 1.00001 + 0.00001
    [gradient] = ad.gradients(f, [x])
    assert gradient == pytest.approx(1.00001**100_000)


def test_an_unused_input_has_gradient_zero() -> None:
    x, other = ad.Variable(1.0), ad.Variable([[1.0, 2.0]])
    [zeros] = ad.gradients(x * 2, [other])
    assert zeros.tolist() == [[0, 0]]
    assert ad.gradients(x, [x]) == [1]


def test_gradients_do_not_share_memory() -> None:
    x, y = ad.Variable([1.0, 2.0]), ad.Variable([3.0, 4.0])
    dx, dy = ad.gradients(ad.total(x + y), [x, y])
    dx += 5
    assert dy.tolist() == [1, 1]


def test_large_arguments_do_not_overflow() -> None:
    x = ad.Variable([1000.0, -1000.0, 0.0])
    y = ad.logistic(x)
    assert y.value.tolist() == [1, 0, 0.5]
    assert ad.gradients(ad.total(y), [x])[0].tolist() == [0, 0, 0.25]
    top = ad.logsumexp(x, axis=0)
    assert top.value == 1000
    assert ad.gradients(top, [x])[0].tolist() == [1, 0, 0]


def test_powers_of_zero_have_finite_derivatives() -> None:
    for exponent, expected in ((0, 0), (1, 1), (2, 0)):
        x = ad.Variable(0.0)
        assert ad.gradients(x**exponent, [x]) == [expected]
    exponent = ad.Variable(2.0)
    assert ad.gradients(0.0**exponent, [exponent]) == [0]


def test_integers_become_float64_and_float32_is_kept() -> None:
    assert ad.Variable(3).value.dtype == np.float64
    x = ad.Variable(np.ones(2, np.float32))
    assert ad.gradients(ad.total(ad.exp(x)), [x])[0].dtype == np.float32


def test_an_output_that_is_not_a_scalar_is_refused() -> None:
    x = ad.Variable([1.0, 2.0])
    with pytest.raises(
        ValueError, match=r"^expected a scalar to differentiate; found shape \(2,\)$"
    ):
        ad.gradients(x * 2, [x])


def test_a_network_of_units_with_arbitrary_parents() -> None:
    """The notes' general network v_i = sigma_i(w_i . v_Pa(i)), where Pa(i) are any earlier units.

    sigma_i is tanh or logistic, and the identity for the last unit.
    """
    rng = random.Random(0)
    parents = {i: rng.sample(range(i), k=rng.randint(1, min(i, 4))) for i in range(3, 12)}
    weights = [[rng.gauss(0, 1) for _ in pa] for pa in parents.values()]

    def output(flat: list) -> object:
        v: list = [0.5, -1.0, 2.0]
        w = iter(flat)
        for i, pa in parents.items():
            a = 0.0
            for j in pa:
                a = a + next(w) * v[j]
            if i == 11:
                v.append(a)
            elif isinstance(a, ad.Node):
                v.append(ad.tanh(a) if i % 2 else ad.logistic(a))
            else:
                v.append(math.tanh(a) if i % 2 else 1 / (1 + math.exp(-a)))
        return v[-1]

    flat = [w for unit in weights for w in unit]
    variables = [ad.Variable(w) for w in flat]
    node = output(variables)
    assert node.value == pytest.approx(output(flat))
    for k, gradient in enumerate(ad.gradients(node, variables)):
        ends = [output([w + (i == k) * h for i, w in enumerate(flat)]) for h in (1e-6, -1e-6)]
        assert gradient == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)

"""Drawn digits, and drawn images that show none, have the form of MNIST's; distortions stay within
their limits, and interpolate bilinearly."""

from dataclasses import replace

import numpy as np
import pytest

from mnistnet.image import drawn, nondigits, warp
from mnistnet.image.warp import Strength

Digits = tuple[np.ndarray, np.ndarray]  # images and labels


@pytest.fixture(scope="module")
def digits() -> Digits:
    return drawn.draw(500, np.random.default_rng(0))


def test_drawn_digits_have_mnists_form_and_all_labels() -> None:
    images, labels = drawn.draw(95, np.random.default_rng(0))
    assert (images.dtype, images.shape, labels.dtype) == (np.uint8, (95, 784), np.uint8)
    assert labels.tolist() == [*range(10)] * 9 + [0, 1, 2, 3, 4]
    for image in images.reshape(-1, 28, 28):
        assert 17 <= np.ptp(np.argwhere(image > 25), axis=0).max() <= 19
        centre = (np.indices((28, 28)) + 0.5).reshape(2, -1) @ image.ravel() / image.sum()
        assert np.abs(centre - 14.5).max() < 0.6
        assert image.max() == 255


def test_each_kind_of_no_digit_has_mnists_form(digits: Digits) -> None:
    rng = np.random.default_rng(0)
    by_digit = [digits[0][digits[1] == digit].reshape(-1, 28, 28) for digit in range(10)]
    for kind in {*nondigits.SHAPES, *nondigits.OF_DIGITS}:
        made = np.array([kind(by_digit, rng).reshape(28, 28) for _ in range(40)])
        assert made.dtype == np.uint8
        assert (made.max(axis=(1, 2)) == 255).all()
        assert len({image.tobytes() for image in made}) > 30
        assert max(np.ptp(np.argwhere(image), axis=0).max() for image in made) <= 19


def test_digits_are_cut_up_only_if_all_ten_are_there(digits: Digits, monkeypatch) -> None:
    for count in (0, 31):
        made = nondigits.draw(count, *digits, np.random.default_rng(0))
        assert (made.dtype, made.shape) == (np.uint8, (count, 784))
    monkeypatch.setattr(nondigits, "OF_DIGITS", (None,))
    some = digits[1] != 7
    assert len(nondigits.draw(30, digits[0][some], digits[1][some], np.random.default_rng(0))) == 30


def test_a_seed_repeats_its_images_and_another_draws_others(digits: Digits) -> None:
    for draw in (drawn.draw, lambda count, rng: (nondigits.draw(count, *digits, rng),)):
        first, again, other = (draw(60, np.random.default_rng(seed))[0] for seed in (0, 0, 1))
        assert np.array_equal(first, again)
        # a few simple shapes may be equal
        assert len({image.tobytes() for image in [*first, *other]}) > 110


IMAGES = np.random.default_rng(1).integers(0, 256, (7, 784), np.uint8)


def only(**strength: float) -> Strength:
    still = Strength(displacement=0, rotation=0, scale=0, shear=0, shift=0)
    return replace(still, **strength)


def test_pixels_are_interpolated_bilinearly() -> None:
    """Compared with products of triangles, at positions rounded to 1/16 pixel."""
    strength = Strength(displacement=3, shift=9)  # far enough to leave the image on every side
    (alter,) = warp.warps(np.random.default_rng(5), 1, strength)
    places = warp.positions(np.random.default_rng(5), 1, strength)[:, 0].reshape(2, 784)
    assert places.min() < -1
    assert places.max() > 28
    rounded = np.rint(16 * places) / 16
    rows, columns = np.maximum(0, 1 - np.abs(rounded[..., None] - np.arange(28)))
    expected = np.einsum("pr,pc,nrc->np", rows, columns, IMAGES.reshape(-1, 28, 28) / 255)
    assert alter(IMAGES) == pytest.approx(expected, abs=1e-6)


def test_the_affine_part_reaches_its_limits_and_no_more() -> None:
    """Angle, scales, shear and shift are fitted to the positions. A share of the warps also widens
    the image, up to twofold."""
    count, centred = 400, np.arange(28) - 13.5
    row, column = np.meshgrid(centred, centred, indexing="ij")
    grid = np.stack([row.ravel(), column.ravel(), np.ones(784)], axis=1)

    def fitted(strength: Strength) -> tuple[np.ndarray, np.ndarray]:
        """Return the matrices A (count, 2, 2) and the shifts t (count, 2)."""
        positions = warp.positions(np.random.default_rng(0), count, strength) - 13.5
        flat = positions.reshape(2, count, 784).transpose(1, 2, 0)
        solved = np.linalg.lstsq(grid, flat.transpose(1, 0, 2).reshape(784, -1), rcond=None)[0]
        solved = solved.reshape(3, count, 2).transpose(1, 2, 0)
        return solved[:, :, :2], solved[:, :, 2]

    def assert_reaches(values: np.ndarray, limit: float) -> None:
        assert 0.95 * limit < np.abs(values).max() <= 1.001 * limit
        assert abs(values.mean()) < 0.1 * limit

    A, _ = fitted(only(rotation=12))
    assert_reaches(np.degrees(np.arctan2(A[:, 0, 1], A[:, 0, 0])), 12)
    (A, _), (_, t) = fitted(only(scale=0.1)), fitted(only(shift=2))
    for axis in range(2):
        assert_reaches(np.log(A[:, axis, axis]), 0.1)
        assert_reaches(t[:, axis], 2)
    assert_reaches(fitted(only(shear=0.2))[0][:, 1, 0], 0.2)
    factors = 1 / fitted(only(widen=0.4))[0][:, 1, 1]
    assert 1.9 < factors.max() < 2
    assert np.mean(factors > 1.03) == pytest.approx(0.4, abs=0.08)


def test_the_elastic_displacement_has_the_given_strength_and_smoothness() -> None:
    grid = np.indices((28, 28))[:, None]
    field = warp.positions(np.random.default_rng(0), 2000, only(displacement=0.7)) - grid
    assert field.std(axis=1) == pytest.approx(np.full((2, 28, 28), 0.7), rel=0.1)
    # the correlation of smoothed noise over a distance of 4 pixels is exp(-4^2 / (4 sigma^2))
    inner = field[..., 10:18, 10:14], field[..., 10:18, 14:18]
    assert np.corrcoef(np.ravel(inner[0]), np.ravel(inner[1]))[0, 1] == pytest.approx(
        np.exp(-0.25), abs=0.03
    )


def test_warps_differ_and_the_same_seed_repeats_them() -> None:
    first, again, other = (
        [alter(IMAGES).tobytes() for alter in warp.warps(np.random.default_rng(seed), 120)]
        for seed in (0, 0, 1)
    )
    assert len(set(first)) == 120
    assert first == again
    assert not set(first) & set(other)


def test_each_part_of_a_minibatch_has_its_own_warp_and_the_result_is_stored_in_out() -> None:
    """7 images in 3 parts are 3, 3 and 1."""
    images = np.tile(IMAGES[:1], (7, 1))
    (alter,) = warp.warps(np.random.default_rng(0), 1, groups=3)
    rows = [row.tobytes() for row in alter(images)]
    assert len(set(rows)) == 3
    assert rows == [*[rows[0]] * 3, *[rows[3]] * 3, rows[6]]
    for out in (np.empty((9, 784), np.float32)[:7], np.empty((784, 9), np.float32).T[:7]):
        assert alter(images, out) is out
        assert out.tobytes() == alter(images).tobytes()

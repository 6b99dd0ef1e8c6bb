"""Distortions stay within their limits, and interpolate bilinearly."""

from dataclasses import replace

import numpy as np
import pytest

from mnistnet.image import warp
from mnistnet.image.warp import Strength

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

    A, t = fitted(only(rotation=12))
    assert_reaches(np.degrees(np.arctan2(A[:, 0, 1], A[:, 0, 0])), 12)
    A, t = fitted(only(scale=0.1))
    for axis in range(2):
        assert_reaches(np.log(A[:, axis, axis]), 0.1)
    A, t = fitted(only(shear=0.2))
    assert_reaches(A[:, 1, 0], 0.2)
    A, t = fitted(only(shift=2))
    for axis in range(2):
        assert_reaches(t[:, axis], 2)
    A, t = fitted(only(widen=0.4))
    factors = 1 / A[:, 1, 1]
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

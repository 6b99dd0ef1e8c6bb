"""The lines of cells are removed; the strokes in them, and digits of straight strokes, are kept."""

import numpy as np
import pytest

from mnistnet.image.cells import remove_cells


def rectangle(ink: np.ndarray, top: int, left: int, bottom: int, right: int) -> None:
    """Draw the outline of a rectangle, 2 pixels wide."""
    for rows in (ink[top : top + 2], ink[bottom - 2 : bottom]):
        rows[:, left:right] = 200
    for columns in (ink[:, left : left + 2], ink[:, right - 2 : right]):
        columns[top:bottom] = 200


def with_strokes(width: int = 200) -> np.ndarray:
    """A cross in each square of 100 pixels, and a stroke across the lower line of its cell."""
    ink = np.zeros((100, width))
    for x in range(0, width, 100):
        ink[20:70, x + 50 : x + 60] = 200
        ink[40:48, x + 20 : x + 80] = 200
        ink[60:95, x + 30 : x + 40] = 200
    return ink


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("gap", [-1, 10])
def test_the_lines_of_cells_are_removed_and_strokes_across_them_kept(turn: bool, gap: int) -> None:
    strokes = with_strokes()
    ink = np.zeros_like(strokes)
    for x in (0, 100):
        rectangle(ink, 5, max(x + gap, 0), 90, x + 100 - gap)
    ink = np.maximum(ink, strokes)
    remaining = ink.T.copy() if turn else ink.copy()
    remove_cells(remaining)
    remaining = remaining.T if turn else remaining
    assert (remaining >= strokes).all()
    assert (remaining > strokes).sum() < 0.06 * (ink > strokes).sum()  # corners stay


def test_three_sides_of_a_frame_are_enough() -> None:
    ink = with_strokes(100)
    rectangle(ink, 0, 5, 98, 95)
    ink[:10] = 0
    ink = np.maximum(ink, with_strokes(100))
    remove_cells(ink)
    assert (ink > with_strokes(100)).sum() < 20


def test_digits_of_straight_strokes_are_kept() -> None:
    """A 0, an 8 and a 4 of thin lines, and two sides of a rectangle around a stroke."""
    zero, eight, four, corner = np.zeros((4, 100, 80))
    rectangle(zero, 10, 10, 90, 70)
    rectangle(eight, 10, 10, 90, 70)
    eight[49:51, 10:70] = 200
    four[10:60, 10:12] = four[58:60, 10:70] = four[10:90, 60:62] = 200
    corner[10:12, 10:70] = corner[10:90, 68:70] = corner[30:60, 30:40] = 200
    for ink in (zero, eight, four, corner):
        before = ink.copy()
        remove_cells(ink)
        assert np.array_equal(ink, before)


def test_small_pictures_are_left_alone() -> None:
    """At 28 pixels a line is as thick as a stroke."""
    ink = np.zeros((28, 28))
    rectangle(ink, 2, 2, 26, 26)
    ink[8:20, 12:15] = 200
    before = ink.copy()
    remove_cells(ink)
    assert np.array_equal(ink, before)

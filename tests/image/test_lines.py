"""The lines of paper and of cells are removed; strokes are kept, however long and thin."""

import tracemalloc

import numpy as np
import pytest

from mnistnet.image.lines import without_cells, without_lines


def blank(height: int = 200, width: int = 200) -> np.ndarray:
    return np.zeros((height, width))


def with_stroke() -> np.ndarray:
    ink = blank()
    ink[40:160, 90:102] = 200
    return ink


@pytest.mark.parametrize("turn", [False, True])
def test_lines_are_removed_and_the_strokes_across_them_kept(turn: bool) -> None:
    """Of ruled paper, faint or dark, and one that extends beyond the digit on both sides."""
    for level, rows in ((40, range(15, 200, 30)), (190, range(15, 200, 30)), (200, [20])):
        ink = with_stroke()
        for row in rows:
            ink[row : row + 2] = np.maximum(ink[row : row + 2], level)
        remaining = without_lines(ink.T).T if turn else without_lines(ink)
        assert np.array_equal(remaining, with_stroke())


def test_bars_as_wide_as_a_cropped_picture_are_kept() -> None:
    """In a 7, an 8 on a display, and the edge of a slanted stroke, of whose column it covers the
    upper part half, and the rest wholly."""
    seven, eight = blank(), blank()
    seven[:3] = seven[:, 120:124] = 200
    eight[:3] = eight[98:101] = eight[197:] = eight[:, :3] = eight[:, -3:] = 200
    slanted = blank(20, 14)
    slanted[:12, 7], slanted[12:, 7] = 100, 250
    slanted[:12, 6] = slanted[9:11, :7] = 250
    for ink in (seven, eight, slanted, slanted.T):
        assert np.array_equal(without_lines(ink), ink)


def rectangle(ink: np.ndarray, top: int, left: int, bottom: int, right: int) -> None:
    """Draw the outline of a rectangle, 2 pixels wide."""
    for rows in (ink[top : top + 2], ink[bottom - 2 : bottom]):
        rows[:, left:right] = 200
    for columns in (ink[:, left : left + 2], ink[:, right - 2 : right]):
        columns[top:bottom] = 200


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("gap", [-1, 10])
def test_the_lines_of_cells_are_removed_and_strokes_across_them_kept(turn: bool, gap: int) -> None:
    """A cross in each cell, and a stroke across its lower line."""
    ink, strokes = blank(100, 200), blank(100, 200)
    for x in (0, 100):
        rectangle(ink, 5, max(x + gap, 0), 90, x + 100 - gap)
        strokes[20:70, x + 50 : x + 60] = strokes[40:48, x + 20 : x + 80] = 200
        strokes[60:95, x + 30 : x + 40] = 200
    ink = np.maximum(ink, strokes)
    remaining = without_cells(ink.T).T if turn else without_cells(ink)
    assert (remaining >= strokes).all()
    assert (remaining > strokes).sum() < 0.06 * (ink > strokes).sum()  # corners stay


def test_three_sides_of_a_frame_are_enough() -> None:
    ink, strokes = blank(100, 100), blank(100, 100)
    rectangle(ink, 0, 5, 98, 95)
    ink[:10] = 0
    strokes[20:70, 50:60] = strokes[40:48, 20:80] = strokes[60:95, 30:40] = 200
    assert (without_cells(np.maximum(ink, strokes)) > strokes).sum() < 20


def test_digits_of_straight_strokes_are_kept() -> None:
    """An 8 and a 4 of thin lines, two sides of a rectangle around a stroke, and a rectangle at 28
    pixels, where a line is as thick as a stroke."""
    eight, four, corner = np.zeros((3, 100, 80))
    rectangle(eight, 10, 10, 90, 70)
    eight[49:51, 10:70] = 200
    four[10:60, 10:12] = four[58:60, 10:70] = four[10:90, 60:62] = 200
    corner[10:12, 10:70] = corner[10:90, 68:70] = corner[30:60, 30:40] = 200
    small = blank(28, 28)
    rectangle(small, 2, 2, 26, 26)
    small[8:20, 12:16] = 200
    for ink in (eight, four, corner, small):
        assert np.array_equal(without_cells(ink), ink)


def test_a_long_narrow_picture_takes_little_memory() -> None:
    ink = np.zeros((20_000, 3))
    ink[9000:9100, 1] = 255
    tracemalloc.start()
    without_cells(ink)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * ink.nbytes

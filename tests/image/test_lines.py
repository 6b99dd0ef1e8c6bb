"""The lines of paper are removed; strokes are kept, however long and thin."""

import numpy as np
import pytest

from mnistnet.image.lines import remove_lines


def paper(side: int = 200) -> np.ndarray:
    return np.zeros((side, side))


def with_stroke(side: int = 200) -> np.ndarray:
    ink = paper(side)
    ink[40:160, 90:102] = 200
    return ink


@pytest.mark.parametrize("level", [40, 190])
@pytest.mark.parametrize("turn", [False, True])
def test_ruled_lines_are_removed_and_the_strokes_across_them_kept(level: int, turn: bool) -> None:
    ink = with_stroke()
    for row in range(15, 200, 30):
        ink[row : row + 2] = np.maximum(ink[row : row + 2], level)
    ruled = ink.T.copy() if turn else ink
    remove_lines(ruled)
    assert np.array_equal(ruled.T if turn else ruled, with_stroke())


@pytest.mark.parametrize("row", [20, 170])
def test_a_line_that_extends_beyond_the_digit_on_both_sides_is_removed(row: int) -> None:
    ink = with_stroke()
    ink[row : row + 3] = 200
    remove_lines(ink)
    assert np.array_equal(ink, with_stroke())


def test_bars_as_wide_as_a_cropped_picture_are_kept() -> None:
    """In a 7, the foot of a 2 or a 1, and an 8 on a display."""
    seven, foot, one, eight = paper(), paper(), paper(), paper()
    seven[:3] = 200
    seven[:, 120:124] = 200
    foot[-3:] = 200
    foot[:, 30:34] = 200
    one[-3:] = 200
    one[:, 98:102] = 200
    for row in (0, 98, 197):
        eight[row : row + 3] = 200
    eight[:, :3] = eight[:, -3:] = 200
    for ink in (seven, foot, one, eight):
        before = ink.copy()
        remove_lines(ink)
        assert np.array_equal(ink, before)


@pytest.mark.parametrize("turn", [False, True])
def test_the_edge_of_a_slanted_stroke_is_not_taken_for_a_faint_line(turn: bool) -> None:
    """Of one column it covers the upper part half, and the rest wholly."""
    ink = np.zeros((20, 14))
    ink[:12, 7], ink[12:, 7] = 100, 250
    ink[:12, 6] = 250
    ink[9:11, :7] = 250
    ink = ink.T.copy() if turn else ink
    before = ink.copy()
    remove_lines(ink)
    assert np.array_equal(ink, before)


def test_blank_paper_stays_blank() -> None:
    ink = paper()
    remove_lines(ink)
    assert not ink.any()

"""Lines of the paper are taken away, strokes are not, however long and thin."""

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
def test_ruled_lines_go_and_the_strokes_that_cross_them_stay(level: int, turn: bool) -> None:
    ink = with_stroke()
    for row in range(15, 200, 30):
        ink[row : row + 2] = np.maximum(ink[row : row + 2], level)
    ruled = ink.T.copy() if turn else ink
    remove_lines(ruled)
    assert np.array_equal(ruled.T if turn else ruled, with_stroke())


@pytest.mark.parametrize("rows", [(170,), (20, 170)])
def test_a_line_that_runs_past_the_digit_to_both_sides_goes(rows: tuple[int, ...]) -> None:
    ink = with_stroke()
    for row in rows[:1]:
        ink[row : row + 3] = 200
    remove_lines(ink)
    assert np.array_equal(ink, with_stroke())


def test_bars_from_side_to_side_of_a_picture_cropped_to_its_ink_stay() -> None:
    """A 7, a 2's foot, a 1's foot, and an 8 as displays show it, in a pen of two pixels."""
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


def test_nothing_is_no_line() -> None:
    ink = paper()
    remove_lines(ink)
    assert not ink.any()

"""The lines of paper and of cells are removed; strokes across them are kept, and so are digits of
straight strokes."""

import tracemalloc

import numpy as np
import pytest

import mnistnet
from mnistnet.image.digit import find_digits
from mnistnet.image.ink import Ink, levels_of
from mnistnet.image.lines import without_lines


def blank(height: int = 200, width: int = 200) -> np.ndarray:
    return np.zeros((height, width))


def without(amount: np.ndarray, turn: bool = False) -> np.ndarray:
    amount = amount.T if turn else amount
    remaining = without_lines(Ink(amount, *levels_of(amount), inverted=False, corner=(0, 0))).amount
    return remaining.T if turn else remaining


def with_stroke() -> np.ndarray:
    ink = blank()
    ink[40:160, 90:102] = 200
    return ink


@pytest.mark.parametrize("turn", [False, True])
@pytest.mark.parametrize("level", [110, 200, 255])
@pytest.mark.parametrize("slope", [0.0, 0.07])
def test_lines_are_removed_and_the_strokes_across_them_kept(
    turn: bool, level: int, slope: float
) -> None:
    ink = with_stroke()
    for column in range(200):
        for row in (20, 75, 130, 180):
            place = row + round(slope * (column - 100))
            ink[place : place + 2, column] = np.maximum(ink[place : place + 2, column], level)
    is_different = (without(ink, turn) > 0) != (with_stroke() > 0)
    assert is_different.mean() < 0.001


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
    remaining = without(np.maximum(ink, strokes), turn)
    assert (remaining < strokes).sum() < 0.02 * (strokes > 0).sum()
    assert (remaining > strokes).sum() < 0.1 * (ink > strokes).sum()


def test_three_sides_of_a_frame_are_enough() -> None:
    ink, strokes = blank(100, 100), blank(100, 100)
    rectangle(ink, 0, 5, 98, 95)
    ink[:10] = 0
    strokes[20:70, 50:60] = strokes[40:48, 20:80] = strokes[60:95, 30:40] = 200
    assert (without(np.maximum(ink, strokes)) > strokes).sum() < 20


def test_digits_of_straight_strokes_are_kept() -> None:
    """A 7 as wide as the picture, an 8 as on a display, and a 4 of thin lines."""
    seven, (eight, four) = blank(), np.zeros((2, 100, 80))
    seven[:3] = seven[:, 120:124] = 200
    rectangle(eight, 10, 10, 90, 70)
    eight[49:51, 10:70] = 200
    four[10:60, 10:12] = four[58:60, 10:70] = four[10:90, 60:62] = 200
    network = mnistnet.load_network()
    for ink, digit in ((seven, 7), (eight, 8), (four, 4)):
        picture = find_digits(ink[..., None])
        assert mnistnet.api.judge(network, picture).digit == digit


def test_a_long_narrow_picture_takes_little_memory() -> None:
    ink = np.zeros((20_000, 3))
    ink[9000:9100, 1] = 255
    tracemalloc.start()
    without(ink)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 * ink.nbytes

"""Digits are separated from other ink, and read in order. The lines of paper and of cells are
removed; strokes across them are kept, and so are digits of straight strokes."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

import mnistnet
from mnistnet.image.digit import Digit, find_digits
from mnistnet.image.ink import Ink, levels_of
from mnistnet.image.lines import without_lines

Pen = ImageDraw.ImageDraw


def canvas(width: int = 300, height: int = 200) -> tuple[Image.Image, Pen]:
    picture = Image.new("L", (width, height))
    return picture, ImageDraw.Draw(picture)


def digits(picture: Image.Image) -> tuple[Digit, ...]:
    return find_digits(np.asarray(picture, np.float32)[..., None]).digits


def zero(pen: Pen, left: int, top: int, height: int = 80) -> None:
    pen.ellipse([left, top, left + height * 0.6, top + height], outline=255, width=8)


def test_digits_are_read_line_by_line_from_left_to_right() -> None:
    lines = [(60, 40), (150, 20), (240, 30), (20, 150), (110, 140)]
    rising = [(20, 160), (110, 120), (200, 80), (290, 40)]
    for places in (lines, rising):
        picture, pen = canvas(420, 260)
        for left, top in reversed(places):
            zero(pen, left, top)
        found = [digit.box[:2] for digit in digits(picture)]
        assert found == [pytest.approx(place, abs=2) for place in places]


def five(pen: Pen) -> None:
    """The bar is a separate piece."""
    pen.line([(100, 48), (100, 90), (140, 100), (145, 130), (120, 155), (90, 150)], 255, 10)
    pen.line([(104, 32), (160, 32)], 255, 10)


def four(pen: Pen) -> None:
    pen.line([(110, 50), (90, 120), (127, 120)], 255, 10)
    pen.line([(145, 40), (145, 170)], 255, 10)


def dashed(pen: Pen) -> None:
    for top in range(40, 160, 18):
        pen.line([(150, top), (150, top + 10)], 255, 10)


def test_the_pieces_of_a_digit_are_joined() -> None:
    for write in (five, four, dashed):
        picture, pen = canvas()
        write(pen)
        assert len(digits(picture)) == 1, write


def test_slanted_digits_side_by_side_are_separated() -> None:
    picture, pen = canvas()
    for left in (100, 125):
        pen.line([(left + 40, 40), (left, 150)], 255, 8)
    assert len(digits(picture)) == 2


def test_flaws_are_told() -> None:
    """A zero is cut by the frame, but not if cropped to its ink; three touch; a line is faint."""
    picture, pen = canvas()
    zero(pen, 100, 60)
    for box, flaws in (((0, 0, 300, 110), ("cut off",)), ((100, 60, 149, 141), ())):
        assert digits(picture.crop(box))[0].flaws == flaws
    zero(pen, 144, 60)
    zero(pen, 188, 60)
    assert [digit.flaws for digit in digits(picture)] == [("touching",)]
    faint, pen = canvas()
    pen.line([(100, 40), (100, 160)], 18, 12)
    assert digits(faint)[0].flaws == ("low contrast",)


def sides_of_a_cell(pen: Pen) -> None:
    for line in ([(0, 3), (299, 3)], [(3, 0), (3, 199)], [(0, 197), (299, 197)]):
        pen.line(line, 255, 6)


NO_DIGITS: dict[str, Callable[[Pen], None]] = {
    "circle": lambda pen: pen.ellipse([60, 10, 240, 190], outline=255, width=5),
    "sides of a cell": sides_of_a_cell,
    "line below": lambda pen: pen.line([(0, 170), (299, 170)], 255, 4),
    "speck": lambda pen: pen.ellipse([250, 20, 257, 27], fill=255),
}


@pytest.mark.parametrize("kind", NO_DIGITS)
def test_ink_that_is_no_digit_is_left_out(kind: str) -> None:
    picture, pen = canvas()
    zero(pen, 125, 60)
    (plain,) = digits(picture)
    NO_DIGITS[kind](pen)
    (digit,) = digits(picture)
    assert digit.box == pytest.approx(plain.box, abs=2)
    assert np.abs(digit.image.astype(int) - plain.image).mean() < 3


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

"""Digits are separated from other ink, and read in order."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistnet.image.digit import Digit, find_digits

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

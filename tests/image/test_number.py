"""Digits are separated from other ink, and read in order."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistnet.image.digit import Digit, find_digits


def canvas(width: int = 300, height: int = 200) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    picture = Image.new("L", (width, height))
    return picture, ImageDraw.Draw(picture)


def digits(picture: Image.Image) -> tuple[Digit, ...]:
    return find_digits(np.asarray(picture, np.float32)[..., None]).digits


def zero(pen: ImageDraw.ImageDraw, left: int, top: int, height: int = 80) -> None:
    pen.ellipse([left, top, left + height * 0.6, top + height], outline=255, width=8)


def lefts_and_tops(picture: Image.Image) -> list[tuple[int, int]]:
    return [digit.box[:2] for digit in digits(picture)]


def test_digits_are_read_line_by_line_from_left_to_right() -> None:
    picture, pen = canvas(300, 260)
    places = [(20, 40), (110, 20), (200, 30), (60, 150), (150, 140)]
    for left, top in reversed(places):
        zero(pen, left, top)
    assert lefts_and_tops(picture) == [pytest.approx(place, abs=2) for place in places]


def test_a_line_may_rise() -> None:
    picture, pen = canvas(420, 260)
    places = [(20, 160), (110, 120), (200, 80), (290, 40)]
    for left, top in places:
        zero(pen, left, top)
    assert lefts_and_tops(picture) == [pytest.approx(place, abs=2) for place in places]


def five(pen: ImageDraw.ImageDraw, gap: int) -> None:
    """The bar is a separate piece."""
    pen.line([(100, 40 + gap), (100, 90), (140, 100), (145, 130), (120, 155), (90, 150)], 255, 10)
    pen.line([(104, 32), (160, 32)], 255, 10)


def four(pen: ImageDraw.ImageDraw, gap: int) -> None:
    pen.line([(110, 50), (90, 120), (135 - gap, 120)], 255, 10)
    pen.line([(145, 40), (145, 170)], 255, 10)


def dashed(pen: ImageDraw.ImageDraw, gap: int) -> None:
    for top in range(40, 160, 10 + gap):
        pen.line([(150, top), (150, top + 10)], 255, 10)


@pytest.mark.parametrize("write", [five, four, dashed], ids=lambda write: write.__name__)
def test_the_pieces_of_a_digit_are_joined(write) -> None:
    for gap in (5, 8):
        picture, pen = canvas()
        write(pen, gap)
        assert len(digits(picture)) == 1


def test_slanted_digits_side_by_side_are_separated() -> None:
    picture, pen = canvas()
    for left in (100, 125):
        pen.line([(left + 40, 40), (left, 150)], 255, 8)
    assert len(digits(picture)) == 2


def test_touching_digits_are_flagged() -> None:
    picture, pen = canvas()
    zero(pen, 60, 50)
    assert [digit.flaws for digit in digits(picture)] == [()]
    pen.rectangle([60, 50, 300, 200], 0)
    for left in (60, 104, 148):
        zero(pen, left, 50)
    assert [digit.flaws for digit in digits(picture)] == [("touching",)]


def test_a_digit_that_is_cut_off_is_flagged_but_not_one_cropped_to_its_ink() -> None:
    picture, pen = canvas()
    zero(pen, 100, 60)
    assert digits(picture.crop((0, 0, 300, 110)))[0].flaws == ("cut off",)
    assert digits(picture.crop((100, 60, 149, 141)))[0].flaws == ()


def test_low_contrast_is_flagged() -> None:
    picture, pen = canvas()
    pen.line([(100, 40), (100, 160)], 18, 12)
    assert digits(picture)[0].flaws == ("low contrast",)


def circle(pen: ImageDraw.ImageDraw) -> None:
    pen.ellipse([60, 10, 240, 190], outline=255, width=5)


def cell(pen: ImageDraw.ImageDraw) -> None:
    pen.rectangle([60, 10, 240, 190], outline=255, width=5)


def sides_of_a_cell(pen: ImageDraw.ImageDraw) -> None:
    pen.line([(0, 3), (299, 3)], 255, 6)
    pen.line([(3, 0), (3, 199)], 255, 6)
    pen.line([(0, 197), (299, 197)], 255, 6)


def line_below(pen: ImageDraw.ImageDraw) -> None:
    pen.line([(0, 170), (299, 170)], 255, 4)


def specks(pen: ImageDraw.ImageDraw) -> None:
    for x, y in ((20, 30), (270, 150), (250, 20)):
        pen.ellipse([x, y, x + 7, y + 7], fill=255)


@pytest.mark.parametrize(
    "add", [circle, cell, sides_of_a_cell, line_below, specks], ids=lambda add: add.__name__
)
def test_ink_that_is_no_digit_is_left_out(add) -> None:
    picture, pen = canvas()
    zero(pen, 125, 60)
    plain = digits(picture)
    add(pen)
    (digit,) = digits(picture)
    assert digit.box == pytest.approx(plain[0].box, abs=2)
    assert np.abs(digit.image.astype(int) - plain[0].image).mean() < 3


def test_a_frame_alone_is_kept() -> None:
    picture, pen = canvas(150, 200)
    pen.rectangle([0, 0, 149, 199], outline=255, width=12)
    assert len(digits(picture)) == 1


def test_noise_of_many_pieces_gets_an_answer() -> None:
    noise = np.random.default_rng(0).integers(0, 2, (200, 200)) * 255
    assert len(digits(Image.fromarray(noise.astype(np.uint8)))) >= 1

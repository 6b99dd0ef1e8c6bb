"""An answer has a digit or a number, its probability, and the reason if it is unsure; and what a
picture of several digits, marks and lines is read as, with the bundled weights."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from changes import saved
from PIL import Image, ImageDraw, ImageFont

import mnistnet
from mnistnet import judgement
from mnistnet.image import candidates
from mnistnet.image.digit import Picture
from mnistnet.image.ink import Ink
from mnistnet.model import reading
from mnistnet.model.answer import STANDARD, Limits, are_unsure, choose_limits, make_answer

FONT = ImageFont.load_default(60)


def drawn(text: str, ink: int = 0, apart: int = 6) -> Image.Image:
    """Text in Pillow's font, on a white page; apart is the space between two characters."""
    page, x = Image.new("L", (60 + 50 * len(text), 130), 255), 30
    pen = ImageDraw.Draw(page)
    for character in text:
        pen.text((x, 30), character, ink, FONT)
        box = FONT.getbbox(character)
        x += round(box[2]) + apart
    return page


def read(page: Image.Image, network: mnistnet.Network | None = None) -> Any:
    """The answer for a page."""
    return mnistnet.predict(saved(page), network)


@pytest.mark.parametrize("text", ["4.50", "42,3", "6-2", "3+4", "5:20", "8.2.", "7=7", "-7"])
def test_signs_and_points_are_marks(text: str) -> None:
    answer = read(drawn(text))
    digits = "".join(filter(str.isdigit, text))
    assert answer.rows == [digits]
    assert (answer.unsure, answer.reason) == (True, "other marks")
    assert len(answer.marks) >= len(text) - len(digits)


def test_two_lines_are_two_rows() -> None:
    page = Image.new("L", (200, 260), 255)
    page.paste(drawn("42"), (0, 0))
    page.paste(drawn("86"), (0, 130))
    answer = read(page)
    assert (answer.number, answer.rows, answer.marks) == ("4286", ["42", "86"], [])
    ImageDraw.Draw(page).line([40, 122, 80, 122], 0, 4)  # a bar as of a fraction
    answer = read(page)
    assert (answer.rows, answer.reason, len(answer.marks)) == (["42", "86"], "other marks", 1)


@pytest.mark.parametrize("text", ["38", "64", "29"])
def test_digits_that_touch_are_separated(text: str) -> None:
    answer = read(drawn(text, apart=-5))
    assert answer.number == text


@pytest.mark.parametrize("slope", [-4, 0, 3])
def test_a_line_under_or_through_the_foot_of_a_digit_is_left_out(slope: int) -> None:
    page = drawn("5")
    x, y = page.width, 84
    ImageDraw.Draw(page).line([0, y - slope, x, y + slope], 0, 3)
    assert read(page).rows == ["5"]


@pytest.mark.parametrize("slant", [0, 8])
def test_a_plus_sign_across_the_picture_is_no_sure_1(slant: int) -> None:
    page = Image.new("L", (100, 100), 255)
    pen = ImageDraw.Draw(page)
    pen.line([0, 52, 100, 50], 0, 3)
    pen.line([50 + slant, 10, 50 - slant, 88], 0, 3)
    assert read(page).unsure


def test_pencil_in_a_dark_frame_is_read() -> None:
    page = drawn("6", ink=180)
    ImageDraw.Draw(page).rectangle([8, 8, page.width - 9, page.height - 9], None, 60, 4)
    assert read(page).digit == 6


def test_a_row_of_faint_ink_is_a_mark() -> None:
    """Ink far fainter than the strokes may be a row of its own, in which nothing is a digit."""
    amount = np.zeros((260, 300), np.float32)
    for left in (60, 120):
        amount[10:110, left : left + 10] = 250
    amount[150:250, 60:140] = 22
    network, ink = mnistnet.load_network(), Ink(amount, 250, 20, True, (0, 0))
    page = Picture((), True, is_complete=False)
    picture, _ = judgement.reread(network.scores, page, ink, np.zeros((1, 10)), False)
    assert (len(picture.digits), picture.ends) == (2, (2,))
    assert picture.marks == (pytest.approx((60, 150, 140, 250), abs=2),)


def test_too_many_pieces_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MOST_PIECES", 3)
    answer = read(drawn("34086"))
    assert (answer.unsure, answer.reason) == (True, "too many pieces")


def test_a_network_that_never_saw_other_images_does_not_judge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, metadata = mnistnet.load_network().model, mnistnet.load_network().metadata
    metadata = replace(metadata, options=replace(metadata.options, nondigits=0))
    monkeypatch.setattr(judgement, "find_rows", None)  # fails if it is called
    assert len(read(drawn("4.50"), mnistnet.Network(model, metadata)).digits) >= 3


def scores(digit: int, height: float = 12, second: float = 0) -> np.ndarray:
    f = np.full(10, -3.0)
    f[(digit + 1) % 10] = second
    f[digit] = height
    return f


def test_an_answer_has_the_reason_of_its_first_unsure_digit() -> None:
    rows = np.array([scores(0), scores(0, 8, 6), scores(9)])
    found = make_answer(rows, [(0, 0, 9, 9)] * 3, [()] * 3)
    assert (found.digit, found.number) == (None, "009")
    assert [digit.reason for digit in found.digits] == [None, "close second", None]
    assert (found.unsure, found.reason) == (True, "close second")


P = STANDARD.margin / 2 + 0.49  # of the first of two digits
REASONS = {
    "close second": (scores(3, 12, 12 - np.log(P / (1 - P))), ()),
    "unlike a digit": (scores(3, STANDARD.score - 0.1, -3), ()),
    "touching": (scores(3, STANDARD.score - 0.1, -3), ("low contrast", "touching")),
    "cut off": (scores(3), ("cut off", "low contrast")),
}


@pytest.mark.parametrize("reason", REASONS)
def test_each_reason_makes_an_answer_unsure(reason: str) -> None:
    f, flaws = REASONS[reason]
    found = make_answer(f[None], flaws=[flaws])
    assert (found.digit, found.unsure, found.reason) == (3, True, reason)
    assert are_unsure(f[None]).tolist() == [not flaws or "touching" in flaws]


@pytest.mark.parametrize("count", [1, 2])
def test_low_scores_mean_no_digit(count: int) -> None:
    rows = np.array(
        [scores(3, STANDARD.no_digit - 0.1), scores(1, STANDARD.no_digit - 0.5)][:count]
    )
    found = make_answer(rows, [(0, 0, 9, 9)] * count, [()] * count)
    assert (found.digit, found.number, found.digits) == (None, None, [])
    assert (found.unsure, found.reason) == (True, "no digit")


def test_limits_belong_to_the_network() -> None:
    """They make 3 % of its right answers unsure, whatever the size of its scores."""
    rng, labels = np.random.default_rng(0), np.arange(4000) % 10
    for scale in (1, 4):
        f = rng.normal(0, 1, (4000, 10))
        f[range(4000), labels] += 4
        limits = choose_limits(scale * f, labels)
        assert limits
        right = f.argmax(axis=1) == labels
        assert are_unsure(scale * f, limits)[right].mean() == pytest.approx(0.03, abs=0.001)
        assert make_answer(scale * f[:1], limits=Limits(score=99)).reason == "unlike a digit"
    assert choose_limits(f[:499], labels[:499]) is None
    assert choose_limits(f, (labels + 1) % 10) is None


def test_geometry_changes_the_value_of_a_place() -> None:
    assert reading.qualities(scores(5, 9, 9)[None]) == pytest.approx(9 - 4, abs=0.01)  # no margin
    for digit, change, expected in (
        (5, {"cuts": 1}, 9 - reading.CUT),
        (1, {"cuts": 1}, 9 - reading.CUT - reading.ONE),
        (5, {"beside": True}, 9 - reading.BESIDE),
        (5, {"last": 2}, 9 - reading.UNION),
        (5, {"whole": True}, 9 + reading.WHOLE),
    ):
        place = reading.Place(0, 1, (0, 0, 20, 28), 1, False, False, 0)._replace(**change)
        value = reading._values([place], scores(digit, 9)[None], 28)
        assert value == pytest.approx(expected, abs=0.01)
    usual = reading._values([place], scores(5, 2, -3)[None], 28)
    assert usual == reading.LIKELY + reading.WHOLE


def test_a_slanted_1_may_be_a_slash() -> None:
    f = np.array([scores(digit, 9) for digit in (5, 1, 5)])
    for wide, high, *read in ((9, 36, [0, 1, 2], 0), (20, 36, [0, 2], 1), (14, 30, [0, 1, 2], 1)):
        boxes = (0, 0, 20, 28), (30, 0, 30 + wide, high), (60, 0, 80, 28)
        places = [
            reading.Place(k, k + 1, box, 1 / 3, True, False, 0) for k, box in enumerate(boxes)
        ]
        chosen, marks = reading.read_row(places, f, np.full(3, 1 / 3), set(), 28)
        assert [chosen, len(marks)] == read

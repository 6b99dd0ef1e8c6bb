"""Text for a person is right, and fits 80 columns with MNIST's counts."""

import numpy as np

from mnistnet.report.evaluation import Evaluation, Mistake
from mnistnet.report.terminal import (
    answer_text,
    evaluation_text,
    mistakes_text,
    percent,
    picture_text,
)


def test_the_table_shows_the_confusion_with_recall_and_precision() -> None:
    confusion = np.diag([98, 50, 1, 1, 1, 1, 1, 1, 1, 0])
    confusion[0, 8] = 2
    text = evaluation_text(Evaluation(0.05, confusion, []), "test")
    assert text == (
        "accuracy  98.73 %   (95 % interval 95.47 % to 99.65 %)\n"
        "errors    2 of 157 test images\n"
        "loss      0.0500\n"
        "\n"
        "true      answer\n"
        "digit     0     1     2     3     4     5     6     7     8     9    recall\n"
        "    0    98     .     .     .     .     .     .     .     2     .   98.00 %\n"
        "    1     .    50     .     .     .     .     .     .     .     .  100.00 %\n"
        "    2     .     .     1     .     .     .     .     .     .     .  100.00 %\n"
        "    3     .     .     .     1     .     .     .     .     .     .  100.00 %\n"
        "    4     .     .     .     .     1     .     .     .     .     .  100.00 %\n"
        "    5     .     .     .     .     .     1     .     .     .     .  100.00 %\n"
        "    6     .     .     .     .     .     .     1     .     .     .  100.00 %\n"
        "    7     .     .     .     .     .     .     .     1     .     .  100.00 %\n"
        "    8     .     .     .     .     .     .     .     .     1     .  100.00 %\n"
        "    9     .     .     .     .     .     .     .     .     .     .         -\n"
        "prec. 100.0 100.0 100.0 100.0 100.0 100.0 100.0 100.0  33.3     -         %"
    )


def test_the_table_fits_80_columns_with_60000_images() -> None:
    text = evaluation_text(Evaluation(2.3, np.full((10, 10), 60_000), []), "validation")
    assert max(map(len, text.splitlines())) <= 80


def test_mistakes_are_lines_that_predict_understands() -> None:
    mistakes = [Mistake(7, 1, 2, 0.99), Mistake(59_999, 3, 5, 0.5), Mistake(1, 1, 7, 0.4)]
    assert mistakes_text(Evaluation(0, np.eye(10), mistakes), "train", 2) == (
        "train:7      is 1, answered 2 (99.0 %)\ntrain:59999  is 3, answered 5 (50.0 %)"
    )


def test_an_answer_is_one_line_with_its_runners_up() -> None:
    p = [0.001, 0.002, 0, 0, 0, 0, 0, 0.997, 0, 0]
    assert answer_text("digit.png", p, 2) == "digit.png  7  99.7 %   then 1 0.2 %, 0 0.1 %"
    assert answer_text("digit.png", p, 0) == "digit.png  7  99.7 %"


def test_a_figure_that_does_not_exist_is_a_dash() -> None:
    assert percent(None) == "-"
    assert percent(0.9785) == "97.85 %"


def test_an_answer_with_a_small_lead_is_unsure() -> None:
    p = [0.0] * 10
    p[4], p[9] = 0.6, 0.4
    assert answer_text("digit.png", p, 1) == "digit.png  4  60.0 %   unsure   then 9 40.0 %"
    p[4], p[9] = 0.95, 0.05
    assert answer_text("digit.png", p, 0) == "digit.png  4  95.0 %"


def test_a_picture_is_drawn_in_half_blocks_beside_the_bars() -> None:
    image = np.zeros((28, 28), int)
    image[4:24, 10] = image[5, 11] = image[6, 12] = 255
    p = [0.25, 0.75, 0, 0, 0, 0, 0, 0, 0, 0]
    lines = picture_text(image.ravel().tolist(), p, plain=False).splitlines()
    assert len(lines) == 13  # and one of nothing
    assert lines[0] == ""
    assert lines[2] == " " * 10 + "█▄" + " " * 16 + "   0  " + "█" * 8 + " " * 24 + " 25.0 %"
    assert lines[3][10:13] == "█ ▀"
    assert lines[12] == ""
    assert max(map(len, lines)) < 80
    plain = picture_text(image.ravel().tolist(), p, plain=True)
    assert plain.isascii()
    assert plain.splitlines()[2].startswith(" " * 10 + ":.")

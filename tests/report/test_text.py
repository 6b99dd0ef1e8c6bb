"""Text output is right, and fits 80 columns for MNIST; so are tables and JSON of an expression."""

import numpy as np
import pytest

from mnistnet.model.answer import make_answer as answer
from mnistnet.model.differentiation import differentiate
from mnistnet.model.gradcheck import GradientCheck
from mnistnet.report.evaluation import Evaluation, compare, judge
from mnistnet.report.explain import gradient_check_text, steps_json
from mnistnet.report.text import (
    answer_lines,
    comparison_text,
    evaluation_text,
    mistakes_text,
    picture_text,
)


def evaluation(confusion: np.ndarray) -> Evaluation:
    """An evaluation with this confusion matrix, in which only the first answer is unsure."""
    cells = np.indices((10, 10)).reshape(2, 100)
    labels, answers = np.repeat(cells, confusion.ravel(), axis=1)
    scores = 20.0 * np.eye(10)[answers]
    scores[0] /= 4
    return judge(scores, labels, np.arange(len(labels)))


def test_evaluation_text_has_all_figures_in_80_columns() -> None:
    confusion = np.full((10, 10), 600)
    confusion[[7, 8], [2, 9]], confusion[9] = 6000, 0
    text = evaluation_text(evaluation(confusion), "validation", {"first_half": 0.5})
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert [*lines[:8], *lines[15:20]] == [
        "accuracy  8.33 %   (95 % interval 8.12 % to 8.55 %)",
        "errors    59,400 of 64,800 validation images",
        "loss      18.3333",
        "  first half             50.00 %",
        "unsure    1 of the answers; accuracy of the others 8.33 %",
        "",
        "digit images   read as                                          recall precision",
        "                0    1    2    3    4    5    6    7    8    9",
        "    7  11400  600  600 6000  600  600  600  600  600  600  600   5.3 %    11.1 %",
        "    8  11400  600  600  600  600  600  600  600  600  600 6000   5.3 %    11.1 %",
        "    9      0    .    .    .    .    .    .    .    .    .    .       -     0.0 %",
        "",
        "most frequent confusions",
    ]
    assert lines[20] == "7 read as 2  6,000 times, 52.6 % of the 7s"
    assert len(lines) == 25  # five confusions


def test_mistakes_have_names_that_predict_understands() -> None:
    """And are drawn side by side."""
    images = np.zeros((8, 784), np.uint8)
    images[7].reshape(28, 28)[2:4, 3:9] = 200
    sure = {"index": 7, "label": 1, "digit": 2, "probability": 0.99, "unsure": False}
    unsure = {"index": 1, "label": 3, "digit": 5, "probability": 0.5, "unsure": True}
    assert mistakes_text([sure, unsure], images, "train", {1}, 58, plain=False) == (
        "train:7 is 1, read as 2       train:1 is 3, read as 5\n"
        "99.0 %                        50.0 %, unsure, label error\n"
        "\n"
        "   ██████"
    )


def test_a_comparison_lists_the_images_that_only_one_reads() -> None:
    right, other = np.arange(30) < 20, np.arange(30) > 27
    assert comparison_text(compare("b.npz", right, other, np.arange(130, 100, -1)), "test") == (
        "this network 66.67 %, b.npz 6.67 %\n"
        "only this network is right on 20: test:111, test:112, test:113, test:114,\n"
        "  test:115, test:116, test:117, test:118, ...\n"
        "only the other is right on 2: test:101, test:102\n"
        "the difference is statistically significant: p = 0.00012 (exact McNemar test)"
    )


def scores(**shares: float) -> np.ndarray:
    """Scores (10,) for probabilities such as d7=0.9, d1=0.1."""
    f = np.full(10, -100.0)
    for name, share in shares.items():
        f[int(name[1])] = 20 + np.log(share)
    return f


def test_answers_are_aligned_and_give_the_reason_if_unsure() -> None:
    sure, close = scores(d0=0.001, d1=0.002, d7=0.997), scores(d7=0.61, d1=0.352, d9=0.038)
    number = np.array([scores(d2=1), scores(d0=0.7, d6=0.3), scores(d4=1)])
    found = {
        "seven.png": answer(sure[None]),
        "odd.png": answer(close[None]),
        "a long name.png": answer(number, [(0, 0, 1, 1)] * 3, [()] * 3),
        "24.png": answer(number[::2], [(0, 0, 1, 1)] * 2, [()] * 2),
        "cat.jpg": answer(np.zeros((1, 10))),
        "half.png": answer(sure[None], flaws=[("cut off",)]),
    }
    assert answer_lines([*found], [*found.values()], 0) == [
        "seven.png        7     99.7 %",
        "odd.png          7     61.0 %  unsure: close second, 1 35.2 %",
        "a long name.png  204   70.0 %  unsure: close second at digit 2, 6 30.0 %",
        "24.png           24   100.0 %",
        "cat.jpg          -             no digit",
        "half.png         7     99.7 %  unsure: cut off, 1 0.2 %",
    ]
    more = answer_lines(["odd.png"], [found["odd.png"]], 2)
    assert more == ["odd.png  7   61.0 %  unsure: close second, 1 35.2 %, 9 3.8 %"]


def test_a_picture_is_drawn_in_half_blocks_next_to_the_bars() -> None:
    image = np.zeros((28, 28), int)
    image[4:24, 10] = image[5, 11] = image[6, 12] = 255
    p = [0.25, 0.75, 0, 0, 0, 0, 0, 0, 0, 0]
    lines = picture_text(image.ravel().tolist(), p, plain=False).splitlines()
    assert lines[2] == " " * 10 + "█▄" + " " * 16 + "   0  " + "█" * 8 + " " * 24 + " 25.0 %"
    assert lines[3][10:13] == "█ ▀"
    assert max(map(len, lines)) < 80
    plain = picture_text(image.ravel().tolist(), p, plain=True)
    assert plain.isascii()
    assert plain.splitlines()[2].startswith(" " * 10 + ":.")


def test_json_has_the_variables_and_the_derivatives() -> None:
    x = {"name": "x", "formula": None, "value": 3, "rule": "da/da * x + da/da * x"}
    a = {"name": "a", "formula": "x * x", "value": 9, "rule": "1"}
    assert steps_json(differentiate("x * x", {"x": 3})) == {
        "expression": "x * x",
        "output": "a",
        "variables": [x | {"derivative": 6}, a | {"derivative": 1}],
        "derivatives": {"x": 6},
        "central_differences": {"x": pytest.approx(6)},
        "operations": {"value": 1, "gradient": 3, "written_out": 1},
    }


def test_a_check_of_the_gradient_says_which_method_does_not_agree() -> None:
    assert gradient_check_text(GradientCheck(57168, 1000, 2e-14, 0.001, True, False)) == (
        "backpropagation against                         largest relative error\n"
        "automatic differentiation, 57,168 weights                      2.0e-14  agrees\n"
        "finite differences, 1,000 weights                              1.0e-03  does not agree"
    )

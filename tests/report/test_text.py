"""Text output is right, and fits 80 columns for MNIST."""

from pathlib import Path

import numpy as np

from mnistnet.model.answer import make_answer as answer
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.options import Options
from mnistnet.report.evaluation import Evaluation, Mistake
from mnistnet.report.text import (
    answer_lines,
    epoch_text,
    evaluation_text,
    info_text,
    live_text,
    mistakes_text,
    percent,
    picture_text,
    trained_text,
)


def evaluation(confusion: np.ndarray) -> Evaluation:
    """An evaluation with this confusion matrix, in which only the first answer is unsure."""
    count = int(confusion.sum())
    right = np.arange(count) < confusion.trace()
    unsure = np.arange(count) == 0
    return Evaluation(0.05, confusion, [], right, unsure, np.ones(count), np.ones(count))


def test_evaluation_text_has_the_confusion_matrix_recall_and_precision() -> None:
    confusion = np.diag([98, 50, 1, 1, 1, 1, 1, 1, 1, 0])
    confusion[0, 8] = 2
    text = evaluation_text(evaluation(confusion), "test", {"first_half": 0.5})
    assert text == (
        "accuracy  98.73 %   (95 % interval 95.47 % to 99.65 %)\n"
        "errors    2 of 157 test images\n"
        "loss      0.0500\n"
        "  first half             50.00 %\n"
        "unsure    1 of the answers; accuracy of the others 98.72 %\n"
        "\n"
        "digit images   read as                                          recall precision\n"
        "                0    1    2    3    4    5    6    7    8    9\n"
        "    0    100   98    .    .    .    .    .    .    .    2    .  98.0 %   100.0 %\n"
        "    1     50    .   50    .    .    .    .    .    .    .    . 100.0 %   100.0 %\n"
        "    2      1    .    .    1    .    .    .    .    .    .    . 100.0 %   100.0 %\n"
        "    3      1    .    .    .    1    .    .    .    .    .    . 100.0 %   100.0 %\n"
        "    4      1    .    .    .    .    1    .    .    .    .    . 100.0 %   100.0 %\n"
        "    5      1    .    .    .    .    .    1    .    .    .    . 100.0 %   100.0 %\n"
        "    6      1    .    .    .    .    .    .    1    .    .    . 100.0 %   100.0 %\n"
        "    7      1    .    .    .    .    .    .    .    1    .    . 100.0 %   100.0 %\n"
        "    8      1    .    .    .    .    .    .    .    .    1    . 100.0 %    33.3 %\n"
        "    9      0    .    .    .    .    .    .    .    .    .    .       -         -\n"
        "\n"
        "most frequent confusions\n"
        "0 read as 8  2 times, 2.0 % of the 0s"
    )


def test_evaluation_text_fits_80_columns_and_lists_five_confusions() -> None:
    text = evaluation_text(evaluation(np.full((10, 10), 6000)), "validation", {})
    assert max(map(len, text.splitlines())) <= 80
    assert text.count(" read as ") == 5 + 1
    assert "0 read as 1  6,000 times, 10.0 % of the 0s" in text


def test_mistakes_have_names_that_predict_understands() -> None:
    images = np.zeros((8, 784), np.uint8)
    images[7].reshape(28, 28)[2:6, 3:9] = 200
    mistakes = [Mistake(7, 1, 2, 0.99, False), Mistake(1, 3, 5, 0.5, True)]
    assert mistakes_text(mistakes, images, "train", {1}, 60, plain=False) == (
        "train:7 is 1, read as 2       train:1 is 3, read as 5\n"
        "99.0 %                        50.0 %, unsure, label error\n"
        "   ██████\n"
        "   ██████"
    )
    assert mistakes_text(mistakes[:1], images, "train", {}, 20, plain=True) == (
        "train:7 is 1, read as 2\n99.0 %\n   ::::::\n   ::::::"
    )


def test_blank_rows_inside_an_image_are_kept_and_a_blank_image_has_a_caption() -> None:
    images = np.zeros((2, 784), np.uint8)
    images[0].reshape(28, 28)[[4, 5, 10, 11], 3:5] = 200
    mistakes = [Mistake(0, 1, 2, 0.99, False), Mistake(1, 3, 5, 0.5, False)]
    assert mistakes_text(mistakes, images, "test", {}, 20, plain=True) == (
        "test:0 is 1, read as 2\n99.0 %\n   ::\n\n\n   ::\n\ntest:1 is 3, read as 5\n50.0 %\n"
    )


def scores(**shares: float) -> np.ndarray:
    """Scores (10,) for probabilities such as d7=0.9, d1=0.1."""
    f = np.full(10, -100.0)
    for name, share in shares.items():
        f[int(name[1])] = 20 + np.log(share)
    return f


def test_an_answer_is_one_line_with_the_requested_runners_up() -> None:
    found = answer(scores(d0=0.001, d1=0.002, d7=0.997)[None])
    assert answer_lines(["digit.png"], [found], 0) == ["digit.png  7   99.7 %"]
    assert answer_lines(["digit.png"], [found], 2) == [
        "digit.png  7   99.7 %  then 1 0.2 %, 0 0.1 %"
    ]


def test_answers_are_aligned_and_give_the_reason_if_unsure() -> None:
    sure, close = scores(d7=1), scores(d7=0.61, d1=0.352, d9=0.038)
    number = np.array([scores(d2=1), scores(d0=0.7, d6=0.3), scores(d4=1)])
    found = [
        answer(sure[None]),
        answer(close[None]),
        answer(number, [(0, 0, 1, 1)] * 3, [()] * 3),
        answer(number[::2], [(0, 0, 1, 1)] * 2, [()] * 2),
        answer(np.zeros((1, 10))),
        answer(sure[None], flaws=[("cut off",)]),
    ]
    names = ["seven.png", "odd.png", "a long name.png", "24.png", "cat.jpg", "half.png"]
    assert answer_lines(names, found, 0) == [
        "seven.png        7    100.0 %",
        "odd.png          7     61.0 %  unsure: close second, 1 35.2 %",
        "a long name.png  204   70.0 %  unsure: close second at digit 2, 6 30.0 %",
        "24.png           24   100.0 %",
        "cat.jpg          -             no digit",
        "half.png         7    100.0 %  unsure: cut off, 0 0.0 %",
    ]
    assert answer_lines(names[1:2], found[1:2], 2)[0].endswith("close second, 1 35.2 %, 9 3.8 %")
    assert answer_lines([], [], 0) == []


def test_a_missing_percentage_is_a_dash() -> None:
    assert percent(None) == "-"
    assert percent(0.9785) == "97.85 %"


def test_one_of_a_thing_is_singular() -> None:
    confusion = np.zeros((10, 10), int)
    confusion[3, 3] = 1
    lines = evaluation_text(evaluation(confusion), "test", {}).splitlines()
    assert lines[1] == "errors    0 of 1 test image"
    assert lines[-1].startswith("    9      0")  # no confusions follow
    report = Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25)
    metadata = Metadata(Options(validation=1, drawn=1), Source(), (report,))
    text = trained_text(metadata, Path("net.npz"))
    assert text == "validation accuracy 90.00 % after 1 epoch in 1.2 s; weights in net.npz"
    Path("net.npz").touch()
    text = " ".join(info_text(Path("net.npz"), (784, 72, 10), metadata).split())
    assert "not MNIST's own and 1 drawn digit; 1 training image held out" in text


def test_without_validation_images_no_validation_accuracy_is_printed() -> None:
    report = Report(2, 0.5, 0.8, None, None, 0.2, 1.25)
    assert epoch_text(report, 9) == "epoch   2/9  train loss 0.5000  1.25 s"
    assert live_text(report, 1000) == "loss 0.5000, 800 images/s"
    text = trained_text(Metadata(Options(), Source(), (report, report)), Path("net.npz"))
    assert text == "2 epochs in 2.5 s; weights in net.npz"


def test_a_picture_is_drawn_in_half_blocks_next_to_the_bars() -> None:
    image = np.zeros((28, 28), int)
    image[4:24, 10] = image[5, 11] = image[6, 12] = 255
    p = [0.25, 0.75, 0, 0, 0, 0, 0, 0, 0, 0]
    lines = picture_text(image.ravel().tolist(), p, plain=False).splitlines()
    assert len(lines) == 13  # 14, the last of them blank
    assert lines[0] == ""
    assert lines[2] == " " * 10 + "█▄" + " " * 16 + "   0  " + "█" * 8 + " " * 24 + " 25.0 %"
    assert lines[3][10:13] == "█ ▀"
    assert lines[12] == ""
    assert max(map(len, lines)) < 80
    plain = picture_text(image.ravel().tolist(), p, plain=True)
    assert plain.isascii()
    assert plain.splitlines()[2].startswith(" " * 10 + ":.")

"""The figures of an evaluation are computed as their names say."""

import math

import numpy as np
import pytest

from mnistnet.errors import DataError
from mnistnet.model.metadata import Metadata, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.state import rows_of
from mnistnet.model.training import split
from mnistnet.report.evaluation import Evaluation, as_json, evaluate, wilson_interval

# Eight images of 0, 1 and 7; 7 is never the answer.
LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 7], np.uint8)
ANSWERS = [0, 0, 1, 1, 1, 1, 1, 0]
MARGINS = [7, 7, 3, 7, 7, 7, 7, 4]  # score of the answer above the nine others


def evaluation_of(*rows: int) -> Evaluation:
    """Evaluate a network that gives ANSWERS by MARGINS to images with one white pixel each."""
    network = Network((784, 10))
    for image, (answer, margin) in enumerate(zip(ANSWERS, MARGINS, strict=True)):
        network.matrices[0][answer, image] = margin
    network.matrices[0][...] += 10  # all scores look like digits
    images = np.zeros((8, 784), np.uint8)
    images[range(8), range(8)] = 255
    return evaluate(network, images, LABELS, np.array(rows, int))


def probability(margin: float) -> float:
    return math.exp(margin) / (math.exp(margin) + 9)


def test_accuracy_confusion_recall_precision_and_loss() -> None:
    result = evaluation_of(*range(8))
    assert (result.count, result.errors, result.accuracy) == (8, 2, 0.75)
    expected = np.zeros((10, 10), int)
    expected[0, 0], expected[0, 1], expected[1, 1], expected[7, 0] = 2, 1, 4, 1
    assert result.confusion.tolist() == expected.tolist()
    figures = {f.digit: (f.count, f.recall, f.precision) for f in result.per_digit}
    assert figures[0] == (3, 2 / 3, 2 / 3)
    assert figures[1] == (4, 1, 4 / 5)
    assert figures[7] == (1, 0, None)  # has an image, but is never the answer
    assert figures[5] == (0, None, None)
    right = 6 * -math.log(probability(7))
    wrong = math.log(math.exp(3) + 9) + math.log(math.exp(4) + 9)
    assert result.loss == pytest.approx((right + wrong) / 8)


def test_the_sure_accuracy_leaves_out_unsure_answers() -> None:
    """A margin of 3 gives probabilities of 0.69 and 0.03, one of 4 gives 0.86 and 0.02."""
    result = evaluation_of(*range(8))
    assert result.unsure.tolist() == [False, False, True, *[False] * 4, True]
    assert result.sure_accuracy == 1
    assert result.right.tolist() == [True, True, False, True, True, True, True, False]
    assert result.confidence == pytest.approx([probability(margin) for margin in MARGINS])
    second = [1 / (math.exp(margin) + 9) for margin in MARGINS]
    assert result.margin == pytest.approx(result.confidence - second)
    assert evaluation_of(2).sure_accuracy is None


def test_the_most_confident_mistake_comes_first_with_the_number_of_its_image() -> None:
    found = evaluation_of(1, 2, 7).mistakes
    assert [(m.index, m.label, m.digit, m.unsure) for m in found] == [
        (7, 7, 0, True),
        (2, 0, 1, True),
    ]
    assert [m.probability for m in found] == pytest.approx([probability(4), probability(3)])
    with pytest.raises(DataError, match="trained without validation"):
        evaluation_of()


def test_train_and_validation_rows_are_those_of_the_training() -> None:
    sha256 = {"images": "aa", "labels": "bb"}
    meta = Metadata(Options(validation=10), Source(sha256))
    trained, held_out = rows_of("train", 50, sha256, meta), rows_of("validation", 50, sha256, meta)
    assert len(held_out) == 10
    assert sorted([*trained, *held_out]) == list(range(50))
    assert held_out.tolist() == split(50, Options(validation=10))[1].tolist()

    others = {"images": "cc", "labels": "bb"}
    assert rows_of("test", 50, others, meta).tolist() == list(range(50))
    with pytest.raises(DataError, match="expected the images that this network was trained on"):
        rows_of("validation", 50, others, meta)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_the_interval_agrees_with_published_wilson_intervals(
    right: int, count: int, low: float, high: float
) -> None:
    assert wilson_interval(right, count) == pytest.approx((low, high), abs=5e-5)


def test_json_has_the_promised_names() -> None:
    facts = as_json(evaluation_of(*range(8)))
    assert facts["interval"] == list(wilson_interval(6, 8))
    assert facts["confusion"][7] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert facts["per_digit"][7] == {"digit": 7, "count": 1, "recall": 0, "precision": None}
    assert set(facts["mistakes"][0]) == {"index", "label", "digit", "probability", "unsure"}
    names = "count errors accuracy interval loss unsure sure_accuracy confusion per_digit mistakes"
    assert set(facts) == set(names.split())

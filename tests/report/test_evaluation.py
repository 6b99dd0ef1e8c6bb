"""The figures of an evaluation are what their names say."""

import math

import numpy as np
import pytest

from mnistnet.errors import DataError
from mnistnet.model.metadata import Metadata, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.training import split
from mnistnet.report.evaluation import as_json, evaluate, rows_of, wilson_interval

# Eight images, by true digit and answer; 7 is never answered, and only 0, 1 and 7 are shown.
LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 7], np.uint8)
ANSWERS = [0, 0, 1, 1, 1, 1, 1, 0]
MARGINS = [5, 5, 3, 5, 5, 5, 5, 4]  # of the answer's score over the nine others, which are 0


def reader() -> tuple[Network, np.ndarray]:
    """A network that looks pixel i up in a table: image i lights that pixel alone, and the answer
    is ANSWERS[i] by MARGINS[i]."""
    network = Network((784, 10))
    for image, (answer, margin) in enumerate(zip(ANSWERS, MARGINS, strict=True)):
        network.matrices[0][answer, image] = margin
    images = np.zeros((8, 784), np.uint8)
    images[range(8), range(8)] = 255
    return network, images


def probability(margin: float) -> float:
    return math.exp(margin) / (math.exp(margin) + 9)


def test_the_figures_count_what_they_say() -> None:
    network, images = reader()
    result = evaluate(network, images, LABELS, np.arange(8))
    assert (result.count, result.errors, result.accuracy) == (8, 2, 0.75)
    expected = np.zeros((10, 10), int)
    expected[0, 0], expected[0, 1], expected[1, 1], expected[7, 0] = 2, 1, 4, 1
    assert result.confusion.tolist() == expected.tolist()
    figures = {f.digit: (f.count, f.recall, f.precision) for f in result.per_digit}
    assert figures[0] == (3, 2 / 3, 2 / 3)
    assert figures[1] == (4, 1, 4 / 5)
    assert figures[7] == (1, 0, None)  # shown but never answered
    assert figures[5] == (0, None, None)
    right = 6 * -math.log(probability(5))
    wrong = math.log(math.exp(3) + 9) + math.log(math.exp(4) + 9)
    assert result.loss == pytest.approx((right + wrong) / 8)


def test_unsure_answers_are_counted_and_the_accuracy_is_that_of_the_others() -> None:
    """A margin of 3 over nine others makes probabilities of 0.69 and 0.03, 4 of 0.86 and 0.02."""
    network, images = reader()
    network.matrices[0][...] += 10  # so that all look like digits
    result = evaluate(network, images, LABELS, np.arange(8))
    assert result.unsure.tolist() == [False, False, True, *[False] * 4, True]
    assert result.sure_accuracy == 1
    assert [m.unsure for m in result.mistakes] == [True, True]
    assert result.right.tolist() == [True, True, False, True, True, True, True, False]
    assert result.confidence == pytest.approx([probability(margin) for margin in MARGINS])
    none = evaluate(network, images, LABELS, np.array([2]))
    assert none.sure_accuracy is None


def test_the_surest_mistake_comes_first() -> None:
    network, images = reader()
    result = evaluate(network, images, LABELS, np.arange(8))
    assert [(m.index, m.label, m.digit) for m in result.mistakes] == [(7, 7, 0), (2, 0, 1)]
    assert [m.probability for m in result.mistakes] == pytest.approx(
        [probability(4), probability(3)]
    )


def test_rows_choose_the_images_and_mistakes_keep_their_numbers() -> None:
    network, images = reader()
    result = evaluate(network, images, LABELS, np.array([1, 7]))
    assert (result.count, result.errors) == (2, 1)
    assert result.mistakes[0].index == 7
    with pytest.raises(DataError, match="trained with none held out"):
        evaluate(network, images, LABELS, np.arange(0))


def test_train_and_validation_are_as_the_network_was_trained() -> None:
    sha256 = {"images": "aa", "labels": "bb"}
    meta = Metadata(Options(validation=10), Source(sha256))
    trained, held_out = rows_of("train", 50, sha256, meta), rows_of("validation", 50, sha256, meta)
    assert len(held_out) == 10
    assert sorted([*trained, *held_out]) == list(range(50))
    assert held_out.tolist() == split(50, 10)[1].tolist()

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
def test_the_interval_is_wilsons(right: int, count: int, low: float, high: float) -> None:
    assert wilson_interval(right, count) == pytest.approx((low, high), abs=5e-5)


def test_json_has_the_promised_names() -> None:
    network, images = reader()
    facts = as_json(evaluate(network, images, LABELS, np.arange(8)))
    assert facts["interval"] == list(wilson_interval(6, 8))
    assert facts["confusion"][7] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert facts["per_digit"][7] == {"digit": 7, "count": 1, "recall": 0, "precision": None}
    assert set(facts["mistakes"][0]) == {"index", "label", "digit", "probability", "unsure"}
    assert set(facts) == {
        "count",
        "errors",
        "accuracy",
        "interval",
        "loss",
        "unsure",
        "sure_accuracy",
        "confusion",
        "per_digit",
        "mistakes",
    }

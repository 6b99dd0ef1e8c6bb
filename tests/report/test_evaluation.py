"""The figures of an evaluation and of a comparison, also of the starts of a search, are computed as
their names say, and another program's answers are read from plain text in many forms."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnistnet.errors import DataError, TrainingError
from mnistnet.model import weights
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron, log_probabilities, logistic_loss
from mnistnet.model.options import Options
from mnistnet.model.search import Start, committee
from mnistnet.model.state import split
from mnistnet.report import evaluation
from mnistnet.report.evaluation import read_answers
from mnistnet.report.figures.results import starts as figure_of
from mnistnet.report.starts import Analysis, analyse, starts_text, summary_json

# Eight images of 0, 1 and 7; 7 is never the answer. Margins of 3 and 4 are unsure.
LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 7], np.uint8)
ANSWERS = [0, 0, 1, 1, 1, 1, 1, 0]
MARGINS = np.array([7, 7, 3, 7, 7, 7, 7, 4])  # score of the answer above the nine others
PROBABILITIES = np.exp(MARGINS) / (np.exp(MARGINS) + 9)


def evaluation_of(*rows: int) -> evaluation.Evaluation:
    """Evaluate a network that gives ANSWERS by MARGINS to images with one white pixel each."""
    network = Perceptron((784, 10))
    network.matrices[0][ANSWERS, range(8)] = MARGINS
    network.matrices[0][...] += 10  # all scores look like digits
    images = np.zeros((8, 784), np.uint8)
    images[range(8), range(8)] = 255
    return evaluation.evaluate(network, images, LABELS, np.array(rows, int))


def test_all_figures_agree_with_those_worked_out_by_hand() -> None:
    result = evaluation_of(*range(8))
    expected = np.zeros((10, 10), int)
    expected[0, 0], expected[0, 1], expected[1, 1], expected[7, 0] = 2, 1, 4, 1
    loss = 6 * math.log(1 + 9 / math.e**7) + math.log(math.e**3 + 9) + math.log(math.e**4 + 9)
    facts = evaluation.as_json(result)
    digits = facts.pop("per_digit")
    assert facts == {
        "count": 8,
        "errors": 2,
        "accuracy": 0.75,
        "interval": evaluation.wilson_interval(6, 8),
        "loss": pytest.approx(loss / 8),
        "unsure": 2,
        "sure_accuracy": 1,
        "confusion": expected.tolist(),
        "mistakes": [mistake(7, 7, 0), mistake(2, 0, 1)],  # the most confident first
    }
    assert digits[0] == {"digit": 0, "count": 3, "recall": 2 / 3, "precision": 2 / 3}
    assert digits[1] == {"digit": 1, "count": 4, "recall": 1, "precision": 4 / 5}
    assert digits[7] == {"digit": 7, "count": 1, "recall": 0, "precision": None}
    assert digits[5] == {"digit": 5, "count": 0, "recall": None, "precision": None}
    assert result.right.tolist() == [True, True, False, True, True, True, True, False]
    assert result.sure.tolist() == [True, True, False, True, True, True, True, False]
    assert result.confidence == pytest.approx(PROBABILITIES)
    assert result.margin == pytest.approx(PROBABILITIES - 1 / (np.exp(MARGINS) + 9))


def mistake(index: int, label: int, digit: int) -> dict[str, object]:
    share = pytest.approx(PROBABILITIES[index])
    return {"index": index, "label": label, "digit": digit, "probability": share, "unsure": True}


def test_only_the_given_rows_are_evaluated() -> None:
    assert [wrong["index"] for wrong in evaluation_of(1, 2).mistakes] == [2]
    assert evaluation_of(2).sure_accuracy is None
    with pytest.raises(DataError, match="trained without validation"):
        evaluation_of()


def test_the_interval_agrees_with_published_wilson_intervals() -> None:
    """Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3."""
    for right, count, low, high in (
        (81, 263, 0.2553, 0.3662),
        (0, 20, 0.0000, 0.1611),
        (29, 29, 0.8830, 1.0000),
    ):
        assert evaluation.wilson_interval(right, count) == pytest.approx((low, high), abs=5e-5)


def test_the_p_value_is_that_of_a_fair_coin() -> None:
    for first, second, p_value in (
        (0, 0, 1),
        (5, 0, 2 / 32),
        (2, 8, 2 * 56 / 1024),
        (86, 150, 3.716e-05),  # R: mcnemar.exact(matrix(c(794, 86, 150, 570), 2)), Agresti 1990
        (0, 60_000, 0),
        (20_000, 20_000, 1),
    ):
        assert evaluation.mcnemar(first, second) == pytest.approx(p_value, rel=1e-3)


@pytest.mark.parametrize(
    "content",
    [
        b"7\n2\n1\n",
        b"\xef\xbb\xbf7\r\n2\r\n1\r\n\r\n",
        b"ImageId,Label\n1,7\n2,2\n3,1\n",
        b'"id";"digit"\n"a";"7"\n"b";"2"\n"c";"1"\n',
        b"7.000000000000000000e+00\n2.0\n 1 \n",
        b"test:0 7\ntest:1\t2\ntest:2  1\n",
        "digit\n7\n2\n1\n".encode("utf-16"),
    ],
)
def test_the_last_column_is_the_answer_if_it_has_one(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.txt"
    path.write_bytes(content)
    assert read_answers(path, 3).tolist() == [7, 2, 1]
    path.write_text("picture,digit\ntest:0,7\ntest:1,\n")
    assert read_answers(path, 2).tolist() == [7, 10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"7\n2\n", "expected an answer for each of the 3 images; found 2"),
        (b"7\n10\n1\n", "expected a digit at the end of line 2; found '10'"),
        (b"7\nnan\n1\n", "expected a digit at the end of line 2; found 'nan'"),
        (b"label\n7\n\xff\n1\n", "expected a digit at the end of line 3; found '\ufffd'"),
        (b"x" * (1 << 24) + b",1", "expected an answer for each of the 3 images; found 0"),
    ],
)
def test_any_other_content_is_an_error(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as raised:
        read_answers(path, 3)
    assert str(raised.value) == f"{path}: {message}"
    with pytest.raises(DataError, match=r"^none\.csv: No such file or directory$"):
        read_answers(Path("none.csv"), 3)


SHA256 = {"images": "12", "labels": "34"}
TRAIN = (0.5, 0.25, 0.3, 0.2, 0.4)  # losses by seed
VALIDATION = (0.6, 0.3, 0.2, 0.4, 0.5)
ORDER = [2, 1, 3, 4, 0]  # by validation loss
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 784), np.uint8)
DIGITS = RNG.integers(0, 10, 60)


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> list[Start]:
    """Five starts with random weights and invented losses."""
    found = []
    folder = tmp_path_factory.mktemp("starts")
    for seed in range(5):
        report = EpochReport(1, TRAIN[seed], 0.9, VALIDATION[seed], 0.1 * seed, 0.2, 1.5)
        options = Options((6,), epochs=1, validation=20, seed=seed)
        metadata = Metadata(options, TrainingSet(SHA256), (report,))
        network = Perceptron.random((784, 6, 10), np.random.default_rng(seed))
        weights.save(folder / f"{seed}.npz", network, metadata)
        found.append(Start(folder / f"{seed}.npz", metadata))
    return found


@pytest.fixture(scope="module")
def analysis(starts: list[Start]) -> Analysis:
    return analyse(starts, IMAGES, DIGITS, SHA256)


def test_the_best_is_first_and_figures_are_of_the_validation_images(
    starts: list[Start], analysis: Analysis
) -> None:
    assert [start.seed for start in analysis.starts] == ORDER
    rows = split(60, Options(validation=20))[1]
    networks = [starts[seed].load() for seed in ORDER]
    answers = [network.image_scores(IMAGES[rows]).argmax(axis=1) for network in networks]
    pairs = [(a != b).mean() for a in answers for b in answers if a is not b]
    assert analysis.disagreement == pytest.approx(np.mean(pairs))
    for count in range(1, 6):
        scores = committee([starts[seed] for seed in ORDER[:count]])[0].image_scores(IMAGES[rows])
        right = (scores.argmax(axis=1) == DIGITS[rows]).mean()
        loss = logistic_loss(log_probabilities(scores), DIGITS[rows])
        assert analysis.committee_accuracy[count - 1] == pytest.approx(right)
        assert analysis.committee_loss[count - 1] == pytest.approx(loss)


def test_the_rank_correlation_is_spearmans_and_other_images_are_an_error(
    starts: list[Start], analysis: Analysis
) -> None:
    """Ranks by seed: training 5, 2, 3, 1, 4; validation 5, 2, 1, 3, 4: 1 - 6 * 8 / (5 * 24)."""
    assert analysis.rank_correlation == pytest.approx(0.6)
    assert analyse(starts[:4], IMAGES, DIGITS, SHA256).rank_correlation is None
    assert analyse(starts[:1], IMAGES, DIGITS, SHA256).disagreement is None
    with pytest.raises(TrainingError, match="0.npz: trained on other images; name their folder"):
        analyse(starts, IMAGES, DIGITS, SHA256 | {"labels": "56"})


def test_the_table_compares_losses_and_the_summary_is_of_the_network(analysis: Analysis) -> None:
    lines = starts_text(analysis).splitlines()
    assert lines[1].split() == ["best", "2", "0.3000", "0.2000", "20.00", "%"]
    assert [line.split()[:2] for line in lines[3:6:2]] == [["median", "3"], ["worst", "0"]]
    assert lines[9].startswith("seed 3 has the lowest training loss and ranks number 3 by ")
    facts = summary_json(analysis, [2, 1, 3, 4], Path("net.npz"))
    assert facts["validation_accuracy"] == analysis.committee_accuracy[3]
    assert facts["validation_loss"] == analysis.committee_loss[3]
    assert (facts["starts"], facts["seeds"], facts["seconds"]) == (5, [2, 1, 3, 4], 7.5)


def test_the_figure_shows_each_start_and_each_committee(analysis: Analysis) -> None:
    losses, accuracy = figure_of(analysis).axes
    points = losses.lines[0].get_xydata().tolist()
    assert points == [[TRAIN[seed], VALIDATION[seed]] for seed in ORDER]
    alone, together = (line.get_ydata() for line in accuracy.lines)
    assert alone == pytest.approx([20, 10, 30, 40, 0])
    assert together == pytest.approx(np.multiply(analysis.committee_accuracy, 100))
    with pytest.raises(TrainingError, match="comparing starts needs validation images"):
        figure_of(replace(analysis, committee_accuracy=[]))

"""The starts of a search are compared on their validation images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnistnet.errors import TrainingError
from mnistnet.model import weights
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron, log_probabilities, logistic_loss
from mnistnet.model.options import Options
from mnistnet.model.search import Start, committee
from mnistnet.model.state import split
from mnistnet.report.figures.results import starts as figure_of
from mnistnet.report.starts import Analysis, analyse, starts_text, summary_json

SHA256 = {"images": "12", "labels": "34"}
TRAIN = (0.5, 0.25, 0.3, 0.2, 0.4)  # losses by seed
VALIDATION = (0.6, 0.3, 0.2, 0.4, 0.5)
ORDER = [2, 1, 3, 4, 0]  # by validation loss
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 784), np.uint8)
LABELS = RNG.integers(0, 10, 60)


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
    return analyse(starts, IMAGES, LABELS, SHA256)


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
        right = (scores.argmax(axis=1) == LABELS[rows]).mean()
        loss = logistic_loss(log_probabilities(scores), LABELS[rows])
        assert analysis.committee_accuracy[count - 1] == pytest.approx(right)
        assert analysis.committee_loss[count - 1] == pytest.approx(loss)


def test_the_rank_correlation_is_spearmans_and_other_images_are_an_error(
    starts: list[Start], analysis: Analysis
) -> None:
    """Ranks by seed: training 5, 2, 3, 1, 4; validation 5, 2, 1, 3, 4: 1 - 6 * 8 / (5 * 24)."""
    assert analysis.rank_correlation == pytest.approx(0.6)
    assert analyse(starts[:4], IMAGES, LABELS, SHA256).rank_correlation is None
    assert analyse(starts[:1], IMAGES, LABELS, SHA256).disagreement is None
    with pytest.raises(TrainingError, match="0.npz: trained on other images; name their folder"):
        analyse(starts, IMAGES, LABELS, SHA256 | {"labels": "56"})


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

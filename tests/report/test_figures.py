"""Figures show the right numbers, in the notes' order, and are reproducible."""

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mnistnet.data import mnist
from mnistnet.errors import MnistnetError
from mnistnet.model import weights
from mnistnet.model.network import Network
from mnistnet.model.training import Report
from mnistnet.report import figures
from mnistnet.report.evaluation import Evaluation, Mistake, evaluate


@pytest.fixture
def data(tiny: Path) -> mnist.Dataset:
    return mnist.load(tiny, "test")


def random_network(*hidden: int) -> Network:
    return Network.random((784, *hidden, 10), np.random.default_rng(0))


def panes(figure) -> list:
    """The axes of the figure, without colour bars."""
    return [pane for pane in figure.axes if pane.get_label() != "<colorbar>"]


def test_weights_have_a_tile_per_hidden_unit_and_a_row_per_score_in_the_notes_order() -> None:
    network = random_network(72)
    M, W = network.matrices
    first, last = panes(figures.weights(network))
    (shown,) = first.images
    tiles = np.asarray(shown.get_array()).reshape(6, 30, 12, 30).transpose(0, 2, 1, 3)
    assert np.array_equal(tiles.reshape(72, 30, 30)[:, 1:-1, 1:-1], M.reshape(72, 28, 28))
    low, high = shown.get_clim()
    assert -low == high > 0
    (shown,) = last.images
    assert np.array_equal(shown.get_array(), W[[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]])
    assert [label.get_text() for label in last.get_yticklabels()] == list("1234567890")
    low, high = shown.get_clim()
    assert -low == high > 0


@pytest.mark.parametrize("hidden", [(1,), (7,), (800,), (40, 300, 20), ()])
def test_weights_of_any_width_and_depth_are_drawn(hidden: tuple[int, ...], tmp_path: Path) -> None:
    network = random_network(*hidden)
    figure = figures.weights(network)
    shown = [pane.images[0].get_array() for pane in panes(figure)]
    tiles = min(hidden[0], 72) if hidden else 10
    shapes = [W.shape for W in network.matrices[1:]]
    if shapes:
        shapes[0] = (shapes[0][0], tiles)
    assert [W.shape for W in shown[1:]] == shapes
    assert np.isfinite(shown[0]).sum() == tiles * 784
    figures.save(figure, tmp_path / "weights.png")


def test_the_72_units_with_the_largest_outgoing_weights_are_shown() -> None:
    network = random_network(100)
    W = network.matrices[1]
    W[:, 3::2] /= 100  # 48 of 100 units
    first, last = panes(figures.weights(network))
    chosen = np.sort(np.argsort(-np.linalg.norm(W, axis=0))[:72])
    assert np.array_equal(last.images[0].get_array(), W[[*range(1, 10), 0]][:, chosen])
    assert [label.get_text() for label in last.get_xticklabels()] == [str(u) for u in chosen[::10]]
    assert [text.get_text() for text in first.texts] == [str(unit) for unit in chosen[::10]]
    assert first.get_title() == "M: the 72 of 100 hidden units with the largest outgoing weights"


def test_a_faint_tile_is_framed_and_has_its_own_scale() -> None:
    network = random_network(4)
    M = network.matrices[0]
    M[2] /= 1000
    M[3] = 0
    first, _ = panes(figures.weights(network))
    shown = np.asarray(first.images[0].get_array())
    assert "1 with weak weights, framed" in first.get_title()
    assert len(first.patches) == 1
    assert np.nanmax(np.abs(shown)) <= np.abs(M).max()
    x, y = map(int, first.patches[0].get_xy())
    assert np.nanmax(np.abs(shown[y : y + 30, x : x + 30])) == pytest.approx(
        first.images[0].get_clim()[1]
    )


def test_units_show_h_and_scores_of_each_image(data: mnist.Dataset) -> None:
    network = random_network(72)
    labels = [int(data.labels[0]), None, (int(data.labels[2]) + 1) % 10]
    names = ["test:0", "a/very/long/name/of/a/picture.png", "test:2"]
    figure = figures.units(network, data.images[:3], names, labels)
    rows = np.array(panes(figure)).reshape(4, 3)
    for index, (image, hidden, bars) in enumerate(rows[:3]):
        assert np.array_equal(image.images[0].get_array().ravel(), data.images[index])
        h = np.tanh(data.images[index] / np.float32(255) @ network.matrices[0].T)
        grid = np.asarray(hidden.images[0].get_array())
        assert grid.shape == (6, 12)  # like the tiles of weights
        assert grid.ravel() == pytest.approx(h, abs=1e-5)
        f = (h @ network.matrices[1].T)[[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]]
        assert [bar.get_height() for bar in bars.patches] == pytest.approx(f, abs=1e-4)
        orange = [to_hex(bar.get_facecolor()) == figures.ORANGE for bar in bars.patches]
        assert orange.index(True) == f.argmax()
        assert sum(orange) == 1
        black = [bar.get_edgecolor() == (0, 0, 0, 1) for bar in bars.patches]
        assert black == [digit == labels[index] for digit in [*range(1, 10), 0]]
    assert not rows[3, 0].images
    assert [row[0].get_title() for row in rows[:3]] == ["test:0", "...a/picture.png", "test:2"]


def test_units_of_a_network_without_hidden_layers_are_pixels(data: mnist.Dataset) -> None:
    figure = figures.units(random_network(), data.images[:1], ["test:0"], [None])
    assert panes(figure)[1].get_title() == "x: the pixels"
    assert panes(figure)[1].images[0].get_array().shape == (28, 28)


def test_weights_of_too_many_layers_are_refused() -> None:
    with pytest.raises(MnistnetError, match="at most 12 matrices to draw; found 13"):
        figures.weights(random_network(*[2] * 12))


def test_history_shows_loss_accuracy_and_learning_rate() -> None:
    reports = [Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25), Report(2, 0.3, 0.9, 0.2, 0.95, 0.1, 1.5)]
    drawn = [
        {line.get_label(): line.get_xydata().tolist() for line in pane.lines}
        for pane in panes(figures.history({"net.npz": reports}))
    ]
    assert drawn[0] == {
        "training (running mean)": [[1, 0.5], [2, 0.3]],
        "validation": [[1, 0.4], [2, 0.2]],
    }
    assert drawn[1] == {
        "training (running mean)": [[1, 80], [2, 90]],
        "validation": [[1, 90], [2, 95]],
    }
    assert list(drawn[2].values()) == [[[1, 0.2], [2, 0.1]]]


def test_history_has_integer_ticks_and_final_values() -> None:
    for epochs in (1, 2, 200):
        reports = [Report(n, 0.5, 0.8, 0.4, 0.9876, 0.2, 1) for n in range(1, epochs + 1)]
        figure = figures.history({"net.npz": reports})
        for pane in panes(figure):
            low, high = pane.get_xlim()
            assert low < 1 <= epochs < high <= max(2, 1.05 * epochs)
            ticks = [tick for tick in pane.get_xticks() if low <= tick <= high]
            assert ticks
            assert all(tick == int(tick) for tick in ticks)
        assert (figure.axes[0].lines[0].get_marker() == ".") == (epochs < 200)
        assert figure.get_suptitle() == f"net.npz: {epochs} epoch{'s' * (epochs > 1)}"
        assert panes(figure)[1].get_title().endswith("training 80.00 %, validation 98.76 %")


def test_several_histories_share_the_axes() -> None:
    reports = [Report(n, 0.5, 0.8, 0.4, 0.9, 0.2, 1) for n in (1, 2)]
    figure = figures.history({"a.npz": reports, "b.npz": reports[:1]})
    assert [len(pane.lines) for pane in panes(figure)] == [4, 4, 2]
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["a.npz, epoch 2: validation 90.00 %", "b.npz, epoch 1: validation 90.00 %"]


def test_history_may_have_a_loss_of_zero() -> None:
    figures.history({"net.npz": [Report(1, 0.0, 1, 0.0, 1, 0.2, 1.25)]})


def test_history_without_validation_shows_training_only() -> None:
    figure = figures.history({"net.npz": [Report(1, 0.5, 0.8, None, None, 0.2, 1.25)]})
    assert [len(pane.lines) for pane in panes(figure)] == [1, 1, 1]


def test_confusion_colours_only_wrong_answers() -> None:
    confusion = np.diag(range(1000, 1010))
    confusion[4, 9], confusion[0, 6] = 12, 1
    (pane,) = panes(figures.confusion(Evaluation(0.1, confusion, []), "test"))
    colours = pane.images[0].get_array()
    order = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    texts = {text.get_position(): text.get_text() for text in pane.texts}
    for row, digit in enumerate(order):
        assert texts[row, row] == f"{confusion[digit, digit]:,}"
        assert np.ma.getmaskarray(colours)[row, row] or np.isnan(colours[row, row])
    assert (texts[8, 3], colours[3, 8]) == ("12", 12)  # column, row: 4 read as 9
    assert (texts[5, 9], colours[9, 5]) == ("1", 1)
    assert pane.images[0].get_clim() == (0, 12)
    assert [label.get_text() for label in pane.get_xticklabels()] == list("1234567890")
    title = "10,058 test images: accuracy 99.87 %, 13 errors (right answers grey)"
    assert pane.figure.get_suptitle() == title
    recalls = [label.get_text() for label in pane.child_axes[0].get_yticklabels()]
    assert recalls[3] == "98.8 %"  # of the fours
    assert len(recalls) == 10


def test_mistakes_are_captioned_and_known_label_errors_are_framed(data: mnist.Dataset) -> None:
    wrong = [Mistake(7, 1, 2, 0.99), Mistake(3, 3, 5, 0.5, unsure=True)]
    confusion = np.zeros((10, 10), int)
    confusion[1, 2] = confusion[3, 5] = 1
    figure = figures.mistakes(Evaluation(1, confusion, wrong), data.images, "test", {3})
    first, second, *rest = panes(figure)
    assert np.array_equal(first.images[0].get_array().ravel(), data.images[7])
    assert first.get_title() == "1, read as 2\n99.0 %"
    assert second.get_title() == "3, read as 5\n50.0 %, unsure"
    assert (first.get_xlabel(), second.get_xlabel()) == ("test:7", "test:3, label error")
    edges = [to_hex(pane.spines["top"].get_edgecolor()) for pane in (first, second)]
    assert edges == ["#000000", figures.ORANGE]
    assert not any(pane.images for pane in rest)
    assert figure.get_suptitle().startswith("The 2 most confident of 2 mistakes on 2 test images")


def test_a_network_without_mistakes_has_figures_too(data: mnist.Dataset, tmp_path: Path) -> None:
    network = weights.load(weights.PRETRAINED)[0]
    right = network.image_scores(data.images).argmax(axis=1) == data.labels
    result = evaluate(network, data.images, data.labels, np.flatnonzero(right))
    assert result.errors == 0
    assert (
        figures.mistakes(result, data.images, "test", {})
        .get_suptitle()
        .startswith(f"No mistakes on {right.sum()} test images")
    )
    for figure in (
        figures.mistakes(result, data.images, "test", {}),
        figures.confusion(result, "test"),
    ):
        figures.save(figure, tmp_path / "none.png")


def test_calibration_compares_probabilities_with_accuracies() -> None:
    confidence = np.array([0.4, 0.45, 0.6, 0.6, 0.95, 0.95, 0.99, 0.999])
    right = np.array([False, True, True, False, True, True, True, True])
    margin = np.array([0.1, 0.2, 0.3, 0.4, 0.9, 0.91, 0.98, 0.99])
    confusion = np.zeros((10, 10), int)
    confusion[0, 0], confusion[0, 1] = 6, 2
    unsure = margin < 0.8
    result = Evaluation(0.1, confusion, [], right, unsure, confidence, margin)
    reliability, risk = panes(figures.calibration(result, "test"))
    points = [bar.lines[0].get_xydata()[0].tolist() for bar in reliability.containers]
    assert points == [
        [pytest.approx(0.425), 0.5],
        [pytest.approx(0.6), 0.5],
        [pytest.approx(0.95), 1],
        [pytest.approx(0.9945), 1],
    ]
    assert [text.get_text() for text in reliability.texts] == ["2", "2", "2", "2"]
    curve, rule = risk.lines
    assert curve.get_xdata().tolist() == [12.5 * n for n in range(1, 9)]
    assert curve.get_ydata() == pytest.approx([0, 0, 0, 0, 20, 100 / 6, 100 / 7, 25])
    assert (rule.get_xdata()[0], rule.get_ydata()[0]) == (50, 0)
    assert "50.0 % answered, 0.00 % wrong" in risk.texts[0].get_text()


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_the_same_figure_gives_the_same_bytes(tmp_path: Path, ending: str, start: bytes) -> None:
    written = []
    for name in ("a", "b"):
        figures.save(figures.weights(random_network(9)), tmp_path / f"{name}.{ending}")
        written.append((tmp_path / f"{name}.{ending}").read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(start)
    assert not re.search(rb"20\d\d-\d\d-\d\d|CreationDate", written[0])


def test_a_figure_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MnistnetError, match="cannot write"):
        figures.save(figures.weights(random_network(2)), tmp_path / "none" / "a.png")


def test_only_plots_made_by_mnistnet_are_replaced(tmp_path: Path) -> None:
    figure = figures.weights(Network.random((784, 2, 10), np.random.default_rng(0)))
    for kind in ("png", "svg", "pdf"):
        path = tmp_path / f"weights.{kind}"
        figures.save(figure, path)
        figures.save(figure, path)
        path.write_bytes(b"a drawing of mine")
        with pytest.raises(MnistnetError, match="found another file, which is not replaced"):
            figures.save(figure, path)
        assert path.read_bytes() == b"a drawing of mine"
        figures.save(figure, path, force=True)
        assert path.read_bytes() != b"a drawing of mine"


def test_a_matrix_that_is_too_large_to_draw_is_an_error() -> None:
    with pytest.raises(MnistnetError, match="at most 4,000,000 weights to draw; found 4,704,000"):
        figures.weights(Network((784, 6000, 10)))

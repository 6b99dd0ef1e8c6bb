"""The pictures show the numbers they promise, in the notes' order, and come out the same."""

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
    """Those of the figure that are not scales of colours."""
    return [pane for pane in figure.axes if pane.get_label() != "<colorbar>"]


def test_weights_are_a_tile_a_hidden_unit_and_a_row_a_score_from_1_to_9_and_0() -> None:
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
def test_weights_of_any_widths_are_drawn(hidden: tuple[int, ...], tmp_path: Path) -> None:
    network = random_network(*hidden)
    figure = figures.weights(network)
    shown = [pane.images[0].get_array() for pane in panes(figure)]
    assert len(shown) == len(hidden) + 1
    assert [W.shape for W in shown[1:]] == [W.shape for W in network.matrices[1:]]
    assert np.isfinite(shown[0]).sum() == network.matrices[0].size
    figures.save(figure, tmp_path / "weights.png")


def test_units_are_the_features_and_scores_of_one_image_a_digit(data: mnist.Dataset) -> None:
    network = weights.load(weights.PRETRAINED)[0]
    rows = np.array(panes(figures.units(network, data.images, data.labels, "test"))).reshape(10, 3)
    for digit, (image, hidden, bars) in zip([*range(1, 10), 0], rows, strict=True):
        index = data.labels.tolist().index(digit)
        assert np.array_equal(image.images[0].get_array().ravel(), data.images[index])
        x = data.images[[index]] / np.float32(255)
        h = np.tanh(np.tanh(x @ network.matrices[0].T) @ network.matrices[1].T)
        assert np.asarray(hidden.images[0].get_array()) == pytest.approx(h, abs=1e-5)
        f = (h @ network.matrices[2].T)[0][[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]]
        assert [bar.get_height() for bar in bars.patches] == pytest.approx(f, abs=1e-4)
        orange = [to_hex(bar.get_facecolor()) == figures.ORANGE for bar in bars.patches]
        assert orange.index(True) == f.argmax()
        assert sum(orange) == 1


def test_units_of_a_network_without_hidden_layers_are_its_pixels(data: mnist.Dataset) -> None:
    figure = figures.units(random_network(), data.images, data.labels, "drawn test")
    assert panes(figure)[1].get_title() == "x: its 784 pixels"
    assert figure.get_suptitle() == "The first of the drawn test images of each digit"


def test_weights_of_very_many_layers_are_refused() -> None:
    with pytest.raises(MnistnetError, match="at most 12 matrices to draw; found 13"):
        figures.weights(random_network(*[2] * 12))


def test_units_leave_out_a_digit_that_no_image_shows(data: mnist.Dataset) -> None:
    figure = figures.units(random_network(5), data.images[:3], data.labels[:3], "test")
    assert len(panes(figure)) == 3 * 3


def test_history_is_loss_accuracy_and_rate_an_epoch() -> None:
    reports = [
        Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25),
        Report(2, 0.3, 0.9, 0.2, 0.95, 0.1, 1.5),
    ]
    drawn = [
        {line.get_label(): line.get_xydata().tolist() for line in pane.lines}
        for pane in panes(figures.history(Path("net.npz"), reports))
    ]
    assert drawn[0] == {
        "training, on the way": [[1, 0.5], [2, 0.3]],
        "validation": [[1, 0.4], [2, 0.2]],
    }
    assert drawn[1] == {
        "training, on the way": [[1, 80], [2, 90]],
        "validation": [[1, 90], [2, 95]],
    }
    assert list(drawn[2].values()) == [[[1, 0.2], [2, 0.1]]]


def test_history_of_a_loss_of_zero_is_drawn() -> None:
    figures.history(Path("net.npz"), [Report(1, 0.0, 1, 0.0, 1, 0.2, 1.25)])


def test_history_without_validation_has_the_figures_of_training_alone() -> None:
    figure = figures.history(Path("net.npz"), [Report(1, 0.5, 0.8, None, None, 0.2, 1.25)])
    assert [len(pane.lines) for pane in panes(figure)] == [1, 1, 1]


def test_the_confusions_are_told_by_number_and_colour_without_the_right_answers() -> None:
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
    title = "10,058 test images: 99.87 % right (grey), 13 confused"
    assert pane.get_title() == title


def test_mistakes_are_the_surest_and_known_label_errors_are_framed(data: mnist.Dataset) -> None:
    wrong = [Mistake(7, 1, 2, 0.99), Mistake(3, 3, 5, 0.5)]
    confusion = np.zeros((10, 10), int)
    confusion[1, 2] = confusion[3, 5] = 1
    figure = figures.mistakes(Evaluation(1, confusion, wrong), data.images, "test", {3})
    first, second, *rest = panes(figure)
    assert np.array_equal(first.images[0].get_array().ravel(), data.images[7])
    assert first.get_title() == "1, read as 2\n99.0 %"
    assert (first.get_xlabel(), second.get_xlabel()) == ("7", "3, label error")
    edges = [to_hex(pane.spines["top"].get_edgecolor()) for pane in (first, second)]
    assert edges == ["#000000", figures.ORANGE]
    assert not any(pane.images for pane in rest)
    assert figure.get_suptitle().startswith("The 2 surest of 2 mistakes on 2 test images")


def test_a_network_without_mistakes_has_a_picture_too(data: mnist.Dataset, tmp_path: Path) -> None:
    network = weights.load(weights.PRETRAINED)[0]
    result = evaluate(network, data.images, data.labels, np.arange(50))
    assert result.errors == 0
    assert (
        figures.mistakes(result, data.images, "test", {})
        .get_suptitle()
        .startswith("No mistakes on 50 test images")
    )
    for figure in (
        figures.mistakes(result, data.images, "test", {}),
        figures.confusion(result, "test"),
    ):
        figures.save(figure, tmp_path / "none.png")


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_the_same_picture_is_the_same_bytes(tmp_path: Path, ending: str, start: bytes) -> None:
    written = []
    for name in ("a", "b"):
        figures.save(figures.weights(random_network(9)), tmp_path / f"{name}.{ending}")
        written.append((tmp_path / f"{name}.{ending}").read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(start)
    assert not re.search(rb"20\d\d-\d\d-\d\d|CreationDate", written[0])


def test_a_picture_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(MnistnetError, match="cannot write"):
        figures.save(figures.weights(random_network(2)), tmp_path / "none" / "a.png")


def test_only_plots_of_ours_are_replaced(tmp_path: Path) -> None:
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


def test_a_matrix_too_large_to_draw_is_an_error() -> None:
    with pytest.raises(MnistnetError, match="at most 4,000,000 weights to draw; found 4,704,000"):
        figures.weights(Network((784, 6000, 10)))

"""Figures show the right numbers, in the notes' order, and are saved as promised."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mnistnet.errors import MnistnetError
from mnistnet.model.differentiation import differentiate
from mnistnet.model.metadata import EpochReport
from mnistnet.model.network import Perceptron
from mnistnet.report.evaluation import Evaluation, judge
from mnistnet.report.figures.graph import expression
from mnistnet.report.figures.results import calibration, confusion, history, mistakes
from mnistnet.report.figures.style import BLUE, ORANGE, ORDER, save
from mnistnet.report.figures.weights import gradient, units, weights

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 784), np.uint8)


def random_network(*hidden: int) -> Perceptron:
    return Perceptron.random((784, *hidden, 10), np.random.default_rng(0))


def evaluation(labels: list[int], answers: list[int], margins: list[float]) -> Evaluation:
    """An evaluation of answers with scores above the nine others by these margins."""
    scores = 10 + np.eye(10)[answers] * np.array(margins)[:, None]
    return judge(scores, np.array(labels), np.arange(len(labels)))


def panes(figure: Figure) -> list:
    """The axes of the figure, without colour bars."""
    return [pane for pane in figure.axes if pane.get_label() != "<colorbar>"]


def test_weights_have_a_tile_per_hidden_unit_and_a_row_per_score_in_the_notes_order() -> None:
    network = random_network(72)
    M, W = network.matrices
    first, last = panes(weights(network))
    tiles = np.asarray(first.images[0].get_array()).reshape(6, 30, 12, 30).transpose(0, 2, 1, 3)
    assert np.array_equal(tiles.reshape(72, 30, 30)[:, 1:-1, 1:-1], M.reshape(72, 28, 28))
    assert np.array_equal(last.images[0].get_array(), W[[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]])
    assert [label.get_text() for label in last.get_yticklabels()] == list("1234567890")
    for low, high in (first.images[0].get_clim(), last.images[0].get_clim()):
        assert -low == high > 0


@pytest.mark.parametrize("hidden", [(1,), (40, 300, 20), ()])
def test_networks_of_any_width_and_depth_are_drawn(hidden: tuple[int, ...], tmp_path: Path) -> None:
    network = random_network(*hidden)
    figure = weights(network)
    shown = [pane.images[0].get_array() for pane in panes(figure)]
    assert np.isfinite(shown[0]).sum() == 784 * (min(hidden[0], 72) if hidden else 10)
    assert [M.shape for M in shown[1:]] == [W.shape for W in network.matrices[1:]]
    save(figure, tmp_path / "weights.png", dpi=20)
    figure = units(network, IMAGES[:1], ["$\\x$.png"], [None])
    save(figure, tmp_path / "units.png", dpi=20)


def test_the_72_units_with_the_largest_outgoing_weights_are_shown() -> None:
    network = random_network(100)
    W = network.matrices[1]
    W[:, 3::2] /= 100  # 48 of 100 units
    first, _ = panes(weights(network))
    chosen = np.sort(np.argsort(-np.linalg.norm(W, axis=0))[:72])
    assert [text.get_text() for text in first.texts] == [str(unit) for unit in chosen]
    shown = np.asarray(first.images[0].get_array())[1:29, 31:59]
    assert np.array_equal(shown, network.matrices[0][chosen[1]].reshape(28, 28))


def test_what_is_too_large_to_draw_is_an_error() -> None:
    for hidden, found in (([2] * 12, "found 13, the largest of 1,568"), ([6000], "of 4,704,000")):
        with pytest.raises(MnistnetError, match=f"at most 12 .* 4,000,000 weights.*{found}"):
            weights(Perceptron((784, *hidden, 10)))
    with pytest.raises(MnistnetError, match="60 variables to draw; found 80"):
        expression(differentiate("+".join("x" * 80), {"x": 1}))


def test_units_show_h_and_scores_of_each_image() -> None:
    network = random_network(72)
    x = IMAGES[:3] / np.float32(255)
    h = np.tanh(x @ network.matrices[0].T)
    f = (h @ network.matrices[1].T)[:, ORDER]
    figure = units(network, IMAGES[:3], ["test:0", "a.png", "test:2"], [3, None, 7])
    rows = np.array(panes(figure)).reshape(4, 3)
    for index, (image, hidden, bars) in enumerate(rows[:3]):
        assert np.array_equal(image.images[0].get_array().ravel(), IMAGES[index])
        grid = np.asarray(hidden.images[0].get_array())
        assert grid.ravel() == pytest.approx(h[index], abs=1e-5)
        assert [bar.get_height() for bar in bars.patches] == pytest.approx(f[index], abs=1e-4)
        orange = [to_hex(bar.get_facecolor()) == ORANGE for bar in bars.patches]
        assert orange == (f[index] == f[index].max()).tolist()


def test_the_gradient_of_an_image_has_tiles_that_are_multiples_of_it() -> None:
    first, _ = panes(gradient(random_network(20), IMAGES[0], 3))
    tile = np.asarray(first.images[0].get_array())[1:29, 31:59].ravel()
    most = IMAGES[0].argmax()
    assert tile / tile[most] == pytest.approx(IMAGES[0] / IMAGES[0][most], abs=1e-5)
    assert first.get_title() == "dL/dM: weights of 20 hidden units on the pixels"


def test_history_shows_loss_accuracy_and_learning_rate() -> None:
    reports = [
        EpochReport(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25),
        EpochReport(2, 0.3, 0.9, 0.2, 0.95, 0.1, 1.5),
    ]
    alone = [EpochReport(1, 0.6, 0.7, None, None, 0.3, 1)]  # no validation images
    figure = history({"_$a$.npz": reports, "b.npz": alone})
    loss, accuracy, rate = (
        [(to_hex(line.get_color()), line.get_linestyle(), *line.get_ydata()) for line in pane.lines]
        for pane in figure.axes
    )
    assert loss[:3] == [(BLUE, ":", 0.5, 0.3), (BLUE, "-", 0.4, 0.2), (ORANGE, ":", 0.6)]
    assert accuracy[:3] == [(BLUE, ":", 80, 90), (BLUE, "-", 90, 95), (ORANGE, ":", 70)]
    assert np.isnan([loss[3][2], accuracy[3][2]]).all()
    assert rate == [(BLUE, "-", 0.2, 0.1), (ORANGE, "-", 0.3)]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 2]
    names = [text.get_text().splitlines()[0] for text in figure.legends[0].get_texts()]
    assert names == ["weights _$a$.npz", "weights b.npz"]


def test_confusion_colours_only_wrong_answers() -> None:
    result = evaluation([*range(10), 4, 4, 0], [*range(10), 9, 9, 6], [7] * 13)
    (pane,) = panes(confusion(result, "test"))
    colours = np.asarray(pane.images[0].get_array())
    texts = {text.get_position(): text.get_text() for text in pane.texts}  # column, row
    assert texts == {(n, n): "1" for n in range(10)} | {(8, 3): "2", (5, 9): "1"}
    assert np.isnan(colours.diagonal()).all()
    assert (colours[3, 8], colours[9, 5], np.nansum(colours)) == (2, 1, 3)
    assert [label.get_text() for label in pane.get_xticklabels()] == list("1234567890")


def test_mistakes_are_captioned_and_known_label_errors_are_framed() -> None:
    result = evaluation([1, 3, 5], [2, 5, 5], [7, 3, 7])
    figure = mistakes(result, IMAGES, "test", {1})
    first, second, *_ = panes(figure)
    assert np.array_equal(first.images[0].get_array().ravel(), IMAGES[0])
    assert (first.get_title(), first.get_xlabel()) == ("1, read as 2\n99.2 %", "test:0")
    assert second.get_title() == "3, read as 5\n69.1 %, unsure"
    assert second.get_xlabel() == "test:1, label error"
    edges = [to_hex(pane.spines["top"].get_edgecolor()) for pane in (first, second)]
    assert edges == ["#000000", ORANGE]
    figure = mistakes(evaluation([3], [3], [7]), IMAGES, "test", {})
    assert "0 errors\nno mistakes" in figure.get_suptitle()


def test_calibration_compares_probabilities_with_accuracies() -> None:
    margins = [1.5, 1.6, 2.6, 2.6, 3.5, 5, 7, 9]
    result = evaluation([0] * 8, [1, 0, 0, 1, 0, 0, 0, 0], margins)
    p = np.exp(margins) / (np.exp(margins) + 9)
    reliability, risk = panes(calibration(result, "test"))
    points = [bar.lines[0].get_xydata()[0].tolist() for bar in reliability.containers]
    means = [pytest.approx(p[a:b].mean()) for a, b in ((0, 2), (2, 4), (4, 5), (5, 8))]
    assert points == [list(point) for point in zip(means, (0.5, 0.5, 1, 1), strict=True)]
    curve, rule = risk.lines
    assert curve.get_xdata().tolist() == [12.5 * n for n in range(1, 9)]
    assert curve.get_ydata() == pytest.approx([0, 0, 0, 0, 0, 100 / 6, 100 / 7, 25])
    assert (rule.get_xdata()[0], rule.get_ydata()[0]) == (25, 0)


NOTES = "exp(exp(x) + exp(x)**2) + sin(exp(x) + exp(x)**2)"


def test_the_graph_has_a_circle_for_each_variable_and_an_arrow_for_each_use() -> None:
    """In columns from the inputs to the output."""
    [pane] = expression(differentiate(NOTES, {"x": 0.5, "unused": 1})).axes
    found = [(text.get_text(), text.get_position()[0]) for text in pane.texts]
    names, below, above = found[::3], [text for text, _ in found[1::3]], found[2::3]
    assert "".join(name for name, _ in names) == "xabcdef"
    formulas = [text.split("\n")[0] for text in below]
    assert formulas == ["= 0.5", "exp(x)", "a**2", "a + b", "exp(c)", "sin(c)", "d + e"]
    assert (below[1], above[1][0]) == ("exp(x)\n= 1.6487", "df/da = 337.21")
    assert [x / 1.3 for _, x in names] == pytest.approx([0, 1, 2, 3, 4, 4, 5])
    arrows = [p for p in pane.patches if getattr(p, "get_arrowstyle", None)]
    heads = [p for p in arrows if type(p.get_arrowstyle()).__name__ == "CurveFilledB"]
    assert len(heads) == 8  # x a, a b, a c, b c, c d, c e, d f, e f
    assert len(arrows) == 9  # a to c passes the column of b


def test_arrows_do_not_cross_and_an_input_stands_beside_its_first_use() -> None:
    [pane] = expression(differentiate("x * y + exp(x) + z", {"x": 1, "y": 2, "z": 3})).axes
    places = {text.get_text(): text.get_position() for text in pane.texts[::3]}
    x, y, z, a, b, c = (places[name] for name in "xyzabc")
    assert (x[1] > y[1]) == (b[1] > a[1])  # b = exp(x)
    assert x[0] == y[0] < a[0] == b[0] < z[0] == c[0]


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89P"), ("svg", b"<?x"), ("PDF", b"%P")])
def test_a_figure_has_the_same_bytes_whatever_the_users_settings(
    tmp_path: Path, kind: str, start: bytes
) -> None:
    path = tmp_path / f"a.{kind}"
    written = []
    for settings in ({}, {"figure.facecolor": "red", "axes.grid": True, "svg.fonttype": "none"}):
        with matplotlib.rc_context(settings):
            save(expression(differentiate(NOTES, {"x": 1})), path)
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(start)
    assert not re.search(rb"20\d\d-\d\d-\d\d|CreationDate", written[0])

"""Figures show the right numbers, in the notes' order, and are saved as promised."""

import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mnistnet.errors import MnistnetError
from mnistnet.model.differentiation import differentiate
from mnistnet.model.metadata import Report
from mnistnet.model.network import Network
from mnistnet.report import figures
from mnistnet.report.evaluation import Evaluation, Mistake
from mnistnet.report.figures.style import BLUE, ORANGE, ORDER

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 784), np.uint8)


def random_network(*hidden: int) -> Network:
    return Network.random((784, *hidden, 10), np.random.default_rng(0))


def evaluation(confusion: np.ndarray, mistakes: tuple[Mistake, ...] = ()) -> Evaluation:
    """An evaluation with this confusion matrix and these mistakes."""
    right = np.arange(confusion.sum()) < confusion.trace()
    return Evaluation(0.1, confusion, list(mistakes), right, ~right, right * 1.0, right * 1.0)


def panes(figure: Figure) -> list:
    """The axes of the figure, without colour bars."""
    return [pane for pane in figure.axes if pane.get_label() != "<colorbar>"]


# ---- weights and units


def test_weights_have_a_tile_per_hidden_unit_and_a_row_per_score_in_the_notes_order() -> None:
    network = random_network(72)
    M, W = network.matrices
    first, last = panes(figures.weights(network))
    tiles = np.asarray(first.images[0].get_array()).reshape(6, 30, 12, 30).transpose(0, 2, 1, 3)
    assert np.array_equal(tiles.reshape(72, 30, 30)[:, 1:-1, 1:-1], M.reshape(72, 28, 28))
    assert np.array_equal(last.images[0].get_array(), W[[1, 2, 3, 4, 5, 6, 7, 8, 9, 0]])
    assert [label.get_text() for label in last.get_yticklabels()] == list("1234567890")
    for pane in (first, last):
        low, high = pane.images[0].get_clim()
        assert -low == high > 0


@pytest.mark.parametrize(
    ("hidden", "values"),
    [
        ((1,), "h: 1 hidden units"),
        ((800,), "h: 72 hidden units"),
        ((40, 300, 20), "h: 20 hidden units"),
        ((), "x: the pixels"),
    ],
)
def test_networks_of_any_width_and_depth_are_drawn(
    hidden: tuple[int, ...], values: str, tmp_path: Path
) -> None:
    network = random_network(*hidden)
    figure = figures.weights(network)
    shown = [pane.images[0].get_array() for pane in panes(figure)]
    tiles = min(hidden[0], 72) if hidden else 10
    shapes = [W.shape for W in network.matrices[1:]]
    if shapes:
        shapes[0] = (shapes[0][0], tiles)
    assert [W.shape for W in shown[1:]] == shapes
    assert np.isfinite(shown[0]).sum() == tiles * 784
    figures.save(figure, tmp_path / "weights.png", dpi=20)
    figure = figures.units(network, IMAGES[:1], ["$\\x$.png"], [None])
    assert panes(figure)[1].get_title() == values
    figures.save(figure, tmp_path / "units.png", dpi=20)


def test_the_72_units_with_the_largest_outgoing_weights_are_shown() -> None:
    network = random_network(100)
    W = network.matrices[1]
    W[:, 3::2] /= 100  # 48 of 100 units
    first, last = panes(figures.weights(network))
    chosen = np.sort(np.argsort(-np.linalg.norm(W, axis=0))[:72])
    assert np.array_equal(last.images[0].get_array(), W[[*range(1, 10), 0]][:, chosen])
    assert [text.get_text() for text in first.texts] == [str(unit) for unit in chosen[::10]]
    assert last.xaxis.get_major_formatter()(70, None) == str(chosen[70])
    assert first.get_title() == "M: the 72 of 100 hidden units with the largest outgoing weights"


def test_a_faint_tile_is_framed_and_has_its_own_scale() -> None:
    network = random_network(4)
    M = network.matrices[0]
    M[2] /= 1000
    M[3] = 0
    first, _ = panes(figures.weights(network))
    shown = np.asarray(first.images[0].get_array())
    [frame] = first.patches
    x, y = map(int, frame.get_xy())
    limit = first.images[0].get_clim()[1]
    assert np.nanmax(np.abs(shown[y : y + 30, x : x + 30])) == pytest.approx(limit)
    assert "1 with weak weights, framed" in first.get_title()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((784, *[2] * 12, 10), "at most 12 matrices to draw; found 13"),
        ((784, 6000, 10), "at most 4,000,000 weights to draw; found 4,704,000"),
    ],
)
def test_a_network_that_is_too_large_to_draw_is_an_error(
    layers: tuple[int, ...], message: str
) -> None:
    with pytest.raises(MnistnetError, match=message):
        figures.weights(Network(layers))


def test_units_show_h_and_scores_of_each_image() -> None:
    network = random_network(72)
    x = IMAGES[:3] / np.float32(255)
    h = np.tanh(x @ network.matrices[0].T)
    f = (h @ network.matrices[1].T)[:, ORDER]
    labels = [ORDER[int(f[0].argmax())], None, ORDER[int(f[2].argmin())]]
    names = ["test:0", "a/very/long/name/of/a/picture.png", "test:2"]
    figure = figures.units(network, IMAGES[:3], names, labels)
    rows = np.array(panes(figure)).reshape(4, 3)
    for index, (image, hidden, bars) in enumerate(rows[:3]):
        assert np.array_equal(image.images[0].get_array().ravel(), IMAGES[index])
        grid = np.asarray(hidden.images[0].get_array())
        assert grid.shape == (6, 12)  # like the tiles of weights
        assert grid.ravel() == pytest.approx(h[index], abs=1e-5)
        assert [bar.get_height() for bar in bars.patches] == pytest.approx(f[index], abs=1e-4)
        orange = [to_hex(bar.get_facecolor()) == ORANGE for bar in bars.patches]
        assert orange == (f[index] == f[index].max()).tolist()
        black = [bar.get_edgecolor() == (0, 0, 0, 1) for bar in bars.patches]
        assert black == [digit == labels[index] for digit in ORDER]
    assert not rows[3, 0].axison
    titles = [row[0].get_title(loc="left") for row in rows[:3]]
    assert titles == ["test:0", "...a/picture.png", "test:2"]


# ---- trainings


def test_history_shows_loss_accuracy_and_learning_rate() -> None:
    reports = [Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25), Report(2, 0.3, 0.9, 0.2, 0.95, 0.1, 1.5)]
    alone = [Report(1, 0.6, 0.7, None, None, 0.3, 1)]  # no validation images
    figure = figures.history({"_$a$.npz": reports, "b.npz": alone})
    assert figure.axes[0].get_yscale() == "log"
    lines = [
        [
            (to_hex(line.get_color()), line.get_linestyle(), line.get_xydata().tolist())
            for line in pane.lines
        ]
        for pane in panes(figure)
    ]
    assert lines == [
        [
            (BLUE, ":", [[1, 0.5], [2, 0.3]]),
            (BLUE, "-", [[1, 0.4], [2, 0.2]]),
            (ORANGE, ":", [[1, 0.6]]),
        ],
        [
            (BLUE, ":", [[1, 80], [2, 90]]),
            (BLUE, "-", [[1, 90], [2, 95]]),
            (ORANGE, ":", [[1, 70]]),
        ],
        [(BLUE, "-", [[1, 0.2], [2, 0.1]]), (ORANGE, "-", [[1, 0.3]])],
    ]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "weights _$a$.npz\nepoch 2: training loss 0.3000, accuracy 90.00 %; "
        "validation loss 0.2000, accuracy 95.00 %",
        "weights b.npz\nepoch 1: training loss 0.6000, accuracy 70.00 %",
    ]


@pytest.mark.parametrize("epochs", [1, 2, 200])
def test_epochs_are_whole_numbers_and_a_loss_may_be_zero(epochs: int) -> None:
    train, validation = float(epochs == 1), float(epochs == 2)
    reports = [Report(n, train, 0.8, validation, 0.9, 0.2, 1) for n in range(1, epochs + 1)]
    figure = figures.history({"net.npz": reports})
    assert figure.axes[0].get_yscale() == "linear"
    for pane in panes(figure):
        low, high = pane.get_xlim()
        assert low < 1 <= epochs < high <= max(2, 1.05 * epochs)
        ticks = [tick for tick in pane.get_xticks() if low <= tick <= high]
        assert ticks
        assert all(tick == int(tick) for tick in ticks)
        assert (pane.lines[0].get_marker() == ".") == (epochs < 200)


# ---- answers


def test_confusion_colours_only_wrong_answers() -> None:
    confusion = np.diag(range(1000, 1010))
    confusion[4, 9], confusion[0, 6] = 12, 1
    (pane,) = panes(figures.confusion(evaluation(confusion), "test"))
    colours = pane.images[0].get_array()
    texts = {text.get_position(): text.get_text() for text in pane.texts}
    for row, digit in enumerate(ORDER):
        assert texts[row, row] == f"{confusion[digit, digit]:,}"
        assert np.ma.getmaskarray(colours)[row, row] or np.isnan(colours[row, row])
    assert (texts[8, 3], colours[3, 8]) == ("12", 12)  # column, row: 4 read as 9
    assert (texts[5, 9], colours[9, 5]) == ("1", 1)
    assert texts[1, 0] == ""
    assert pane.images[0].get_clim() == (0, 12)
    assert [label.get_text() for label in pane.get_xticklabels()] == list("1234567890")
    title = "10,058 test images: accuracy 99.87 %, 13 errors (right answers grey)"
    assert pane.figure.get_suptitle() == title
    recalls = [label.get_text() for label in pane.child_axes[0].get_yticklabels()]
    assert recalls[3] == "98.8 %"  # of the fours
    assert len(recalls) == 10


def test_mistakes_are_captioned_and_known_label_errors_are_framed() -> None:
    wrong = (Mistake(7, 1, 2, 0.99, unsure=False), Mistake(3, 3, 5, 0.5, unsure=True))
    confusion = np.zeros((10, 10), int)
    confusion[1, 2] = confusion[3, 5] = 1
    figure = figures.mistakes(evaluation(confusion, wrong), IMAGES, "test", {3})
    first, second, *rest = panes(figure)
    assert np.array_equal(first.images[0].get_array().ravel(), IMAGES[7])
    assert first.get_title() == "1, read as 2\n99.0 %"
    assert second.get_title() == "3, read as 5\n50.0 %, unsure"
    assert (first.get_xlabel(), second.get_xlabel()) == ("test:7", "test:3, label error")
    edges = [to_hex(pane.spines["top"].get_edgecolor()) for pane in (first, second)]
    assert edges == ["#000000", ORANGE]
    assert not any(pane.axison for pane in rest)
    assert figure.get_suptitle().startswith("The 2 most confident of 2 mistakes on 2 test images")


def test_a_network_without_mistakes_has_figures_too(tmp_path: Path) -> None:
    right = evaluation(np.diag([1] + [0] * 9))
    mistakes = figures.mistakes(right, IMAGES, "test", {})
    assert mistakes.get_suptitle().startswith("No mistakes on 1 test image:")
    for figure in (mistakes, figures.confusion(right, "test"), figures.calibration(right, "test")):
        figures.save(figure, tmp_path / "none.png", dpi=20)


def test_calibration_compares_probabilities_with_accuracies() -> None:
    confidence = np.array([0.4, 0.45, 0.6, 0.6, 0.95, 0.95, 0.99, 0.999])
    right = np.array([False, True, True, False, True, True, True, True])
    margin = np.array([0.1, 0.2, 0.3, 0.4, 0.9, 0.91, 0.98, 0.99])
    confusion = np.zeros((10, 10), int)
    confusion[0, 0], confusion[0, 1] = 6, 2
    result = Evaluation(0.1, confusion, [], right, margin < 0.8, confidence, margin)
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
    assert rule.get_label().endswith("50.0 % answered, 0.00 % wrong")


# ---- the graph of an expression

NOTES = "exp(exp(x) + exp(x)**2) + sin(exp(x) + exp(x)**2)"


def test_the_graph_has_a_circle_for_each_variable_and_an_arrow_for_each_use() -> None:
    [pane] = figures.expression(differentiate(NOTES, {"x": 0.5, "unused": 1})).axes
    texts = [text.get_text() for text in pane.texts]
    assert texts[::2] == ["x", "a", "b", "c", "d", "e", "f"]
    assert texts[1::2] == ["", "exp(x)", "a**2", "a + b", "exp(c)", "sin(c)", "d + e"]
    x, y = positions(pane)
    assert x["x"] < x["a"] < x["b"] < x["c"] < x["d"] == x["e"] < x["f"]
    assert y["d"] > y["e"]
    arrows = [p for p in pane.patches if getattr(p, "get_arrowstyle", None)]
    heads = [p for p in arrows if type(p.get_arrowstyle()).__name__ == "CurveFilledB"]
    assert len(heads) == 8  # x a, a b, a c, b c, c d, c e, d f, e f
    assert len(arrows) == 9  # a to c passes the column of b


def positions(pane: Axes) -> tuple[dict[str, float], dict[str, float]]:
    """The places of the circles, across and up, by name."""
    at = {text.get_text(): text.get_position() for text in pane.texts[::2]}
    return tuple({name: round(place[i], 6) for name, place in at.items()} for i in (0, 1))


def test_arrows_do_not_cross_and_an_input_stands_beside_its_first_use() -> None:
    result = differentiate("exp(y) + sin(x) + z", {"x": 1, "y": 2, "z": 3})
    x, y = positions(figures.expression(result).axes[0])
    assert (y["x"] > y["y"]) == (y["b"] > y["a"])
    assert x["x"] == x["y"] < x["a"] < x["z"] == x["c"]


@pytest.mark.parametrize("text", ["x", "x + y", "x * " * 40 + "y"])
def test_expressions_of_any_shape_are_drawn(text: str, tmp_path: Path) -> None:
    figures.save(figures.expression(differentiate(text, {"x": 1, "y": 2})), tmp_path / "a.svg")


def test_long_names_stand_below_their_circles() -> None:
    name = "temperature_of_the_room"
    [pane] = figures.expression(differentiate(f"tanh({name} * x)", {"x": 1, name: 0.1})).axes
    texts = [text.get_text() for text in pane.texts]
    assert "" in texts
    assert "temperature_of_the\n_room" in texts
    assert max(len(line) for text in texts for line in text.splitlines()) <= 18


def test_a_graph_of_too_many_variables_is_refused() -> None:
    result = differentiate("+".join(["x"] * 80), {"x": 1})
    with pytest.raises(MnistnetError, match="at most 60 variables to draw; found 80"):
        figures.expression(result)


# ---- saving


@pytest.mark.parametrize(
    ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_the_same_figure_gives_the_same_bytes_whatever_the_users_settings(
    tmp_path: Path, ending: str, start: bytes
) -> None:
    path = tmp_path / f"a.{ending}"
    written = []
    for settings in ({}, {"figure.facecolor": "red", "axes.grid": True, "svg.fonttype": "none"}):
        with matplotlib.rc_context(settings):
            figures.save(figures.expression(differentiate(NOTES, {"x": 1})), path)
        written.append(path.read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(start)
    assert not re.search(rb"20\d\d-\d\d-\d\d|CreationDate", written[0])

    path.write_bytes(b"a drawing of mine")
    with pytest.raises(MnistnetError, match="found another file, which is not replaced"):
        figures.save(Figure(), path)
    assert path.read_bytes() == b"a drawing of mine"
    figures.save(Figure(), path, force=True)
    assert path.read_bytes().startswith(start)


def test_a_figure_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MnistnetError, match="cannot write"):
        figures.save(Figure(), tmp_path / "none" / "a.png")


@pytest.mark.parametrize(("given", "used"), [("svg", "svg"), ("of_another_environment", None)])
def test_a_script_may_have_any_backend(given: str, used: str | None) -> None:
    """The backend holds for the rest of the script, if it exists."""
    code = (
        "import os; from mnistnet.report import figures; import matplotlib; "
        "print(os.environ['MPLBACKEND'], matplotlib.get_backend(auto_select=False))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import os; os.environ['MPLBACKEND'] = {given!r}; {code}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"{given} {used}\n", "")

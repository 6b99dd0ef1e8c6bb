"""The page in a browser accepts mouse, touch and pen, shows the network's numbers, and reads a
drawing as `mnistnet predict` reads a picture of it. Skipped without Chromium."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import run
from report.browser import LIMITS, Page, Points, make_page, placed

from mnistnet.api import load_network
from mnistnet.image.drawn import WAYS
from mnistnet.model.answer import unsure_reason
from mnistnet.model.network import Perceptron

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
DEVICES = [("desktop", "mouse"), ("desktop", "pen"), ("phone", "touch")]


@pytest.mark.parametrize(("page", "device"), DEVICES, indirect=["page"])
def test_a_digit_can_be_drawn(page: Page, device: str) -> None:
    """Predict reads the saved canvas as the page does, also in dark mode. A finger does not scroll
    the page, and a second one does not draw."""
    state = page.state()
    assert state["answer"] == "nothing drawn"
    assert set(state["x"]) == set(state["h"]) == set(state["f"]) == {0}
    assert state["p"] == pytest.approx([0.1] * 10)
    (points,) = placed(WAYS[7][0])
    page.stroke(points, device)
    state = page.state()
    (stroke,) = state["strokes"]
    assert np.array(stroke["points"][: len(points)]) == pytest.approx(np.array(points), abs=0.01)
    assert [state["answer"]] == predicted([state["png"]]) == ["7"]
    assert page.tab.evaluate("scrollY") == 0


def test_a_stroke_may_leave_the_canvas_and_come_back(page: Page) -> None:
    page.stroke([(0.6, 0.3), (0.8, 0.3), (1.2, 0.35), (1.2, 2), (1.2, 0.35), (0.7, 0.8)])
    page.stroke([(0.7, 0.4), (0.7, 0.5)])
    state = page.state()
    first, second = (stroke["points"] for stroke in state["strokes"])
    assert [*first[-1], *second[0]] == pytest.approx([0.7, 0.8, 0.7, 0.4], abs=0.01)
    inked = np.argwhere(np.reshape(state["x"], (28, 28)))  # only what the canvas shows
    assert np.ptp(inked, axis=0).max() + 1 == 20


def test_undo_reverts_a_stroke_an_example_or_clear(page: Page) -> None:
    page.tab.locator("#draw").click(button="right")  # draws nothing
    page.tab.locator("#pen").fill("14")
    assert [stroke["width"] for stroke in page.draw(WAYS[4][0])["strokes"]] == [0.14, 0.14]
    assert len(page.click("Undo")["strokes"]) == 1
    assert page.click("Clear")["answer"] == "nothing drawn"
    assert len(page.click("Undo")["strokes"]) == 1
    assert page.click("Example of 8")["answer"] == "8"
    page.tab.keyboard.press("Control+z")
    assert len(page.state()["strokes"]) == 1
    answers = [page.click("Undo")["answer"] for _ in range(3)]  # more often than needed
    assert answers == ["nothing drawn"] * 3


MANY = "more than one digit?"


def predicted(pngs: list[str]) -> list[str]:
    """The answers of predict to PNGs in base64, in the words of the page."""
    names = [f"{n}.png" for n in range(len(pngs))]
    for name, png in zip(names, pngs, strict=True):
        Path(name).write_bytes(base64.b64decode(png))
    replies = map(json.loads, run("predict", "--json", *names).stdout.splitlines())
    one = [(r["number"], "unsure" if r["unsure"] else str(r["digit"])) for r in replies]
    return [MANY if number else answer for number, answer in one]


def test_the_answers_to_50_drawings_are_those_of_predict(page: Page) -> None:
    """For digits of many forms, sizes, places and pens; `unsure` included for 49 of them."""
    rng = np.random.default_rng(1)
    answers, pngs = [], []
    for n in range(50):
        pen = int(rng.integers(2, 15))
        state = page.draw(drawing(n % 10, rng), pen)
        answers.append(state["answer"])
        pngs.append(state["png"])
    pairs = zip(answers, predicted(pngs), strict=True)
    different = [pair for pair in pairs if pair[0] != pair[1]]
    assert len(different) <= 1, different
    assert all("unsure" in pair for pair in different)
    assert answers.count("unsure") <= 5


def drawing(digit: int, rng: np.random.Generator) -> list[Points]:
    """Strokes of a digit in one of its forms, stretched and slanted, somewhere on the canvas."""
    stretch = np.array([[rng.uniform(0.7, 1.3), 0], [rng.normal(-0.15, 0.2), 1]])
    way = WAYS[digit][rng.integers(len(WAYS[digit]))]
    paths = [(np.array(points) + rng.normal(0, 0.01, (len(points), 2))) @ stretch for points in way]
    low, high = (edge(np.concatenate(paths), axis=0) for edge in (np.min, np.max))
    scale = rng.uniform(0.35, 0.75) / (high - low).max()
    corner = rng.uniform(0.1, 0.9 - scale * (high - low))
    return [((points - low) * scale + corner).tolist() for points in paths]


def ring(top: float, height: float) -> Points:
    angles = np.linspace(0, 2 * np.pi, 30)
    return [(0.5 + 0.3 * np.sin(t), top + height * (1 - np.cos(t)) / 2) for t in angles]


def test_strokes_apart_are_more_than_one_digit(page: Page) -> None:
    drawings = [
        ([WAYS[4][1][0], [(0.79, 0.08), (0.79, 0.94)]], "4"),  # with a gap
        ([WAYS[5][1][0], [(0.47, 0.08), (0.78, 0.06)]], "5"),  # with a bar apart
        ([ring(0.1, 0.8), [(0.6, 0.32), (0.4, 0.68)]], "0"),  # with a stroke inside
        ([ring(0.08, 0.35), ring(0.53, 0.35)], "8"),  # with a gap
        ([[(0.3, 0.1), (0.3, 0.9)], [(0.6, 0.1), (0.6, 0.9)]], MANY),
        ([*placed(WAYS[2][0], 0.5, -0.2), *placed(WAYS[5][1], 0.5, 0.4)], MANY),
    ]
    answers = [page.draw(placed(strokes), pen=3)["answer"] for strokes, _ in drawings]
    assert answers == [expected for _, expected in drawings]


def test_doubts_are_those_of_predict(page: Page) -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, (200, 10))
    scores[range(200), rng.integers(0, 10, 200)] += rng.uniform(-2, 12, 200)
    answers = page.tab.evaluate(
        "all => all.map((f) => { showAnswer({ count: 1 }, f, softmax(f));"
        " return [byId('answer').value, byId('reason').textContent]; })",
        scores.tolist(),
    )
    for f, (shown, text) in zip(scores, answers, strict=True):
        reason = unsure_reason(f, np.exp(f) / np.exp(f).sum(), limits=LIMITS)
        if f.max() < LIMITS.no_digit:
            reason = "no digit"
        assert shown == ("unsure" if reason else str(f.argmax()))
        assert (reason or "") in text
    page.draw(placed([[(2.4 * x - 0.7, y) for x, y in WAYS[2][0][0]]]))
    assert page.text("#answer") == "unsure"
    assert page.text("#reason").startswith("as wide as two digits")


def numbers(text: str) -> Any:
    """The numbers with two decimals in a text; the page rounds the weights to 16 bits."""
    found = re.findall(r"[+−]?\d+\.\d\d", text)
    return pytest.approx([float(number.replace("−", "-")) for number in found], abs=0.011)


@pytest.mark.parametrize("hidden", [(5,), (), (20, 30, 40)])
def test_any_network_is_shown(browser: Any, hidden: tuple[int, ...]) -> None:
    """And a script that is added to the page does not run."""
    model = Perceptron.random((784, *hidden, 10), np.random.default_rng(0))
    path = Path("mine.html").resolve()
    path.write_bytes(make_page(model, "</script><img src=x onerror=alert(1)>"))
    page = Page(browser, path)
    state = page.click("Example of 9")
    h = np.array(state["x"])
    for W in model.matrices[:-1]:
        h = np.tanh(W @ h)
    assert state["h"] == pytest.approx(h, abs=1e-3)
    assert state["f"] == pytest.approx(model.matrices[-1] @ h, abs=1e-3)
    assert np.exp(state["f"]) / np.exp(state["f"]).sum() == pytest.approx(state["p"])
    sizes = "-".join(map(str, (784, *hidden, 10)))
    assert page.text("#layers") == f"{sizes} units"
    assert page.tab.locator("#name").text_content() == "</script><img src=x onerror=alert(1)>"
    assert page.tab.locator(".tile").count() == min(72, (784, *hidden)[-1])
    script = "Object.assign(document.createElement('script'), { text: 'bad = 1' })"
    page.tab.evaluate(f"document.body.append({script})")
    assert page.tab.evaluate("typeof bad") == "undefined"
    assert "Content Security Policy" in page.errors.pop()
    assert (page.errors, len(page.requests)) == ([], 1)
    page.context.close()


def test_pointing_shows_the_numbers_of_a_unit_or_a_score(page: Page) -> None:
    matrices = load_network().model.matrices
    state = page.click("Example of 3")
    h, W = np.array(state["h"]), matrices[-1]
    shown = page.tab.evaluate("tiles.map(tile => tile.index)")
    assert set(shown) == set(np.argsort(-np.abs(W[3] * h))[:72].tolist())
    assert "The 72 units with the largest contributions to the score" in page.text("#hidden")

    page.tab.locator(".tile").nth(11).hover()
    unit, order = shown[11], [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert page.text("#detailTitle").startswith(f"Unit {unit}: h = ")
    assert [h[unit]] == numbers(page.text("#detailTitle"))
    assert [W[k, unit] * h[unit] for k in order] == numbers(page.text("#contributions"))
    total = matrices[1][unit] @ np.tanh(matrices[0] @ np.array(state["x"]))
    assert [total, h[unit]] == numbers(page.text("#hNumbers"))

    page.tab.locator("#scores .row").nth(6).hover()
    assert page.text("#detailTitle").startswith("Score of 7: f = ")
    score, parts = state["f"][7], W[7] * h
    best, largest = np.argsort(-parts), parts[np.argsort(-np.abs(parts))[:3]]
    assert parts[[*best[:5], *best[:-6:-1]]].tolist() == numbers(page.text("#contributions"))
    assert [*largest, score] == numbers(page.text("#fNumbers"))
    assert page.text("#pNumbers").endswith(f"= {100 * state['p'][7]:.1f}\N{NO-BREAK SPACE}%")


def test_a_selection_is_kept_and_moved_by_keyboard(page: Page) -> None:
    keyboard = page.tab.keyboard
    page.click("Example of 7")
    page.tab.locator("#scores .row").first.focus()
    keyboard.press("ArrowDown")
    assert page.text("#detailTitle").startswith("Score of 2: f")
    keyboard.press("End")
    keyboard.press("Enter")
    page.tab.locator("#undo").focus()
    assert page.text("#detailTitle").startswith("Score of 0: f")  # it was kept


@pytest.mark.parametrize("page", ["desktop", "phone"], indirect=True)
def test_the_page_is_accessible_and_fits_the_window(page: Page) -> None:
    """Without scrolling at 1280 x 720; on a phone, in one direction only."""
    page.click("Example of 8")
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    size = page.tab.viewport_size
    for view in ("draw", "learn", "step", "break", "collect"):
        page.open(view)
        for width in (320, size["width"]):
            page.tab.set_viewport_size(size | {"width": width})
            assert page.tab.evaluate("document.documentElement.scrollWidth") == width
        if width == 1280:
            assert page.tab.evaluate("document.documentElement.scrollHeight") == 720
        results = axe.Axe().run(page.tab, options={"runOnly": rules})
        assert results.violations_count == 0, results.generate_report()

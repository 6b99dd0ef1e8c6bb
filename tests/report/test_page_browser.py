"""The page in a browser accepts mouse, touch and pen, shows the network's numbers, and prepares a
drawing as `mnistnet predict` prepares a picture of it. Skipped without Chromium."""

import base64
import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import run

from mnistnet.api import Network, load_network
from mnistnet.image.digit import read_picture
from mnistnet.image.drawn import draw
from mnistnet.image.strokes import WAYS
from mnistnet.model.metadata import Metadata, Source
from mnistnet.model.network import Network as Model
from mnistnet.model.options import Options

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-core")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")

QUIET = [  # a browser without network requests of its own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The state of the page's script after the last requested update.
STATE = """() => new Promise((done) => {
  const look = () => isRequested ? requestAnimationFrame(look) : done({
    x: [...state.seen.x], h: [...state.layers.at(-2)], f: [...state.layers.at(-1)], p: state.p,
    answer: byId("answer").value, strokes, png: canvas.toDataURL()
  });
  look();
})"""


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    home = {"HOME": str(tmp_path_factory.mktemp("home"))}
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=QUIET, env=os.environ | home
        )
        yield browser
        browser.close()


class Page:
    """A page in its own window."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        self.tab = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.errors.append(message.text))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(path.resolve().as_uri())
        self.cdp = self.context.new_cdp_session(self.tab)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.tab.evaluate(STATE)
        return state

    def places(self, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """Convert positions relative to the canvas to positions in the window."""
        box = self.tab.locator("#draw").bounding_box()
        return [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]

    def mouse(self, points: list[tuple[float, float]]) -> None:
        """Draw a stroke with the mouse."""
        (first, *others) = self.places(points)
        self.tab.mouse.move(*first)
        self.tab.mouse.down()
        for place in others:
            self.tab.mouse.move(*place)
        self.tab.mouse.up()

    def pen(self, points: list[tuple[float, float]]) -> None:
        places = self.places(points)
        steps = ["mousePressed", *["mouseMoved"] * (len(places) - 2), "mouseReleased"]
        for step, (x, y) in zip(steps, places, strict=True):
            event = {"type": step, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
            self.cdp.send("Input.dispatchMouseEvent", event | {"pointerType": "pen"})

    def touch(self, points: list[tuple[float, float]], *others: tuple[float, float]) -> None:
        """Draw a stroke with a finger, while other fingers rest on the canvas."""
        places = [{"x": x, "y": y, "id": 1} for x, y in self.places(points)]
        resting = [{"x": x, "y": y, "id": 2 + n} for n, (x, y) in enumerate(self.places([*others]))]
        self.finger("touchStart", places[:1])
        if resting:
            self.finger("touchStart", [places[0], *resting])
        for place in places[1:]:
            self.finger("touchMove", [place, *resting])
        self.finger("touchEnd", [])

    def finger(self, kind: str, points: list[dict[str, float]]) -> None:
        self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


Opener = Callable[..., Page]


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """Open the page of the bundled network or of another one, and check that it has no errors and
    makes no requests."""
    with contextlib.ExitStack() as stack:

        def opened(model: Model | None = None, **options: Any) -> Page:
            words: list[object] = ["page"]
            if model:
                metadata = Metadata(Options(), Source(drawn=True))
                Network(model, metadata).save(tmp_path / "mine.npz")
                words += ["--weights", tmp_path / "mine.npz"]
            assert run(*words).exit_code == 0
            page = Page(browser, Path("digit.html"), **options)
            stack.callback(page.context.close)
            stack.callback(lambda: check(page))
            return page

        yield opened


def check(page: Page) -> None:
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith("file:")] == []
    assert len(page.requests) == 1


def random_model(*hidden: int) -> Model:
    return Model.random((784, *hidden, 10), np.random.default_rng(0))


def strokes(
    digit: int, way: int = 0, size: float = 0.6, left: float = 0.2, top: float = 0.2
) -> Any:
    """The strokes of an example, at a place on the canvas."""
    return [[(left + size * x, top + size * y) for x, y in stroke] for stroke in WAYS[digit][way]]


# ---- drawing


def test_a_new_page_says_that_nothing_is_drawn(show: Opener) -> None:
    state = show().state()
    assert state["answer"] == "nothing drawn"
    assert set(state["x"]) == set(state["h"]) == set(state["f"]) == {0}
    assert state["p"] == pytest.approx([0.1] * 10)


@pytest.mark.parametrize("ratio", [1, 2, 3])
@pytest.mark.parametrize("device", ["mouse", "pen", "touch"])
def test_a_digit_can_be_drawn(show: Opener, device: str, ratio: int) -> None:
    """On screens of any resolution, with a canvas of that resolution."""
    page = show(device_scale_factor=ratio, has_touch=device == "touch")
    for points in strokes(3):
        getattr(page, device)(points)
    state = page.state()
    assert state["answer"] == "3"
    drawn = [point for stroke in state["strokes"] for point in stroke["points"]]
    assert np.allclose(drawn[:1] + drawn[-1:], [strokes(3)[0][0], strokes(3)[0][-1]], atol=0.01)
    width = page.tab.locator("#draw").bounding_box()["width"]
    assert page.tab.evaluate("canvas.width") >= min(ratio * width, 3 * 320)


def test_a_fast_stroke_has_no_gaps(show: Opener) -> None:
    page = show()
    page.mouse([(0.5, 0.1), (0.5, 0.9)])
    ink = page.tab.evaluate(
        "Array.from({length: 61}, (_, n) => pen.getImageData(canvas.width / 2,"
        " canvas.width * (0.2 + n / 100), 1, 1).data[0])"
    )
    assert page.state()["answer"] == "1"
    assert set(ink) == {0}


def test_all_positions_in_one_event_are_drawn(show: Opener) -> None:
    page = show()
    (start,) = page.places([(0.2, 0.2)])
    page.tab.mouse.move(*start)
    page.tab.mouse.down()
    coalesced = page.places([(0.3, 0.2), (0.4, 0.2), (0.5, 0.3)])
    page.tab.evaluate(
        """places => {
          const event = ([clientX, clientY]) =>
            new PointerEvent("pointermove", {pointerId: current.pointer, clientX, clientY});
          canvas.dispatchEvent(new PointerEvent("pointermove",
            {pointerId: current.pointer, coalescedEvents: places.map(event)}));
        }""",
        coalesced,
    )
    page.tab.mouse.up()
    points = page.state()["strokes"][0]["points"]
    assert np.allclose(points[1:4], [(0.3, 0.2), (0.4, 0.2), (0.5, 0.3)], atol=0.01)


def test_a_stroke_may_leave_the_canvas_and_come_back(show: Opener) -> None:
    page = show()
    page.mouse([(0.5, 0.5), (1.5, 0.5), (0.5, 0.7)])
    page.mouse([(0.2, 0.2), (0.2, 0.3)])
    first, second = page.state()["strokes"]
    assert np.allclose(first["points"][-1], (0.5, 0.7), atol=0.01)
    assert np.allclose(second["points"][0], (0.2, 0.2), atol=0.01)


def test_the_right_button_and_a_second_finger_draw_nothing(show: Opener) -> None:
    page = show(has_touch=True)
    page.tab.locator("#draw").click(button="right")
    assert page.state()["strokes"] == []
    page.touch([(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)], (0.1, 0.9))
    (stroke,) = page.state()["strokes"]
    assert {round(x, 1) for x, _ in stroke["points"]} == {0.5}


def test_a_phone_does_not_scroll_while_a_finger_draws(show: Opener) -> None:
    page = show(viewport={"width": 320, "height": 568}, has_touch=True, is_mobile=True)
    assert page.tab.evaluate("document.documentElement.scrollHeight > 1000")
    page.touch([(0.5, 0.9), (0.5, 0.6), (0.5, 0.3), (0.5, 0.1)])
    assert page.state()["answer"] == "1"
    assert page.tab.evaluate("scrollY") == 0


def test_undo_reverts_a_stroke_an_example_or_clear(show: Opener) -> None:
    page = show()
    undo, clear = (page.tab.get_by_role("button", name=name) for name in ("Undo", "Clear"))
    for points in strokes(4):
        page.mouse(points)
    assert len(page.state()["strokes"]) == 2
    undo.click()
    assert len(page.state()["strokes"]) == 1
    clear.click()
    assert page.state()["answer"] == "nothing drawn"
    undo.click()
    assert len(page.state()["strokes"]) == 1
    page.tab.get_by_role("button", name="Example of 8").click()
    assert page.state()["answer"] == "8"
    page.tab.keyboard.press("Control+z")
    assert len(page.state()["strokes"]) == 1
    for _ in range(3):  # more often than needed
        undo.click()
    assert page.state()["answer"] == "nothing drawn"


def test_the_width_of_the_pen_can_be_chosen(show: Opener) -> None:
    page = show()
    for width in ("2", "14"):
        page.tab.locator("#pen").fill(width)
        page.mouse([(0.5, 0.2), (0.5, 0.8)])
    assert [stroke["width"] for stroke in page.state()["strokes"]] == [0.02, 0.14]


# ---- the answer


def test_image_and_answer_agree_with_predict(show: Opener) -> None:
    """For digits of many sizes, places and pen widths."""
    page = show()
    rng = np.random.default_rng(0)
    ways = [(digit, way) for digit in range(10) for way in range(len(WAYS[digit]))]
    states = []
    for digit, way in [*ways, *ways[:4]]:
        page.tab.evaluate("strokes = []")
        page.tab.locator("#pen").fill(str(rng.integers(2, 15)))
        size = rng.uniform(0.3, 0.8)
        left, top = rng.uniform(0.02, 0.98 - size, 2)
        for points in strokes(digit, way, size, left, top):
            page.mouse(points)
        states.append(page.state())
    names = [f"{n}.png" for n in range(len(states))]
    for name, state in zip(names, states, strict=True):
        Path(name).write_bytes(base64.b64decode(state["png"].partition(",")[2]))
    lines = run("predict", "--json", *names).stdout.splitlines()
    for name, state, line in zip(names, states, lines, strict=True):
        answer = json.loads(line)
        apart = np.abs(seen(Path(name)) - 255 * np.array(state["x"]))
        assert apart.max() <= 8
        assert apart.mean() <= 1
        assert state["p"] == pytest.approx(answer["probabilities"], abs=0.02)
        assert state["answer"] == ("unsure" if answer["unsure"] else str(answer["digit"]))


def seen(path: Path) -> np.ndarray:
    """The image (784,) that predict makes from a picture."""
    (digit,) = read_picture(path).digits
    return digit.image.astype(float)


def test_a_drawing_gives_the_same_image_in_light_and_dark_mode(show: Opener) -> None:
    images = []
    for scheme in ("light", "dark"):
        page = show(color_scheme=scheme)
        for points in strokes(2):
            page.mouse(points)
        state = page.state()
        Path("drawn.png").write_bytes(base64.b64decode(state["png"].partition(",")[2]))
        images += [seen(Path("drawn.png")), 255 * np.array(state["x"])]
    assert all(np.abs(image - images[0]).max() <= 1.5 for image in images)


def test_two_digits_are_not_read_as_one(show: Opener) -> None:
    page = show()
    for points in [*strokes(3, size=0.35, left=0.05), *strokes(5, size=0.35, left=0.55)]:
        page.mouse(points)
    assert page.state()["answer"] == "more than one digit?"


@pytest.mark.parametrize(("digit", "way"), [(4, 0), (4, 1), (5, 1), (7, 1)])
def test_a_digit_of_several_strokes_is_read(show: Opener, digit: int, way: int) -> None:
    page = show()
    for points in strokes(digit, way):
        page.mouse(points)
    assert page.state()["answer"] == str(digit)


def test_an_untrained_network_is_unsure(show: Opener) -> None:
    page = show(random_model(72))
    page.tab.get_by_role("button", name="Example of 6").click()
    assert page.state()["answer"] == "unsure"


# ---- the numbers


@pytest.mark.parametrize("hidden", [(72,), (5,), (), (300, 100), (20, 30, 40)])
def test_the_numbers_agree_with_the_network(show: Opener, hidden: tuple[int, ...]) -> None:
    model = random_model(*hidden)
    page = show(model)
    page.tab.get_by_role("button", name="Example of 9").click()
    state = page.state()
    x = np.array([state["x"]], np.float32)
    assert state["h"] == pytest.approx(model.features(x)[0], abs=1e-3)
    assert state["f"] == pytest.approx(model.scores(x)[0], abs=1e-3)
    assert np.exp(state["f"]) / np.exp(state["f"]).sum() == pytest.approx(state["p"])
    labels = [row.split()[0] for row in page.tab.locator("#scores .row").all_inner_texts()]
    assert labels == list("1234567890")
    tiles = page.tab.locator(".tile")
    assert tiles.count() == min(72, (784, *hidden)[-1] if hidden else 784)


def test_answers_to_drawn_digits_agree_with_the_network(show: Opener) -> None:
    images, _ = draw(300, np.random.default_rng(3))
    page = show()
    answers = page.tab.evaluate(
        "images => images.map(image => { const f = forward(image.map(pixel => pixel / 255)).at(-1);"
        " return f.indexOf(Math.max(...f)) })",
        images.tolist(),
    )
    assert answers == load_network().predict(images).tolist()


def test_the_units_with_the_largest_contributions_are_shown(show: Opener) -> None:
    page = show()
    for digit in (1, 8):
        page.tab.get_by_role("button", name=f"Example of {digit}").click()
        state = page.state()
        W = load_network().model.matrices[-1]
        parts = np.abs(W[digit] * np.array(state["h"]))
        shown = set(page.tab.evaluate("tiles.map(tile => tile.index)"))
        assert shown == set(np.argsort(-parts)[:72].tolist())
    text = page.tab.locator("#hidden").inner_text()
    assert "The 72 units with the largest contributions to the score" in text
    assert "450 hidden units h of layer 2, the last hidden one" in text


def test_pointing_at_a_unit_shows_its_value_and_its_contributions(show: Opener) -> None:
    model = random_model(72)
    page = show(model)
    page.tab.get_by_role("button", name="Example of 3").click()
    state = page.state()
    page.tab.locator(".tile").nth(11).hover()
    detail = page.tab.locator("#detail")
    assert f"Unit 12: h = {signed(state['h'][11])}" in detail.inner_text()
    shown = page.tab.locator("#contributions .number").all_inner_texts()
    order = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert shown == [signed(model.matrices[1][k, 11] * state["h"][11]) for k in order]
    formula = page.tab.locator("#formulas").inner_text()
    total = float(model.matrices[0][11] @ np.array(state["x"]))
    assert f"h₁₂ = tanh(Σⱼ M₁₂ⱼ xⱼ) = tanh({signed(total)}) = {signed(state['h'][11])}" in formula


def test_pointing_at_a_score_shows_the_largest_contributions(show: Opener) -> None:
    model = random_model(72)
    page = show(model)
    page.tab.get_by_role("button", name="Example of 3").click()
    state = page.state()
    page.tab.locator("#scores .row").nth(6).hover()
    assert f"Score of 7: f = {signed(state['f'][7])}" in page.tab.locator("#detail").inner_text()
    parts = model.matrices[1][7] * np.array(state["h"])
    order = np.argsort(-parts)
    shown = page.tab.locator("#contributions .number").all_inner_texts()
    assert shown == [signed(parts[i]) for i in [*order[:5], *order[:-6:-1]]]
    best = page.tab.locator(".tile").nth(int(order[0]))
    assert (
        best.evaluate("tile => tile.style.getPropertyValue('--frame-colour')") == "var(--positive)"
    )


def signed(value: float) -> str:
    text = f"{value:+.2f}"
    return text.replace("-", "−") if float(text) else "0.00"


def test_everything_but_drawing_works_by_keyboard(show: Opener) -> None:
    page = show()
    keyboard = page.tab.keyboard
    reached = []
    for _ in range(16):
        keyboard.press("Tab")
        reached.append(page.tab.evaluate("document.activeElement.textContent || 'pen'"))
        if reached[-1] == "7":
            keyboard.press("Enter")
    assert reached[:13] == ["Undo", "Clear", "pen", *"1234567890"]
    assert page.state()["answer"] == "7"
    title = page.tab.locator("#detail h3")
    assert title.inner_text().startswith("Unit ") or "Score" in title.inner_text()
    page.tab.locator("#scores .row").first.focus()
    keyboard.press("ArrowDown")
    assert title.inner_text().startswith("Score of 2: f")
    keyboard.press("End")
    keyboard.press("Enter")
    page.tab.locator("#undo").focus()
    assert title.inner_text().startswith("Score of 0: f")  # it was kept
    page.tab.locator(".tile").first.focus()
    keyboard.press("ArrowRight")
    index = page.tab.evaluate("tiles[1].index")
    assert title.inner_text().startswith(f"Unit {index + 1}: h")


# ---- layout and accessibility


@pytest.mark.parametrize("width", [320, 768, 1280, 2560])
def test_nothing_is_cut_off_at_any_width(show: Opener, width: int) -> None:
    page = show(viewport={"width": width, "height": 800})
    page.tab.get_by_role("button", name="Example of 5").click()
    page.state()
    assert page.tab.evaluate("document.documentElement.scrollWidth") == width
    overflowing = page.tab.evaluate(
        "[...document.querySelectorAll('.row > *, button, h2, p, output')]"
        ".filter(element => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)"
        ".map(element => element.outerHTML)"
    )
    assert overflowing == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_page_is_accessible(show: Opener, scheme: str, width: int) -> None:
    page = show(color_scheme=scheme, viewport={"width": width, "height": 800})
    for digit in (None, 8):
        if digit is not None:
            page.tab.get_by_role("button", name=f"Example of {digit}").click()
            page.state()
        rules = {
            "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        }
        results = axe.Axe().run(page.tab, options=rules)
        assert results.violations_count == 0, results.generate_report()


def test_an_injected_script_does_not_run(show: Opener) -> None:
    page = show()
    page.tab.evaluate(
        "() => { const script = document.createElement('script'); script.textContent = 'bad = 1';"
        " document.body.append(script) }"
    )
    assert page.tab.evaluate("typeof bad") == "undefined"
    assert any("Content Security Policy" in text for text in page.errors)
    page.errors.clear()

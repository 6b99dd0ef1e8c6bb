"""A window of Chromium with the page in it, for the tests of the page."""

from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.api import load_network
from mnistnet.image.drawn import draw
from mnistnet.model.answer import STANDARD, Limits
from mnistnet.model.network import Perceptron
from mnistnet.report.page import page

PHONE: dict[str, Any] = {"has_touch": True, "is_mobile": True, "device_scale_factor": 3}
PHONE |= {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}}
LIMITS = load_network().metadata.limits or STANDARD
RNG = np.random.default_rng(0)
IMAGES = "drawn digits", {"train": draw(1000, RNG), "test": draw(500, RNG)}
RESET = """w => { strokes = []; past = []; picked = pointed = kept = null;
  byId("pen").value = w; update(); }"""
# What the page knows after the last requested update.
STATE = """() => new Promise((done) => {
  const look = () => isRequested ? requestAnimationFrame(look) : done({
    x: [...state.drawn.x], h: [...state.layers.at(-2)], f: [...state.layers.at(-1)], p: state.p,
    answer: byId("answer").value, strokes, png: canvas.toDataURL().split(",")[1]
  });
  look();
})"""
# Draw strokes with the events of a fast mouse: one move reports all points of a stroke.
DRAW = """paths => {
  const { left, top, width } = canvas.getBoundingClientRect();
  for (const points of paths) {
    const event = (kind, [x, y], more) => new PointerEvent(kind, {
      pointerId: 1, clientX: left + width * x, clientY: top + width * y, ...more });
    const coalescedEvents = points.slice(1).map((point) => event("pointermove", point));
    canvas.dispatchEvent(event("pointerdown", points[0]));
    canvas.dispatchEvent(event("pointermove", points[0], { coalescedEvents }));
    canvas.dispatchEvent(event("lostpointercapture", points[0]));
  }
}"""


def make_page(network: Perceptron, name: str, limits: Limits = STANDARD) -> bytes:
    return page(network, name, IMAGES, limits)


Points = list[tuple[float, float]]


def placed(strokes: list[Points], size: float = 0.6, left: float = 0.2) -> list[Points]:
    """Strokes in a unit square, at a place on the canvas."""
    return [[(left + size * x, 0.2 + size * y) for x, y in stroke] for stroke in strokes]


class Page:
    """A page in its own window, without network. Points are relative to the canvas."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(offline=True, **options)
        self.tab = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self.errors.append(message.text))
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(path.as_uri())
        self.tab.mouse.move(1, 1)  # pointer events need a pointer
        self.send = self.context.new_cdp_session(self.tab).send

    def open(self, view: str) -> None:
        """Open a view with its tab; its images are unpacked."""
        self.tab.click(f"nav [data-view={view}]")
        self.tab.evaluate("loadImages()")

    def state(self) -> Any:
        return self.tab.evaluate(STATE)

    def draw(self, strokes: list[Points], pen: int = 0) -> Any:
        """Draw these strokes, on an empty page if the width of the pen is given."""
        if pen:
            self.tab.evaluate(RESET, pen)
        self.tab.evaluate(DRAW, strokes)
        return self.state()

    def click(self, name: str) -> Any:
        """Click the button with this name; return the state."""
        self.tab.get_by_role("button", name=name, exact=True).click()
        return self.state()

    def text(self, selector: str) -> str:
        return str(self.tab.locator(selector).inner_text())

    def stroke(self, points: Points, device: str = "mouse") -> None:
        """Draw with a mouse, a pen, or with a finger while another one moves on the canvas."""
        box = self.tab.locator("#draw").bounding_box()
        left, top, size = box["x"], box["y"], box["width"]
        places = [{"x": left + size * x, "y": top + size * y} for x, y in points]
        if device == "touch":
            other = {"id": 1, "y": top + 0.9 * size}
            both = [[p | {"id": 0}, other | {"x": left + 9 + n}] for n, p in enumerate(places)]
            steps = ["touchStart", "touchStart", *["touchMove"] * (len(points) - 1), "touchEnd"]
            for step, touched in zip(steps, [both[0][:1], *both, []], strict=True):
                self.send("Input.dispatchTouchEvent", {"type": step, "touchPoints": touched})
            return
        steps = ["mousePressed", *["mouseMoved"] * (len(points) - 2), "mouseReleased"]
        event = {"pointerType": device, "button": "left", "buttons": 1, "clickCount": 1}
        for step, place in zip(steps, places, strict=True):
            self.send("Input.dispatchMouseEvent", event | place | {"type": step})

"""The page in Chromium: first paint, processor time of an update, and 20 s of training.

    python tests/bench/bench_page.py

An update below 16 ms keeps up with a screen of 60 frames per second. Training has the images in
MNISTNET_DATA; its time, too, is of the processor.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, sync_playwright
from table import Table

from mnistnet.api import load_network
from mnistnet.data.synthetic import sample
from mnistnet.image.drawn import WAYS
from mnistnet.model.network import Perceptron
from mnistnet.report.page import page

# Draw a stroke point by point, with an update for each.
FOLLOW = """(path) => path.forEach((_, n) => {
  strokes = [{ width: 0.08, points: path.slice(0, n + 1) }];
  update();
  document.body.getBoundingClientRect();
})"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def busy(session: CDPSession) -> float:
    """Processor seconds of the page's script and of its layouts so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return sum(row["value"] for row in metrics if row["name"] == "TaskDuration")


def main() -> None:
    images = sample(Path(os.environ["MNISTNET_DATA"]))
    notes = Perceptron.random((784, 72, 10), np.random.default_rng(0))
    updates = Table("processor time of an update of the page", "ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        for name, network in (("72 units", notes), ("bundled", load_network().model)):
            path = Path(folder, "page.html")
            path.write_bytes(page(network, name, images))
            tab = browser.new_page()
            tab.goto(path.as_uri())
            session = tab.context.new_cdp_session(tab)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            times = []
            for forms in 2 * WAYS:
                points = [(0.18 + 0.64 * x, 0.18 + 0.64 * y) for path in forms[0] for x, y in path]
                before = busy(session)
                tab.evaluate(FOLLOW, points)
                times.append(1000 * (busy(session) - before) / len(points))
            updates.add(name, times[10:])  # before, the browser compiles the script
            print("first paint after", tab.evaluate(PAINT), "ms")
        tab.evaluate("openView('learn')")
        before = busy(session)
        tab.click("#start")
        while busy(session) < before + 20:
            tab.wait_for_timeout(200)
        print("after 20 s of", images[0], tab.evaluate("[training.steps, training.accuracy]"))
        browser.close()


if __name__ == "__main__":
    main()

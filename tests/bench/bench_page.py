"""The page in Chromium: processor time from a new point of the pen to the finished layout.

    python tests/bench/bench_page.py

An update below 16 ms keeps up with a screen of 60 frames per second.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, sync_playwright
from table import Table

from mnistnet.api import load_network
from mnistnet.image.drawn import WAYS
from mnistnet.model.network import Perceptron
from mnistnet.report.page import page

# Draw strokes point by point; return the number of updates.
FOLLOW = """(drawing) => {
  strokes = [];
  for (const stroke of drawing) {
    strokes.push({ width: 0.08, points: [] });
    for (const [x, y] of stroke) {
      strokes.at(-1).points.push([0.18 + 0.64 * x, 0.18 + 0.64 * y]);
      update();
      document.body.getBoundingClientRect();
    }
  }
  return drawing.flat().length;
}"""


def busy(session: CDPSession) -> float:
    """Processor seconds of the page's script and of its layouts so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return sum(row["value"] for row in metrics if row["name"] == "TaskDuration")


def main() -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        print("needs Chromium: apt-get install chromium")
        return
    notes = Perceptron.random((784, 72, 10), np.random.default_rng(0))
    table = Table("processor time of an update of the page", "ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--disable-gpu"])
        for name, network in (("72 units", notes), ("bundled", load_network().model)):
            path = Path(folder, "page.html")
            path.write_bytes(page(network, name))
            tab = browser.new_page()
            tab.goto(path.as_uri())
            session = tab.context.new_cdp_session(tab)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})
            times = []
            for forms in 2 * WAYS:
                before = busy(session)
                updates = tab.evaluate(FOLLOW, forms[0])
                times.append(1000 * (busy(session) - before) / updates)
            table.add(name, times[10:])  # before, the browser compiles the script
        browser.close()


if __name__ == "__main__":
    main()

"""The page in Chromium: time from a new point of the pen to the finished layout.

    python tests/bench/bench_page.py

For the notes' network and for the bundled one, in wall time and in processor time; on a busy
machine only the second is meaningful. An update below 16 ms keeps up with a screen of 60 frames per
second.
"""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from table import Table

from mnistnet.api import load_network
from mnistnet.image.strokes import WAYS
from mnistnet.model.network import Network
from mnistnet.report.page import page

# Draw each stroke point by point; return the milliseconds of each update.
FOLLOW = """(drawing) => {
  const times = [];
  strokes = [];
  for (const stroke of drawing) {
    strokes.push({ width: 0.08, points: [] });
    for (const [x, y] of stroke) {
      const began = performance.now();
      strokes.at(-1).points.push([0.18 + 0.64 * x, 0.18 + 0.64 * y]);
      update();
      document.body.getBoundingClientRect();
      times.push(performance.now() - began);
    }
  }
  return times;
}"""


def main() -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        print("needs Chromium: apt-get install chromium")
        return
    notes = Network.random((784, 72, 10), np.random.default_rng(0))
    table = Table("an update of the page", "ms")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--disable-gpu"])
        for name, network in (("72 units", notes), ("bundled", load_network().model)):
            path = Path(folder, "page.html")
            path.write_bytes(page(network, name))
            clock, processor = measured(browser, path)
            table.add(f"{name}, wall time", clock)
            table.add(f"{name}, processor time", processor)
        browser.close()


def measured(browser: Any, path: Path) -> tuple[list[float], list[float]]:
    """Wall time of each update, and mean processor time of the updates for each digit."""
    tab = browser.new_page()
    tab.goto(path.as_uri())
    for digit in range(10):  # warm-up: the browser compiles the script
        tab.evaluate(FOLLOW, WAYS[digit][0])
    cdp = tab.context.new_cdp_session(tab)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    clock, processor = [], []
    for digit in range(10):
        before = busy(cdp)
        times = tab.evaluate(FOLLOW, WAYS[digit][0])
        clock += times
        processor.append(1000 * (busy(cdp) - before) / len(times))
    return clock, processor


def busy(cdp: Any) -> float:
    """Processor seconds of the page's script and of its layouts so far."""
    metrics = {row["name"]: row["value"] for row in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


if __name__ == "__main__":
    main()

"""The page in Chromium: time from a new point of the pen to the finished layout.

    python tests/bench/bench_page.py [WEIGHTS]

Measured at device pixel ratios of 1, 2 and 3, for the notes' network or for the one in WEIGHTS, in
wall time and in processor time; on a busy machine only the second is meaningful. An update below
16 ms keeps up with a screen of 60 frames per second.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import CDPSession, sync_playwright
from table import Table

from mnistnet.api import Network
from mnistnet.image.strokes import WAYS
from mnistnet.model.metadata import Metadata, Source
from mnistnet.model.network import Network as Model
from mnistnet.model.options import Options

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
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        weights, path = Path(folder, "random.npz"), Path(folder, "page.html")
        model = Model.random((784, 72, 10), np.random.default_rng(0))
        Network(model, Metadata(Options(), Source(drawn=True))).save(weights)
        command = [sys.executable, "-m", "mnistnet", "page", "--out", path, "--weights"]
        subprocess.run([*command, *(words or [weights])], check=True, capture_output=True)
        browser = driver.chromium.launch(executable_path=chromium, args=["--disable-gpu"])
        table = Table("an update of the page", "ms")
        for ratio in (1, 2, 3):
            context = browser.new_context(
                device_scale_factor=ratio, viewport={"width": 1280, "height": 800}
            )
            tab = context.new_page()
            tab.goto(path.as_uri())
            for digit in range(10):  # warm-up: the browser compiles the script
                tab.evaluate(FOLLOW, WAYS[digit][0])
            cdp = context.new_cdp_session(tab)
            cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
            clock, processor = [], []
            for digit in range(10):
                before = script_seconds(cdp)
                times = tab.evaluate(FOLLOW, WAYS[digit][0])
                clock += times
                processor.append(1000 * (script_seconds(cdp) - before) / len(times))
            table.add(f"wall time, pixel ratio {ratio}", clock)
            table.add(f"processor time, pixel ratio {ratio}", processor)
        browser.close()


def script_seconds(cdp: CDPSession) -> float:
    """Processor time of the page's script and of its layouts so far."""
    metrics = {row["name"]: row["value"] for row in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


if __name__ == "__main__":
    main()

"""How long the page takes to follow the pen: from a new point to a page that is laid out. As the
clock has it, and as the processor has it: on a busy machine only the second tells.

    python tests/bench/bench_page.py [WEIGHTS]

In Chromium, at 1, 2 and 3 of the screen's pixels to one of the page's, for the notes' network, or
for the one in WEIGHTS. An update below 16 ms keeps up with a screen of 60 frames a second.
"""

import os
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

# Draws each of the strokes point by point; milliseconds of each update.
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
        flags = ["--disable-gpu", *["--no-sandbox"] * (os.geteuid() == 0)]
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        table = Table("an update of the page", "ms")
        for ratio in (1, 2, 3):
            context = browser.new_context(
                device_scale_factor=ratio, viewport={"width": 1280, "height": 800}
            )
            tab = context.new_page()
            tab.goto(path.as_uri())
            for digit in range(10):  # until the browser has compiled the script
                tab.evaluate(FOLLOW, WAYS[digit][0])
            cdp = context.new_cdp_session(tab)
            cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
            clock, processor = [], []
            for digit in range(10):
                before = script_seconds(cdp)
                times = tab.evaluate(FOLLOW, WAYS[digit][0])
                clock += times
                processor.append(1000 * (script_seconds(cdp) - before) / len(times))
            table.add(f"by the clock, at a pixel ratio of {ratio}", clock)
            table.add(f"by the processor, at a pixel ratio of {ratio}", processor)
        browser.close()


def script_seconds(cdp: CDPSession) -> float:
    """What the page's script and the layouts that it asks for have taken of the processor."""
    metrics = {row["name"]: row["value"] for row in cdp.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


if __name__ == "__main__":
    main()

"""What README and docs show can be done as shown."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnistnet.data import mnist

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WITH_PYTHON = [page for page in PAGES if BLOCK.search(page.read_text())]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_the_python_blocks_run(
    page: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In order, in a folder with a digit.png, where MNIST is the tiny set."""
    monkeypatch.setenv("MNISTNET_DATA", str(tiny))
    image = mnist.load(tiny, "test").images[7].reshape(28, 28)
    Image.fromarray(np.kron(image, np.ones((4, 4), np.uint8))).save("digit.png")
    names: dict[str, object] = {}
    for block in BLOCK.findall(page.read_text()):
        exec(compile(block, str(page), "exec"), names)

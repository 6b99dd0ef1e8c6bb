"""Write a self-contained HTML page that recognises what is drawn on it (page.html).

The page makes no requests: its Content-Security-Policy forbids them, and allows only the script and
the style with the SHA-256 that it names. Weights are stored as 16-bit integers with one scale per
row of a matrix, with an error of at most 1/65,000 of the largest weight in the row.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import Array
from mnistnet.errors import MnistnetError, reason
from mnistnet.files import atomic_write, check_writable
from mnistnet.model.network import Network

TEMPLATE = Path(__file__).with_name("page.html")
MARKER = b"<!doctype html>\n<!-- made by mnistnet page -->\n"
STEPS = 32767  # largest 16-bit integer


def page(network: Network, name: str, examples: Any, rules: Mapping[str, float]) -> bytes:
    """Return the page for a network called name; the same input gives the same bytes.

    examples  ways to write each digit: lists of strokes through points (right, down) in a square of
              side 1, as in image.strokes
    rules     the constants with which `predict` prepares and judges a picture, by their names in
              page.html
    """
    data = {
        "name": name,
        "matrices": [_packed(W) for W in network.matrices],
        "examples": examples,
        "rules": rules,
    }
    # without a <, the data cannot end the script element
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    html = TEMPLATE.read_text(encoding="utf-8")
    for tag in ("script", "style"):
        (code,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        html = html.replace(f"'{tag}-hash'", f"'sha256-{digest}'", 1)
    return html.replace("{{data}}", text, 1).encode()


def _packed(W: Array) -> dict[str, Any]:
    """Pack a matrix (rows, columns) as W = scales * integers, with a scale for each row."""
    largest = np.abs(W).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest, 1).astype(np.float64) / STEPS
    integers = np.round(W / scales).astype("<i2")
    return {
        "columns": W.shape[1],
        "scales": [float(f"{scale:.9g}") for scale in scales[:, 0]],
        "integers": base64.b64encode(integers.tobytes()).decode(),
    }


def check_replaceable(path: Path) -> None:
    """Raise MnistnetError if path cannot be written, or has a file that is not such a page."""
    target = check_writable(path)
    found = b""
    try:
        if target.exists():
            with target.open("rb") as stream:
                found = stream.read(len(MARKER))
    except OSError as error:
        raise MnistnetError(f"cannot read {path}: {reason(error)}") from error
    if found not in (b"", MARKER):
        raise MnistnetError(
            f"{path}: expected a page made by 'mnistnet page'; found another file, which is not "
            "replaced: move it away, or name another file with --out"
        )


def save(path: Path, content: bytes) -> None:
    """Write a page atomically; raises MnistnetError as check_replaceable does."""
    check_replaceable(path)
    with atomic_write(path) as stream:
        stream.write(content)

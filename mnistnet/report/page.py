"""One self-contained HTML page to draw on, which shows a network at work (page.html).

The page asks nothing of any server: its Content-Security-Policy forbids every request, and lets
run only the script and the style whose SHA-256 it names. The network is in it as 16-bit integers
with one scale for each row of a matrix, which keeps weights to 1 part in 65,000 of the largest in
their row.
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
from mnistnet.atomic import atomic_write, check_writable
from mnistnet.errors import MnistnetError, reason
from mnistnet.model.network import Network

TEMPLATE = Path(__file__).with_name("page.html")
MARKER = b"<!doctype html>\n<!-- made by mnistnet page -->\n"
STEPS = 32767  # of a 16-bit integer, on either side of zero


def page(network: Network, name: str, examples: Any, rules: Mapping[str, float]) -> bytes:
    """The page for a network that is called name; the same input gives the same bytes.

    examples  for each digit the ways to write it: lists of strokes through points (right, down) in
              a square of side 1, as image.strokes has them
    rules     the numbers by which `predict` prepares and judges a drawing, by their names in
              page.html
    """
    data = {
        "name": name,
        "matrices": [_packed(W) for W in network.matrices],
        "examples": examples,
        "rules": rules,
    }
    # in HTML nothing ends a script but its end tag, which takes a <
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    html = TEMPLATE.read_text(encoding="utf-8")
    for tag in ("script", "style"):
        (code,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        html = html.replace(f"'{tag}-hash'", f"'sha256-{digest}'", 1)
    return html.replace("{{data}}", text, 1).encode()


def _packed(W: Array) -> dict[str, Any]:
    """A matrix (rows, columns) as page.html unpacks it: W = scales * integers, row by row."""
    largest = np.abs(W).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest, 1).astype(np.float64) / STEPS
    integers = np.round(W / scales).astype("<i2")
    return {
        "columns": W.shape[1],
        "scales": [float(f"{scale:.9g}") for scale in scales[:, 0]],
        "integers": base64.b64encode(integers.tobytes()).decode(),
    }


def check_replaceable(path: Path) -> None:
    """Raise MnistnetError where a page cannot be written to path, or what is there is not one."""
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
            f"{path}: expected a page that 'mnistnet page' made; found another file, which is not "
            "replaced: move it away, or name another file with --out"
        )


def save(path: Path, content: bytes) -> None:
    """Write a page, whole or not at all; raises MnistnetError as check_replaceable does."""
    check_replaceable(path)
    with atomic_write(path) as stream:
        stream.write(content)

"""Write a self-contained HTML page that recognises what is drawn on it.

The page is page.html with page.css and the scripts inside, which share one scope, and the weights
as JSON. It makes no requests: its Content-Security-Policy forbids them, and allows only the script
and the style with the SHA-256 that it names. Weights are 16-bit integers with one scale per row of
a matrix, with an error of at most 1/65,000 of the largest weight in the row.
"""

import base64
import hashlib
import io
import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mnistnet import __version__
from mnistnet.arrays import Array
from mnistnet.image.digit import DIGIT, THICK, THIN
from mnistnet.image.drawn import WAYS
from mnistnet.image.number import WIDE
from mnistnet.model.answer import STANDARD, Limits
from mnistnet.model.network import Perceptron

# in this order
SCRIPTS = ["draw", "prepare", "network", "train", "view", "select"]
SCRIPTS += ["learn", "save", "step", "break", "collect", "tabs"]
Sets = dict[str, tuple[Array, Array]]
MARKER = b"<!doctype html>\n<!-- made by mnistnet page -->\n"


def page(
    network: Perceptron, name: str, images: tuple[str, Sets], limits: Limits = STANDARD
) -> bytes:
    """Return the page for a network called name with these limits of unsure answers; the same input
    gives the same bytes. images are the name and the sets of a data set to train with: images
    (n, 784) uint8 and labels (n,) for 'train' and 'test'."""
    # with which `predict` prepares and judges a picture
    rules: dict[str, float] = {"digit": DIGIT, "thin": THIN, "thick": THICK, "wide": WIDE}
    rules |= asdict(limits)
    matrices = [_packed(W) for W in network.matrices]
    data: dict[str, Any] = {"name": name, "matrices": matrices, "examples": WAYS, "rules": rules}
    for split, (pixels, labels) in images[1].items():  # an image is a row of a grey PNG
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        data[split] = {"png": _base64(stream.getvalue()), "labels": "".join(map(str, labels))}
    data |= {"set": images[0], "standard": asdict(STANDARD), "version": __version__}
    script = "".join(_read(f"{name}.js") for name in SCRIPTS)
    parts = {"script": f'"use strict";\n{script}', "style": _read("page.css")}
    for name, code in [*parts.items()]:  # as a Content-Security-Policy names what it allows
        parts[f"{name}-hash"] = f"'sha256-{_base64(hashlib.sha256(code.encode()).digest())}'"
    # without a <, the data cannot end its element
    parts["data"] = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return re.sub(r"{{(.*?)}}", lambda match: parts[match[1]], _read("page.html")).encode()


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _packed(W: Array) -> dict[str, Any]:
    """Pack a matrix (rows, columns) as W = scales * integers, with a scale for each row."""
    largest = np.abs(W).max(axis=1, keepdims=True)
    scales = np.where(largest > 0, largest, 1).astype(np.float64) / 32767
    integers = np.round(W / scales).astype("<i2")
    return {
        "columns": W.shape[1],
        "scales": [float(f"{scale:.9g}") for scale in scales[:, 0]],
        "integers": _base64(integers.tobytes()),
    }

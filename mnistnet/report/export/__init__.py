"""Write a network for other programs: fill its weights and facts into the texts in this folder."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from mnistnet.arrays import PIXELS, Array
from mnistnet.errors import MnistnetError
from mnistnet.model.network import Perceptron
from mnistnet.report.text import percent

MARKER = b"made by mnistnet export"  # in every file
TABLE = np.round(127 * np.tanh(np.arange(768) / 128)).astype(np.int8)  # then it is 127
MOST = (1 << 31) - 1  # of a long in C
MOST_IN_C = 10_000_000  # weights, of up to 16 characters
TYPES = {"int8": "signed char", "int64": "long", "float32": "float"}


def as_json(network: Perceptron, facts: dict[str, Any]) -> bytes:
    """Return JSON with each matrix (units, inputs) as little-endian float32 in base64. The facts
    are the version, the layers, a text on the accuracy, and the fields of Limits."""
    weights = [base64.b64encode(W.astype("<f4").tobytes()).decode() for W in network.matrices]
    return _filled("network.json.txt", facts, weights=json.dumps(weights)).encode()


def as_onnx(network: Perceptron, facts: dict[str, Any], pixels: str = "uint8") -> bytes:
    """Return an ONNX model for images (n, 784) of uint8 pixels, or of "float" ones from 0 to 1.
    Raises MnistnetError if onnx is not installed."""
    try:
        from onnx import numpy_helper, parser
    except ImportError as error:
        raise MnistnetError(f"{error}; to install it: python -m pip install onnx") from error
    last, ink = len(network.matrices), 255 if pixels == "uint8" else 1
    hidden = "\n".join(f"f{n} = MatMul(h{n - 1}, W{n}) h{n} = Tanh(f{n})" for n in range(1, last))
    parts = {"pixels": pixels, "ink": ink, "hidden": hidden, "below": last - 1, "layer": last}
    model = parser.parse_model(_filled("network.onnx.txt", facts, **parts))
    for n, W in enumerate(network.matrices, start=1):
        model.graph.initializer.append(numpy_helper.from_array(W.T.copy(), f"W{n}"))
    return bytes(model.SerializeToString(deterministic=True))


def as_c(network: Perceptron, facts: dict[str, Any], int8: bool = False) -> bytes:
    """Return a C99 header of at most MOST_IN_C weights of 32 bits, or 8 as from int8_layers."""
    if (count := len(network.parameters)) > MOST_IN_C:
        raise MnistnetError(f"expected at most {MOST_IN_C:,} weights for C; found {count:,}")
    scales = [np.full(len(W), 1 if n else 1 / 255, "f4") for n, W in enumerate(network.matrices)]
    layers = int8_layers(network)[0] if int8 else [*zip(network.matrices, scales, strict=True)]
    constants = _filled("int8.h" if int8 else "float.h", {}, table=_constant("table", TABLE))
    hidden = ""
    for n, (W, scale) in enumerate(layers, start=1):
        constants += _constant(f"w{n}", W) + _constant(f"scale{n}", scale)
        parts = {"layer": n, "below": n - 1, "units": len(W), "inputs": W.shape[1]}
        hidden += _filled("layer.h", parts) if n < len(layers) else ""
    return _filled("network.h", facts | parts, constants=constants, hidden=hidden).encode()


def _filled(name: str, parts: dict[str, Any], **more: Any) -> str:
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return re.sub(r"{{(\w+)}}", lambda match: str((parts | more)[match[1]]), text)


def _constant(name: str, values: Array) -> str:
    kind = TYPES[values.dtype.name]
    numbers = [str(number) + "f" * (kind == "float") for number in values.ravel()]
    lines = ",\n".join(",".join(numbers[i : i + 16]) for i in range(0, len(numbers), 16))
    return f"static const {kind} mnistnet_{name}[] = {{\n{lines}}};\n"


def accuracy(network: Perceptron, images: Array, labels: Array, int8: bool = False) -> str:
    """Return the accuracy on images (n, 784) uint8 as text; with int8, also that of the header."""
    scores = [network.image_scores(images)]
    if int8:
        parts = np.array_split(images, 10)  # to bound memory
        scores.append(np.concatenate([int8_layers(network, part)[1] for part in parts]))
    return ", as int8 ".join(percent(float((f.argmax(axis=1) == labels).mean())) for f in scores)


def int8_layers(network: Perceptron, images: Array | None = None) -> tuple[list[Any], Array]:
    """Return each matrix as int8 (units, inputs) with the scales (units,) of its sums: float32 for
    scores, else integers, 2^24 for a step of TABLE. Also return the scores (n, 10) that the header
    gives images (n, 784) uint8. Raises MnistnetError if sums may exceed 32 bits."""
    if (units := max(network.layers)) > (most := MOST // 127**2):
        raise MnistnetError(f"expected at most {most} units in a layer for --int8; found {units}")
    layers, h = [], np.zeros((0, PIXELS)) if images is None else images.astype(np.float64)
    for n, W in enumerate(network.matrices):
        scales = np.maximum(np.abs(W).max(axis=1), 1e-30).astype(np.float64) / 127
        integers = np.round(W / scales[:, None]).astype(np.int8)
        scales /= 127 if n else 255  # the largest input
        steps = np.minimum(np.round(scales * (128 << 24)), MOST).astype(np.int64)
        sums = h @ integers.T.astype(np.float64)  # exact, as both are integers
        places = (np.abs(sums).astype(np.int64) * steps + (1 << 23)) >> 24
        h = np.sign(sums) * TABLE[np.minimum(places, len(TABLE) - 1)]
        layers.append((integers, steps))
    layers[-1] = integers, scales.astype(np.float32)
    return layers, sums.astype(np.float32) * layers[-1][1]

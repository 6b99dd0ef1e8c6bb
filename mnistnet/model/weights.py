"""Read and write the weights file, an .npz that NumPy can open without this package.

    z = np.load("mnistnet.npz"); h = np.tanh(z["W1"] @ x); f = z["W2"] @ h   # x: 784 pixels / 255

W1, W2, ... are float32 or float16 (units, inputs), as M and W in the notes. `meta` is a JSON string
with the metadata (metadata.py). A checkpoint (run.py) also has the array `velocity`. Files are
untrusted: no pickle is loaded, and names, shapes, types, sizes and values are all checked.
"""

import json
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.errors import MnistnetError, TrainingError, WeightsError, reason
from mnistnet.files import atomic_write
from mnistnet.model.metadata import Metadata, parse
from mnistnet.model.network import MAX_PARAMETERS, MAX_WEIGHT, Perceptron, are_valid

FORMAT = 1
PRETRAINED = Path(__file__).parents[1] / "pretrained.npz"  # the bundled weights
MAX_META = 1 << 24  # characters of JSON, of which an epoch takes up to 260
MAX_FACTS = 1_000_000  # characters without the history, which info prints
MAX_BYTES = 8 * MAX_PARAMETERS + (1 << 24)  # of a file: weights, velocity and metadata


def save(
    path: Path,
    network: Perceptron,
    metadata: Metadata,
    velocity: Array | None = None,
    like: Path | None = None,
    dtype: Any = np.float32,
    **more: Any,
) -> None:
    """Write a weights file atomically; the same input gives the same bytes.

    A checkpoint also has a velocity (P,), additional metadata and the permissions of the file
    `like`. With the dtype float16 the file is compressed and half as large, each weight is rounded
    to 11 bits, and none may exceed 65,504. Raises WeightsError if load would reject the network,
    MnistnetError if the file cannot be written.
    """
    facts = {"format": FORMAT, "layers": network.layers, **metadata.as_json(), **more}
    with np.errstate(over="ignore"):  # infinite weights are refused below
        names = enumerate(network.matrices, start=1)
        arrays: dict[str, Any] = {f"W{layer}": W.astype(dtype) for layer, W in names}
    try:
        _matrices(arrays)
        text = np.array(json.dumps(facts))
        parse(_json(text), network.layers[1:-1])
    except (ValueError, TypeError, TrainingError) as error:
        raise WeightsError(f"{path}: {error}") from error
    if velocity is not None:
        arrays["velocity"] = velocity
    write = np.savez_compressed if dtype == np.float16 else np.savez
    with atomic_write(path, like) as stream:
        write(stream, meta=text, **arrays)


def check_replaceable(path: Path, is_checkpoint: bool = False) -> None:
    """Raise WeightsError unless the file at path is missing, empty or a valid weights file; with
    is_checkpoint, a checkpoint."""
    try:
        is_old = path.exists() and path.stat().st_size
        if is_old and load_all(path).velocity is None and is_checkpoint:
            raise WeightsError(f"{path}: expected a checkpoint; found the weights of a network")
    except WeightsError as error:
        raise WeightsError(
            f"{error}; it is not replaced: move it away, or name another file with --weights"
        ) from error


class WeightsFile(NamedTuple):
    """The content of a weights file: velocity (P,) is None unless it is a checkpoint, and meta is
    the JSON object from which metadata was parsed."""

    network: Perceptron
    metadata: Metadata
    velocity: Array | None
    meta: dict[str, Any]


def load(path: Path) -> tuple[Perceptron, Metadata]:
    """Load the network and the metadata. Raises WeightsError, naming the file, unless it is a
    complete weights file of a finite network with 784 inputs and 10 outputs."""
    found = load_all(path)
    return found.network, found.metadata


def load_all(path: Path) -> WeightsFile:
    """Load everything in a weights file or checkpoint; raises WeightsError as load does."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is a folder or a device, not a file")
        arrays = _read(path)
    except FileNotFoundError as error:
        raise WeightsError(
            f"there is no weights file {path}; run 'mnistnet train' to make one, "
            "or name another with --weights"
        ) from error
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {reason(error)}") from error
    except MemoryError:
        raise
    except Exception as error:  # zipfile and NumPy raise many types for a malformed file
        raise WeightsError(
            f"{path}: expected a weights file written by 'mnistnet train'; found a damaged or "
            f"different file ({reason(error)})"
        ) from error
    try:
        meta = _json(arrays.pop("meta", None))
        velocity = arrays.pop("velocity", None)
        matrices = _matrices(arrays)
        network = Perceptron([PIXELS, *map(len, matrices)])
        network.parameters[:] = np.concatenate([W.ravel() for W in matrices])
        if velocity is not None and (
            velocity.dtype != np.float32
            or velocity.shape != network.parameters.shape
            or not np.isfinite(velocity).all()
        ):
            raise ValueError("expected a finite float32 velocity for each weight; found another")
        return WeightsFile(network, parse(meta, hidden=network.layers[1:-1]), velocity, meta)
    except (ValueError, MnistnetError) as error:
        raise WeightsError(f"{path}: {error}") from error


def _read(path: Path) -> dict[str, Array]:
    """Read every array in the file; refuse pickles, more than MAX_BYTES and equal names."""
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if (size := sum(member.file_size for member in members)) > MAX_BYTES:
            raise ValueError(f"it has {size:,} bytes, more than {MAX_BYTES:,}")
        for member in members:
            with archive.open(member) as content:
                name = member.filename.removesuffix(".npy")
                if name in arrays:  # readers would differ in which they take
                    raise ValueError(f"it has two arrays {name}")
                arrays[name] = np.lib.format.read_array(content, allow_pickle=False)
    return arrays


def _json(text: Any) -> dict[str, Any]:
    """Parse the JSON object in the array, and check its format number."""
    try:
        is_text = text is not None and text.dtype.kind == "U" and text.nbytes <= 4 * MAX_META
        # NumPy does not check that characters exist; None for NaN and Infinity
        content = str(text[()]).encode().decode() if is_text else "null"
        meta = json.loads(content, parse_constant=lambda _: None)
    except (ValueError, RecursionError, SystemError):
        meta = None
    if not isinstance(meta, dict) or not isinstance(meta.get("format"), int):
        raise ValueError(f"expected metadata, a JSON object of at most {MAX_META:,} characters")
    if len(json.dumps({**meta, "history": None})) > MAX_FACTS:
        raise ValueError(
            f"expected at most {MAX_FACTS:,} characters of metadata beside the history"
        )
    if meta["format"] != FORMAT:
        raise ValueError(f"expected format {FORMAT}; found {meta['format']}, of another version")
    return meta


def _matrices(arrays: dict[str, Any]) -> list[Any]:
    """Return W1, W2, ... in order; raise ValueError unless they form a finite network."""
    names = [f"W{layer}" for layer in range(1, len(arrays) + 1)]
    if not names or set(arrays) != set(names):
        found = ", ".join(sorted(arrays)) or "none"
        raise ValueError(f"expected the matrices W1, W2, ...; found {found}")
    matrices = [arrays[name] for name in names]
    for name, W in zip(names, matrices, strict=True):
        if W.dtype not in (np.float32, np.float16) or W.ndim != 2:
            found = f"{W.dtype}, shape {W.shape}"
            raise ValueError(f"expected a float32 or float16 matrix {name}; found {found}")
        if not are_valid(W.astype(np.float32, copy=False)):
            found = f"{np.abs(W).max():g}"
            raise ValueError(f"expected weights of at most {MAX_WEIGHT:g} in {name}; found {found}")
    shapes = [W.shape for W in matrices]
    layers = [PIXELS, *map(len, matrices)]
    if 0 in layers or layers[-1] != CLASSES or shapes != [*zip(layers[1:], layers, strict=False)]:
        found = ", ".join(f"{units} x {inputs}" for units, inputs in shapes)
        raise ValueError(
            f"expected matrices from {PIXELS} pixels to {CLASSES} scores; found {found}"
        )
    return matrices

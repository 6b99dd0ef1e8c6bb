"""The weights file: a plain .npz that any NumPy user can open without this package.

    z = np.load("mnistnet.npz"); h = np.tanh(z["W1"] @ x); f = z["W2"] @ h   # x: 784 pixels / 255

W1, W2, ... are float32, (units, inputs), as M and W in the notes. `meta` is a JSON string: how the
network was made (metadata.py). Files are untrusted: no pickle is ever loaded, and names, shapes,
types, sizes and values are checked before a network comes out of one. A checkpoint (run.py) is a
weights file with one more array, the velocity.
"""

import functools
import itertools
import json
import math
import os
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from mnistnet.arrays import CLASSES, PIXELS, Array
from mnistnet.atomic import atomic_write
from mnistnet.errors import WeightsError, reason
from mnistnet.model.metadata import Metadata, parse
from mnistnet.model.network import (
    MAX_PARAMETERS,
    MAX_WEIGHT,
    Network,
    are_sound,
)

FORMAT = 1
PRETRAINED = Path(__file__).parents[1] / "pretrained.npz"  # ships with the package
MAX_META = 1 << 26  # bytes, four a character; an epoch takes about 250 characters
MAX_LISTED = 1_000_000  # bytes in which an .npz file lists its arrays
MAX_BYTES = 8 * MAX_PARAMETERS + (1 << 24)  # in a file: weights, a velocity and the metadata


def save(
    path: Path,
    network: Network,
    metadata: Metadata,
    velocity: Array | None = None,
    like: Path | None = None,
    **more: Any,
) -> None:
    """Write the network and its metadata atomically; the same input gives the same bytes.

    A checkpoint also has the velocity (P,), more metadata, and the permissions of the file `like`.
    Raises WeightsError for a network that load would refuse, or if the file at path is something
    else (see check_replaceable); MnistnetError if the file cannot be written.
    """
    meta = {"format": FORMAT, "layers": network.layers, **metadata.as_json(), **more}
    arrays: dict[str, Any] = {
        f"W{layer}": W.astype(np.float32) for layer, W in enumerate(network.matrices, start=1)
    }
    _matrices(arrays, path)
    text = json.dumps(meta)
    if 4 * len(text) > MAX_META:
        raise WeightsError(f"{path}: the history of {len(metadata.history):,} epochs is too long")
    if velocity is not None:
        arrays["velocity"] = velocity
    check = functools.partial(check_replaceable, is_checkpoint=velocity is not None)
    check(path)  # once more: a training may have run since its caller asked
    with atomic_write(path, check, like) as stream:
        np.savez(stream, meta=np.array(text), **arrays)


def check_replaceable(path: Path, is_checkpoint: bool = False) -> None:
    """Raise WeightsError where the file at path is neither empty nor a whole weights file: whatever
    else has that name is not ours to replace. Nor is a network, or what a link leads to, where a
    checkpoint is kept."""
    try:
        if is_checkpoint and path.is_symlink():
            raise WeightsError(f"{path}: expected a checkpoint; found a link")
        if path.exists() and path.stat().st_size:
            velocity = load_all(path).velocity
            if is_checkpoint and velocity is None:
                raise WeightsError(f"{path}: expected a checkpoint; found the weights of a network")
    except WeightsError as error:
        raise WeightsError(
            f"{error}; it is not replaced: move it away, or name another file with --weights"
        ) from error


def load(path: Path) -> tuple[Network, Metadata]:
    """The network in a weights file, and its metadata.

    Raises WeightsError, naming the file, for anything that is not a whole, finite network of
    mnistnet's with 784 inputs and 10 outputs.
    """
    found = load_all(path)
    return found.network, found.metadata


class Contents(NamedTuple):
    """What a weights file holds: velocity (P,) only if it is a checkpoint; meta is the whole JSON
    object that metadata was parsed from."""

    network: Network
    metadata: Metadata
    velocity: Array | None
    meta: dict[str, Any]


def load_all(path: Path) -> Contents:
    """As load, and what only a checkpoint has."""
    try:
        if path.exists() and not path.is_file():
            raise WeightsError(f"{path}: expected a weights file, found a folder or a device")
        with path.open("rb") as stream:
            arrays = _read(stream, path)
    except FileNotFoundError as error:
        raise WeightsError(
            f"there is no weights file {path}; run 'mnistnet train' to make one, "
            "or name another with --weights"
        ) from error
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {reason(error)}") from error
    meta = _json(arrays.pop("meta", None), path)
    velocity = arrays.pop("velocity", None)
    matrices = _matrices(arrays, path)
    layers = [matrices[0].shape[1], *(len(W) for W in matrices)]
    if meta.get("layers") != layers:
        raise WeightsError(
            f"{path}: expected the layers that its metadata states, {meta.get('layers')}; "
            f"found {layers}"
        )
    try:
        metadata = parse(meta, hidden=tuple(layers[1:-1]))
    except ValueError as error:
        raise WeightsError(f"{path}: in its metadata {error}") from error
    network = Network(layers)
    for mine, W in zip(network.matrices, matrices, strict=True):
        mine[...] = W
    if velocity is not None and (
        (velocity.dtype, velocity.shape) != (np.float32, network.parameters.shape)
        or not np.isfinite(velocity).all()
    ):
        raise WeightsError(f"{path}: expected a float32 velocity, finite, for each weight")
    return Contents(network, metadata, velocity, meta)


def _read(stream: BinaryIO, path: Path) -> dict[str, Any]:
    """Every array in the file, none of them pickled, MAX_BYTES of them at most."""
    try:
        _check_ends(stream)
        with zipfile.ZipFile(stream) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > MAX_BYTES:
                raise WeightsError(f"{path}: expected {MAX_BYTES:,} bytes at most; found {size:,}")
            return {
                member.filename.removesuffix(".npy"): _array(archive, member)
                for member in archive.infolist()
            }
    except (WeightsError, OSError, MemoryError):
        raise
    except Exception as error:  # a hostile file makes zipfile and NumPy raise a dozen kinds
        raise WeightsError(
            f"{path}: expected the weights that 'mnistnet train' writes; found a file that is "
            f"damaged or something else ({reason(error)})"
        ) from error


def _check_ends(stream: BinaryIO) -> None:
    """Raise BadZipFile for a file that does not begin or end as NumPy's do, or lists so much that
    reading the list alone would take long."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(size - 22, 0))
    end = stream.read()
    stream.seek(0)
    if stream.read(4) != b"PK\3\4" or end[:4] != b"PK\5\6":
        raise zipfile.BadZipFile("File is not a zip file")
    (listed,) = struct.unpack_from("<I", end, 12)
    if listed > MAX_LISTED:
        raise zipfile.BadZipFile(f"it lists its content in {listed:,} bytes")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    """One array, once it is known to be as large as it says it is."""
    if member.filename == "meta.npy" and member.file_size > MAX_META + 1000:
        raise ValueError(f"{member.file_size:,} bytes of metadata")
    with warnings.catch_warnings(action="ignore"):
        with archive.open(member) as content:
            np.lib.format.read_magic(content)
            shape, _, dtype = np.lib.format.read_array_header_1_0(content)
            size = math.prod(shape) * dtype.itemsize
            if content.tell() + size != member.file_size:
                raise ValueError(f"{member.filename} is not of {size:,} bytes")
        with archive.open(member) as content:
            array: Array = np.lib.format.read_array(content, allow_pickle=False)
    return array


def _json(text: Any, path: Path) -> dict[str, Any]:
    """The JSON object that the array holds, of a format that this version reads."""
    try:
        meta = (
            json.loads(str(text[()]), parse_constant=_no_number)
            if text is not None and text.dtype.kind == "U"
            else None
        )
    except (ValueError, RecursionError):
        meta = None
    if not isinstance(meta, dict) or not isinstance(meta.get("format"), int):
        raise WeightsError(f"{path}: expected mnistnet's metadata, a JSON object; found none")
    if meta["format"] != FORMAT:
        raise WeightsError(
            f"{path}: expected format {FORMAT}, found {meta['format']}; "
            "it needs another version of mnistnet"
        )
    return meta


def _no_number(_: str) -> None:
    """What NaN and Infinity, which are no JSON, are read as."""


def _matrices(arrays: Mapping[str, Any], path: Path) -> list[Any]:
    """W1, W2, ... in order, once they are known to be one finite network."""
    names = [f"W{layer}" for layer in range(1, len(arrays) + 1)]
    if not names or set(arrays) != set(names):
        found = ", ".join(sorted(arrays)) or "none"
        raise WeightsError(f"{path}: expected the matrices W1, W2, ...; found {found}")
    matrices = [arrays[name] for name in names]
    for name, W in zip(names, matrices, strict=True):
        if W.dtype != np.float32 or W.ndim != 2:
            raise WeightsError(
                f"{path}: expected a float32 matrix {name}; found {W.dtype}, shape {W.shape}"
            )
        if not are_sound(W):
            raise WeightsError(
                f"{path}: expected numbers of at most {MAX_WEIGHT:g} in {name}; "
                f"found {np.abs(W).max():g}"
            )
    shapes = [W.shape for W in matrices]
    chained = all(below[0] == above[1] for below, above in itertools.pairwise(shapes))
    if not chained or 0 in np.ravel(shapes) or shapes[0][1] != PIXELS or shapes[-1][0] != CLASSES:
        raise WeightsError(
            f"{path}: expected matrices that lead from {PIXELS} pixels to {CLASSES} scores; "
            f"found {', '.join(f'{units} x {inputs}' for units, inputs in shapes)}"
        )
    return matrices

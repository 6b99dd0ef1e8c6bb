"""Malformed weights files: every command that reads one prints a single error, and no code in the
file is run."""

import io
import math
import re
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import Mine, as_user, assert_fault, make_pipe, rewrite, run, write_weights

from mnistnet.model import weights
from mnistnet.model.metadata import EpochReport

NET = Path("net.npz")
DAMAGED = re.compile(
    "net.npz: expected a weights file written by 'mnistnet train'; found a damaged or different "
    r"file \(.*\)"
)


@pytest.fixture
def whole() -> bytes:
    """Write a valid net.npz to the current folder."""
    write_weights(NET, 12, 5)
    assert run("info", "--weights", NET).exit_code == 0
    return NET.read_bytes()


def assert_refused(message: str | re.Pattern[str], **how: Any) -> None:
    assert_fault(("info", "--weights", NET), message, **how)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


ROW = asdict(EpochReport(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25))
NAMES = "expected the matrices W1, W2, ...; found"
SHAPES = "expected matrices from 784 pixels to 10 scores; found"
MATRIX = "expected a float32 or float16 matrix W3; found"
NO_META = "expected metadata, a JSON object of at most 16,777,216 characters"
ALTERED: dict[str, tuple[dict[str, Any], str]] = {
    "missing matrix": ({"W2": None}, f"{NAMES} W1, W3"),
    "extra array": ({"b1": np.zeros(3)}, f"{NAMES} W1, W2, W3, b1"),
    "control characters": ({"W2": None, "W\x1b[2J": zeros(5)}, f"{NAMES} W\\x1b[2J, W1, W3"),
    "float64": ({"W3": np.zeros((10, 5))}, f"{MATRIX} float64, shape (10, 5)"),
    "a vector": ({"W3": zeros(50)}, f"{MATRIX} float32, shape (50,)"),
    "big-endian": ({"W3": np.zeros((10, 5), ">f4")}, f"{MATRIX} >f4, shape (10, 5)"),
    "shapes that do not chain": ({"W2": zeros(5, 13)}, f"{SHAPES} 12 x 784, 5 x 13, 10 x 5"),
    "transposed": ({"W1": zeros(784, 12)}, f"{SHAPES} 784 x 12, 5 x 12, 10 x 5"),
    "NaN": (
        {"W3": np.full((10, 5), np.nan, np.float32)},
        "expected weights of at most 1e+09 in W3; found nan",
    ),
    "a newer format": ({"meta": {"format": 2}}, "expected format 1; found 2, of another version"),
    "no options": ({"meta": {"options": None}}, "expected a dict for options; found None"),
    "no history": ({"meta": {"history": 3}}, "expected a list for history; found 3"),
    "no epochs": ({"meta": {"options": {"epochs": True}}}, "expected a whole number from 0 for"),
    "no seed": ({"meta": {"seed": "x"}}, "expected a whole number from 0 for seed; found 'x'"),
    "no time": (
        {"meta": {"history": [ROW | {"seconds": math.inf}]}},
        "expected a number from 0 to",
    ),
    "an epoch twice": ({"meta": {"history": [ROW, ROW]}}, "expected epochs 1, 2, 3, ... in"),
    "an epoch without figures": ({"meta": {"history": [{"epoch": 1}]}}, "expected train_loss in"),
    "no metadata": ({"meta": None}, NO_META),
    "metadata that are not JSON": ({"meta": np.array("{")}, NO_META),
    "metadata that are not text": ({"meta": np.zeros(3)}, NO_META),
    "deeply nested metadata": ({"meta": np.array("[" * 100_000)}, NO_META),
    "no characters": ({"meta": np.array([0x110000], "u4").view("U1").reshape(())}, NO_META),
    "long metadata": (
        {"meta": np.array('{"format": 1, "x": "%s"}' % ("é" * 200_000))},
        "expected at most 1,000,000 characters of metadata beside the history",
    ),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_invalid_content_is_an_error(whole: bytes, kind: str) -> None:
    changes, message = ALTERED[kind]
    rewrite(NET, **changes)
    assert_refused(re.compile(re.escape(f"{NET}: {message}") + ".*"))


@pytest.mark.parametrize("name", ["W3", "meta", "velocity", "more"])
def test_a_pickle_is_not_loaded(whole: bytes, name: str) -> None:
    rewrite(NET, **{name: np.array([Mine()], object)})
    assert_refused(DAMAGED)
    assert not Path("exploded").exists()
    with np.load(NET, allow_pickle=True) as z:
        z[name]
    assert Path("exploded").exists()  # NumPy would load it


def test_two_arrays_of_one_name_are_refused(whole: bytes) -> None:
    with zipfile.ZipFile(NET, "a") as archive:
        archive.writestr("W1", archive.read("W1.npy"))
    assert_refused(re.compile(r"net.npz: .*\(it has two arrays W1\)"))


def test_a_changed_byte_is_an_error_or_harmless(whole: bytes) -> None:
    """Some bytes of the archive have no meaning."""
    rng, refused = np.random.default_rng(0), 0
    parameters = weights.load(NET)[0].parameters.tobytes()
    for position in rng.choice(len(whole), 200, replace=False):
        byte = whole[position] ^ int(rng.integers(1, 256))
        NET.write_bytes(whole[:position] + bytes([byte]) + whole[position + 1 :])
        result = run("info", "--weights", NET)
        if result.exit_code:
            assert re.fullmatch(f"Error: {NET}: .*\n", result.stderr)
            assert result.stdout == ""
            refused += 1
        else:
            assert weights.load(NET)[0].parameters.tobytes() == parameters
    assert refused > 190


def npy_bytes() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((10, 784), np.float32))
    return stream.getvalue()


@pytest.mark.parametrize("content", [b"", b"the weights", b"\x80\x04K\x01.", npy_bytes()])
def test_a_file_of_another_kind_is_an_error(content: bytes) -> None:
    """An empty file, a text, a pickle, and a renamed .npy."""
    NET.write_bytes(content)
    assert_refused(DAMAGED)


def test_a_zip_bomb_is_not_unpacked(whole: bytes) -> None:
    """Its stated size exceeds the limit, or its content exceeds the stated size."""
    with zipfile.ZipFile(NET, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W4.npy", npy_bytes() + bytes(20_000_000))
        others = sum(member.file_size for member in archive.infolist()[:-1])
        member = archive.infolist()[-1]
        member.file_size = 3_000_000_000
    total = others + 3_000_000_000
    assert total > weights.MAX_BYTES
    assert_refused(DAMAGED)
    NET.write_bytes(NET.read_bytes().replace((3_000_000_000).to_bytes(4, "little"), bytes(4)))
    assert_refused(DAMAGED)


def test_a_path_without_a_readable_file_is_an_error() -> None:
    assert_refused(
        "there is no weights file net.npz; run 'mnistnet train' to make one, or name another with "
        "--weights"
    )
    make_pipe(NET)
    assert_refused("cannot read net.npz: it is a folder or a device, not a file")
    NET.unlink()
    NET.touch(mode=0o200)
    assert_refused("cannot read net.npz: Permission denied", run=as_user)

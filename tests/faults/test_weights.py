"""Whatever is wrong with a weights file, every command that reads it says so in one line, and no
code in it runs."""

import io
import json
import os
import re
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import as_user, assert_fault, make_link, make_pipe, run

from mnistnet.model import weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options

NET = Path("net.npz")
DAMAGED = re.compile(
    "net.npz: expected the weights that 'mnistnet train' writes; found a file that is damaged or "
    r"something else \(.*\)"
)


@pytest.fixture
def network() -> Network:
    return Network.random((784, 12, 5, 10), np.random.default_rng(0))


@pytest.fixture
def whole(network: Network) -> bytes:
    """The file net.npz in the current folder, whole."""
    history = (Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25),)
    weights.save(
        NET,
        network,
        Metadata(Options(epochs=1, seed=7), Source({"images": "aa", "labels": "bb"}), history),
    )
    assert run("info", "--weights", NET).exit_code == 0
    return NET.read_bytes()


def assert_refused(message: str | re.Pattern[str], **how: Any) -> None:
    assert_fault(("info", "--weights", NET), message, **how)


# ---- somebody's own idea of a network


def rewrite(path: Path, **changes: Any) -> None:
    """The file with these arrays replaced, or left out where None, as a stranger might."""
    with np.load(path) as z:
        arrays = dict(z) | changes
    with path.open("wb") as stream:
        np.savez(stream, **{name: array for name, array in arrays.items() if array is not None})


def meta_with(path: Path, **changes: Any) -> np.ndarray:
    with np.load(path) as z:
        return np.array(json.dumps(json.loads(str(z["meta"])) | changes))


ROW = [asdict(Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25))]
ALTERED = {
    "missing matrix": (
        lambda _: {"W2": None},
        "expected the matrices W1, W2, ...; found W1, W3",
    ),
    "extra array": (
        lambda _: {"b1": np.zeros(3)},
        "expected the matrices W1, W2, ...; found W1, W2, W3, b1",
    ),
    "no matrices": (
        lambda _: {"W1": None, "W2": None, "W3": None},
        "expected the matrices W1, W2, ...; found none",
    ),
    "float64": (
        lambda _: {"W3": np.zeros((10, 5))},
        "expected a float32 matrix W3; found float64, shape (10, 5)",
    ),
    "a vector": (
        lambda _: {"W3": np.zeros(50, np.float32)},
        "expected a float32 matrix W3; found float32, shape (50,)",
    ),
    "shapes that do not chain": (
        lambda _: {"W2": np.zeros((5, 13), np.float32)},
        "expected matrices that lead from 784 pixels to 10 scores; found 12 x 784, 5 x 13, 10 x 5",
    ),
    "transposed": (
        lambda _: {"W1": np.zeros((784, 12), np.float32)},
        "expected matrices that lead from 784 pixels to 10 scores; found 784 x 12, 5 x 12, 10 x 5",
    ),
    "783 pixels": (
        lambda _: {"W1": np.zeros((12, 783), np.float32)},
        "expected matrices that lead from 784 pixels to 10 scores; found 12 x 783, 5 x 12, 10 x 5",
    ),
    "eleven scores": (
        lambda _: {"W3": np.zeros((11, 5), np.float32)},
        "expected matrices that lead from 784 pixels to 10 scores; found 12 x 784, 5 x 12, 11 x 5",
    ),
    "big-endian": (
        lambda _: {"W3": np.zeros((10, 5), ">f4")},
        "expected a float32 matrix W3; found >f4, shape (10, 5)",
    ),
    "infinity": (
        lambda _: {"W3": np.full((10, 5), -np.inf, np.float32)},
        "expected numbers of at most 1e+09 in W3; found inf",
    ),
    "a velocity of infinities": (
        lambda _: {"velocity": np.full(784 * 12 + 60 + 50, np.inf, np.float32)},
        "expected a float32 velocity, finite, for each weight",
    ),
    "NaN": (
        lambda _: {"W3": np.full((10, 5), np.nan, np.float32)},
        "expected numbers of at most 1e+09 in W3; found nan",
    ),
    "other layers in the metadata": (
        lambda path: {"meta": meta_with(path, layers=[784, 10])},
        "expected the layers that its metadata states, [784, 10]; found [784, 12, 5, 10]",
    ),
    "a newer format": (
        lambda path: {"meta": meta_with(path, format=2)},
        "expected format 1, found 2; it needs another version of mnistnet",
    ),
    "no options": (
        lambda path: {"meta": meta_with(path, options=None)},
        "in its metadata expected an object for 'options'; found None",
    ),
    "a history that is none": (
        lambda path: {"meta": meta_with(path, history=3)},
        "in its metadata expected a list for 'history'; found 3",
    ),
    "options without validation": (
        lambda path: {"meta": meta_with(path, options={"validation": True})},
        "in its metadata expected a whole number for 'validation'; found True",
    ),
    "a seed that is none": (
        lambda path: {"meta": meta_with(path, seed="x")},
        "in its metadata expected a whole number for 'seed'; found 'x'",
    ),
    "a figure beyond all numbers": (
        lambda path: {"meta": np.array(str(meta_with(path)).replace("1.25", "1e999"))},
        "in its metadata expected a number from 0 to 1e+09 for 'seconds'; found inf",
    ),
    "an epoch twice": (
        lambda path: {"meta": meta_with(path, history=2 * ROW)},
        "in its metadata expected the epochs 1, 2, ... in 'history'; found others",
    ),
    "an epoch without figures": (
        lambda path: {"meta": meta_with(path, history=[{"epoch": 1}])},
        "in its metadata expected 'train_loss' in 'history'; found none",
    ),
    "weights too large for their scores": (
        lambda _: {"W3": np.full((10, 5), 3e38, np.float32)},
        "expected numbers of at most 1e+09 in W3; found 3e+38",
    ),
    "no hidden units": (
        lambda _: {
            "W1": np.zeros((0, 784), np.float32),
            "W2": np.zeros((10, 0), np.float32),
            "W3": None,
        },
        "expected matrices that lead from 784 pixels to 10 scores; found 0 x 784, 10 x 0",
    ),
    "no metadata": (
        lambda _: {"meta": None},
        "expected mnistnet's metadata, a JSON object; found none",
    ),
    "metadata that is not JSON": (
        lambda _: {"meta": np.array("{")},
        "expected mnistnet's metadata, a JSON object; found none",
    ),
    "metadata that is a list": (
        lambda _: {"meta": np.array("[1]")},
        "expected mnistnet's metadata, a JSON object; found none",
    ),
    "metadata that is not text": (
        lambda _: {"meta": np.zeros(3)},
        "expected mnistnet's metadata, a JSON object; found none",
    ),
    "metadata nested without end": (
        lambda _: {"meta": np.array("[" * 100_000)},
        "expected mnistnet's metadata, a JSON object; found none",
    ),
    "another name": (
        lambda path: {"W2": None, "../W2": np.zeros((5, 12), np.float32)},
        "expected the matrices W1, W2, ...; found ../W2, W1, W3",
    ),
    "an absolute path": (
        lambda path: {"W2": None, "/etc/W2": np.zeros((5, 12), np.float32)},
        "expected the matrices W1, W2, ...; found /etc/W2, W1, W3",
    ),
    "a name with control characters": (
        lambda path: {"W2": None, "W\x1b[2J": np.zeros((5, 12), np.float32)},
        "expected the matrices W1, W2, ...; found W\\x1b[2J, W1, W3",
    ),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_a_file_of_other_content(whole: bytes, kind: str) -> None:
    change, words = ALTERED[kind]
    rewrite(NET, **change(NET))
    assert_refused(f"{NET}: {words}")


class Mine:
    """A pickle of it runs code when loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("name", ["W3", "meta", "velocity", "more"])
def test_a_pickle_that_would_run_code(whole: bytes, name: str) -> None:
    rewrite(NET, **{name: np.array([Mine()], object)})
    assert_refused(DAMAGED)
    assert not Path("exploded").exists()
    with np.load(NET, allow_pickle=True) as z:
        z[name]
    assert Path("exploded").exists()  # so it would have


# ---- damage


@pytest.mark.parametrize("part", range(8))
def test_a_file_cut_at_every_thousandth_byte(whole: bytes, part: int) -> None:
    for length in range(1000 * part, len(whole), 8000):
        NET.write_bytes(whole[:length])
        assert_refused(DAMAGED)


def test_a_flipped_byte_anywhere(network: Network, whole: bytes) -> None:
    """An error, or the same network where the byte carries nothing."""
    rng = np.random.default_rng(0)
    refused = 0
    for position in rng.choice(len(whole), 200, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= int(rng.integers(1, 256))
        NET.write_bytes(damaged)
        result = run("info", "--weights", NET)
        if result.exit_code:
            assert re.fullmatch(f"Error: {NET}: .*\n", result.stderr)
            assert result.stdout == ""
            refused += 1
        else:
            assert weights.load(NET)[0].parameters.tobytes() == network.parameters.tobytes()
    assert refused > 190


# ---- other files


def npy_bytes() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((10, 784), np.float32))
    return stream.getvalue()


def zip_bytes(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


FOREIGN = {
    "empty": b"",
    "text": b"the weights",
    "HTML": b"<html></html>",
    "a pickle": b"\x80\x04K\x01.",
    "a renamed .npy": npy_bytes(),
    "a zip of bytes": b"PK\3\4" + bytes(100),
    "an array whose header is cut short": zip_bytes(
        meta=npy_bytes().replace(b"(10, 784)", b"(" + b"1," * 1000 + b")")
    ),
    "an array whose header goes on and on": zip_bytes(
        meta=b"\x93NUMPY\x02\0" + (20_000).to_bytes(4, "little") + b" " * 20_000
    ),
    "an array of more than there is memory": zip_bytes(
        meta=npy_bytes().replace(b"(10, 784), }  ", b"(10, 7" + b"0" * 15 + b")}")
    ),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_kind(kind: str) -> None:
    NET.write_bytes(FOREIGN[kind])
    assert_refused(DAMAGED)


@pytest.mark.parametrize("name", ["W1.npy", "meta.npy"])
def test_a_member_that_is_no_array(whole: bytes, name: str) -> None:
    with zipfile.ZipFile(NET) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(NET, "w") as archive:
        for member, content in (members | {name: b"garbage"}).items():
            archive.writestr(member, content)
    assert_refused(DAMAGED)


def test_a_zip_bomb(whole: bytes) -> None:
    """Refused for what it says it holds, and if it says less, by that."""
    with zipfile.ZipFile(NET, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W4.npy", npy_bytes() + bytes(20_000_000))
        others = sum(member.file_size for member in archive.infolist()[:-1])
        member = archive.infolist()[-1]
        member.file_size = 3_000_000_000
    total = others + 3_000_000_000
    assert_refused(f"{NET}: expected {weights.MAX_BYTES:,} bytes at most; found {total:,}")
    NET.write_bytes(NET.read_bytes().replace((3_000_000_000).to_bytes(4, "little"), bytes(4)))
    assert_refused(DAMAGED)


INSTEAD = {
    "a folder": (Path.mkdir, "{path}: expected a weights file, found a folder or a device"),
    "a pipe": (make_pipe, "{path}: expected a weights file, found a folder or a device"),
    "a device": (
        lambda path: make_link(path, "/dev/zero"),
        "{path}: expected a weights file, found a folder or a device",
    ),
    "a link in a circle": (
        lambda path: make_link(path, path),
        "cannot read {path}: Too many levels of symbolic links",
    ),
    "a file that may not be read": (
        lambda path: path.touch(mode=0o200),
        "cannot read {path}: Permission denied",
    ),
    "nothing": (
        lambda _: None,
        "there is no weights file {path}; run 'mnistnet train' to make one, or name another with "
        "--weights",
    ),
}


@pytest.mark.parametrize("kind", INSTEAD)
def test_what_is_no_file_to_read(kind: str) -> None:
    make, words = INSTEAD[kind]
    make(NET)
    assert_refused(words.format(path=NET), run=as_user)


def test_every_command_that_reads_weights_says_so_alike(tiny: Path) -> None:
    NET.write_bytes(b"")
    for words in (("eval",), ("predict", "test:0"), ("plot", "weights"), ("gradcheck",), ("info",)):
        more = ("--data", tiny) if words != ("info",) else ()
        assert_fault((*words, *more, "--weights", NET), DAMAGED)
    NET.rename("mnistnet.npz")
    message = re.compile(DAMAGED.pattern.replace("net.npz", "mnistnet.npz"))
    for words in (("eval",), ("predict", "test:0"), ("plot", "weights"), ("gradcheck",)):
        assert_fault((*words, "--data", tiny), message)
    assert_fault(("info",), message)


# ---- what a file claims


def test_bytes_in_front_are_damage_and_no_advice_is_given_to_allow_pickles(whole: bytes) -> None:
    NET.write_bytes(b"#!/bin/sh" + whole)
    assert_refused(DAMAGED)
    assert "pickle" not in run("info", "--weights", NET).stderr


def test_a_list_of_a_million_arrays_is_not_read() -> None:
    with zipfile.ZipFile(NET, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"W{number}.npy", b"")
    assert_refused(DAMAGED)


def test_an_array_that_claims_more_than_there_is_takes_no_memory(whole: bytes) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (10, 1 << 40)}
    )
    with zipfile.ZipFile(NET, "w") as archive:
        archive.writestr("W1.npy", header.getvalue() + bytes(99))
    assert_refused(DAMAGED)


def test_metadata_of_any_size_is_bounded(whole: bytes) -> None:
    with zipfile.ZipFile(NET, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("meta.npy", bytes(weights.MAX_META + 2000))
    assert_refused(DAMAGED)


def test_lack_of_memory_is_not_called_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np.lib.format, "read_array", no_memory)
    assert run("info").stderr == "Error: there is not enough memory for this\n"


def test_a_number_beyond_all_is_never_printed(whole: bytes) -> None:
    for key in ("seed", "epochs", "validation_accuracy"):
        rewrite(
            NET,
            meta=np.array(
                str(np.load(NET)["meta"]).replace(f'"{key}": ', f'"{key}": 1e999 ,"x": ')
            ),
        )
        result = run("info", "--json", "--weights", NET)
        assert "Infinity" not in result.stdout + result.stderr

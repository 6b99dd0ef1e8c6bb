"""A weights file holds one network whole, opens with NumPy alone, and is not believed blindly."""

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet.errors import MnistnetError, WeightsError
from mnistnet.model import weights
from mnistnet.model.network import Network
from mnistnet.model.options import Options
from mnistnet.model.training import Report

HISTORY = [Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25), Report(2, 0.3, 0.9, 0.2, 0.95, 0.1, 1.5)]
DATA = {"sha256": {"images": "aa", "labels": "bb"}, "published": False}


@pytest.fixture
def network() -> Network:
    return Network.random((784, 12, 5, 10), np.random.default_rng(0))


@pytest.fixture
def saved(network: Network, tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    weights.save(path, network, weights.metadata(Options(epochs=2), 7, DATA, HISTORY))
    return path


def test_the_network_comes_back_as_it_was(network: Network, saved: Path) -> None:
    back, meta = weights.load(saved)
    assert back.layers == (784, 12, 5, 10)
    assert back.parameters.tobytes() == network.parameters.tobytes()
    assert meta == {
        "format": 1,
        "layers": [784, 12, 5, 10],
        "pixels": "x = pixel / 255; pixel 0 is background, 255 is ink",
        "options": {
            "epochs": 2,
            "batch_size": 100,
            "learning_rate": 0.2,
            "momentum": 0.9,
            "weight_decay": 1e-4,
            "augment": True,
            "validation": 5000,
            "drawn": 0,
        },
        "seed": 7,
        "epochs": 2,
        "validation_accuracy": 0.95,
        "data": DATA,
        "versions": {"mnistnet": weights.__version__, "numpy": np.__version__},
        "history": [
            {
                "epoch": 1,
                "train_loss": 0.5,
                "train_accuracy": 0.8,
                "validation_loss": 0.4,
                "validation_accuracy": 0.9,
                "learning_rate": 0.2,
                "seconds": 1.25,
            },
            {
                "epoch": 2,
                "train_loss": 0.3,
                "train_accuracy": 0.9,
                "validation_loss": 0.2,
                "validation_accuracy": 0.95,
                "learning_rate": 0.1,
                "seconds": 1.5,
            },
        ],
    }


def test_numpy_alone_opens_it(network: Network, saved: Path) -> None:
    x = np.random.default_rng(1).random(784, np.float32)
    with np.load(saved) as z:
        f = z["W3"] @ np.tanh(z["W2"] @ np.tanh(z["W1"] @ x))
        assert json.loads(str(z["meta"]))["layers"] == [784, 12, 5, 10]
    assert f == pytest.approx(network.scores(x[None])[0], rel=1e-4, abs=1e-6)


def test_the_same_network_gives_the_same_bytes(
    network: Network, saved: Path, tmp_path: Path
) -> None:
    meta = weights.metadata(Options(epochs=2), 7, DATA, HISTORY)
    weights.save(tmp_path / "again.npz", network, meta)
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_an_interrupted_write_leaves_the_old_file(
    network: Network, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(MnistnetError, match=f"^cannot write {saved}: No space left on device$"):
        weights.save(saved, network, {})
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


@pytest.mark.parametrize("value", [np.nan, np.inf, -2e9])
def test_what_load_would_refuse_is_not_written(
    network: Network, tmp_path: Path, value: float
) -> None:
    network.parameters[3] = value
    with pytest.raises(WeightsError, match=r"expected numbers of at most 1e\+09 in W1; found"):
        weights.save(tmp_path / "net.npz", network, {})
    with pytest.raises(WeightsError, match="lead from 784 pixels to 10 scores; found 3 x 784"):
        weights.save(tmp_path / "net.npz", Network((784, 3)), {})
    assert os.listdir(tmp_path) == []


def rewrite(path: Path, **changes: Any) -> None:
    """The file with these arrays replaced, or left out where None, as a stranger might."""
    with np.load(path) as z:
        arrays = dict(z) | changes
    with path.open("wb") as stream:
        np.savez(stream, **{name: array for name, array in arrays.items() if array is not None})


def meta_with(path: Path, **changes: Any) -> np.ndarray:
    with np.load(path) as z:
        return np.array(json.dumps(json.loads(str(z["meta"])) | changes))


class Bomb:
    """A pickle of it runs code when loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


NOT_OURS = "expected the weights that 'mnistnet train' writes; found a file that is damaged or"
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
        "expected 'options' in its metadata; found None",
    ),
    "a history that is none": (
        lambda path: {"meta": meta_with(path, history=3)},
        "expected 'history' in its metadata; found 3",
    ),
    "options without validation": (
        lambda path: {"meta": meta_with(path, options={"validation": True})},
        "expected a number of validation images; found True",
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
    "a pickle that runs code": (lambda _: {"W3": np.array([Bomb()], object)}, NOT_OURS),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_an_altered_file_is_named_with_what_was_expected_and_found(saved: Path, kind: str) -> None:
    change, words = ALTERED[kind]
    rewrite(saved, **change(saved))
    with pytest.raises(WeightsError) as caught:
        weights.load(saved)
    assert str(caught.value).startswith(f"{saved}: {words}")
    assert words == NOT_OURS or str(caught.value) == f"{saved}: {words}"
    assert not Path("exploded").exists()


def npy_bytes() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((10, 784), np.float32))
    return stream.getvalue()


FOREIGN = {
    "empty": b"",
    "text": b"the weights",
    "html": b"<html></html>",
    "a renamed .npy": npy_bytes(),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_an_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "net.npz"
    path.write_bytes(FOREIGN[kind])
    with pytest.raises(WeightsError) as caught:
        weights.load(path)
    assert str(caught.value).startswith(f"{path}: {NOT_OURS} something else (")


def test_a_file_cut_anywhere_is_an_error(saved: Path) -> None:
    whole = saved.read_bytes()
    for length in range(0, len(whole), 500):
        saved.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match="damaged"):
            weights.load(saved)


def test_a_flipped_byte_is_an_error_or_carries_nothing(network: Network, saved: Path) -> None:
    whole = saved.read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(whole), 200):
        damaged = bytearray(whole)
        damaged[position] ^= int(rng.integers(1, 256))
        saved.write_bytes(damaged)
        try:
            back, _ = weights.load(saved)
        except WeightsError:
            continue
        assert back.parameters.tobytes() == network.parameters.tobytes()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "MAX_BYTES", 1_000_000)
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W4.npy", bytes(2_000_000))
    size = sum(member.file_size for member in zipfile.ZipFile(saved).infolist())
    with pytest.raises(WeightsError) as caught:
        weights.load(saved)
    assert str(caught.value) == f"{saved}: expected 1,000,000 bytes at most; found {size:,}"


@pytest.mark.parametrize("name", ["W1.npy", "meta.npy"])
def test_a_member_that_is_no_array_is_an_error(saved: Path, name: str) -> None:
    with zipfile.ZipFile(saved) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(saved, "w") as archive:
        for member, content in (members | {name: b"garbage"}).items():
            archive.writestr(member, content)
    with pytest.raises(WeightsError, match="expected a float32 matrix W1|metadata, a JSON object"):
        weights.load(saved)


def test_what_is_not_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        weights.load(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected a weights file, found a folder or a device"
    with pytest.raises(WeightsError) as caught:
        weights.load(tmp_path / "none.npz")
    assert str(caught.value) == (
        f"there is no weights file {tmp_path / 'none.npz'}; "
        "run 'mnistnet train' to make one, or name another with --weights"
    )

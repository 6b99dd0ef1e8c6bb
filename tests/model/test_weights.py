"""A weights file holds one network whole, opens with NumPy alone, and is not believed blindly."""

import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet.errors import MnistnetError, WeightsError
from mnistnet.model import weights
from mnistnet.model.network import MAX_PARAMETERS, Network
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


def test_a_velocity_comes_back_as_it_was(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    meta = weights.metadata(Options(), 0, DATA, [])
    velocity = np.arange(len(network.parameters), dtype=np.float32)
    weights.save(path, network, meta, velocity)
    back = weights.load_with_velocity(path)[2]
    assert back is not None
    assert back.tobytes() == velocity.tobytes()
    weights.save(path, network, meta)
    assert weights.load_with_velocity(path)[2] is None


def test_a_file_may_hold_the_largest_network_and_its_velocity_but_not_much_more() -> None:
    largest = 2 * 4 * MAX_PARAMETERS
    assert largest + 10_000_000 < weights.MAX_BYTES < largest + 20_000_000


def test_the_history_is_the_reports_of_each_epoch(saved: Path) -> None:
    _, meta = weights.load(saved)
    assert weights.history(saved, meta) == HISTORY
    figures = {"train_loss": 0.0, "seconds": 1e9, "validation_loss": None}  # as may be
    expected = [replace(HISTORY[0], **figures), HISTORY[1]]
    rows = [asdict(report) for report in expected]
    assert weights.history(saved, {"history": rows}) == expected


@pytest.mark.parametrize(
    "change", [{"train_loss": None}, {"seconds": -1}, {"seconds": math.inf}, {"epoch": 2}]
)
def test_a_history_with_impossible_figures_is_refused(saved: Path, change: dict[str, Any]) -> None:
    _, meta = weights.load(saved)
    meta["history"][0] |= change
    with pytest.raises(WeightsError) as caught:
        weights.history(saved, meta)
    assert str(caught.value) == (
        f"{saved}: expected the figures of each epoch; found others in its history"
    )

"""A weights file restores a network exactly, opens with NumPy alone, and is checked."""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet import __version__
from mnistnet.errors import TrainingError, WeightsError
from mnistnet.model import weights
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options
from mnistnet.model.threads import blas

HISTORY = (
    EpochReport(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25),
    EpochReport(2, 0.3, 0.9, 0.2, 0.95, 0.1, 1.5),
)
SOURCE = TrainingSet({"images": "aa", "labels": "bb"})
METADATA = Metadata(Options((12, 5), epochs=2, seed=7).completed(60_000), SOURCE, HISTORY)


@pytest.fixture
def network() -> Perceptron:
    return Perceptron.random((784, 12, 5, 10), np.random.default_rng(0))


@pytest.fixture
def saved(network: Perceptron, tmp_path: Path) -> Path:
    path = tmp_path / "net.npz"
    weights.save(path, network, METADATA)
    return path


def test_the_network_and_its_metadata_are_restored(network: Perceptron, saved: Path) -> None:
    back, metadata = weights.load(saved)
    assert back.layers == (784, 12, 5, 10)
    assert back.parameters.tobytes() == network.parameters.tobytes()
    assert metadata == METADATA
    meta = weights.load_all(saved).meta
    assert meta.pop("pixels") == "x = pixel / 255; pixel 0 is background, 255 is ink"
    options = asdict(METADATA.options)
    del options["hidden"], options["seed"]
    assert meta == {
        "format": 1,
        "layers": [784, 12, 5, 10],
        "options": options,
        "seed": 7,
        "epochs": 2,
        "validation_accuracy": 0.95,
        "data": asdict(METADATA.data),
        "versions": {"mnistnet": __version__, "numpy": np.__version__, "BLAS": blas()},
        "history": [asdict(row) for row in HISTORY],
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_numpy_alone_opens_it_and_float16_halves_it(
    network: Perceptron, saved: Path, tmp_path: Path, dtype: type
) -> None:
    path = tmp_path / "other.npz"
    weights.save(path, network, METADATA, dtype=dtype)
    back, metadata = weights.load(path)
    assert metadata == METADATA
    assert back.parameters.dtype == np.float32
    assert back.parameters == pytest.approx(network.parameters, rel=1e-3, abs=1e-7)
    x = np.random.default_rng(1).random(784, np.float32)
    with np.load(path) as z:
        f = z["W3"] @ np.tanh(z["W2"] @ np.tanh(z["W1"] @ x))
        assert json.loads(str(z["meta"]))["layers"] == [784, 12, 5, 10]
    assert f == pytest.approx(back.scores(x[None])[0], rel=1e-4, abs=1e-6)
    if dtype == np.float32:  # the same network gives the same bytes
        assert path.read_bytes() == saved.read_bytes()
    else:
        assert path.stat().st_size < 0.6 * saved.stat().st_size


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(np.nan, np.float32), (np.inf, np.float32), (-2e9, np.float32), (70_000, np.float16)],
)
def test_a_network_that_load_would_refuse_is_not_written(
    network: Perceptron, tmp_path: Path, value: float, dtype: type
) -> None:
    network.parameters[3] = value
    with pytest.raises(WeightsError, match=r"expected weights of at most 1e\+09 in W1; found"):
        weights.save(tmp_path / "net.npz", network, METADATA, dtype=dtype)
    with pytest.raises(WeightsError, match="matrices from 784 pixels to 10 scores; found 3 x 784"):
        weights.save(tmp_path / "net.npz", Perceptron((784, 3)), METADATA)
    assert os.listdir(tmp_path) == []


ODD: list[Any] = [True, 0, 1, -1, 2.5, 1e308, 10**400, 10**5000, np.nan, "1", b"1", "", None]
ODD += [np.float32(0.1), np.int64(3), np.bool_(1), np.array(2), np.array([2]), (3, 4), {}]


@pytest.mark.parametrize("name", vars(Options()))
def test_load_reads_what_save_writes_whatever_the_options(name: str, tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    for value in ODD:
        with suppress(TrainingError, WeightsError):
            options = Options(**{name: value}).completed(60_000)
            weights.save(path, Perceptron((784, *options.hidden, 10)), Metadata(options, SOURCE))
            assert weights.load(path)[1] == Metadata(options, SOURCE)
    assert path.exists()


EARLIER = {
    "0.1.0": (
        Options((4,), 2, 10, 0.2, validation=50, weight_decay=1e-4, drawn=0, nondigits=0, seed=3),
        [8, 0, 3, 0, 5, 3, 0, 0, 5, 8],
    ),
    "0.2.0": (
        Options(
            (4,), 2, 25, 0.2, warps=2, widen=0.5, drawn=10, nondigits=10, validation=50, seed=3
        ),
        [1, 5, 4, 7, 8, 2, 7, 2, 2, 4],
    ),
}


@pytest.mark.parametrize("version", EARLIER)
def test_weights_of_earlier_versions_load_and_answer_the_same(version: str) -> None:
    """The files were trained by these versions on drawn digits, and gave these answers to bars."""
    options, answers = EARLIER[version]
    network, metadata = weights.load(Path(__file__).parent / f"mnistnet-{version}.npz")
    assert metadata.versions["mnistnet"] == version
    assert metadata.options == options
    row, column = np.divmod(np.arange(784), 28)
    bars = [255 * (place * 5 // 28 == bar) for place in (column, row) for bar in range(5)]
    assert network.image_scores(np.array(bars, np.uint8)).argmax(axis=1).tolist() == answers

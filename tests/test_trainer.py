"""Data and training from Python: the same network as the command's, reports, and stopping."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import run

import mnistnet
from mnistnet.errors import DataError, TrainingError
from mnistnet.image import drawn, nondigits

OPTIONS = {"hidden": 8, "epochs": 2, "batch_size": 10, "validation": 50, "seed": 5}


def test_train_gives_the_same_network_as_the_command(tiny: Path) -> None:
    """With NumPy's numbers, too."""
    data = mnistnet.load_data("train", str(tiny))
    reports: list[Any] = []
    options = {name: np.int64(value) for name, value in OPTIONS.items()}
    options |= {"drawn": 20, "nondigits": 30}
    network = mnistnet.train(data.images, data.labels, **options, callback=reports.append)
    assert [report.epoch for report in reports] == [1, 2]
    network.save("mine.npz")
    back = mnistnet.load_network("mine.npz")
    assert back.metadata == network.metadata
    words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    assert run("train", "--data", tiny, *words).exit_code == 0
    command = mnistnet.load_network("mnistnet.npz")
    assert command.model.parameters.tobytes() == back.model.parameters.tobytes()
    assert command.metadata.options == back.metadata.options
    assert command.metadata.data.sha256 == back.metadata.data.sha256


def test_train_continues_from_the_checkpoint_beside_its_weights(tiny: Path) -> None:
    data = mnistnet.load_data("train", tiny)

    def interrupt(_: Any) -> None:
        raise KeyboardInterrupt

    def train(**more: Any) -> mnistnet.Network:
        return mnistnet.train(data.images, data.labels, **OPTIONS, **more)

    with pytest.raises(KeyboardInterrupt, match="after epoch 1 of 2; to continue"):
        train(weights="mine.npz", callback=interrupt)
    assert [path.name for path in Path().glob("mine*")] == ["mine.npz.checkpoint"]
    reports: list[Any] = []
    network = train(weights="mine.npz", resume=True, callback=reports.append)
    assert [report.epoch for report in reports] == [2]
    assert [path.name for path in Path().glob("mine*")] == ["mine.npz"]
    written, whole = mnistnet.load_network("mine.npz"), train()
    assert written.metadata == network.metadata
    assert written.model.parameters.tobytes() == whole.model.parameters.tobytes()


def test_a_callback_may_take_the_network_so_far_and_stop(tiny: Path) -> None:
    """It gets a copy; the file has the network, and the training can be continued."""
    data = mnistnet.load_data("train", tiny)
    options = OPTIONS | {"epochs": 4}
    seen: list[tuple[int, mnistnet.Network]] = []

    def stop(report: Any, network: mnistnet.Network) -> Any:
        seen.append((report.epoch, network))
        return np.bool_(report.epoch == 2)

    network = mnistnet.train(data.images, data.labels, **options, weights="mine.npz", callback=stop)
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert [len(each.metadata.history) for _, each in seen] == [1, 2]
    first, second = (each.model.parameters.tolist() for _, each in seen)
    assert first != second
    written = mnistnet.load_network("mine.npz").model.parameters.tolist()
    assert second == network.model.parameters.tolist() == written
    again = mnistnet.train(data.images, data.labels, **options, weights="mine.npz", resume=True)
    whole = mnistnet.train(data.images, data.labels, **options, callback=lambda _: False)
    assert again.model.parameters.tolist() == whole.model.parameters.tolist()
    assert [path.name for path in Path().glob("mine*")] == ["mine.npz"]


@pytest.mark.parametrize("error", [TrainingError, ZeroDivisionError])
def test_a_callback_that_raises_leaves_the_checkpoint(tiny: Path, error: Any) -> None:
    """The error is raised as it is, and the training continues to the same weights."""
    data = mnistnet.load_data("train", tiny)

    def fail(_: Any) -> None:
        raise error("mine")

    with pytest.raises(error, match="^mine"):
        mnistnet.train(data.images, data.labels, **OPTIONS, weights="mine.npz", callback=fail)
    assert [path.name for path in Path().glob("mine*")] == ["mine.npz.checkpoint"]
    again = mnistnet.train(data.images, data.labels, **OPTIONS, weights="mine.npz", resume=True)
    whole = mnistnet.train(data.images, data.labels, **OPTIONS)
    assert again.model.parameters.tolist() == whole.model.parameters.tolist()


def test_arrays_of_load_data_are_read_only(tiny: Path) -> None:
    data = mnistnet.load_data("train", tiny)
    for array in (data.images, data.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
        assert array.copy().flags.writeable
    assert "read-only" in mnistnet.load_data.__doc__


def test_data_comes_from_the_folder_or_the_environment_or_is_downloaded(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setenv("MNISTNET_DATA", os.fspath(tiny))
    assert len(mnistnet.load_data().images) == 300
    assert len(mnistnet.load_data("test", tiny).labels) == 50
    with pytest.raises(DataError, match="expected the split 'train' or 'test'; found 'all'"):
        mnistnet.load_data("all")
    request.getfixturevalue("published")
    monkeypatch.delenv("MNISTNET_DATA")
    messages: list[str] = []
    assert mnistnet.load_data("test", mirrors=[os.fspath(tiny)], notify=messages.append).published
    assert messages[0].startswith("Downloading MNIST to ")


def test_training_with_nondigits_lowers_the_confidence_on_others() -> None:
    digits, labels = drawn.draw(600, np.random.default_rng(0))
    others = nondigits.draw(200, digits, labels, np.random.default_rng(1))
    options: dict[str, Any] = {"epochs": 12, "batch_size": 20, "augment": False, "validation": 100}
    without, with_nondigits = (
        mnistnet.train(digits, labels, **options, nondigits=count).probabilities(others)
        for count in (0, 400)
    )
    assert with_nondigits.max(axis=1).mean() < without.max(axis=1).mean() - 0.2

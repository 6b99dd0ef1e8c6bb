"""mnistnet train."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from program import NOTE, QUICK, Terminal, run, written

from mnistnet import cli
from mnistnet.data import mnist
from mnistnet.model import weights


def test_a_terminal_shows_a_line_per_epoch_above_a_bar(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    cli.main([*QUICK, "--data", str(tiny)], standalone_mode=False)
    lines = [line.split("\r")[-1] for line in stream.getvalue().splitlines()]
    assert re.fullmatch(
        r"epoch 4/4 \|[#█]+\| loss \d\.\d{4}, validation [\d.]+ %, [\d,]+ images/s, "
        r"00:00 left",
        lines[-1].strip(),
    )
    kept = [line[:16] for line in lines if line.startswith("epoch   ")]
    assert kept == [f"epoch   {n}/4  tra" for n in range(1, 5)]


def without_seconds(text: str) -> list[str]:
    return [line.rsplit("  ", 1)[0] for line in text.splitlines()]


def test_each_epoch_is_reported_and_the_weights_are_written(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--weights", "net.npz")
    network, _, _, meta = weights.load_all(Path("net.npz"))
    assert network.layers == (784, 8, 10)
    assert without_seconds(result.stderr.removeprefix(NOTE)) == [
        f"epoch   {row['epoch']}/4  train loss {row['train_loss']:.4f}  "
        f"validation accuracy {100 * row['validation_accuracy']:.2f} %"
        for row in meta["history"]
    ]
    start, end = result.stdout.split(" after 4 epochs in ")
    assert start == f"validation accuracy {100 * meta['validation_accuracy']:.2f} %"
    assert end.endswith(" s; weights in net.npz\n")
    sha256 = mnist.load(tiny, "train").sha256
    data = {"sha256": sha256, "published": False, "drawn": False, "name": "tiny"}
    assert meta["data"] == data
    assert meta["options"]["batch_size"] == 10


def test_json_has_an_object_per_epoch_and_a_summary(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--json")
    assert result.stderr == NOTE
    *epochs, summary = map(json.loads, result.stdout.splitlines())
    history = weights.load_all(Path("mnistnet.npz")).meta["history"]
    assert epochs == history
    assert summary == {
        "weights": "mnistnet.npz",
        "validation_accuracy": history[-1]["validation_accuracy"],
        "epochs": 4,
        "seconds": pytest.approx(sum(epoch["seconds"] for epoch in epochs)),
        "parameters": 784 * 8 + 8 * 10,
        "published": False,
        "drawn": False,
    }


def test_validation_can_be_turned_off(tiny: Path) -> None:
    result = run(*QUICK[:-1], "0", "--data", tiny, "--json")
    for line in map(json.loads, result.stdout.splitlines()):
        assert line["validation_accuracy"] is None
    result = run(*QUICK[:-1], "0", "--data", tiny)
    assert result.stdout.startswith("4 epochs in ")


def test_the_same_seed_writes_the_same_bytes(tiny: Path) -> None:
    results = []
    for seed in (0, 0, 1):
        run(*QUICK, "--data", tiny, "--seed", seed)
        results.append(written(Path("mnistnet.npz")))
    assert results[0] == results[1] != results[2]


def test_drawn_digits_can_be_added_to_the_training_images(tiny: Path) -> None:
    run(*QUICK, "--data", tiny, "--weights", "plain.npz")
    result = run(*QUICK, "--data", tiny, "--drawn", 20, "--epochs", 2, "--resume")
    network, _, _, meta = weights.load_all(Path("mnistnet.npz"))
    assert (meta["options"]["drawn"], result.exit_code) == (20, 0)
    assert meta["data"]["sha256"] == mnist.load(tiny, "train").sha256
    assert not np.array_equal(network.parameters, weights.load(Path("plain.npz"))[0].parameters)
    assert run("eval", "--split", "validation", "--data", tiny).exit_code == 0


def test_the_test_set_is_not_used(tiny: Path) -> None:
    for file in tiny.glob("t10k*"):
        file.unlink()
    assert run(*QUICK, "--data", tiny).exit_code == 0


@pytest.mark.parametrize("words", [("--hidden", "6,5"), ("--hidden", "6", "--hidden", "5")])
def test_hidden_takes_several_layers(tiny: Path, words: tuple[str, ...]) -> None:
    assert run(*QUICK, *words, "--data", tiny).exit_code == 0
    assert weights.load(Path("mnistnet.npz"))[0].layers == (784, 8, 6, 5, 10)


@pytest.mark.parametrize("value", ["300,", "a", "300, ,100"])
def test_invalid_hidden_layers_are_named_in_the_error(value: str) -> None:
    result = run("train", "--hidden", value)
    assert result.exit_code == 2
    assert result.stderr.endswith(
        f"Error: Invalid value for '--hidden': {value!r} is not a valid list of units, such as "
        "300,100, each from 1 to 1000000.\n"
    )


def test_quiet_prints_only_the_result(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--quiet")
    assert (result.stdout.count("\n"), result.stderr, result.exit_code) == (1, "", 0)

"""mnistnet train."""

import json
import re
import sys
from pathlib import Path

import pytest
from program import NOTE, QUICK, Terminal, interrupt, run, written

from mnistnet import cli
from mnistnet.data import mnist
from mnistnet.model import weights


def on_terminal(monkeypatch: pytest.MonkeyPatch, *words: object) -> list[str]:
    """Run the command; return what the lines of stderr, a terminal, show at the end."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(SystemExit):
        cli.main([str(word) for word in words])
    return [line.split("\r")[-1].strip() for line in stream.getvalue().splitlines()]


def test_a_terminal_shows_a_line_per_epoch_above_a_bar(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = on_terminal(monkeypatch, *QUICK, "--data", tiny)
    bar = r"epoch 4/4 \|[#█]+\| loss \d\.\d{4}, validation [\d.]+ %, [\d,]+ images/s, 00:00 left"
    assert re.fullmatch(bar, lines[-1])
    kept = [line[:16] for line in lines if line.startswith("epoch   ")]
    assert kept == [f"epoch   {n}/4  tra" for n in range(1, 5)]

    interrupt(monkeypatch, tiny)
    assert re.fullmatch(bar, on_terminal(monkeypatch, *QUICK, "--data", tiny, "--resume")[-1])
    # nor is there a bar where nothing is downloaded
    note = "weights mnistnet.npz; test images are not MNIST's own"
    assert on_terminal(monkeypatch, "eval", "--data", tiny)[0] == note


def test_each_epoch_is_reported_and_the_weights_are_written(tiny: Path) -> None:
    for file in tiny.glob("t10k*"):  # the test set is not used
        file.unlink()
    result = run(*QUICK, "--data", tiny, "--weights", "net.npz")
    network, _, _, meta = weights.load_all(Path("net.npz"))
    assert network.layers == (784, 8, 10)
    lines = result.stderr.removeprefix(NOTE).splitlines()
    assert [line.rsplit("  ", 1)[0] for line in lines] == [
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

    again = run(*QUICK, "--data", tiny, "--quiet")
    assert (again.stdout.count("\n"), again.stderr, again.exit_code) == (1, "", 0)
    assert written(Path("mnistnet.npz")) == written(Path("net.npz"))  # the same seed


def test_json_has_an_object_per_epoch_and_a_summary(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--json")
    assert result.stderr == NOTE
    *epochs, summary = map(json.loads, result.stdout.splitlines())
    history = weights.load_all(Path("mnistnet.npz")).meta["history"]
    assert epochs == history
    assert summary == {
        "weights": "mnistnet.npz",
        "validation_accuracy": history[-1]["validation_accuracy"],
        "accuracy_before": None,
        "epochs": 4,
        "seconds": pytest.approx(sum(epoch["seconds"] for epoch in epochs)),
        "parameters": 784 * 8 + 8 * 10,
        "published": False,
        "drawn": False,
    }


def test_hidden_takes_several_layers(tiny: Path) -> None:
    assert run(*QUICK, "--hidden", "6,5", "--hidden", 4, "--data", tiny).exit_code == 0
    assert weights.load(Path("mnistnet.npz"))[0].layers == (784, 8, 6, 5, 4, 10)

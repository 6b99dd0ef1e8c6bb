"""mnistnet info and gradcheck."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from program import run

from mnistnet import __version__
from mnistnet.model import gradcheck, weights
from mnistnet.model.metadata import TrainingSet
from mnistnet.model.network import Perceptron, backpropagate


def test_info_shows_how_a_network_was_made(trained: Path) -> None:
    lines = run("info").stdout.splitlines()
    meta = weights.load_all(Path("mnistnet.npz")).meta
    facts = dict(line.split("   ", 1) for line in lines if line[0] != " ")
    facts = {name: " ".join(text.split()) for name, text in facts.items()}
    assert facts["network"] == "784-8-10, tanh hidden units, identity scores, no biases"
    assert facts["trained on"].startswith("tiny, not MNIST's own; 50 training images")
    assert facts["validation accuracy"] == f"{100 * meta['validation_accuracy']:.2f} %"
    assert facts["made with"] == f"mnistnet {__version__}, numpy {np.__version__}"
    assert (facts["seed"], facts["started from"]) == ("0", "random weights")
    assert "batch size 10, learning rate 0.2, momentum 0.9, " in " ".join(lines)
    assert meta["data"]["sha256"]["images"] in " ".join(lines)


def test_json_is_the_metadata_with_the_history_on_request(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, metadata, weights="EVIL")
    meta = weights.load_all(Path("other.npz")).meta | {"weights": "other.npz"}
    result = run("info", "--weights", "other.npz", "--json", "--history")
    assert (json.loads(result.stdout), result.stderr) == (meta, "")
    del meta["history"]
    assert json.loads(run("info", "--weights", "other.npz", "--json").stdout) == meta


def test_history_is_a_line_per_epoch_and_a_note_names_other_weights(trained: Path) -> None:
    summary, history = run("info", "--history").stdout.split("\n\n")
    assert run("info").stdout == f"{summary}\n"
    lines = [line.split("  train loss ")[0] for line in history.splitlines()]
    assert lines == [f"epoch   {number}/4" for number in (1, 2, 3, 4)]
    assert run("info").stderr == "weights mnistnet.npz\n"
    bundled = run("info", "--weights", weights.PRETRAINED)
    words = " ".join(bundled.stdout.split())
    assert "MNIST and 15,000 drawn digits; 5,000 training images held out" in words
    assert bundled.stderr == ""


def test_control_characters_in_a_file_are_not_printed(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    data = TrainingSet({"\x1b]0;": "\n"})
    hostile = replace(metadata, history=(), versions={"\x1b[2J": "\x07"}, data=data)
    weights.save(Path("other.npz"), network, hostile)
    result = run("info", "--weights", "other.npz", "--history")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) < 25


def test_a_new_or_trained_network_is_checked(trained: Path) -> None:
    Path("mnistnet.npz").rename("net.npz")
    new = run("gradcheck", "--data", trained)
    assert (new.stderr, new.exit_code) == ("a new network, 784-72-10; 100 images\n", 0)
    assert "\nfinite differences, 1,000 weights " in new.stdout
    named = run("gradcheck", "--data", trained, "--weights", "net.npz")
    assert (named.stderr, named.exit_code) == ("net.npz, 784-8-10; 100 images\n", 0)
    Path("net.npz").rename("mnistnet.npz")
    assert run("gradcheck", "--data", trained).stderr == "mnistnet.npz, 784-8-10; 100 images\n"


def test_json_has_the_documented_fields_and_a_wrong_gradient_exits_1(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("gradcheck", "--data", trained, "--json")
    facts = json.loads(result.stdout)
    assert facts.pop("backprop_vs_autodiff") < 1e-10
    assert facts.pop("backprop_vs_finite_differences") < 1e-6
    assert facts == {"parameters": 784 * 8 + 8 * 10, "ok": True}
    assert result.stderr == ""

    def wrong(network: Perceptron, x: np.ndarray, labels: np.ndarray) -> object:
        loss, gradient, f = backpropagate(network, x, labels)
        return loss, 1.001 * gradient, f

    monkeypatch.setattr(gradcheck, "backpropagate", wrong)
    result = run("gradcheck", "--data", trained, "--json")
    assert json.loads(result.stdout)["ok"] is False
    assert result.stderr == "Error: backpropagation does not compute the gradient of the loss\n"
    assert result.exit_code == 1

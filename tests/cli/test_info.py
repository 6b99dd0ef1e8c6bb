"""mnistnet info."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import program, run

from mnistnet import __version__
from mnistnet.model import weights
from mnistnet.model.metadata import Source


def test_info_shows_how_a_network_was_made(trained: Path) -> None:
    result = run("info")
    meta = weights.load_all(Path("mnistnet.npz")).meta
    last = meta["history"][-1]
    facts = dict(line.split("   ", 1) for line in result.stdout.splitlines() if line[0] != " ")
    facts = {name: " ".join(text.split()) for name, text in facts.items()}
    assert facts["weights"] == f"mnistnet.npz, {Path('mnistnet.npz').stat().st_size:,} bytes"
    assert facts["network"] == "784-8-10, tanh hidden units, identity scores, no biases"
    assert facts["trained on"].startswith("tiny, not MNIST's own; 50 training images")
    assert facts["train loss"] == f"{last['train_loss']:.4f}"
    assert facts["validation accuracy"] == f"{100 * last['validation_accuracy']:.2f} %"
    assert facts["seed"] == "0"
    assert facts["epochs"].startswith("4 in 0.")
    assert facts["made with"] == f"mnistnet {__version__}, numpy {np.__version__}"
    everything = " ".join(result.stdout.split())
    assert meta["options"].pop("start") == ""
    assert facts["started from"] == "random weights"
    for name, value in meta["options"].items():
        assert f"{name.replace('_', ' ')} {value}" in everything
    assert meta["data"]["sha256"]["images"] in everything
    assert max(map(len, result.stdout.splitlines())) <= 80 + len("images ")


def test_info_mentions_added_drawn_digits() -> None:
    words = " ".join(run("info", "--weights", weights.PRETRAINED).stdout.split())
    assert "MNIST and 15,000 drawn digits; 5,000 training images held out" in words


def test_json_is_the_metadata_with_the_history_on_request(trained: Path) -> None:
    meta = weights.load_all(Path("mnistnet.npz")).meta
    result = run("info", "--json", "--history")
    assert result.stderr == ""
    assert json.loads(result.stdout) == {"weights": "mnistnet.npz"} | meta
    del meta["history"]
    assert json.loads(run("info", "--json").stdout) == {"weights": "mnistnet.npz"} | meta


def test_history_is_a_line_per_epoch(trained: Path) -> None:
    summary, history = run("info", "--history").stdout.split("\n\n")
    assert run("info").stdout == f"{summary}\n"
    assert [line[:30] for line in history.splitlines()] == [
        f"epoch   {row['epoch']}/4  train loss {row['train_loss']:.4f}"[:30]
        for row in weights.load_all(Path("mnistnet.npz")).meta["history"]
    ]


def test_a_note_names_weights_that_were_not_asked_for(trained: Path) -> None:
    assert run("info").stderr == "weights mnistnet.npz\n"
    assert run("info", "--quiet").stderr == ""
    assert run("info", "--weights", weights.PRETRAINED).stderr == ""


@pytest.mark.parametrize(
    "change",
    [
        {"history": ()},
        {"versions": {"\x1b[2J": "\x07"}},
        {"data": Source({"\x1b]0;": "\n"})},
    ],
)
def test_control_characters_in_a_file_are_not_printed(
    trained: Path, change: dict[str, Any]
) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, replace(metadata, **change))
    result = run("info", "--weights", "other.npz")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout
    assert len(result.stdout.splitlines()) < 25


def test_characters_that_stdout_cannot_encode_are_escaped(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    changed = replace(metadata, versions={"numpy": "\u6570"})
    weights.save(Path("other.npz"), network, changed)
    result = program("info", "--weights", "other.npz", PYTHONIOENCODING="latin-1")
    assert (result.stderr, result.exit_code) == ("", 0)
    assert "\\u6570" in result.stdout


def test_json_names_the_file_that_was_read(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, metadata, weights="EVIL")
    facts = json.loads(run("info", "--json", "--weights", "other.npz").stdout)
    assert facts["weights"] == "other.npz"

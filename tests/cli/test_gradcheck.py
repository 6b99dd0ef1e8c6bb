"""mnistnet gradcheck."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from program import run

from mnistnet.model import gradcheck
from mnistnet.model.network import Perceptron, backpropagate


def test_a_new_or_trained_network_is_checked(trained: Path) -> None:
    Path("mnistnet.npz").rename("net.npz")
    new = run("gradcheck", "--data", trained)
    assert (new.stderr, new.exit_code) == ("a new network, 784-72-10; 100 images\n", 0)
    assert "\nfinite differences, 1,000 weights " in new.stdout
    named = run("gradcheck", "--data", trained, "--weights", "net.npz")
    assert (named.stderr, named.exit_code) == ("net.npz, 784-8-10; 100 images\n", 0)
    Path("net.npz").rename("mnistnet.npz")
    assert run("gradcheck", "--data", trained).stderr == "mnistnet.npz, 784-8-10; 100 images\n"


def test_epsilon_shows_where_the_quotients_of_footnote_2_are_accurate(trained: Path) -> None:
    """Truncation makes them worse for a larger epsilon, rounding for a smaller one."""
    words = ("gradcheck", "--data", trained)
    tried = json.loads(run(*words, "--epsilon", "--json", "--out", "a.png").stdout)["epsilon"]
    assert [row["epsilon"] for row in tried["errors"]] == [10.0**-n for n in range(1, 17)]
    assert tried["seconds"].keys() == {"loss", "gradient", "finite_differences"}
    for kind, place, least in (("one_sided", 1e-6, 1e-5), ("central", 1e-4, 1e-6)):
        errors = {row["epsilon"]: row[kind] for row in tried["errors"]}
        assert errors[place] < least < min(errors[0.1], errors[1e-12], errors[1e-16])
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    lines = run(*words, "--epsilon").stdout.splitlines()
    assert re.fullmatch(r" +1e-06( +\d\.\de-\d\d){2}", lines[10])
    assert max(map(len, lines)) <= 80
    assert run(*words, "--out", "a.png").exit_code == 2


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

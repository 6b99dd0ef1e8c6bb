"""mnistnet eval --against and --answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from program import QUICK, assert_fails, run

from mnistnet.data import mnist
from mnistnet.model import weights


@pytest.fixture
def other(tiny: Path) -> str:
    """A network that is worse than the bundled one."""
    assert run(*QUICK, "--data", tiny, "--weights", "other.npz").exit_code == 0
    return "other.npz"


def test_against_another_network_lists_what_only_one_reads(tiny: Path, other: str) -> None:
    images = mnist.load(tiny, "test")
    words = ("eval", "--data", tiny, "--weights", weights.PRETRAINED, "--against", other)
    facts = json.loads(run(*words, "--json").stdout)
    against = facts["against"]
    right, others = (
        weights.load(Path(path))[0].image_scores(images.images).argmax(axis=1) == images.labels
        for path in (weights.PRETRAINED, other)
    )
    mine = np.flatnonzero(right & ~others)
    assert against["only_network"] == mine.tolist()
    assert against["only_other"] == np.flatnonzero(others & ~right).tolist()
    assert against["name"] == other
    assert against["accuracy"] == facts["accuracy"] == right.mean()
    assert against["other_accuracy"] == others.mean()
    text = run(*words).stdout
    assert f"only this network is right on {len(mine)}: test:{mine[0]}, " in text
    assert text.endswith("(exact McNemar test)\n")


def test_against_itself_nothing_differs(tiny: Path, other: str) -> None:
    words = (
        "eval",
        "--data",
        tiny,
        "--weights",
        other,
        "--against",
        other,
        "--split",
        "validation",
    )
    facts = json.loads(run(*words, "--json").stdout)
    assert facts["against"]["p_value"] == 1


def test_answers_of_any_program_are_compared(tiny: Path) -> None:
    labels = mnist.load(tiny, "test").labels.tolist()
    labels[3] = (labels[3] + 1) % 10
    Path("answers.csv").write_text(
        "id,digit\n" + "".join(f"{i},{y}\n" for i, y in enumerate(labels))
    )
    facts = json.loads(run("eval", "--data", tiny, "--answers", "answers.csv", "--json").stdout)
    assert facts["against"]["only_network"] == [3]
    assert facts["against"]["name"] == "answers.csv"


def test_what_cannot_be_compared_is_one_error(tiny: Path, other: str) -> None:
    Path("few.txt").write_text("1\n2\n")
    assert_fails(
        run("eval", "--data", tiny, "--answers", "few.txt"),
        "few.txt: expected an answer for each of the 50 images; found 2",
    )
    assert run("eval", "--against", other, "--answers", "few.txt").exit_code == 2
    quick = [*QUICK[:-1], "40"]  # held out
    assert run(*quick, "--data", tiny, "--weights", "third.npz").exit_code == 0
    words = ("eval", "--data", tiny, "--weights", other, "--against", "third.npz")
    assert_fails(
        run(*words, "--split", "validation"),
        "third.npz: expected a network with the same images held out; found another; use "
        "--split test",
    )
    assert run(*words).exit_code == 0

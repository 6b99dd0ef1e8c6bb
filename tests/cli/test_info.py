"""mnistnet info, gradcheck and eval, which tell of a network."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from program import QUICK, assert_fails, run, save_pictures

from mnistnet import __version__
from mnistnet.data import mnist
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
    assert facts["made with"].startswith(f"mnistnet {__version__}, numpy {np.__version__}, BLAS ")
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


def test_against_lists_the_images_that_only_one_network_reads(trained: Path) -> None:
    images, other = mnist.load(trained, "test"), "mnistnet.npz"
    words = ("eval", "--data", trained, "--weights", weights.PRETRAINED, "--against", other)
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


def test_a_comparison_of_different_images_is_an_error(trained: Path) -> None:
    other = (*QUICK, "--validation", 40, "--data", trained, "--weights", "other.npz")
    assert run(*other).exit_code == 0
    words = ("eval", "--data", trained, "--against")
    assert_fails(
        run(*words, "other.npz", "--split", "validation", "--quiet"),
        "other.npz: expected a network with the same images held out; found another; use "
        "--split test",
    )
    facts = json.loads(run(*words, "mnistnet.npz", "--split", "validation", "--json").stdout)
    assert facts["against"]["p_value"] == 1  # a network does not differ from itself


def test_the_figures_and_the_most_confident_mistakes_are_printed(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Here MNIST has 50 test images; 13 and 23, each a 3, are labelled 5, and 4, a 4, is labelled
    9, which is a known error."""
    path = tiny / "t10k-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[8 + 13] = content[8 + 23] = 5
    content[8 + 4] = 9
    path.write_bytes(content)
    request.getfixturevalue("published")
    monkeypatch.setattr(mnist, "LABEL_ERRORS", {4: 4})
    for columns, across in (("20", 1), ("90", 2)):
        monkeypatch.setenv("COLUMNS", columns)
        result = run("eval", "--data", tiny, "--mistakes", 2)
        assert result.stderr == "bundled weights; test images are MNIST's own\n"
        figures, drawn = result.stdout.split("\nmost confident mistakes\n\n")
        assert figures.startswith("accuracy  94.00 %   (95 % interval 83.78 % to 97.94 %)\n")
        assert "\n  without label errors   95.92 %\n  first half             88.00 %\n" in figures
        assert len(re.findall(r"test:(4|13|23) is [95], read as [43]", drawn)) == 2
        assert drawn.splitlines()[0].count("test:") == across
    facts = json.loads(run("eval", "--data", tiny, "--json").stdout)
    parts = {"without_label_errors": 47 / 49, "first_half": 22 / 25, "second_half": 1}
    assert facts["parts"] == pytest.approx(parts)


def test_mnist_has_15_known_label_errors(real_mnist: Path) -> None:
    data = mnist.load(real_mnist, "test")
    assert len(data.label_errors) == 15
    assert [data.labels[947], data.label_errors[947]] == [8, 9]
    assert all(data.labels[index] != right for index, right in data.label_errors.items())
    assert mnist.load(real_mnist, "train").label_errors == {}


def test_json_and_the_images_of_each_split(trained: Path) -> None:
    words = ("eval", "--data", trained, "--json", "--split")
    result = run(*words, "validation")
    assert result.stderr == ""
    facts = json.loads(result.stdout)
    assert facts.items() >= {"count": 50, "split": "validation", "published": False}.items()
    assert (facts["weights"], facts["drawn"], facts["parts"]) == ("mnistnet.npz", False, {})
    assert facts["accuracy"] == weights.load_all(Path("mnistnet.npz")).meta["validation_accuracy"]
    assert json.loads(run(*words, "train").stdout)["count"] == 250
    labels = trained / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    assert json.loads(run(*words, "test").stdout)["count"] == 50
    assert_fails(
        run(*words, "validation"),
        "expected the images that this network was trained on, found others; name their folder "
        "with --data, or use --split test instead of validation",
    )


def test_a_folder_of_labelled_pictures_is_read_as_it_is(tiny: Path) -> None:
    """Those of the test folder, if there is one; what is skipped is told."""
    save_pictures("photos/test/{digit}/{number}.png", mnist.load(tiny, "test"), 20)
    Path("photos/test/3/none.png").write_text("none")
    Path("photos/train").mkdir()
    Path("photos/test/0/0.png").rename("photos/train/0.png")
    before = sorted(Path().rglob("*"))
    result = run("eval", "--data", "photos", "--json")
    facts = json.loads(result.stdout)
    assert (facts["count"], facts["published"]) == (19, False)
    assert facts["accuracy"] > 0.9
    assert "skipped 1 files without a label in photos: train/0.png\n" in result.stderr
    assert "skipped photos/test/3/none.png: expected a picture" in result.stderr
    assert sorted(Path().rglob("*")) == before

"""mnistnet eval."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from program import QUICK, assert_fails, run, save_pictures

from mnistnet.data import mnist
from mnistnet.model import weights


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

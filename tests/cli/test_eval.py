"""mnistnet eval."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from program import QUICK, assert_fails, run

from mnistnet.data import idx, mnist
from mnistnet.model import weights


@pytest.fixture
def other(tiny: Path) -> str:
    """A network worse than the bundled one."""
    assert run(*QUICK, "--data", tiny, "--weights", "other.npz").exit_code == 0
    return "other.npz"


def test_against_lists_the_images_that_only_one_network_reads(tiny: Path, other: str) -> None:
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


def test_answers_of_another_program_are_compared(tiny: Path) -> None:
    labels = mnist.load(tiny, "test").labels.tolist()
    labels[3] = (labels[3] + 1) % 10
    Path("answers.csv").write_text(
        "id,digit\n" + "".join(f"{i},{y}\n" for i, y in enumerate(labels))
    )
    facts = json.loads(run("eval", "--data", tiny, "--answers", "answers.csv", "--json").stdout)
    assert facts["against"]["only_network"] == [3]
    assert facts["against"]["name"] == "answers.csv"


def test_a_comparison_of_different_images_is_an_error(tiny: Path, other: str) -> None:
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
    words = ("eval", "--data", tiny, "--weights", other, "--against", other)
    facts = json.loads(run(*words, "--split", "validation", "--json").stdout)
    assert facts["against"]["p_value"] == 1  # a network does not differ from itself


def mislabel(folder: Path, changes: dict[int, int]) -> None:
    """Change labels of test images in the folder."""
    path = folder / "t10k-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    for index, label in changes.items():
        content[8 + index] = label
    path.write_bytes(content)


def test_the_figures_the_confusion_matrix_and_the_confusions_are_printed(tiny: Path) -> None:
    """With the bundled weights, which a note says."""
    mislabel(tiny, {13: 5, 23: 5, 4: 9})  # images 13 and 23 show a 3, image 4 a 4
    result = run("eval", "--data", tiny)
    assert result.stderr == "bundled weights; test images are not MNIST's own\n"
    figures, table, confusions = result.stdout.split("\n\n")
    assert figures.startswith("accuracy  94.00 %   (95 % interval 83.78 % to 97.94 %)\n")
    assert figures.endswith("\nunsure    1 of the answers; accuracy of the others 93.88 %")
    assert (
        "\n    3      3    .    .    .    3    .    .    .    .    .    . 100.0 %    60.0 %\n"
        in table
    )
    assert confusions == (
        "most frequent confusions\n"
        "5 read as 3  2 times, 28.6 % of the 5s\n"
        "9 read as 4  once, 16.7 % of the 9s\n"
    )


def test_the_most_confident_mistakes_are_shown_in_the_width_of_the_terminal(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "mistakes" not in run("eval", "--data", tiny, "--mistakes", 3).stdout  # there are none
    mislabel(tiny, {13: 5, 23: 5, 4: 9})
    for columns, across in (("20", 1), ("90", 2)):
        monkeypatch.setenv("COLUMNS", columns)
        result = run("eval", "--data", tiny, "--mistakes", 2)
        drawn = result.stdout.split("\nmost confident mistakes\n\n")[1]
        assert len(re.findall(r"test:(\d+) is (\d), read as (\d)", drawn)) == 2
        assert len(re.findall(r"test:", drawn.splitlines()[0])) == across
        assert max(map(len, drawn.splitlines())) <= 30 * across - 2
        assert drawn.count("█") > 40


def test_on_mnist_the_accuracy_without_label_errors_and_of_each_half_is_printed(
    published, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here MNIST has 50 test images, and number 4 is a known label error."""
    mislabel(tiny, {13: 5, 23: 5, 4: 9})
    labels = idx.read_idx(tiny / "t10k-labels-idx1-ubyte")
    files = [
        file._replace(sha256=idx.sha256(labels)) if file.name.startswith("t10k-l") else file
        for file in mnist.FILES
    ]
    monkeypatch.setattr(mnist, "FILES", tuple(files))
    monkeypatch.setattr(mnist, "LABEL_ERRORS", {4: 4})
    result = run("eval", "--data", tiny, "--mistakes", 3)
    assert "MNIST's own" in result.stderr
    assert result.stdout.splitlines()[3:6] == [
        "  without label errors   95.92 %",
        "  first half             88.00 %",
        "  second half           100.00 %",
    ]
    assert result.stdout.count("%, label error") == 1
    facts = json.loads(run("eval", "--data", tiny, "--json").stdout)
    assert facts["parts"] == {
        "without_label_errors": pytest.approx(47 / 49),
        "first_half": pytest.approx(22 / 25),
        "second_half": 1,
    }
    assert mnist.load(tiny, "train").label_errors == {}


def test_mnist_has_15_known_label_errors(real_mnist: Path) -> None:
    data = mnist.load(real_mnist, "test")
    assert len(data.label_errors) == 15
    assert [data.labels[947], data.label_errors[947]] == [8, 9]
    assert all(data.labels[index] != right for index, right in data.label_errors.items())


def test_json_has_the_documented_fields(trained: Path) -> None:
    result = run("eval", "--data", trained, "--json", "--split", "validation")
    assert result.stderr == ""
    facts = json.loads(result.stdout)
    assert facts["count"] == 50
    assert (facts["split"], facts["published"]) == ("validation", False)
    assert facts["weights"] == "mnistnet.npz"
    assert facts["accuracy"] == weights.load_all(Path("mnistnet.npz")).meta["validation_accuracy"]
    result = run("eval", "--data", trained, "--json", "--split", "train")
    assert json.loads(result.stdout)["count"] == 250


def test_the_validation_images_of_another_data_set_are_an_error(trained: Path) -> None:
    labels = trained / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    assert run("eval", "--data", trained).exit_code == 0
    assert_fails(
        run("eval", "--data", trained, "--split", "validation"),
        "expected the images that this network was trained on, found others; name their folder "
        "with --data, or use --split test instead of validation",
    )

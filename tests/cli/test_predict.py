"""predict --explain, --csv and --quiet, and images of a data set by name."""

import csv
import json
from pathlib import Path

import pytest
from program import QUICK, assert_fails, run

from mnistnet.data import mnist
from mnistnet.model.training import split


@pytest.fixture
def trained(tiny: Path) -> Path:
    assert run(*QUICK, "--data", tiny).exit_code == 0
    return tiny


def test_explain_draws_the_image_and_tells_how_the_answer_comes_about(trained: Path) -> None:
    label = mnist.load(trained, "test").labels[3]
    result = run("predict", "--explain", "test:3", "--data", trained)
    assert result.exit_code == 0
    assert "the 8 units that matter most for" in result.stdout
    assert "█" in result.stdout
    assert f" for the label {label}; largest derivatives" in result.stdout
    facts = json.loads(run("predict", "--explain", "test:3", "--data", trained, "--json").stdout)
    [explanation] = facts["explanations"]
    assert explanation["answer"] == explanation["scores"].index(max(explanation["scores"]))
    assert explanation["label"] == label
    assert explanation["scores"] == pytest.approx(facts["scores"], rel=1e-4)


def test_csv_is_a_table_that_eval_takes_as_answers(trained: Path) -> None:
    result = run("predict", "--csv", "--data", trained, "test:0-49")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["picture"] for row in rows] == [f"test:{n}" for n in range(50)]
    answers = [json.loads(line) for line in run(
        "predict", "--json", "--data", trained, "test:0-49"
    ).stdout.splitlines()]  # fmt: skip
    assert [row["digit"] for row in rows] == [
        "" if answer["digit"] is None else str(answer["digit"]) for answer in answers
    ]
    assert [row["unsure"] for row in rows] == [str(answer["unsure"]) for answer in answers]
    Path("answers.csv").write_text(result.stdout)
    words = ("eval", "--data", trained, "--answers", "answers.csv", "--json")
    against = json.loads(run(*words).stdout)["against"]
    assert against["other_accuracy"] <= against["accuracy"]  # where there is no digit


def test_csv_has_an_empty_row_for_what_cannot_be_read(trained: Path) -> None:
    result = run("predict", "--csv", "--quiet", "--data", trained, 'no"ne.png', "test:0")
    assert result.exit_code == 1
    assert result.stderr.startswith('Error: no"ne.png: ')
    assert len(result.stderr.splitlines()) == 1
    header, none, zero = result.stdout.splitlines()
    assert header == "picture,unsure,probability,digit"
    assert none == '"no""ne.png",,,'
    assert zero.startswith("test:0,")
    assert run("predict", "--csv", "--json", "test:0").exit_code == 2


def test_quiet_leaves_out_the_notes(trained: Path) -> None:
    for words in (("predict", "test:0"), ("eval",), ("plot", "weights")):
        assert run(*words, "--data", trained).stderr
        result = run(*words, "--data", trained, "--quiet")
        assert (result.exit_code, result.stderr) == (0, "")


def test_validation_images_are_those_the_network_was_not_trained_on(trained: Path) -> None:
    data = mnist.load(trained, "train")
    row = split(300, 50)[1][7]
    names = ("predict", "--data", trained, "--json")
    by_name = json.loads(run(*names, "validation:7").stdout)
    by_number = json.loads(run(*names, f"train:{row}").stdout)
    assert by_name["scores"] == by_number["scores"]
    assert len(data.images) == 300


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test:50", "expected test: and a number from 0 to 49"),
        ("validation:50", "expected validation: and a number from 0 to 49"),
        ("test:0-50", "expected test: and a number from 0 to 49"),
        ("test:3-1", "expected test: and a number from 0 to 49"),
        ("train:-1", "expected train: and a number from 0 to 299"),
        ("train:1-2-3", "expected train: and a number from 0 to 299"),
        ("test:²", "expected test: and a number from 0 to 49"),
    ],
)
def test_an_image_that_there_is_not_is_one_error(trained: Path, name: str, message: str) -> None:
    result = run("predict", "--quiet", "--data", trained, name)
    assert_fails(result, f"{name}: {message}")


def test_plot_units_takes_pictures_and_samples(trained: Path) -> None:
    words = ("plot", "units", "--data", trained, "--quiet")
    assert run(*words, "test:0-2", "validation:1").exit_code == 0
    assert_fails(
        run(*words, "test:0", "none.png"), "none.png: cannot read it: No such file or directory"
    )
    assert_fails(run(*words, "train:0-60"), "expected at most 60 pictures to draw; found 61")
    assert run("plot", "weights", "test:0").exit_code == 2
    assert run("plot", "weights", "--weights", "a.npz", "--weights", "b.npz").exit_code == 2


def test_plot_dpi_is_the_resolution(trained: Path) -> None:
    from PIL import Image

    for dpi in (50, 200):
        run("plot", "history", "--dpi", dpi)
        with Image.open("history.png") as image:
            assert image.width == 8 * dpi


def test_plot_calibration_and_several_histories(trained: Path) -> None:
    assert run("plot", "calibration", "--data", trained).exit_code == 0
    words = ("plot", "history", "--weights", "mnistnet.npz", "--weights", "mnistnet.npz")
    assert run(*words).exit_code == 0

"""mnistnet predict."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import assert_fails, png, program, run

from mnistnet.data import mnist
from mnistnet.model import weights
from mnistnet.model.options import Options
from mnistnet.model.state import split


def test_explain_shows_how_the_answer_is_computed(trained: Path) -> None:
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


def test_csv_can_be_given_to_eval_as_answers(trained: Path) -> None:
    result = run("predict", "--csv", "--data", trained, "test:0-49")
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["picture"] for row in rows] == [f"test:{n}" for n in range(50)]
    lines = run("predict", "--json", "--data", trained, "test:0-49").stdout.splitlines()
    answers = list(map(json.loads, lines))
    assert [row["digit"] for row in rows] == [
        "" if answer["digit"] is None else str(answer["digit"]) for answer in answers
    ]
    assert [row["unsure"] for row in rows] == [str(answer["unsure"]) for answer in answers]
    Path("answers.csv").write_text(result.stdout)
    words = ("eval", "--data", trained, "--answers", "answers.csv", "--json")
    against = json.loads(run(*words).stdout)["against"]
    assert against["other_accuracy"] <= against["accuracy"]  # where there is no digit


def test_csv_has_an_empty_row_for_a_picture_that_cannot_be_read(trained: Path) -> None:
    result = run("predict", "--csv", "--quiet", "--data", trained, 'no"ne.png', "test:0")
    assert result.exit_code == 1
    assert result.stderr.startswith('Error: no"ne.png: ')
    assert len(result.stderr.splitlines()) == 1
    header, none, zero = result.stdout.splitlines()
    assert header == "picture,unsure,probability,digit"
    assert none == '"no""ne.png",,,'
    assert zero.startswith("test:0,")
    assert run("predict", "--csv", "--json", "test:0").exit_code == 2


def test_quiet_suppresses_notes(trained: Path) -> None:
    for words in (("predict", "test:0"), ("eval",), ("plot", "weights")):
        assert run(*words, "--data", trained).stderr
        result = run(*words, "--data", trained, "--quiet")
        assert (result.exit_code, result.stderr) == (0, "")


def test_validation_images_are_those_held_out_in_training(trained: Path) -> None:
    data = mnist.load(trained, "train")
    row = split(300, Options(validation=50))[1][7]
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
        ("test:" + "9" * 5000, "expected test: and a number from 0 to 49"),
    ],
)
def test_a_missing_image_of_the_data_set_is_an_error(
    trained: Path, name: str, message: str
) -> None:
    result = run("predict", "--quiet", "--data", trained, name)
    assert_fails(result, f"{name}: {message}")


@pytest.mark.parametrize("digit", [0, 1, 7])
def test_the_bundled_weights_read_a_drawn_digit(digit: int) -> None:
    Path("digit.png").write_bytes(png(digit))
    result = run("predict", "digit.png", "--top", 2)
    assert re.fullmatch(
        rf"digit\.png  {digit}  +\d+\.\d %  then \d \d+\.\d %, \d \d+\.\d %\n", result.stdout
    )
    assert result.exit_code == 0
    assert re.fullmatch(rf"digit\.png  {digit}  +\d+\.\d %\n", run("predict", "digit.png").stdout)


def number() -> Image.Image:
    """A 7, a 0 and a 1 side by side."""
    picture = Image.new("RGB", (1200, 300))
    for place, digit in enumerate((7, 0, 1)):
        picture.paste(Image.open(io.BytesIO(png(digit))), (400 * place, 0))
    return picture


def test_several_digits_are_read_as_a_number() -> None:
    number().save("number.png")
    assert run("predict", "number.png").stdout.startswith("number.png  701  ")
    shown = run("predict", "--show", "number.png").stdout
    assert len(shown.splitlines()) == 1 + 3 * 15
    answer = json.loads(run("predict", "--json", "number.png").stdout)
    assert (answer["digit"], answer["number"], answer["unsure"]) == (None, "701", False)
    assert answer["probabilities"] is answer["scores"] is answer["reason"] is None
    assert [digit["digit"] for digit in answer["digits"]] == [7, 0, 1]
    assert answer["digits"][1]["box"] == pytest.approx([550, 60, 661, 241], abs=6)
    assert answer["probability"] == pytest.approx(
        np.prod([digit["probability"] for digit in answer["digits"]])
    )


def test_a_picture_of_no_digit_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnistnet.model.answer.NO_DIGIT", 99)  # whatever the weights
    Path("scribble.png").write_bytes(png(1))
    result = run("predict", "scribble.png")
    assert re.fullmatch(r"scribble\.png  - +no digit\n", result.stdout)
    assert result.exit_code == 0
    answer = json.loads(run("predict", "--json", "scribble.png").stdout)
    assert (answer["digit"], answer["digits"], answer["unsure"]) == (None, [], True)
    assert answer["reason"] == "no digit"
    assert len(run("predict", "--show", "scribble.png").stdout.splitlines()) == 16


def test_a_dash_reads_standard_input() -> None:
    assert run("predict", "-", stdin=png(1)).stdout.startswith("-  1  ")


def test_without_a_picture_the_error_mentions_standard_input() -> None:
    result = run("predict", stdin=png(7))
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: Missing argument 'PICTURE...'. Use - to read a picture from standard input.\n"
    )


def test_images_of_the_data_set_are_read(tiny: Path) -> None:
    result = run("predict", "test:7", "train:12", "--data", tiny)
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["test:7", "7"],
        ["train:12", "2"],
    ]
    assert result.stderr == "bundled weights\n"


def test_show_prints_the_image_next_to_the_probabilities(tiny: Path) -> None:
    result = run("predict", "--show", "test:3", "--data", tiny)
    answer, *lines = result.stdout.splitlines()
    assert answer.startswith("test:3  3  ")
    assert len(lines) == 15
    ink = mnist.load(tiny, "test").images[3].reshape(14, 2, 28) > 127
    expected = [
        "".join(" ▀▄█"[up + 2 * down] for up, down in zip(*pair, strict=True)) for pair in ink
    ]
    assert [line[:28].rstrip() for line in lines[:14]] == [line.rstrip() for line in expected]
    assert re.fullmatch(r"   3  █+ +\d+\.\d %", lines[5][28:])
    assert [line[31:32] for line in lines[2:12]] == list("0123456789")


def test_show_uses_ascii_if_stdout_has_no_block_characters(tiny: Path) -> None:
    environment = {"PYTHONIOENCODING": "ascii", "MNISTNET_DATA": str(tiny)}
    assert "::::" in program("predict", "--show", "test:3", **environment).stdout


def test_json_has_the_documented_fields() -> None:
    Path("seven.png").write_bytes(png(7))
    result = run("predict", "--json", "seven.png", "none.png")
    answer, error = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert error == {"picture": "none.png", "error": "cannot read it: No such file or directory"}
    assert (answer["picture"], answer["digit"], answer["inverted"]) == ("seven.png", 7, True)
    assert len(answer["scores"]) == 10
    assert sum(answer["probabilities"]) == pytest.approx(1)
    assert answer["probability"] == max(answer["probabilities"]) == answer["probabilities"][7]
    assert answer["unsure"] is False
    shared = {"digit", "probability", "probabilities", "unsure", "reason"}
    assert set(answer) == {"picture", "scores", "inverted", "number", "digits", *shared}
    assert set(answer["digits"][0]) == {"box", *shared}


def test_a_picture_that_cannot_be_read_prints_an_error_and_the_others_are_answered(
    trained: Path,
) -> None:
    Path("one.png").write_bytes(png(1))
    Path("text.png").write_bytes(b"three")
    Image.new("L", (90, 90), 200).save("blank.png")
    Path("empty").mkdir()
    names = ["none.png", "text.png", "blank.png", "empty", "test:x", "test:50", "test:-1"]
    result = run("predict", *names, "one.png", "--data", trained, "--weights", weights.PRETRAINED)
    assert result.stderr == (
        "Error: none.png: cannot read it: No such file or directory\n"
        "Error: text.png: expected a picture: PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM; "
        "found another format\n"
        "Error: blank.png: found no digit: nothing stands out from the background\n"
        "Error: empty: expected a picture or a folder of pictures; found a folder without "
        "pictures\n"
        "Error: test:x: expected test: and a number from 0 to 49\n"
        "Error: test:50: expected test: and a number from 0 to 49\n"
        "Error: test:-1: expected test: and a number from 0 to 49\n"
    )
    assert result.stdout.startswith("one.png  1  ")
    assert result.exit_code == 1


def test_mirrors_are_tried_once_per_split(trained: Path, server) -> None:
    names = ["test:0", "test:1", "train:9"]
    result = run("predict", *names, "--mirror", server.url)
    assert server.hits == ["/train-images-idx3-ubyte.gz"] * 2  # for test, and for train
    assert result.stderr.count("Error: test:") == 2
    assert result.exit_code == 1

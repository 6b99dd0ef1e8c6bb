"""mnistnet predict."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import as_user, png, posix_only, program, run

import mnistnet
from mnistnet import api
from mnistnet.model.answer import Limits
from mnistnet.model.options import Options
from mnistnet.model.state import split


def test_the_bundled_weights_read_a_drawn_digit() -> None:
    Path("digit.png").write_bytes(png(7))
    result = run("predict", "digit.png", "--top", 2)
    line = r"digit\.png  7  +\d+\.\d %  then \d \d+\.\d %, \d \d+\.\d %\n"
    assert re.fullmatch(line, result.stdout)
    assert (result.stderr, result.exit_code) == ("bundled weights\n", 0)
    alone = run("predict", "-", "--quiet", stdin=png(0))
    assert re.fullmatch(r"-  0  +\d+\.\d %\n", alone.stdout)
    assert alone.stderr == ""


def number() -> Image.Image:
    """A 7, a 0 and a 1 side by side."""
    picture = Image.new("RGB", (1200, 300))
    for place, digit in enumerate((7, 0, 1)):
        picture.paste(Image.open(io.BytesIO(png(digit))), (400 * place, 0))
    return picture


def test_several_digits_are_read_as_a_number() -> None:
    number().save("number.png")
    assert run("predict", "number.png").stdout.startswith("number.png  701  ")
    answer = json.loads(run("predict", "--json", "number.png").stdout)
    assert (answer["digit"], answer["number"], answer["unsure"]) == (None, "701", False)
    assert answer["probabilities"] is answer["scores"] is answer["reason"] is None
    assert [digit["digit"] for digit in answer["digits"]] == [7, 0, 1]
    assert answer["digits"][1]["box"] == pytest.approx([550, 60, 661, 241], abs=6)
    assert answer["probability"] == pytest.approx(
        np.prod([digit["probability"] for digit in answer["digits"]])
    )


def test_a_picture_of_no_digit_is_reported() -> None:
    """By the limits of the weights, whatever these are."""
    network = mnistnet.load_network()
    metadata = replace(network.metadata, limits=Limits(score=99, no_digit=99))
    mnistnet.Network(network.model, metadata).save("mnistnet.npz")
    Path("scribble.png").write_bytes(png(1))
    result = run("predict", "scribble.png")
    assert re.fullmatch(r"scribble\.png  - +no digit\n", result.stdout)
    assert result.exit_code == 0
    answer = json.loads(run("predict", "--json", "scribble.png").stdout)
    assert (answer["digit"], answer["digits"], answer["unsure"]) == (None, [], True)
    assert answer["reason"] == "no digit"


def test_json_has_the_documented_fields() -> None:
    Path("seven.png").write_bytes(png(7))
    result = run("predict", "--json", "seven.png", "none.png")
    answer, error = map(json.loads, result.stdout.splitlines())
    assert result.exit_code == 1
    assert error == {"picture": "none.png", "error": "cannot read it: No such file or directory"}
    assert (answer["picture"], answer["digit"], answer["inverted"]) == ("seven.png", 7, True)
    assert (answer["unsure"], len(answer["scores"])) == (False, 10)
    assert answer["probability"] == max(answer["probabilities"]) == answer["probabilities"][7]
    shared = {"digit", "probability", "probabilities", "unsure", "reason"}
    assert (answer["rows"], answer["marks"]) == (["7"], [])
    more = {"picture", "scores", "inverted", "number", "digits", "rows", "marks"}
    assert set(answer) == more | shared
    assert set(answer["digits"][0]) == {"box", *shared}


def test_explain_shows_how_the_answer_is_computed(trained: Path) -> None:
    words = ("predict", "--explain", "test:3", "--data", trained)
    row = split(300, Options(validation=50))[1][7]  # held out
    lines = run(*words, "--json", "validation:7", f"train:{row}").stdout.splitlines()
    facts, by_name, by_number = map(json.loads, lines)
    assert by_name["scores"] == by_number["scores"]
    assert "the 8 units that matter most for" in run(*words).stdout
    [explanation] = facts["explanations"]
    assert explanation["label"] == 3
    assert " for the label 4;" in run(*words, "--label", 4).stdout
    assert run("predict", "7.png", "--label", 4).exit_code == 2
    assert explanation["scores"] == pytest.approx(facts["scores"], rel=1e-4)


def test_toward_changes_one_picture_of_one_digit(tiny: Path) -> None:
    words = ("predict", "--data", tiny, "--quiet", "--toward", 9)
    assert " along the gradient of f_9 - f_4, and" in run(*words, "test:4", "--out", "a.png").stdout
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(run(*words, "test:4", "--json").stdout)["change"]
    assert (found["answer"], found["toward"], len(found["after"])) == (4, 9, 784)
    number().save("number.png")
    for picture, what in (("number.png", "701"), ("test:9", "a 9")):
        result = run(*words, picture)
        assert result.stderr == f"Error: {picture}: expected a digit other than 9; found {what}\n"
        assert result.exit_code == 1
    assert run("predict", "test:4", "--out", "a.png").exit_code == 2
    assert run(*words, "test:4-5", "--out", "a.png").exit_code == 2


def test_show_prints_the_image_and_the_probabilities(tiny: Path) -> None:
    words = ("predict", "--show", "test:3", "--data", tiny)
    answer, *lines = run(*words).stdout.splitlines()
    assert answer.startswith("test:3  3  ")
    assert len(lines) == 15
    assert re.fullmatch(r"   3  █+ +\d+\.\d %", lines[5][28:])
    assert "::::" in program(*words, PYTHONIOENCODING="ascii").stdout


def test_csv_can_be_given_to_eval_as_answers(tiny: Path) -> None:
    number().save("number.png")
    words = ("predict", "--quiet", "--data", tiny, "test:0-49")
    result = run(*words, 'no"ne.png', "number.png", "--csv")
    assert result.stderr == 'Error: no"ne.png: cannot read it: No such file or directory\n'
    header, *rows, missing, last = result.stdout.splitlines()
    assert header == "picture,unsure,probability,digit"
    answer = json.loads(run(*words, "--json").stdout.splitlines()[3])
    assert rows[3] == f"test:3,False,{answer['probability']},3"
    assert missing == '"no""ne.png",,,'
    assert re.fullmatch(r"number\.png,False,0\.99.*,701", last)
    rows[3] = "test:3,False,1.0,4"  # it shows a 3
    Path("answers.csv").write_text("\n".join([header, *rows]))
    words = ("eval", "--data", tiny, "--answers", "answers.csv", "--json")
    against = json.loads(run(*words).stdout)["against"]
    assert (against["name"], against["only_network"]) == ("answers.csv", [3])


NUMBERS = "expected test: and a number from 0 to 49"
UNREADABLE = {
    "none.png": "cannot read it: No such file or directory",
    "text.png": "expected a picture: PNG, JPEG, GIF, BMP, TIFF, WebP, AVIF, HEIC or PPM; found "
    "another format: save it as PNG",
    "blank.png": "found no digit: nothing stands out from the background",
    "empty": "expected a picture; found a folder without pictures",
    **dict.fromkeys(("test:50", "test:x", "test:²", "test:3-1", f"test:{'9' * 5000}"), NUMBERS),
    "train:1-2-3": "expected train: and a number from 0 to 299",
    "validation:50": "expected validation: and a number from 0 to 49",
}


def test_a_picture_that_cannot_be_read_prints_an_error_and_the_others_are_answered(
    trained: Path,
) -> None:
    Path("one.png").write_bytes(png(1))
    Path("text.png").write_bytes(b"three")
    Image.new("L", (90, 90), 200).save("blank.png")
    Path("empty").mkdir()
    result = run("predict", *UNREADABLE, "one.png", "test:49-50", "--data", trained, "--quiet")
    errors = [f"Error: {name}: {message}\n" for name, message in UNREADABLE.items()]
    assert result.stderr == "".join(errors) + f"Error: test:50: {NUMBERS}\n"
    answers = [line.split()[0] for line in result.stdout.splitlines()]
    assert (answers, result.exit_code) == (["one.png", "test:49"], 1)


def test_a_data_set_that_cannot_be_loaded_is_tried_once_for_each_split(
    trained: Path, server
) -> None:
    result = run("predict", "test:0", "test:1", "train:9", "--mirror", server.url)
    assert server.hits == ["/train-images-idx3-ubyte.gz"] * 2
    assert (result.stdout, result.exit_code, result.stderr.count("Error: ")) == ("", 1, 3)


@pytest.fixture
def folder() -> Path:
    """A folder with three pictures of a digit, and an invalid one."""
    folder = Path("pictures")
    folder.mkdir()
    for digit in (0, 1, 7):
        (folder / f"{digit}.png").write_bytes(png(digit))
    (folder / "5.png").write_bytes(b"\x89PNG\r\n\x1a\n, but no picture")
    return folder


def test_several_processes_print_the_same_as_one(
    tiny: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "FEW", 2)
    words = ("predict", folder / "5.png", "test:3", folder, "test:0-2", "none.png", "--data", tiny)
    one, two = run(*words), run(*words, "--workers", 2)
    assert (one.stdout, one.stderr, one.exit_code) == (two.stdout, two.stderr, two.exit_code)
    names = ["test:3", *(f"{folder / name}.png" for name in "017"), "test:0", "test:1", "test:2"]
    answers = [[name, name.removesuffix(".png")[-1]] for name in names]
    assert [line.split()[:2] for line in two.stdout.splitlines()] == answers


@posix_only("Windows allows no colon in names")
def test_files_in_a_folder_are_read_whatever_their_names(tiny: Path) -> None:
    Path("test:1").write_bytes(png(7))
    Path("shut.png").touch(0)
    done = as_user("predict", ".", "--data", tiny)
    assert done.stdout.split()[:2] == ["test:1", "7"]
    assert "Error: shut.png: cannot read it: Permission denied\n" in done.stderr

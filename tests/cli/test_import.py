"""mnistnet import, the examples of docs/data.md with small sets, and predict on sets."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from program import assert_fails, png, run, save_pictures, write_idx

from mnistnet.data import idx, mnist

NAMES = [file.name for file in mnist.FILES]
LIGHT = "the images have a light background, but MNIST's is black: consider --invert"


def test_the_counts_per_digit_are_printed_or_given_as_json(tiny: Path) -> None:
    result = run("import", tiny, "--out", "out", "--name", "Mine", "--labels", "0,1,2,3,4,5=9")
    columns = [*[30] * 5, *[0] * 4, 30, 180]
    lines = result.stdout.splitlines()
    assert lines[1] == "train     " + "".join(f"{count:>8}" for count in columns)
    assert lines[3:] == ["140 images of other labels left out", "Mine in out"]
    assert (result.stderr, result.exit_code) == ("", 0)
    words = ("--labels", "0,1=1,7=2", "--json", "--invert")
    result = run("import", tiny, "--out", "inverted", *words)
    assert json.loads(result.stdout) == {
        "out": "inverted",
        "name": "inverted",
        "counts": {"train": [30, 30, 30, *[0] * 7], "test": [5, 5, 5, *[0] * 7]},
        "skipped": 0,
        "left_out": 245,
        "warnings": [LIGHT],
    }
    assert result.stderr == f"Warning: {LIGHT}\n"


# ---- the examples of docs/data.md


def test_one_of_several_sets_in_a_folder_is_imported(tiny: Path) -> None:
    """As EMNIST's gzip.zip has them: a file selects one."""
    for name in NAMES:
        array = idx.read_idx(tiny / name)
        digits = f"emnist-digits-{name.replace('t10k', 'test')}.gz"
        write_idx(Path(digits), array.swapaxes(1, 2) if array.ndim == 3 else array)
        write_idx(Path(digits.replace("digits", "letters")), array + (array.ndim == 1))
    assert "; name one file of the set to read" in run("import", ".", "--out", "emnist").stderr
    one = "emnist-digits-test-labels-idx1-ubyte.gz"
    result = run("import", one, "--out", "emnist", "--name", "EMNIST digits")
    assert (result.stderr, result.exit_code) == ("", 0)
    for split in ("train", "test"):
        data = mnist.load(Path("emnist"), split)
        assert (data.sha256, data.name) == (mnist.load(tiny, split).sha256, "EMNIST digits")
    letters = "emnist-letters-train-images-idx3-ubyte.gz"
    message = r"Error: .*\[9\]: expected labels 0 to 9; found 10; to keep ten of more classes: mnis"
    assert re.match(message, run("import", letters, "--out", "letters").stderr)


def test_a_folder_of_pictures_is_imported(tiny: Path) -> None:
    """Those that cannot be read are reported and skipped."""
    save_pictures("photos/{digit}/{number}.png", mnist.load(tiny, "train"), 60)
    Path("photos/4/b\x1b.png").write_text("no picture")
    result = run("import", "photos", "--out", "mine")
    assert (result.exit_code, "1 files skipped\n" in result.stdout) == (0, True)
    assert re.fullmatch(r"skipped photos/4/b\\x1b.png: expected a picture.*\n", result.stderr)
    assert mnist.load(Path("mine"), "train").name == "mine"


HEAD = ",".join(f"pixel{number}" for number in range(784))


@pytest.fixture
def data(tiny: Path) -> mnist.Dataset:
    """The images of the tiny test set, of which the bundled weights are sure."""
    return mnist.load(tiny, "test")


def save_csv(images: np.ndarray, name: str = "test.csv") -> None:
    np.savetxt(name, images, "%d", ",", header=HEAD, comments="")


def answers(*words: object) -> list[list[str]]:
    result = run("predict", *words, "--quiet")
    assert (result.stderr, result.exit_code) == ("", 0)
    return [line.split()[:2] for line in result.stdout.splitlines()]


def test_the_images_of_any_set_are_answered(data: mnist.Dataset, tiny: Path) -> None:
    """Of several splits those of the test set, except in a file with one."""
    save_csv(data.images)
    write_idx(Path("images.gz"), data.images.reshape(-1, 28, 28))
    np.save("x.npy", data.images / 255)
    np.savez("a.npz", x_train=data.images[:3], y_train=data.labels[:3], x_test=data.images)
    Path("idx").mkdir()
    write_idx(Path("idx", mnist.FILES[2].name), data.images.reshape(-1, 28, 28))
    for name in ("test.csv", "images.gz", "x.npy", "a.npz", "idx", tiny):
        expected = [[f"{name}:{row}", str(label)] for row, label in enumerate(data.labels)]
        assert answers(name) == expected
    note = "a.npz has train and test images; these are the test images\n"
    assert note in run("predict", "a.npz").stderr
    train = tiny / mnist.FILES[0].name
    label = mnist.load(tiny, "train").labels[299]
    assert answers(train, "--rows", 299) == [[f"{train}:299", str(label)]]


def test_rows_and_names_choose_images(data: mnist.Dataset) -> None:
    save_csv(data.images)
    labels = [*map(str, data.labels)]
    chosen = [[f"test.csv:{row}", labels[row]] for row in (3, 4, 5)]
    assert answers("test.csv", "--rows", "3-5") == chosen
    assert answers("test.csv:3-5") == answers(*(name for name, _ in chosen)) == chosen
    assert json.loads(run("predict", "test.csv:7", "--json").stdout)["picture"] == "test.csv:7"
    result = run("predict", "test.csv:50", "test.csv", "--rows", "48-60", "--quiet")
    message = "expected test.csv: and a number from 0 to 49"
    assert result.stderr == f"Error: test.csv:50: {message}\n" * 2
    assert (len(result.stdout.splitlines()), result.exit_code) == (2, 1)


def test_a_path_is_tried_first(data: mnist.Dataset) -> None:
    save_csv(data.images)
    for name in ("test.csv:0", "test:0"):
        Path(name).write_bytes(png(7))
        assert answers(name) == [[name, "7"]]


def test_kaggles_form_always_has_a_digit(data: mnist.Dataset) -> None:
    """Counted from 1, whatever rows are chosen."""
    images = data.images[:30].copy()
    images[5], images[6] = 0, 255 * (np.arange(784) % 2)  # no digits
    save_csv(images)
    header, *rows = run("predict", "--kaggle", "test.csv").stdout.splitlines()
    assert header == "ImageId,Label"
    pairs = [[*map(int, row.split(","))] for row in rows]
    assert [number for number, _ in pairs] == [*range(1, 31)]
    assert [digit for _, digit in pairs[7:]] == data.labels[7:30].tolist()
    assert {digit for _, digit in pairs} <= set(range(10))
    few = run("predict", "--kaggle", "test.csv", "--rows", "3-4").stdout.splitlines()
    assert few[1:] == rows[3:5]
    Path("7.png").write_bytes(png(7))
    assert run("predict", "--kaggle", "7.png", "7.png").stdout.splitlines()[1:] == ["1,7", "2,7"]
    result = run("predict", "--kaggle", "test.csv", "--json")
    assert result.exit_code == 2
    assert "--kaggle cannot be used with other forms of output" in result.stderr


def test_a_set_that_cannot_be_read_is_one_error() -> None:
    Path("a.csv").write_text("1,2,3\n")
    message = "expected 784 pixels and a label in each line; found 3 columns"
    assert_fails(run("predict", "a.csv", "--quiet"), f"a.csv: {message}")

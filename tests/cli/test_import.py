"""mnistnet import, and two examples of docs/data.md with small sets."""

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image
from program import QUICK, run, write_idx

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


def test_a_csv_is_imported_and_the_images_of_another_are_answered(tiny: Path) -> None:
    for name, split in (("train.csv", "train"), ("test.csv", "test")):
        data = mnist.load(tiny, split)
        columns = [data.labels[:, None]] * (split == "train") + [data.images]
        head = ["label"] * (split == "train") + [f"pixel{number}" for number in range(784)]
        np.savetxt(name, np.hstack(columns), "%d", ",", header=",".join(head), comments="")
    assert run("import", "train.csv", "--out", "mine").exit_code == 0
    counts = [np.bincount(mnist.load(Path("mine"), split).labels) for split in ("train", "test")]
    assert [each.tolist() for each in counts] == [[25] * 10, [5] * 10]
    assert run(*QUICK, "--data", "mine", "--weights", "mine.npz").exit_code == 0
    result = run("predict", "test.csv", "--weights", "mine.npz", "--kaggle")
    rows = result.stdout.splitlines()
    assert (len(rows), rows[0], result.stderr) == (51, "ImageId,Label", "")


def test_emnist_digits_are_imported(tiny: Path) -> None:
    """The unpacked gzip.zip has several sets, so that a file selects one; the images are stored
    column by column."""
    folder = Path("gzip")
    folder.mkdir()
    for name in NAMES:
        array = idx.read_idx(tiny / name)
        stored = array.swapaxes(1, 2) if array.ndim == 3 else array
        ending = f"{name.replace('t10k', 'test')}.gz"
        write_idx(folder / f"emnist-digits-{ending}", stored)
        write_idx(folder / f"emnist-letters-{ending}", array if array.ndim == 3 else array + 1)
    result = run("eval", "--data", folder)
    assert "to convert another data set in it: mnistnet import gzip --out" in result.stderr
    assert "; name one file of the set to read" in run("import", folder, "--out", "emnist").stderr
    one = "emnist-digits-test-labels-idx1-ubyte.gz"
    result = run("import", folder / one, "--out", "emnist", "--name", "EMNIST digits")
    assert (result.stderr, result.exit_code) == ("", 0)
    for split in ("train", "test"):
        data = mnist.load(Path("emnist"), split)
        assert data.sha256 == mnist.load(tiny, split).sha256
        assert data.name == "EMNIST digits"
    letters = folder / "emnist-letters-train-images-idx3-ubyte.gz"
    message = r"Error: .*\[9\]: expected labels 0 to 9; found 10; to keep ten of more classes: mnis"
    assert re.match(message, run("import", letters, "--out", "letters").stderr)


def test_a_folder_of_pictures_is_imported(tiny: Path) -> None:
    """Those that cannot be read are reported and skipped."""
    images, labels = idx.read_idx(tiny / NAMES[0]), idx.read_idx(tiny / NAMES[1])
    for number in range(60):
        path = Path(f"photos/{labels[number]}/{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - images[number]).resize((140, 140)).save(path)
    bad = Path("photos/4/b\x1b.png")
    bad.write_text("no picture")
    result = run("import", "photos", "--out", "mine")
    assert (result.exit_code, "1 files skipped\n" in result.stdout) == (0, True)
    assert re.fullmatch(r"skipped photos/4/b\\x1b.png: expected a picture.*\n", result.stderr)
    assert mnist.load(Path("mine"), "train").name == "mine"
    tune = ("train", "--from", "pretrained", "--epochs", 1, "--data", "mine")
    assert run(*tune, "--weights", "mine.npz").exit_code == 0
    assert run("predict", "photos/3/3.png", "--weights", "mine.npz").exit_code == 0

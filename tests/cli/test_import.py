"""mnistnet import, and the three examples of docs/data.md with small sets."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import QUICK, assert_fails, run

from mnistnet.data import idx, mnist

NAMES = [file.name for file in mnist.FILES]
EMNIST = [
    "emnist-digits-train-images-idx3-ubyte.gz",
    "emnist-digits-train-labels-idx1-ubyte.gz",
    "emnist-digits-test-images-idx3-ubyte.gz",
    "emnist-digits-test-labels-idx1-ubyte.gz",
]


def test_the_counts_per_digit_are_printed(tiny: Path) -> None:
    result = run("import", tiny, "--out", "out", "--name", "Mine")
    columns = "".join(f"{30:>8}" for _ in range(10))
    assert result.stdout.splitlines()[1] == f"train     {columns}     300"
    assert result.stdout.splitlines()[-1] == "Mine in out"
    assert (result.stderr, result.exit_code) == ("", 0)


def test_json_has_the_documented_fields(tiny: Path) -> None:
    result = run("import", tiny, "--out", "out", "--labels", "0,1=1,7=2", "--json", "--invert")
    assert json.loads(result.stdout) == {
        "out": "out",
        "name": "out",
        "counts": {"train": [30, 30, 30, *[0] * 7], "test": [5, 5, 5, *[0] * 7]},
        "skipped": 0,
        "left_out": 245,
        "warnings": ["the images have a light background, but MNIST's is black: consider --invert"],
    }
    assert result.stderr == (
        "Warning: the images have a light background, but MNIST's is black: consider --invert\n"
    )


@pytest.mark.parametrize("labels", ["", "x", "5=10", "5=", "=", "1,,2", "1=٣"])
def test_labels_that_map_to_no_digit_are_wrong_usage(tiny: Path, labels: str) -> None:
    result = run("import", tiny, "--out", "out", "--labels", labels)
    assert (result.stdout, result.exit_code) == ("", 2)
    assert "expected labels and digits such as 0,1,seven=7" in result.stderr
    assert not Path("out").exists()


def test_a_name_with_control_characters_is_wrong_usage(tiny: Path) -> None:
    assert run("import", tiny, "--out", "out", "--name", "a\nb").exit_code == 2


def test_a_tilde_is_the_home_folder(tiny: Path) -> None:
    tiny.rename(Path.home() / "set")
    assert run("import", "~/set", "--out", "~/out").exit_code == 0
    assert len(mnist.load(Path.home() / "out", "test").labels) == 50
    assert run("eval", "--data", "~/out").exit_code == 0
    result = run("eval", "--data", "~nobody-of-this-name/out")
    assert result.exit_code == 2
    assert "there is no home folder" in result.stderr


def test_a_folder_with_files_is_not_written_to(tiny: Path) -> None:
    message = f"expected a new or empty folder; {tiny} is neither: name another"
    assert_fails(run("import", tiny, "--out", tiny), message)


def picture(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - image).resize((140, 140)).save(path)


def test_pictures_that_cannot_be_read_are_reported_and_skipped(tiny: Path) -> None:
    images, labels = idx.read_idx(tiny / NAMES[2]), idx.read_idx(tiny / NAMES[3])
    for number in range(10):
        picture(Path(f"set/{labels[number]}/{number}.png"), images[number])
    Path("set/4/b\x1b.png").write_text("no picture")
    result = run("import", "set", "--out", "out")
    assert result.exit_code == 0
    assert "1 files skipped\n" in result.stdout
    assert result.stderr.startswith("skipped set/4/b\\x1b.png: expected a picture")
    assert result.stderr.count("\n") == 1
    Path("bad/0").mkdir(parents=True)
    Path("bad/0/a.png").write_text("no picture")
    result = run("import", "bad", "--out", "none")
    assert result.exit_code == 1
    assert result.stderr.endswith("Error: bad: expected images with labels; found no usable ones\n")
    assert not Path("none").exists()


# ---- the examples of docs/data.md


def use(folder: str, name: str) -> None:
    """Train on a set, evaluate the network and plot it, as with MNIST."""
    assert run(*QUICK, "--data", folder, "--weights", "mine.npz").exit_code == 0
    result = run("eval", "--data", folder, "--weights", "mine.npz", "--mistakes", "3")
    assert result.exit_code == 0
    assert "not MNIST's own" in result.stderr
    assert "label errors" not in result.stdout
    facts = json.loads(run("eval", "--data", folder, "--weights", "mine.npz", "--json").stdout)
    assert facts["published"] is False
    for what in ("units", "confusion", "mistakes"):
        plot = ("plot", what, "--data", folder, "--weights", "mine.npz", "--out", f"{what}.png")
        assert run(*plot).exit_code == 0
    assert mnist.load(Path(folder), "train").name == name


def test_fashion_mnist_needs_no_import(tiny: Path) -> None:
    """Its four files have the names and format of those of MNIST."""
    folder = tiny.rename("fashion")
    for name in NAMES:
        array = np.array(idx.read_idx(folder / name))
        idx.write_idx(folder / f"{name}.gz", array[:, ::-1] if array.ndim == 3 else array)
        (folder / name).unlink()
    before = sorted(path.name for path in folder.iterdir())
    use("fashion", "fashion")
    assert sorted(path.name for path in folder.iterdir()) == before


def test_emnist_digits_are_imported(tiny: Path) -> None:
    """The unpacked gzip.zip has several sets, so that a file selects one; the images are stored
    column by column."""
    folder = Path("gzip")
    folder.mkdir()
    for name, emnist in zip(NAMES, EMNIST, strict=True):
        array = idx.read_idx(tiny / name)
        idx.write_idx(folder / emnist, array.swapaxes(1, 2) if array.ndim == 3 else array)
        other = emnist.replace("digits", "letters")
        idx.write_idx(folder / other, array if array.ndim == 3 else array + 1)
    result = run("eval", "--data", folder)
    assert "to convert these: mnistnet import gzip --out NEW_FOLDER" in result.stderr
    result = run("import", folder, "--out", "emnist")
    assert "name one file of the set to read" in result.stderr
    result = run("import", folder / EMNIST[0], "--out", "emnist", "--name", "EMNIST digits")
    assert (result.stderr, result.exit_code) == ("", 0)
    use("emnist", "EMNIST digits")
    assert mnist.load(Path("emnist"), "test").sha256 == mnist.load(tiny, "test").sha256
    result = run("import", folder / EMNIST[0].replace("digits", "letters"), "--out", "letters")
    assert "expected labels 0 to 9; found 10; mnistnet has ten classes" in result.stderr


def test_a_folder_of_pictures_is_imported(tiny: Path) -> None:
    images, labels = idx.read_idx(tiny / NAMES[0]), idx.read_idx(tiny / NAMES[1])
    for number in range(120):
        picture(Path(f"photos/{labels[number]}/{number}.png"), images[number])
    assert run("import", "photos", "--out", "mine").exit_code == 0
    use("mine", "mine")
    tune = ("train", "--from", "pretrained", "--epochs", 1, "--weights", "tuned.npz")
    assert run(*tune, "--data", "mine").exit_code == 0
    result = run("predict", "photos/3/3.png", "--weights", "mine.npz")
    assert result.exit_code == 0

"""Data sets that other programs write are read, and anything else is refused."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import make_digits
from PIL import Image
from program import make_pipe, write_idx

from mnistnet.data import foreign, mnist
from mnistnet.errors import DataError
from mnistnet.image.digit import read_picture

NAMES = [file.name for file in mnist.FILES]
EMNIST = [f"emnist-digits-{name.replace('t10k', 'test')}.gz" for name in NAMES]
PIXELS = [f"pixel{number}" for number in range(784)]
X, Y = make_digits(30, 0)
TEST_X, TEST_Y = make_digits(20, 9)
TRAIN = {"train": (X, Y)}
NOISY = np.where(X == 0, 240 + np.arange(X.size).reshape(X.shape) // 784 % 15, 255 - X)
BOTH = TRAIN | {"test": (TEST_X, TEST_Y)}


def read(source: str, skipped: list[str] | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all of a source."""
    skipped = [] if skipped is None else skipped
    parts = foreign.read(
        Path(source), lambda path, why: skipped.append(f"{path}: {why}"), lambda *_: None
    )
    return {split: (images, labels) for split, images, labels in parts}


save_npz = functools.partial(np.savez, "a.npz")


def save_kmnist() -> None:
    Path("set").mkdir()
    for split, arrays in BOTH.items():
        for name, array in zip(("imgs", "labels"), arrays, strict=True):
            np.savez(f"set/kmnist-{split}-{name}.npz", array)


def save_idx(names: list[str] = NAMES) -> None:
    for name, array in zip(names, (X, Y, TEST_X, TEST_Y), strict=True):
        path = Path("set", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_idx(path, array)


def save_qmnist() -> None:
    """With labels in columns, of the training set also without."""
    save_idx()
    for name, labels in (("train", Y), ("t10k", TEST_Y)):
        rows = np.column_stack([labels.astype(np.int32), np.full((len(labels), 7), 300, np.int32)])
        write_idx(Path(f"set/{name}-labels-idx2-int"), rows)
    Path("set", NAMES[3]).unlink()


def save_csv(
    images: Any = X, labels: Any = Y, name: str = "a.csv", head: Any = (), mark: str = ","
) -> None:
    """The label is first, unless the last heading is another than a pixel's."""
    Path(name).parent.mkdir(exist_ok=True)
    columns = [labels, np.reshape(images, (len(images), 784))]
    is_last = bool(head) and head[-1] not in PIXELS
    values = np.column_stack(columns[::-1] if is_last else columns)
    np.savetxt(name, values, "%g", mark, header=mark.join(head), comments="")


def save_csvs(*names: str) -> None:
    for name, (images, labels) in zip(names, BOTH.values(), strict=True):
        save_csv(images, labels, f"set/{name}")


def edit_csv(change: Callable[[str], str]) -> None:
    save_csv()
    Path("a.csv").write_text(change(Path("a.csv").read_text()), newline="")


def quoted(text: str) -> str:
    """The table with the label last, a byte order mark, quotes, blank lines and Windows' ends."""
    rows = [row.split(",") for row in text.split()]
    return "\ufeff" + "\r\n \r\n".join('"' + '","'.join([*row[1:], row[0]]) + '"' for row in rows)


FORMS: dict[str, tuple[Callable[[], None], Any]] = {  # how to write a set, and what is read
    "Keras's npz": (lambda: save_npz(x_train=X, y_train=Y, x_test=TEST_X, y_test=TEST_Y), BOTH),
    "an npz of other types": (lambda: save_npz(X=X.astype(">f4")[..., None], y=Y[:, None]), TRAIN),
    "an npz in Fortran order with labels as text": (
        lambda: save_npz(images=np.asfortranarray(X), targets=Y.astype(str)),
        {"train": (X, Y.astype(str))},
    ),
    "KMNIST's folder of npz": (save_kmnist, BOTH),
    "EMNIST's names": (lambda: save_idx(EMNIST), BOTH),
    "QMNIST's labels": (save_qmnist, BOTH),
    "torchvision's root": (lambda: save_idx([f"MNIST/raw/{name}" for name in NAMES]), BOTH),
    "Kaggle's folders": (lambda: save_idx([f"{name}/{name}" for name in NAMES]), BOTH),
    "Kaggle's csv": (lambda: save_csv(head=["label", *PIXELS]), TRAIN),
    "a csv with semicolons": (lambda: save_csv(head=[*PIXELS, "class"], mark=";"), TRAIN),
    "a csv with tabs and fractions": (lambda: save_csv(X / 2, mark="\t"), {"train": (X / 2, Y)}),
    "a light csv": (lambda: save_csv(NOISY), {"train": (NOISY, Y)}),
    "a quoted csv with the label last": (lambda: edit_csv(quoted), TRAIN),
    "two csv": (lambda: save_csvs("mnist_train.csv", "mnist_test.csv"), BOTH),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_set_in_any_usual_form_is_read(form: str) -> None:
    save, expected = FORMS[form]
    save()
    [source] = os.listdir()
    found = read(source)
    assert list(found) == list(expected)
    for split, (images, labels) in expected.items():
        assert np.array_equal(found[split][0], images.reshape(-1, 784))
        assert np.array_equal(found[split][1], labels)
    if form == "Kaggle's csv":  # to save memory
        assert found["train"][0].dtype == np.uint8


# ---- pictures


def picture(name: str, image: np.ndarray) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - image).resize((120, 120)).save(name)


def test_pictures_in_folders_of_labels_are_read() -> None:
    """Also in train/ and test/. Others than of one digit are skipped."""
    for number in range(12):
        picture(f"set/{Y[number]}/{number:02}.png", X[number])
    Path("set/3/notes.txt").write_text("no picture")
    picture("set/3/two.png", np.hstack([X[1], X[2]]))
    Path("set/3/.DS_Store").write_text("hidden")
    skipped: list[str] = []
    [(images, labels)] = read("set", skipped).values()
    assert labels.tolist() == sorted(str(label) for label in Y[:12])
    assert np.array_equal(images[0], read_picture(Path("set/0/00.png")).digits[0].image)
    assert skipped[0].startswith(f"{Path('set/3/notes.txt')}: expected a picture")
    assert skipped[1:] == [f"{Path('set/3/two.png')}: expected one digit; found 2"]
    for number in range(3):
        picture(f"split/{'testing' if number else 'Training'}/{number}/a.png", X[number])
    found = {split: labels.tolist() for split, (_, labels) in read("split").items()}
    assert found == {"train": ["0"], "test": ["1", "2"]}


# ---- errors


class Trap:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch trapped",)


def save_damaged() -> None:
    save_npz(x=X, y=Y)
    content = bytearray(Path("a.npz").read_bytes())
    content[999] ^= 1
    Path("a.npz").write_bytes(content)


def save_two_kinds() -> None:
    save_csvs("train.csv", "test.csv")
    np.savez("set/set.npz", x=X, y=Y)


BAD: dict[str, tuple[Callable[[], Any], str]] = {  # how to write a source, and the error
    "no zip": (lambda: Path("a.npz").write_bytes(b"none"), "cannot read a.npz: "),
    "a changed byte": (save_damaged, "cannot read a.npz: Bad CRC-32"),
    "pickles": (lambda: save_npz(x=np.array([Trap()] * 784), y=Y), "a.npz: Object arrays cannot"),
    "other sizes": (
        lambda: save_npz(x=X[:, :10, :10], y=Y),
        r"expected n x 28 x 28 images; found \(30, 10, 10\) in x; save images of other sizes as",
    ),
    "one-hot labels": (
        lambda: save_npz(x=X, y=np.eye(10)[Y]),
        r"one label per .* \(30, 10\)",
    ),
    "too few labels": (
        lambda: save_npz(x=X, y=Y[1:]),
        r"one label per image, .*; found \(30, 28, 28\) in x and \(29,\) in y",
    ),
    "no labels": (
        lambda: save_npz(x_train=X, y_train=Y, x_test=TEST_X, mean=Y),
        "such as x_train and y_train; found x_train, y_train, x_test, mean$",
    ),
    "validation images": (
        lambda: save_npz(x_train=X, y_train=Y, x_val=X, y_val=Y),
        "expected one data set; found x_train and x_val; name one file of the set to read",
    ),
    "a csv without labels": (
        lambda: Path("a.csv").write_text("0," * 783 + "0"),
        "a.csv: expected 784 pixels and a label in each line; found 784 columns",
    ),
    "a csv of headings": (lambda: save_csv(X[:0], Y[:0], head=["y", *PIXELS]), "a.csv: .*no data"),
    "a short row": (
        lambda: edit_csv(lambda text: text + "1,2,3\n"),
        "cannot read a.csv: .*number of columns changed from 785 to 3 at row 31",
    ),
    "a word": (
        lambda: edit_csv(lambda text: text.replace(",0", ",zero", 1)),
        "cannot read a.csv: could not convert string 'zero' to float32 at row 0, column 2",
    ),
    "two training csv": (lambda: save_csvs("a.csv", "b.csv"), "found a.csv and b.csv; name one"),
    "two kinds": (
        save_two_kinds,
        "found set.npz, test.csv, train.csv of more than one kind: name the one to read",
    ),
    "text": (lambda: Path("a.txt").write_text("a"), "a.txt: expected an .npz with .*found a.txt"),
    "a pipe": (lambda: make_pipe(Path("pipe")), "there is no file or folder pipe; expected an"),
    "an empty folder": (lambda: Path("set").mkdir(), "set: expected an .npz .* found no files"),
    "pictures without labels": (lambda: picture("set/a.png", X[0]), "an .npz with .*; found a.png"),
}


@pytest.mark.parametrize("kind", BAD)
def test_anything_else_is_one_clear_error(kind: str) -> None:
    save, message = BAD[kind]
    save()
    before = os.listdir()
    with pytest.raises(DataError, match=message):
        read(before[0])
    assert os.listdir() == before  # nothing was unpickled


def test_what_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed("a.npz", x=X, y=Y)
    save_csv()
    monkeypatch.setattr(foreign, "MAX_BYTES", 20_000)
    with pytest.raises(DataError, match="at most 20,000 bytes in x, found 23,"):
        read("a.npz")
    with pytest.raises(DataError, match="a.csv: expected at most 20,000 bytes"):
        read("a.csv")

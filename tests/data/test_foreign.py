"""Data sets that other programs write are read, and anything else is refused."""

import functools
import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import make_digits
from program import make_pipe, write_idx

from mnistnet.data import mnist, named, table
from mnistnet.data.convert import gather
from mnistnet.errors import DataError

NAMES = [file.name for file in mnist.FILES]
EMNIST = [f"emnist-digits-{name.replace('t10k', 'test')}.gz" for name in NAMES]
PIXELS = [f"pixel{number}" for number in range(784)]
X, Y = make_digits(30, 0)
TEST_X, TEST_Y = make_digits(20, 9)
TRAIN = {"train": (X, Y)}
NOISY = np.where(X == 0, 240 + np.arange(X.size).reshape(X.shape) // 784 % 15, 255 - X)
BOTH = TRAIN | {"test": (TEST_X, TEST_Y)}


def read(
    source: str, told: list[str] | None = None, labels: dict[str, int] | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all of a source, without dividing it."""
    told = [] if told is None else told
    sets, _, warnings = gather(Path(source), lambda text, _: told.append(text), labels=labels)
    told += warnings
    return {split: (each.images, each.labels) for split, each in sets.items()}


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


def save_npys(folder: str, **arrays: Any) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(Path(folder, f"{name}.npy"), array)


def pack() -> None:
    save_csv(head=["label", *PIXELS])
    Path("a.csv.gz").write_bytes(gzip.compress(Path("a.csv").read_bytes()))
    Path("a.csv").unlink()


WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
INDEX = np.arange(len(X))
FULL = {"x_train": X, "y_train": Y, "x_test": TEST_X, "y_test": TEST_Y}
HALVES = {"x_train": X[:20], "y_train": Y[:20], "x_val": X[20:], "y_val": Y[20:]}
FORMS: dict[str, tuple[Callable[[], None], Any]] = {  # how to write a set, and what is read
    "Keras's npz": (lambda: save_npz(**FULL), BOTH),
    "an npz of other types": (lambda: save_npz(X=X.astype(">f4")[..., None], y=Y[:, None]), TRAIN),
    "an npz in Fortran order with labels as text": (
        lambda: save_npz(images=np.asfortranarray(X), targets=Y.astype("S1")),
        TRAIN,
    ),
    "joined names": (lambda: save_npz(trainX=X, trainY=Y, Xtest=TEST_X, ytest=TEST_Y), BOTH),
    "short names": (lambda: save_npz(X_tr=X, y_tr=Y, X_te=TEST_X, y_te=TEST_Y), BOTH),
    "other names": (lambda: save_npz(features=X, digits=Y, image_ids=INDEX), TRAIN),
    "no names": (lambda: np.savez("a.npz", X, Y, TEST_X, TEST_Y), BOTH),
    "no names, images first": (
        lambda: np.savez("a.npz", X, X[::-1], Y, Y[::-1]),
        {"train": (X, Y), "test": (X[::-1], Y[::-1])},
    ),
    "a validation part": (lambda: save_npz(**HALVES), TRAIN),
    "one-hot labels": (lambda: save_npz(x=X, y=np.eye(10)[Y], y_names=WORDS), TRAIN),
    "one-hot labels in columns": (
        lambda: save_npz(x=np.moveaxis(X, 0, -1), y=np.eye(10, dtype=bool)[Y].T),
        TRAIN,
    ),
    "images in columns": (
        lambda: save_npz(data=X.reshape(-1, 784).T, label=Y[None].astype(float)),
        TRAIN,
    ),
    "Matlab's order": (lambda: save_npz(images=np.moveaxis(X, 0, -1), labels=Y[:, None]), TRAIN),
    "with an object": (lambda: save_npz(x=X, y=Y, info=np.array({}, dtype=object)), TRAIN),
    "an npz of tables": (
        lambda: save_npz(
            train=np.column_stack([Y, X.reshape(-1, 784)]),
            test=np.column_stack([TEST_X.reshape(-1, 784), TEST_Y]),
        ),
        BOTH,
    ),
    "npy files": (lambda: save_npys("set", X=X, y=Y), TRAIN),
    "a folder of npy files": (lambda: save_npys("set/fog", **FULL), BOTH),
    "npy files in folders of splits": (
        lambda: [
            save_npys("set/train", images=X, labels=Y),
            save_npys("set/test", images=TEST_X, labels=TEST_Y),
        ],
        BOTH,
    ),
    "KMNIST's folder of npz": (save_kmnist, BOTH),
    "EMNIST's names": (
        lambda: save_idx(EMNIST),
        {key: (x.swapaxes(1, 2), y) for key, (x, y) in BOTH.items()},
    ),
    "QMNIST's labels": (save_qmnist, BOTH),
    "torchvision's root": (lambda: save_idx([f"MNIST/raw/{name}" for name in NAMES]), BOTH),
    "Kaggle's folders": (lambda: save_idx([f"{name}/{name}" for name in NAMES]), BOTH),
    "Kaggle's csv": (lambda: save_csv(head=["label", *PIXELS]), TRAIN),
    "a csv with semicolons": (lambda: save_csv(head=[*PIXELS, "class"], mark=";"), TRAIN),
    "a csv with fractions": (lambda: save_csv(X / 255), TRAIN),
    "a light csv": (lambda: save_csv(NOISY), {"train": (NOISY, Y)}),
    "a quoted csv with the label last": (lambda: edit_csv(quoted), TRAIN),
    "two csv": (lambda: save_csvs("mnist_train.csv", "mnist_test.csv"), BOTH),
    "a csv in gzip": (pack, TRAIN),
    "a tsv": (lambda: save_csv(name="a.tsv", mark="\t"), TRAIN),
    "spaces": (lambda: save_csv(name="a.txt", mark="   "), TRAIN),
    "pandas's headings": (lambda: save_csv(head=[*map(str, range(785))]), TRAIN),
    "pandas's index": (
        lambda: save_csv(labels=np.column_stack([INDEX, Y]), head=["", "label", *PIXELS]),
        TRAIN,
    ),
    "an index without headings": (lambda: save_csv(labels=np.column_stack([INDEX, Y])), TRAIN),
    "labels as words": (
        lambda: edit_csv(
            lambda text: "".join(WORDS[int(r[0])] + r[1:] for r in text.splitlines(True))
        ),
        TRAIN,
    ),
    "labels as fractions": (
        lambda: edit_csv(lambda text: "".join(f"{r[0]}.0{r[1:]}" for r in text.splitlines(True))),
        TRAIN,
    ),
    "UTF-16, as PowerShell writes it": (
        lambda: edit_csv(str) or Path("a.csv").write_text(Path("a.csv").read_text(), "utf-16"),
        TRAIN,
    ),
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


def test_what_is_left_out_is_named() -> None:
    save_npz(**FULL, ids=INDEX, info=np.array({}, dtype=object), x_val=X)
    told: list[str] = []
    assert list(read("a.npz", told)) == ["train", "test"]
    assert told[:2] == [
        "1 arrays left out that would need pickle: info",
        "1 arrays left out: ids",
    ]
    assert told[2].startswith("skipped validation images: a.npz: expected one label per image")
    save_csv(name="set/train.csv", head=["label", *PIXELS])
    edit = Path("set/train.csv").read_text().splitlines()
    Path("set/test.csv").write_text("\n".join(row.partition(",")[2] for row in edit))
    Path("set/sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    told.clear()
    assert list(read("set", told)) == ["train"]
    assert told == [
        "skipped 1 other files in set: sample_submission.csv",
        f"skipped test images: {Path('set/test.csv')}: expected a column of labels beside the pixels; found none",
    ]


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
    "pickles": (
        lambda: save_npz(x=np.array([Trap()] * 784), y=Y),
        r"a.npz: expected n x 28 x 28 images; found \(30,\) in y",
    ),
    "a pickle": (
        lambda: Path("a.pkl.gz").write_bytes(b""),
        r"a.pkl.gz: found a pickle, which may run programs when it is loaded; to convert it, in "
        r"Python: d = pickle.load\(gzip.open\('a.pkl.gz', 'rb'\)\); numpy.savez\('set.npz', images=",
    ),
    "MATLAB's file in a folder": (
        lambda: (Path("set").mkdir(), Path("set/a.mat").write_bytes(b"MATLAB 5.0")),
        "set/a.mat: found a MATLAB file; to convert it, in Python: d = scipy.io.loadmat",
    ),
    "an archive": (lambda: Path("a.zip").write_bytes(b"PK"), "a.zip: found an archive; unpack it"),
    "other sizes": (
        lambda: save_npz(x=X[:, :10, :10], y=Y),
        r"expected n x 28 x 28 images; found \(30, 10, 10\) in x, \(30,\) in y; save images of other sizes as",
    ),
    "scores as labels": (
        lambda: save_npz(x=X, y=np.eye(10)[Y] / 2),
        r"one label per .* \(30, 10\)",
    ),
    "too few labels": (
        lambda: save_npz(x=X, y=Y[1:]),
        r"one label per image, .*; found \(30, 28, 28\) in x, \(29,\) in y",
    ),
    "no labels": (
        lambda: save_npz(x_train=X, mean=X[0]),
        "one label per .*; to read images without labels: mnistnet predict a.npz$",
    ),
    "two training sets": (
        lambda: save_npz(x_train=X, y_train=Y, train_images=X),
        "expected one data set; found x_train and train_images; name one file of the set to read",
    ),
    "sets in folders": (
        lambda: [save_npys(f"set/{name}", **FULL) for name in ("fog", "snow")],
        "set: expected one data set; found fog, snow: name one of these",
    ),
    "a csv without labels": (
        lambda: Path("a.csv").write_text("0," * 783 + "0"),
        "a.csv: expected a column of labels beside the pixels; found none; .*: mnistnet predict a.csv",
    ),
    "a csv of other images": (
        lambda: Path("a.csv").write_text("0," * 64 + "0"),
        "a.csv: expected 784 pixels and a label in each line; found 65 columns",
    ),
    "a csv of headings": (lambda: save_csv(X[:0], Y[:0], head=["y", *PIXELS]), "a.csv: .*no data"),
    "a short row": (
        lambda: edit_csv(lambda text: text + "1,2,3\n"),
        "a.csv, line 31: expected 785 columns, as in the first line; found 3",
    ),
    "a word": (
        lambda: edit_csv(lambda text: text.replace(",0", ",zero", 1)),
        "a.csv, line 1, column 2: expected a number; found 'zero'",
    ),
    "two training csv": (lambda: save_csvs("a.csv", "b.csv"), "found a.csv and b.csv; name one"),
    "two kinds": (
        save_two_kinds,
        "found set.npz, test.csv, train.csv of more than one kind: name the one to read",
    ),
    "text": (lambda: Path("a.txt").write_text("a"), "a.txt: expected an .npz with .*found a.txt"),
    "a pipe": (lambda: make_pipe(Path("pipe")), "there is no file or folder pipe; expected an"),
    "an empty folder": (lambda: Path("set").mkdir(), "set: expected an .npz .* found no files"),
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
    monkeypatch.setattr(named, "MAX_BYTES", 20_000)
    monkeypatch.setattr(table, "MAX_BYTES", 20_000)
    with pytest.raises(DataError, match="at most 20,000 bytes, found 23,520 in x; save the images"):
        read("a.npz")
    with pytest.raises(DataError, match="a.csv: expected at most 25 images; found more; split"):
        read("a.csv")

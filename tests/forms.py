"""Write a small set in the forms in which people have images."""

import functools
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from conftest import make_digits
from program import write_idx

from mnistnet.data import mnist

NAMES = [file.name for file in mnist.FILES]
EMNIST = [f"emnist-digits-{name.replace('t10k', 'test')}.gz" for name in NAMES]
PIXELS = [f"pixel{number}" for number in range(784)]
X, Y = make_digits(30, 0)
TEST_X, TEST_Y = make_digits(20, 9)
TRAIN = {"train": (X, Y)}
REVERSED = TRAIN | {"test": (X[::-1], Y[::-1])}
IN_COLUMNS = np.moveaxis(X, 0, -1)
NOISY = np.where(X == 0, 240 + np.arange(X.size).reshape(X.shape) // 784 % 15, 255 - X)
BOTH = TRAIN | {"test": (TEST_X, TEST_Y)}


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
    "Fortran order": (lambda: save_npz(images=np.asfortranarray(X), targets=Y.astype("S1")), TRAIN),
    "joined names": (lambda: save_npz(trainX=X, trainY=Y, Xtest=TEST_X, ytest=TEST_Y), BOTH),
    "short names": (lambda: save_npz(X_tr=X, y_tr=Y, X_te=TEST_X, y_te=TEST_Y), BOTH),
    "other names": (lambda: save_npz(features=X, digits=Y, image_ids=INDEX), TRAIN),
    "no names": (lambda: np.savez("a.npz", X, Y, TEST_X, TEST_Y), BOTH),
    "no names, images first": (lambda: np.savez("a.npz", X, X[::-1], Y, Y[::-1]), REVERSED),
    "a validation part": (lambda: save_npz(**HALVES), TRAIN),
    "one split without a name": (
        lambda: save_npz(y=Y, x_test=X[::-1], x=X, y_test=Y[::-1]),
        REVERSED,
    ),
    "one-hot labels": (lambda: save_npz(x=X, y=np.eye(10)[Y], y_names=WORDS), TRAIN),
    "one-hot labels in columns": (
        lambda: save_npz(x=IN_COLUMNS, y=np.eye(10, dtype=bool)[Y].T),
        TRAIN,
    ),
    "images in columns": (lambda: save_npz(data=X.reshape(-1, 784).T, label=Y[None] / 1), TRAIN),
    "Matlab's order": (lambda: save_npz(images=IN_COLUMNS, labels=Y[:, None]), TRAIN),
    "with an object": (lambda: save_npz(x=X, y=Y, info=np.array({}, dtype=object)), TRAIN),
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
    "labels as fractions": (
        lambda: edit_csv(lambda text: "".join(f"{r[0]}.0{r[1:]}" for r in text.splitlines(True))),
        TRAIN,
    ),
}

"""Data sets that other programs write are read, and anything else is refused."""

import gzip
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import make_digits
from PIL import Image
from program import make_pipe

from mnistnet.data import foreign, idx, mnist, table
from mnistnet.errors import DataError
from mnistnet.image.digit import read_picture

NAMES = [file.name for file in mnist.FILES]
EMNIST = [f"emnist-digits-{name.replace('t10k', 'test')}.gz" for name in NAMES]
PIXELS = [f"pixel{number}" for number in range(784)]
X, Y = make_digits(30, 0)
TEST_X, TEST_Y = make_digits(20, 9)
TRAIN = {"train": (X, Y)}
NOISY = np.where(X == 0, 240 + np.arange(X.size).reshape(X.shape) // 784 % 15, 255 - X)
LIGHT = {"train": (NOISY, Y)}
BOTH = {"train": (X, Y), "test": (TEST_X, TEST_Y)}


def read(source: str, skipped: list[str] | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all of a source."""
    skipped = [] if skipped is None else skipped
    parts = foreign.read(
        Path(source), lambda path, why: skipped.append(f"{path}: {why}"), lambda *_: None
    )
    return {split: (images, labels) for split, images, labels in parts}


def save_npz(**arrays: Any) -> None:
    np.savez("a.npz", **arrays)


def save_kmnist() -> None:
    Path("set").mkdir()
    for split, (images, labels) in BOTH.items():
        np.savez(f"set/kmnist-{split}-imgs.npz", images)
        np.savez(f"set/kmnist-{split}-labels.npz", labels)


def save_idx(names: list[str] = NAMES, folder: str = "set") -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, (X, Y, TEST_X, TEST_Y), strict=True):
        idx.write_idx(Path(folder, name), array)


def save_qmnist() -> None:
    save_idx([*EMNIST[:1], "qmnist-train-labels-idx2-int", *NAMES[2:]])
    rows = np.column_stack([Y.astype(np.int32), np.full((len(Y), 7), 300, np.int32)])
    for name in ("qmnist-train-labels-idx2-int", "train-labels-idx1-ubyte"):  # the same, twice
        idx.write_idx(Path("set", name), rows)


def save_little_endian(pack: Callable[[bytes], bytes]) -> None:
    save_idx()
    for path in Path("set").iterdir():
        array = idx.read_idx(path)
        head = struct.pack(f"<4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        path.write_bytes(pack(head + array.tobytes()))


def save_kaggle() -> None:
    save_idx()
    for name in NAMES:
        Path("set", name).rename("file")
        Path("set", name).mkdir()
        Path("file").rename(Path("set", name, name))


def save_copies() -> None:
    save_idx()
    save_idx([name.replace("-idx", ".idx") + ".gz" for name in NAMES])


def save_csv(
    images: Any = X,
    labels: Any = Y,
    name: str = "a.csv",
    heading: list[str] | None = None,
    delimiter: str = ",",
    label_first: bool = True,
) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    pixels = np.reshape(images, (-1, 784))
    values = np.column_stack([labels, pixels] if label_first else [pixels, labels])
    header = delimiter.join(heading or [])
    np.savetxt(name, values, "%g", delimiter, header=header, comments="")


def save_csvs(*names: str) -> None:
    for name, (images, labels) in zip(names, BOTH.values(), strict=True):
        save_csv(images, labels, f"set/{name}")


def edit_csv(change: Callable[[str], str]) -> None:
    save_csv()
    Path("a.csv").write_text(change(Path("a.csv").read_text()), newline="")


def quoted(text: str) -> str:
    """The table with a byte order mark, quotes, blank lines and Windows' line ends."""
    rows = text.replace(",", '","').split()
    return "\ufeff" + "\r\n\r\n".join(f'"{row}"' for row in rows)


FORMS: dict[str, tuple[Callable[[], None], Any]] = {  # how to write a set, and what is read
    "Keras's npz": (lambda: save_npz(x_train=X, y_train=Y, x_test=TEST_X, y_test=TEST_Y), BOTH),
    "an npz of other types": (lambda: save_npz(X=X.astype(">f4")[..., None], y=Y[:, None]), TRAIN),
    "an npz in Fortran order with labels as text": (
        lambda: save_npz(images=np.asfortranarray(X), targets=Y.astype(str)),
        {"train": (X, Y.astype(str))},
    ),
    "an npz with pickled objects beside": (lambda: save_npz(x=X, y=Y, a=np.array([{}])), TRAIN),
    "KMNIST's folder of npz": (save_kmnist, BOTH),
    "EMNIST's names": (lambda: save_idx(EMNIST), BOTH),
    "QMNIST's labels": (save_qmnist, BOTH),
    "little-endian": (lambda: save_little_endian(bytes), BOTH),
    "little-endian gzip": (lambda: save_little_endian(gzip.compress), BOTH),
    "torchvision's root": (lambda: save_idx(folder="set/MNIST/raw"), BOTH),
    "Kaggle's folders": (save_kaggle, BOTH),
    "raw and gzip copies": (save_copies, BOTH),
    "Kaggle's csv": (lambda: save_csv(heading=["label", *PIXELS]), TRAIN),
    "a csv with semicolons and the label last": (
        lambda: save_csv(heading=[*PIXELS, "class"], delimiter=";", label_first=False),
        TRAIN,
    ),
    "a csv with tabs, fractions and no headings": (
        lambda: save_csv(X / 2, delimiter="\t"),
        {"train": (X / 2, Y)},
    ),
    "a csv with huge values": (lambda: save_csv(X * 1e12), {"train": (np.float32(X * 1e12), Y)}),
    "a light csv": (lambda: save_csv(NOISY), LIGHT),
    "a light csv with the label last": (lambda: save_csv(NOISY, label_first=False), LIGHT),
    "a csv of one class": (
        lambda: save_csv(labels=Y * 0, heading=[*PIXELS, "y"], label_first=False),
        {"train": (X, Y * 0)},
    ),
    "a quoted csv": (lambda: edit_csv(quoted), TRAIN),
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


def test_a_csv_without_labels_beside_another_is_skipped() -> None:
    save_csv(name="set/train.csv")
    np.savetxt("set/test.csv", TEST_X.reshape(-1, 784), "%d", ",", header=",".join(PIXELS))
    skipped: list[str] = []
    [(images, labels)] = read("set", skipped).values()
    assert images.dtype == labels.dtype == np.uint8  # for whole numbers, to save memory
    message = "expected 784 pixels and a label in each line; found no labels"
    assert skipped == [f"{Path('set/test.csv')}: {message}"]
    with pytest.raises(DataError, match=message):
        read("set/test.csv")


# ---- pictures


def picture(name: str, image: np.ndarray) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - image).resize((120, 120)).save(name)


def test_pictures_in_folders_of_labels_are_read() -> None:
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


def test_pictures_in_train_and_test_are_read() -> None:
    for number in range(3):
        picture(f"set/{'Testing' if number else 'Training'}/{number}/a.png", X[number])
    found = {split: labels.tolist() for split, (_, labels) in read("set").items()}
    assert found == {"train": ["0"], "test": ["1", "2"]}


# ---- errors


class Trap:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch trapped",)


def npy(shape: object, body: bytes, dtype: str = "|u1") -> bytes:
    head = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + body


def save_zip(x: bytes, flags: int = 0) -> None:
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("x.npy", x)
        archive.writestr("y.npy", npy((5,), bytes(5)))
    content = bytearray(Path("a.npz").read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= flags
    Path("a.npz").write_bytes(content)


def save_two_kinds() -> None:
    save_csvs("train.csv", "test.csv")
    np.savez("set/set.npz", x=X, y=Y)


MEMBER = "a.npz: expected an array of numbers or labels in x; "
BAD: dict[str, tuple[Callable[[], Any], str]] = {  # how to write a source, and the error
    "no zip": (lambda: Path("a.npz").write_bytes(b"none"), "cannot read a.npz: "),
    "an encrypted zip": (lambda: save_zip(bytes(9), flags=1), "cannot read a.npz: .* password req"),
    "no array": (lambda: save_zip(b"text"), r"expected n x 28 x 28 images in x; found \(1,\)"),
    "cut off": (lambda: save_zip(npy((5, 784), bytes(5))), MEMBER + ".*expected 3920 bytes got 5"),
    "a false shape": (lambda: save_zip(npy((10**9, 784), b"", "<f8")), MEMBER),
    "pickles": (lambda: save_npz(x=np.array([Trap()] * 784), y=Y), MEMBER + "Object arrays cannot"),
    "a number": (lambda: save_npz(x=X, y=1), "found 30 images in x and 1 labels in y"),
    "other sizes": (
        lambda: save_npz(x=X[:, :10, :10], y=Y),
        r"expected n x 28 x 28 images in x; found \(30, 10, 10\); save images of other sizes as",
    ),
    "one-hot labels": (
        lambda: save_npz(x=X, y=np.eye(10)[Y]),
        r"expected one label per image in y; found \(30, 10\)",
    ),
    "too few labels": (
        lambda: save_npz(x=X, y=Y[1:]),
        "expected equal numbers of images and labels, at least one; found 30 images in x and 29 ",
    ),
    "no labels": (
        lambda: save_npz(x_train=X, y_train=Y, x_test=TEST_X, mean=Y),
        "such as x_train and y_train; found x_train, y_train, x_test, mean$",
    ),
    "an empty csv": (lambda: edit_csv(lambda _: ""), "a.csv: .* found 1 columns"),
    "a short row": (
        lambda: edit_csv(lambda text: text + "1,2,3\n"),
        "a.csv: expected 785 columns in each line; found 3 for image 31",
    ),
    "a word": (
        lambda: edit_csv(lambda text: text.replace(",0", ",zero", 1)),
        "a.csv: expected numbers from image 1 on; could not convert string 'zero'",
    ),
    "two training csv": (
        lambda: save_csvs("a.csv", "b.csv"),
        "set: expected one data set; found a.csv and b.csv; name the one to read",
    ),
    "two kinds": (
        save_two_kinds,
        "found set.npz, test.csv, train.csv of more than one kind: name the one to read",
    ),
    "text": (lambda: Path("a.txt").write_text("text"), "a.txt: expected an IDX file, which begins"),
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


@pytest.mark.parametrize(
    ("module", "name", "limit", "source", "message"),
    [
        (
            foreign,
            "MAX_BYTES",
            20_000,
            "a.npz",
            "at most 20,000 bytes in x.npy, unpacked; found 23",
        ),
        (table, "MAX_IMAGES", 29, "a.csv", "a.csv: expected at most 29 images; found more"),
        (table, "MAX_LINE", 100, "a.csv", "a.csv: .* found 51 columns"),
    ],
)
def test_what_would_fill_the_memory_is_refused(
    module: Any, name: str, limit: int, source: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, limit)
    np.savez_compressed("a.npz", x=X, y=Y)
    save_csv()
    with pytest.raises(DataError, match=message):
        read(source)

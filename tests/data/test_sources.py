"""Data sets that other programs write are read, and anything else is refused."""

import gzip
import io
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import make_pipe

from mnistnet.data import idx, mnist, sources, tables
from mnistnet.errors import DataError

NAMES = [file.name for file in mnist.FILES]
Sets = dict[str, tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def digits(tiny: Path) -> Sets:
    """Images (n, 784) and labels (n,) of a small set."""
    loaded = {split: mnist.load(tiny, split) for split in ("train", "test")}
    return {split: (data.images, data.labels) for split, data in loaded.items()}


def read(source: Path, skipped: list[str] | None = None) -> Sets:
    """Read all of a source."""
    skipped = [] if skipped is None else skipped
    blocks = list(sources.read(source, lambda path, why: skipped.append(f"{path}: {why}")))
    return {
        split: (
            np.concatenate([block.images for block in blocks if block.split == split]),
            np.concatenate([block.labels for block in blocks if block.split == split]),
        )
        for split in {block.split for block in blocks}
    }


def assert_same(found: Sets, expected: Sets) -> None:
    assert found.keys() == expected.keys()
    for split, arrays in expected.items():
        for one, other in zip(found[split], arrays, strict=True):
            assert np.array_equal(one, other)


# ---- .npz


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_keras_npz_is_read(digits: Sets, tmp_path: Path, save: Callable[..., None]) -> None:
    (x_train, y_train), (x_test, y_test) = digits["train"], digits["test"]
    x_train, x_test = x_train.reshape(-1, 28, 28), x_test.reshape(-1, 28, 28)
    save(tmp_path / "set.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    assert_same(read(tmp_path / "set.npz"), digits)
    shutil.move(tmp_path / "set.npz", tmp_path / "tiny" / "set.npz")
    with pytest.raises(DataError, match="found set.npz, t10k-images-.* of more than one kind"):
        read(tmp_path / "tiny")


def test_an_npz_of_any_type_order_and_shape_is_read(digits: Sets, tmp_path: Path) -> None:
    images, labels = digits["test"]
    for x in (
        images.astype(np.int64),
        (images / 255).reshape(-1, 28, 28, 1),
        np.asfortranarray(images.reshape(-1, 28, 28)),
        images.astype(">f4"),
    ):
        np.savez(tmp_path / "set.npz", X=x, y=labels[:, None])
        found = read(tmp_path / "set.npz")["train"]
        assert np.allclose(found[0], x.reshape(-1, 784))
        assert np.array_equal(found[1], labels)


def test_kmnists_folder_of_npz_is_read(digits: Sets, tmp_path: Path) -> None:
    folder = tmp_path / "kmnist"
    folder.mkdir()
    for split, (images, labels) in digits.items():
        np.savez(folder / f"kmnist-{split}-imgs.npz", images.reshape(-1, 28, 28))
        np.savez(folder / f"kmnist-{split}-labels.npz", labels)
    assert_same(read(folder), digits)


class Trap:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch trapped",)


def test_nothing_in_an_npz_is_unpickled(tmp_path: Path) -> None:
    trap = np.array([Trap()] * 784)
    np.savez(tmp_path / "set.npz", x_train=trap, y_train=np.zeros(1))
    with pytest.raises(DataError, match="expected arrays of numbers; found pickled objects"):
        read(tmp_path / "set.npz")
    assert not Path("trapped").exists()


def npy(shape: object, body: bytes, dtype: object = "|u1") -> bytes:
    head = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + body


BAD_MEMBERS = {
    "cut off": (npy((5, 784), bytes(5)), r"expected \(5, 784\) uint8 in x.npy; it is cut off"),
    "too many": (npy((10**9, 784), b""), "expected equal numbers of images and labels, at least"),
    "of another size": (npy((5, 100), bytes(500)), "expected n x 28 x 28 images in x; found"),
    "no array": (b"text", "expected NumPy arrays"),
    "another version": (b"\x93NUMPY\x02\x00" + bytes(100), r"version \(2, 0\) of the format"),
    "a number alone": (npy((), bytes(1)), "such as x_train and y_train; found x, y"),
    "a huge item": (npy((5, 784), b"", "<U100000000"), "expected arrays of numbers or labels"),
    "records": (npy((5,), b"", [("a", "|u1")]), "expected arrays of numbers or labels"),
    "a wild shape": (npy("x", b""), "expected NumPy arrays"),
}


@pytest.mark.parametrize("kind", BAD_MEMBERS)
def test_a_damaged_or_hostile_npz_is_an_error(tmp_path: Path, kind: str) -> None:
    member, message = BAD_MEMBERS[kind]
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("x.npy", member)
        archive.writestr("y.npy", npy((5,), bytes(5)))
    with pytest.raises(DataError, match=message):
        read(tmp_path / "set.npz")


def test_a_block_too_large_for_memory_is_an_error(tmp_path: Path) -> None:
    """An array in Fortran order is read at once."""
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        member = npy((900_000, 784), b"", "<f8").replace(b": False", b": True ")
        archive.writestr("x.npy", member)
        archive.writestr("y.npy", npy((900_000,), bytes(900_000)))
    with pytest.raises(DataError, match="expected a smaller x.npy; found"):
        read(tmp_path / "set.npz")


def test_labels_in_several_columns_are_an_error(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x=np.zeros((5, 784)), y=np.zeros((5, 10)))
    with pytest.raises(DataError, match=r"expected one label per image in y; found \(5, 10\)"):
        read(tmp_path / "set.npz")


def test_more_than_a_million_images_are_an_error(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy((2_000_000, 784), b""))
        archive.writestr("y.npy", npy((2_000_000,), bytes(2_000_000)))
    with pytest.raises(DataError, match="expected at most 1,000,000 images; found 2,000,000"):
        read(tmp_path / "set.npz")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04" + bytes(100)])
def test_a_file_that_is_not_an_npz_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(DataError, match="cannot read .*set.npz: "):
        read(tmp_path / "set.npz")


def test_the_error_for_an_npz_without_labels_lists_its_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", x_train=np.zeros((2, 784)), mean=np.zeros(1))
    with pytest.raises(DataError, match="such as x_train and y_train; found x_train, mean$"):
        read(tmp_path / "set.npz")


# ---- CSV


def table(images: np.ndarray, labels: np.ndarray, label_first: bool = True) -> np.ndarray:
    return np.column_stack([labels, images] if label_first else [images, labels])


def write_csv(path: Path, values: np.ndarray, heading: str = "", delimiter: str = ",") -> None:
    path.parent.mkdir(exist_ok=True)
    np.savetxt(path, values, "%d", delimiter, header=heading, comments="")


PIXELS = [f"pixel{number}" for number in range(784)]


@pytest.mark.parametrize("label_first", [True, False])
@pytest.mark.parametrize("heading", [False, True])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_of_any_kind_is_read(
    digits: Sets, tmp_path: Path, label_first: bool, heading: bool, delimiter: str
) -> None:
    names = ["label", *PIXELS] if label_first else [*PIXELS, "class"]
    values = table(*digits["train"], label_first)
    write_csv(tmp_path / "a.csv", values, delimiter.join(names) * heading, delimiter)
    assert_same(read(tmp_path / "a.csv"), {"train": digits["train"]})


def test_byte_order_mark_quotes_and_blank_lines_in_a_csv_are_ignored(
    digits: Sets, tmp_path: Path
) -> None:
    images, labels = digits["test"]
    rows = [",".join(f'"{value}"' for value in row) for row in table(images, labels).tolist()]
    text = "\ufeff" + ",".join(["label", *PIXELS]) + "\r\n" + "\r\n\r\n".join(rows)
    (tmp_path / "a.csv").write_bytes(text.encode())
    assert_same(read(tmp_path / "a.csv"), {"train": digits["test"]})


def test_a_csv_without_labels_beside_another_is_skipped(digits: Sets, tmp_path: Path) -> None:
    folder = tmp_path / "csv"
    for split, (images, labels) in digits.items():
        write_csv(folder / f"mnist_{split}.csv", table(images, labels))
    assert_same(read(folder), digits)
    write_csv(folder / "mnist_test.csv", digits["test"][0], ",".join(PIXELS))
    skipped: list[str] = []
    assert_same(read(folder, skipped), {"train": digits["train"]})
    message = "expected 784 pixels and a label in each line; found no labels"
    assert skipped == [f"{folder / 'mnist_test.csv'}: {message}"]
    with pytest.raises(DataError, match=message):
        read(folder / "mnist_test.csv")


BAD_TABLES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda text: "", "found 1 columns"),
    "text": (lambda text: "<html>", "found 1 columns"),
    "another width": (
        lambda text: text + "1,2,3\n",
        "expected 785 columns in each line; found 3 for image 51",
    ),
    "a word": (
        lambda text: text.replace(",0", ",zero", 1),
        "expected numbers from image 1 on; could not convert string 'zero'",
    ),
    "an endless line": (lambda text: "1" * 200_000, "found 1 columns"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
def test_a_malformed_csv_is_an_error(digits: Sets, tmp_path: Path, kind: str) -> None:
    change, message = BAD_TABLES[kind]
    path = tmp_path / "a.csv"
    write_csv(path, table(*digits["test"]))
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=f"{path.name}: .*{message}"):
        read(path)


def test_a_csv_of_more_than_a_million_images_is_an_error(
    digits: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MAX_IMAGES", 49)
    write_csv(tmp_path / "a.csv", table(*digits["test"]))
    with pytest.raises(DataError, match="expected at most 49 images; found more"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("label_first", [True, False])
def test_the_labels_of_inverted_images_are_found(
    digits: Sets, tmp_path: Path, label_first: bool
) -> None:
    images, labels = digits["test"]
    write_csv(tmp_path / "a.csv", table(255 - images, labels, label_first))
    assert_same(read(tmp_path / "a.csv"), {"train": (255 - images, labels)})


def test_two_training_csv_are_an_error(digits: Sets, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        write_csv(tmp_path / "csv" / name, table(*digits["test"]))
    with pytest.raises(DataError, match="found a.csv and b.csv; name the one to read"):
        read(tmp_path / "csv")


# ---- IDX


def test_one_of_emnists_files_identifies_its_set(tiny: Path, digits: Sets, tmp_path: Path) -> None:
    folder = tmp_path / "gzip"
    folder.mkdir()
    for kind in ("digits", "mnist"):
        for name, file in zip(NAMES, mnist.FILES, strict=True):
            path = folder / f"emnist-{kind}-{name.replace('t10k', 'test')}.gz"
            array = np.array(idx.read_idx(tiny / file.name))
            idx.write_idx(path, array if kind == "digits" else array[::-1])
    assert sources.is_transposed(folder)
    one = folder / "emnist-digits-train-images-idx3-ubyte.gz"
    assert sources.is_transposed(one)
    assert_same(read(one), digits)
    assert_same(read(folder / "emnist-digits-test-labels-idx1-ubyte.gz"), digits)
    with pytest.raises(DataError, match="expected one data set; found emnist-digits-.* and emnist"):
        read(folder)


def test_qmnists_labels_are_the_first_of_eight_columns(
    tiny: Path, digits: Sets, tmp_path: Path
) -> None:
    for split in ("test", "train"):
        rows = np.zeros((len(digits[split][1]), 8), np.int32)
        rows[:, 0] = digits[split][1]
        rows[:, 1:] = 300
        idx.write_idx(tiny / f"qmnist-{split}-labels-idx2-int.gz", rows)
    for name, split in zip(NAMES[::2], ("train", "test"), strict=True):
        (tiny / name).rename(tiny / f"qmnist-{split}-images-idx3-ubyte")
    for name in NAMES[1::2]:
        (tiny / name).unlink()
    assert_same(read(tiny), digits)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["raw", "gzip"])
def test_little_endian_is_read(tiny: Path, digits: Sets, pack: Callable[[bytes], bytes]) -> None:
    for name in NAMES:
        array = idx.read_idx(tiny / name)
        head = struct.pack(f"<4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        (tiny / name).write_bytes(pack(head + array.tobytes()))
    assert_same(read(tiny), digits)


def test_nested_folders_are_read(tiny: Path, digits: Sets, tmp_path: Path) -> None:
    raw = tmp_path / "root" / "MNIST" / "raw"
    raw.parent.mkdir(parents=True)
    tiny.rename(raw)
    assert_same(read(tmp_path / "root"), digits)
    for name in NAMES:
        (raw / name).rename(raw / "file")
        (raw / name).mkdir()
        (raw / "file").rename(raw / name / name)
    assert_same(read(raw), digits)


# ---- pictures


def save(image: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    large = Image.fromarray(image.reshape(28, 28)).resize((120, 120))
    Image.eval(large, lambda level: 255 - level).save(path)


def test_pictures_in_folders_of_labels_are_read(digits: Sets, tmp_path: Path) -> None:
    from mnistnet.image.digit import read_picture

    images, labels = digits["test"]
    for number in range(20):
        save(images[number], tmp_path / "set" / str(labels[number]) / f"{number:02}.png")
    (tmp_path / "set" / "3" / "notes.txt").write_text("no picture")
    (tmp_path / "set" / "3" / ".DS_Store").write_text("hidden")
    skipped: list[str] = []
    found = read(tmp_path / "set", skipped)["train"]
    assert found[1].tolist() == sorted(str(label) for label in labels[:20])
    first = read_picture(tmp_path / "set" / "0" / "00.png").digits[0].image
    assert np.array_equal(found[0][0], first)
    assert len(skipped) == 1
    assert skipped[0].startswith(f"{tmp_path / 'set' / '3' / 'notes.txt'}: expected a picture")


def test_pictures_in_train_and_test_are_read(digits: Sets, tmp_path: Path) -> None:
    images, labels = digits["test"]
    for number in range(6):
        split = "Training" if number < 4 else "Testing"
        save(images[number], tmp_path / "set" / split / str(labels[number]) / "a.png")
    found = read(tmp_path / "set")
    assert {split: len(arrays[1]) for split, arrays in found.items()} == {"train": 4, "test": 2}


# ---- other content


@pytest.mark.parametrize("name", ["none", "empty", "flat", "a.txt", "a pipe"])
def test_a_source_that_is_no_data_set_is_an_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    save(np.zeros(784, np.uint8), tmp_path / "flat" / "a.png")
    (tmp_path / "a.txt").write_text("text")
    if name == "a pipe":
        make_pipe(tmp_path / name)
    with pytest.raises(DataError, match="expected an (.npz with|IDX file)"):
        read(tmp_path / name)


def test_an_encrypted_npz_is_an_error(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("x.npy", npy((1, 784), bytes(784)))
    content = bytearray(stream.getvalue())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + place] |= 1  # the flag for encryption
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(DataError, match="password required"):
        read(tmp_path / "set.npz")

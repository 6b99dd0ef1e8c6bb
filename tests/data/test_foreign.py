"""Data sets that other programs write are read, and anything else is refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from forms import (
    FORMS,
    FULL,
    INDEX,
    PIXELS,
    X,
    Y,
    edit_csv,
    save_csv,
    save_csvs,
    save_npys,
    save_npz,
)
from program import Mine, make_pipe, write_idx

from mnistnet.data import foreign, table
from mnistnet.data.convert import gather
from mnistnet.errors import DataError


def read(
    source: str, told: list[str] | None = None, labels: dict[str, int] | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read all of a source, without dividing it."""
    told = [] if told is None else told
    sets, _, warnings = gather(Path(source), lambda text, _: told.append(text), labels=labels)
    told += warnings
    return {split: (each.images, each.labels) for split, each in sets.items()}


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
    assert told[:2] == ["info left out, which would need pickle", "1 arrays left out: ids (30,)"]
    assert told[2].startswith("skipped validation images: a.npz: x_val[0]: expected one label per")
    save_csv(name="set/train.csv", head=["label", *PIXELS])
    edit = Path("set/train.csv").read_text().splitlines()
    Path("set/test.csv").write_text("\n".join(row.partition(",")[2] for row in edit))
    Path("set/sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    told.clear()
    assert list(read("set", told)) == ["train"]
    assert told == [
        "skipped 1 other files in set: sample_submission.csv",
        f"skipped test images: {Path('set/test.csv')}, line 2: expected one label per image; "
        "found none that fits",
    ]


# ---- errors


def save_damaged() -> None:
    save_npz(x=X, y=Y)
    content = bytearray(Path("a.npz").read_bytes())
    content[999] ^= 1
    Path("a.npz").write_bytes(content)


def save_two_kinds() -> None:
    save_csvs("train.csv", "test.csv")
    np.savez("set/set.npz", x=X, y=Y)


ONE = "expected one data set; found"
NO_LABELS = "expected images with labels; found no usable ones"
KINDS = "expected an .npz .*"
BAD: dict[str, tuple[Callable[[], Any], str]] = {  # how to write a source, and the error
    "no zip": (lambda: Path("a.npz").write_bytes(b"none"), "cannot read a.npz: "),
    "a changed byte": (save_damaged, "cannot read a.npz: Bad CRC-32"),
    "pickles": (
        lambda: save_npz(x=np.array([Mine()] * 784), y=Y),
        r"a.npz: expected n x 28 x 28 images; found \(30,\) in y",
    ),
    "a pickle": (
        lambda: Path("a.pkl.gz").write_bytes(b""),
        f"a.pkl.gz: {KINDS}; to convert it: load it",
    ),
    "MATLAB's file in a folder": (
        lambda: (Path("set").mkdir(), Path("set/a.mat").write_bytes(b"MATLAB 5.0")),
        f"set/a.mat: {KINDS}; to convert it: load it",
    ),
    "other sizes": (
        lambda: save_npz(x=X[:, :10, :10], y=Y),
        r"expected n x 28 x 28 images; found \(30, 10, 10\) in x, \(30,\) in y; save ima",
    ),
    "scores as labels": (lambda: save_npz(x=X, y=np.eye(10)[Y] / 2), NO_LABELS),
    "too few labels": (lambda: save_npz(x=X, y=Y[1:]), NO_LABELS),
    "no labels": (
        lambda: save_npz(x_train=X, mean=X[0]),
        f"{NO_LABELS}; to read images without labels: mnistnet predict a.npz$",
    ),
    "two training sets": (
        lambda: save_npz(x_train=X, y_train=Y, train_images=X),
        f"{ONE} x_train and train_images; name one file of the set to read",
    ),
    "sets in folders": (
        lambda: [save_npys(f"set/{name}", **FULL) for name in ("fog", "snow")],
        f"set: {ONE} fog/x_test and snow/x_test; name one",
    ),
    "a csv without labels": (
        lambda: Path("a.csv").write_text("0," * 783 + "0"),
        f"a.csv: {NO_LABELS}; .*: mnistnet pr",
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
        "a.csv, line 1: could not convert string 'zero'",
    ),
    "two training csv": (lambda: save_csvs("a.csv", "b.csv"), f"{ONE} a/images and b/images"),
    "two kinds": (save_two_kinds, f"{ONE} set/x and train/images"),
    "text": (lambda: Path("a.txt").write_text("a"), "a.txt: expected an .npz with .*found a.txt"),
    "a pipe": (lambda: make_pipe(Path("pipe")), f"pipe: {KINDS} found no files"),
    "an empty folder": (lambda: Path("set").mkdir(), f"set: {KINDS} found no files"),
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
    monkeypatch.setattr(table, "MAX_CHARACTERS", 50_000)
    with pytest.raises(DataError, match="a.npz: .* at most 20,000 bytes in all, found 2.*; save"):
        read("a.npz")
    Path("two").mkdir()
    for name in ("train", "test"):  # each fits, but not both
        np.savez(f"two/{name}.npz", x=X[:16], y=Y[:16])
    with pytest.raises(DataError, match="train.npz: .* at most 20,000 bytes in all, found 2"):
        read("two")
    write_idx(Path("images-idx3.gz"), X)
    with pytest.raises(DataError, match="images-idx3.gz: expected at most 20,000 bytes of data"):
        read("images-idx3.gz")
    with pytest.raises(DataError, match="a.csv: expected at most 50,000 characters; found more"):
        read("a.csv")
    save_csv(X[:20], Y[:20])
    assert len(read("a.csv")["train"][1]) == 20


def test_labels_as_words_are_renamed() -> None:
    edit_csv(lambda text: "".join(f"n{line}" for line in text.splitlines(True)))
    with pytest.raises(DataError, match="expected labels 0 to 9; found n0, .*--labels n0=0"):
        read("a.csv")
    assert np.array_equal(read("a.csv", labels={f"n{k}": k for k in range(10)})["train"][1], Y)

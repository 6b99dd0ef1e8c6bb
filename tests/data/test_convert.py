"""Data sets are converted as the options say, with warnings about likely problems, all files or
none."""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import make_digits
from program import full_disk

from mnistnet.api import load_network
from mnistnet.data import mnist
from mnistnet.data.convert import Imported, convert
from mnistnet.errors import DataError, MnistnetError

NAMES = [file.name for file in mnist.FILES]
X, Y = make_digits(300, 0)


def import_from(source: Path, out: str = "out", **options: Any) -> Imported:
    return convert(source, Path(out), predict=load_network().predict, **options)


def import_set(out: str = "out", *, x: Any = X, y: Any = Y, **options: Any) -> Imported:
    """Save arrays without a test set as an .npz, and import it."""
    np.savez("set.npz", x=x, y=y)
    return import_from(Path("set.npz"), out, **options)


def images(out: str = "out", split: str = "train") -> np.ndarray:
    return mnist.load(Path(out), split).images.reshape(-1, 28, 28)


def test_a_converted_set_has_the_same_images_and_labels(tiny: Path, published: object) -> None:
    done = import_from(tiny, name="Digits of mine")
    for split in ("train", "test"):
        before, after = mnist.load(tiny, split), mnist.load(Path("out"), split)
        assert before.sha256 == after.sha256
        assert done.counts[split] == np.bincount(before.labels).tolist()
        assert (after.published, after.given_name, done.name) == (True, *["Digits of mine"] * 2)
    assert (done.skipped, done.left_out, done.warnings) == (0, 0, [])
    assert sorted(os.listdir("out")) == sorted([mnist.IMPORTED, *NAMES])


def test_without_a_test_set_always_the_same_share_of_each_digit_becomes_one() -> None:
    """A sixth by default; at least one image of each digit that has two goes to each set."""
    import_set()
    train, test = (mnist.load(Path("out"), split) for split in ("train", "test"))
    assert np.bincount(train.labels).tolist() == [25] * 10
    assert np.bincount(test.labels).tolist() == [5] * 10
    assert test.labels[:6].tolist() == [0, 5, 7, 1, 3, 6]
    pairs = [*zip(train.images, train.labels, strict=True)]
    pairs += zip(test.images, test.labels, strict=True)
    originals = zip(X, Y, strict=True)
    assert sorted((bytes(i), n) for i, n in pairs) == sorted((bytes(i), n) for i, n in originals)
    for out, count, share, expected in (
        ("a", 2, 0.9, [1, 1]),  # one image of each digit
        ("b", 20, 0.01, [10, 10]),
        ("c", 21, 0.9, [10, 11]),
    ):
        done = import_set(out, x=X[:count], y=Y[:count], test_share=share)
        assert [sum(counts) for counts in done.counts.values()] == expected


UNIT = "the pixel values are 0 to 1; they were multiplied by 255"
TO_16 = "the pixel values are 0 to 16; they were converted to 0 to 255"
LIGHT = "the images have a light background, but MNIST's is black: consider --invert"
SWAPPED = "the bundled weights are right on .*: consider --transpose, or --no-transpose for files"
TURNED = X.swapaxes(1, 2)
CHANGES = {  # the images in the file, options, the images in the result, and the warning
    "no change": (X, {}, X, ""),
    "fractions": ((X / 255).astype(np.float32), {}, X, UNIT),
    "booleans": (X > 127, {}, (X > 127) * 255, UNIT),
    "just above 1": (X * np.float32(0.00392157), {}, X, UNIT),
    "a little above 255": (X * 1.01, {}, np.rint(np.minimum(X * 1.01, 255)), ""),
    "fractions of levels": (X / 2 + 127.5, {}, np.rint(X / 2 + 127.5), LIGHT),
    "-1 to 1": (X / 127.5 - 1, {}, X, "the pixel values are -1 to 1; they were converted to"),
    "0 to 16": (np.rint(X / 255 * 16), {}, np.rint(np.rint(X / 255 * 16) * 255 / 16), TO_16),
    "0 to 15": (X // 17, {}, X // 17 * 17, TO_16.replace("16", "15")),
    "light": (255 - X, {}, 255 - X, LIGHT),
    "light, inverted": (255 - X, {"invert": True}, X, ""),
    "turned": (TURNED, {}, TURNED, SWAPPED),
    "turned back": (TURNED, {"transpose": True}, X, ""),
    "all": (1 - TURNED / 255, {"transpose": True, "invert": True}, X, UNIT),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_pixels_are_converted_with_a_warning_or_on_request(kind: str) -> None:
    x, options, expected, warning = CHANGES[kind]
    done = import_set(x=x, test_share=0, **options)
    assert np.array_equal(images(), expected)
    assert len(done.warnings) == bool(warning)
    assert re.match(warning, "".join(done.warnings))


UNDO = r"; to undo a scaling, in NumPy: x = \(x - x.min\(\)\) / \(x.max\(\) - x.min\(\)\)"
REFUSED = {
    "standardised": (
        (X / 255 - 0.1307) / 0.3081,
        rf"x\[0\]: .* found -0.424213 to 2.82149 .*{UNDO}$",
    ),
    "halves": (X / 255 - 0.5, rf"found -0.5 to 0.5 in its split{UNDO}$"),
    "few levels": (X // 25, "found 0 to 10"),
    "16 bits": (X.astype(int) * 257, "found 0 to 65535"),
    "one large value": (np.where(np.arange(len(X)) == 7, 999, 0)[:, None, None] + X, r"x\[7\]: "),
    "not a number": (np.where(X > 0, np.nan, 0.0), r"x\[0\]: .* found nan to nan"),
    "text": (X.astype(str), "expected numbers as pixels; found <U3"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_other_pixel_values_are_refused(kind: str) -> None:
    """So are those that rounding would change visibly."""
    x, message = REFUSED[kind]
    with pytest.raises(DataError, match=message):
        import_set(x=x)
    assert not Path("out").exists()


def test_the_scale_of_each_split_is_decided_alone_and_images_in_both_give_a_warning() -> None:
    np.savez("set.npz", x_train=X / 255, y_train=Y, x_test=X[:7], y_test=Y[:7])
    both = "7 of the test images are also in the training set"
    assert import_from(Path("set.npz")).warnings == [UNIT, both]
    assert np.array_equal(images(), X)
    assert np.array_equal(images(split="test"), X[:7])


def test_labels_are_chosen_and_renamed() -> None:
    """Names and floats."""
    names = [f"class {label}" for label in Y]
    for out, y, mapping in (
        ("a", names, {"class 3": 0, "class 7": 1}),
        ("b", Y.astype(float), {"3": 0, "7": 1}),
    ):
        done = import_set(out, y=y, labels=mapping, test_share=0)
        assert done.left_out == 240
        assert done.counts == {"train": [30, 30, *[0] * 8]}
        assert np.array_equal(images(out), X[(Y == 3) | (Y == 7)])
    with pytest.raises(DataError, match="expected images with labels; found no usable ones"):
        import_set("none", labels={"x": 5})


def test_a_folder_that_is_not_empty_is_refused_before_reading(tiny: Path) -> None:
    Path("file").write_bytes(b"mine")
    for out, message in (("file", "cannot write to file: "), (str(tiny), "a new or empty folder")):
        before = sorted(Path().rglob("*"))
        with pytest.raises(DataError, match=message):
            import_from(Path("nowhere"), out)
        assert sorted(Path().rglob("*")) == before


def test_all_files_are_written_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk; the temporary file of a killed import does not matter."""
    left = Path("out/.mnistnet-0123456789abcdef.part")
    left.parent.mkdir()
    left.write_bytes(b"half")
    message = "No space left on device"
    with full_disk(monkeypatch, 4), pytest.raises(MnistnetError, match=message):
        import_set()
    assert os.listdir("out") == [left.name]
    import_set()
    assert sorted(os.listdir("out")) == sorted([left.name, mnist.IMPORTED, *NAMES])

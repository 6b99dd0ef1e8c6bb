"""Data sets are converted as the options say, with warnings about likely problems, all files or
none."""

import errno
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import make_digits

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


def test_without_a_test_set_always_the_same_share_becomes_one() -> None:
    """A sixth by default; at least one image is left for training."""
    import_set()
    train, test = (mnist.load(Path("out"), split) for split in ("train", "test"))
    assert (len(train.labels), len(test.labels)) == (250, 50)
    assert test.labels[:12].tolist() == [0, 5, 7, 1, 3, 6, 9, 1, 4, 7, 0, 1]
    pairs = [*zip(train.images, train.labels, strict=True)]
    pairs += zip(test.images, test.labels, strict=True)
    originals = zip(X, Y, strict=True)
    assert sorted((bytes(i), n) for i, n in pairs) == sorted((bytes(i), n) for i, n in originals)
    done = import_set("a", x=X[:2], y=Y[:2], test_share=0.9)
    assert [sum(counts) for counts in done.counts.values()] == [1, 1]


UNIT = "the pixel values are 0 to 1; they were multiplied by 255"
LIGHT = "the images have a light background, but MNIST's is black: consider --invert"
SWAPPED = "the bundled weights are right on .*: consider --transpose, or --no-transpose for files"
TURNED = X.swapaxes(1, 2)
CHANGES = {  # the images in the file, options, the images in the result, and the warning
    "no change": (X, {}, X, ""),
    "fractions": ((X / 255).astype(np.float32), {}, X, UNIT),
    "booleans": (X > 127, {}, (X > 127) * 255, UNIT),
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


def test_other_pixel_values_are_refused() -> None:
    for x, found in (
        (X / 255 - 0.5, "expected pixel values 0 to 255 or 0 to 1; found -0.5 to 0.5"),
        (np.where(X > 0, np.nan, 0.0), "found nan to nan"),
        (X.astype(str), "expected numeric images; found <U3"),
    ):
        with pytest.raises(DataError, match=found):
            import_set(x=x)
    assert not Path("out").exists()


def test_test_images_in_the_training_set_give_a_warning() -> None:
    np.savez("set.npz", x_train=X, y_train=Y, x_test=X[:7], y_test=Y[:7])
    assert import_from(Path("set.npz")).warnings == [
        "7 of the test images are also in the training set"
    ]


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
    count = iter(range(100))

    def full(_: int) -> None:
        if next(count) == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(MnistnetError, match="No space left on device"):
            import_set()
    assert os.listdir("out") == [left.name]
    import_set()
    assert sorted(os.listdir("out")) == sorted([left.name, mnist.IMPORTED, *NAMES])

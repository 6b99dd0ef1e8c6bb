"""Data sets are converted as the options say, with warnings about likely problems, and no existing
file is overwritten."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet.api import load_network
from mnistnet.data import convert, mnist
from mnistnet.errors import DataError, MnistnetError

NAMES = [file.name for file in mnist.FILES]


def import_set(source: Path, out: str = "out", **options: Any) -> convert.Imported:
    settings = convert.Options(**options)
    predict = load_network().predict
    return convert.convert(source, Path(out), settings, lambda _: None, lambda *_: None, predict)


def npz(tiny: Path, change: Any = None, labels: Any = None) -> Path:
    """Save the 300 training images of a small set, changed, as an .npz without a test set."""
    data = mnist.load(tiny, "train")
    images = data.images.reshape(-1, 28, 28)
    path = tiny.parent / "set.npz"
    path.unlink(missing_ok=True)
    np.savez(
        path,
        x=images if change is None else change(images),
        y=data.labels if labels is None else labels(data.labels),
    )
    return path


def all_of(out: str) -> tuple[np.ndarray, np.ndarray]:
    parts = [mnist.load(Path(out), split) for split in ("train", "test")]
    return np.concatenate([part.images for part in parts]), np.concatenate(
        [part.labels for part in parts]
    )


def test_a_converted_set_has_the_same_images_and_labels(tiny: Path) -> None:
    done = import_set(tiny)
    for split in ("train", "test"):
        before, after = mnist.load(tiny, split), mnist.load(Path("out"), split)
        assert before.sha256 == after.sha256
        assert done.counts[split] == np.bincount(before.labels).tolist()
        assert after.name == done.name == "out"
    assert (done.skipped, done.left_out, done.warnings) == (0, 0, [])
    assert sorted(os.listdir("out")) == sorted([mnist.IMPORTED, *NAMES])


def test_a_set_gets_the_given_name(tiny: Path) -> None:
    import_set(tiny, name="Digits of mine")
    assert mnist.load(Path("out"), "test").name == "Digits of mine"


def test_mnist_is_still_recognised_after_conversion(tiny: Path, published: object) -> None:
    import_set(tiny)
    assert mnist.load(Path("out"), "test").published


def test_without_a_test_set_always_the_same_sixth_becomes_one(tiny: Path) -> None:
    source = npz(tiny)
    for out, options in {
        "a": {},
        "b": {},
        "c": {"test_share": 0.5},
        "d": {"test_share": 0},
    }.items():
        import_set(source, out, **options)
    train, test = (mnist.load(Path("a"), split) for split in ("train", "test"))
    assert (len(train.labels), len(test.labels)) == (250, 50)
    assert test.sha256 == mnist.load(Path("b"), "test").sha256
    assert len(mnist.load(Path("c"), "test").labels) == 150
    assert len(mnist.load(Path("d"), "train").labels) == 300
    assert not (Path("d") / NAMES[2]).exists()
    original = mnist.load(tiny, "train")
    pairs = sorted(zip(map(bytes, original.images), original.labels.tolist(), strict=True))
    assert sorted(zip(map(bytes, all_of("a")[0]), all_of("a")[1].tolist(), strict=True)) == pairs


@pytest.mark.parametrize(("count", "share", "parts"), [(1, 0.5, [1]), (2, 0.9, [1, 1])])
def test_some_images_always_remain_for_training(count: int, share: float, parts: list[int]) -> None:
    np.savez("set.npz", x=np.eye(count, 784, dtype=np.uint8) * 255, y=np.zeros(count, int))
    done = import_set(Path("set.npz"), test_share=share)
    assert [sum(counts) for counts in done.counts.values()] == parts


def test_values_of_0_to_1_are_scaled_with_a_warning(tiny: Path) -> None:
    original = mnist.load(tiny, "train").images
    done = import_set(npz(tiny, lambda images: (images / 255).astype(np.float32)), test_share=0)
    assert done.warnings == ["the pixel values are 0 to 1; they were multiplied by 255"]
    assert np.array_equal(mnist.load(Path("out"), "train").images, original)
    for name, change in {"ints": lambda i: i // 128, "bools": lambda i: i > 127}.items():
        assert import_set(npz(tiny, change), name).warnings == done.warnings
        assert set(np.unique(all_of(name)[0])) == {0, 255}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda images: images / 255 - 0.5, "found -0.5 to 0.5"),
        (lambda images: images.astype(int) * 2, "found 0 to 510"),
        (lambda images: np.where(images > 0, np.nan, 0.0), "found nan to nan"),
        (lambda images: images.astype(complex), "expected arrays of numbers or .* complex128"),
        (lambda images: images.astype(str), "expected numeric images; found <U3"),
    ],
    ids=["centred", "beyond", "nan", "complex", "text"],
)
def test_other_pixel_values_are_refused(tiny: Path, change: Any, found: str) -> None:
    with pytest.raises(DataError, match=found):
        import_set(npz(tiny, change))
    assert not Path("out").exists()


def test_a_light_background_is_inverted_only_on_request(tiny: Path) -> None:
    source = npz(tiny, lambda images: 255 - images)
    done = import_set(source, "light")
    warning = "the images have a light background, but MNIST's is black: consider --invert"
    assert done.warnings == [warning]
    assert len(mnist.load(Path("light"), "train").labels) == 250
    assert import_set(source, "dark", invert=True, test_share=0).warnings == []
    original = mnist.load(tiny, "train").images
    assert np.array_equal(mnist.load(Path("dark"), "train").images, original)


def test_transposed_images_are_swapped_only_on_request(tiny: Path) -> None:
    source = npz(tiny, lambda images: images.swapaxes(1, 2))
    [warning] = import_set(source, "asis").warnings
    assert warning.startswith("the bundled weights are right on ")
    assert "consider --transpose" in warning
    assert import_set(source, "turned", transpose=True, test_share=0).warnings == []
    original = mnist.load(tiny, "train").images
    assert np.array_equal(mnist.load(Path("turned"), "train").images, original)


def test_emnists_files_are_transposed_by_default(tiny: Path) -> None:
    for split in ("train", "test"):
        for kind, ending in (("images", "idx3"), ("labels", "idx1")):
            name = f"{split.replace('test', 't10k')}-{kind}-{ending}-ubyte"
            (tiny / name).rename(tiny / f"emnist-digits-{split}-{kind}-{ending}-ubyte")
    assert any("consider --transpose" in warning for warning in import_set(tiny).warnings)
    assert import_set(tiny, "asis", transpose=False).warnings == []


def test_test_images_in_the_training_set_give_a_warning(tiny: Path) -> None:
    data = mnist.load(tiny, "train")
    np.savez(
        "set.npz", x_train=data.images, y_train=data.labels,
        x_test=data.images[:7], y_test=data.labels[:7],
    )  # fmt: skip
    assert import_set(Path("set.npz")).warnings == [
        "7 of the test images are also in the training set"
    ]


def test_the_error_for_labels_above_9_says_how_to_choose_ten(tiny: Path) -> None:
    source = npz(tiny, labels=lambda labels: labels + 1)
    with pytest.raises(DataError) as caught:
        import_set(source)
    assert str(caught.value) == (
        "expected labels 0 to 9; found 10; mnistnet has ten classes, but sets such as EMNIST's "
        "letters have more; to keep ten of them: mnistnet import SOURCE --labels 1=0,2=1,... --out "
        "NEW_FOLDER"
    )
    assert not Path("out").exists()


def test_labels_are_chosen_and_renamed(tiny: Path) -> None:
    source = npz(tiny, labels=lambda labels: np.array([f"class {label}" for label in labels]))
    done = import_set(source, labels={"class 3": 0, "class 7": 1})
    assert done.left_out == 240
    assert np.sum(list(done.counts.values()), axis=0).tolist() == [30, 30, *[0] * 8]
    original = mnist.load(tiny, "train")
    images, labels = all_of("out")
    threes = original.images[original.labels == 3]
    assert sorted(map(bytes, images[labels == 0])) == sorted(map(bytes, threes))
    with pytest.raises(DataError, match="expected images with labels; found no usable ones"):
        import_set(source, "none", labels={"5": 5})


def test_labels_may_be_floating_point_numbers(tiny: Path) -> None:
    done = import_set(npz(tiny, labels=lambda labels: labels.astype(float)))
    assert sum(map(sum, done.counts.values())) == 300


def test_a_folder_that_is_not_empty_is_refused_before_reading(tiny: Path) -> None:
    Path("out").mkdir()
    (Path("out") / "mine").write_bytes(b"mine")
    Path("file").write_bytes(b"mine")
    for out in ("out", "file", str(tiny)):
        before = sorted(Path().rglob("*"))
        with pytest.raises(DataError, match="expected a new or empty folder; .* is neither"):
            import_set(Path("nowhere"), out)
        assert sorted(Path().rglob("*")) == before
    (Path("out") / "mine").unlink()
    import_set(tiny)


def test_a_file_that_appears_in_the_folder_meanwhile_is_kept(tiny: Path) -> None:
    def appear(*_: int) -> None:
        Path("out").mkdir(exist_ok=True)
        (Path("out") / NAMES[0]).write_bytes(b"mine")

    with pytest.raises(DataError, match="expected a new or empty folder"):
        convert.convert(tiny, Path("out"), convert.Options(), lambda _: None, appear)
    assert os.listdir("out") == [NAMES[0]]
    assert (Path("out") / NAMES[0]).read_bytes() == b"mine"


def test_a_failed_import_leaves_nothing(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MnistnetError, match="No space left on device"):
        import_set(tiny)
    assert not Path("out").exists()


def test_the_temporary_file_of_a_killed_import_does_not_matter(tiny: Path) -> None:
    Path("out").mkdir()
    left = Path("out") / ".mnistnet-0123456789abcdef.part"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    import_set(tiny)
    assert sorted(os.listdir("out")) == sorted([left.name, mnist.IMPORTED, *NAMES])

"""A data set is found in the folders that other programs make, and two sets are never confused."""

from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import folders, idx, mnist
from mnistnet.errors import DataError

NAMES = [file.name for file in mnist.FILES]


@pytest.mark.parametrize("form", ["{0}.gz", "{1}", "{1}.gz", "{0}/{0}", "{1}/{1}"])
def test_every_accepted_name_is_found(tiny: Path, form: str) -> None:
    for name in NAMES:
        path = Path("new", form.format(name, name.replace("-idx", ".idx")))
        path.parent.mkdir(parents=True, exist_ok=True)
        idx.write_idx(path, idx.read_idx(tiny / name))
    for split in ("train", "test"):
        assert mnist.load(Path("new"), split).sha256 == mnist.load(tiny, split).sha256


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_torchvisions_folder_is_found_and_names_the_set(tiny: Path, name: str) -> None:
    root = Path("root")
    (root / name).mkdir(parents=True)
    tiny.rename(root / name / "raw")
    for folder in (root, root / name, root / name / "raw"):
        data = mnist.load(folder, "test")
        assert len(data.labels) == 50
        assert data.name == {"MNIST": "MNIST (altered)"}.get(name, name)


def test_the_error_for_two_sets_in_a_folder_lists_them(tmp_path: Path) -> None:
    places = [tmp_path / name / "raw" for name in ("FashionMNIST", "MNIST")]
    for place in places:
        place.mkdir(parents=True)
        (place / NAMES[0]).touch()
    with pytest.raises(DataError) as caught:
        mnist.load(tmp_path, "train")
    assert str(caught.value) == (
        f"expected one data set in {tmp_path}; found {places[0]}, {places[1]}: "
        "name one of these folders"
    )


def test_the_error_for_copies_that_differ_names_them(tiny: Path) -> None:
    images = np.array(idx.read_idx(tiny / NAMES[2]))
    packed = tiny / f"{NAMES[2]}.gz"
    idx.write_idx(packed, images)
    assert len(mnist.load(tiny, "test").labels) == 50
    packed.write_bytes(b"damaged, which does not matter")
    assert len(mnist.load(tiny, "test").labels) == 50
    idx.write_idx(packed, images[::-1])
    with pytest.raises(DataError, match=f"found two: .*{NAMES[2]} and .*{packed.name} differ"):
        mnist.load(tiny, "test")


def test_the_error_for_a_missing_file_lists_what_is_there(tiny: Path) -> None:
    (tiny / NAMES[3]).unlink()
    for number in range(5):
        (tiny / f"z{number}").touch()
    with pytest.raises(DataError) as caught:
        mnist.load(tiny, "test")
    assert str(caught.value) == (
        f"{tiny} has no {NAMES[3]}, raw or .gz; it has {NAMES[2]}, {NAMES[0]}, {NAMES[1]}, z0, z1, "
        f"z2 and 2 more; to download MNIST to it: mnistnet download --data {tiny}; to convert "
        "another data set: mnistnet import SOURCE --out NEW_FOLDER"
    )


@pytest.mark.parametrize("name", ["3", "kmnist-train-imgs.npz", "qmnist-test-labels-idx2-int.gz"])
def test_other_sets_are_recognised(tiny: Path, name: str) -> None:
    (tiny / "notes.txt").touch()
    assert folders.others(tiny, NAMES) == []
    (tiny / name).mkdir() if name == "3" else (tiny / name).touch()
    assert folders.others(tiny, NAMES) == [name]


def test_a_sets_name_is_the_recorded_one_or_its_folders(tiny: Path) -> None:
    assert mnist.load(tiny, "test").name == "tiny"
    for record, name in {
        '{"name": "Digits of mine"}': "Digits of mine",
        '{"name": "\\u001b[31m"}': "tiny",
        '{"name": 7}': "tiny",
        "[]": "tiny",
        "{": "tiny",
    }.items():
        (tiny / mnist.IMPORTED).write_text(record)
        assert mnist.load(tiny, "test").name == name

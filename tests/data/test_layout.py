"""A data set is found in the folders that other programs make, and two sets are never confused."""

from pathlib import Path

import numpy as np
import pytest
from program import make_link

from mnistnet.data import idx, layout, mnist
from mnistnet.errors import DataError

NAMES = [file.name for file in mnist.FILES]


def move(tiny: Path, folder: Path) -> Path:
    folder.parent.mkdir(parents=True)
    return tiny.rename(folder)


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST"])
def test_torchvisions_folder_is_found_and_names_the_set(tiny: Path, name: str) -> None:
    root = tiny.parent / "root"
    move(tiny, root / name / "raw")
    for folder in (root, root / name, root / name / "raw"):
        data = mnist.load(folder, "test")
        assert len(data.labels) == 50
        assert data.name == {"MNIST": "MNIST (altered)"}.get(name, name)


def test_the_error_for_two_sets_in_a_folder_lists_them(tiny: Path, tmp_path: Path) -> None:
    one = move(tiny, tmp_path / "root" / "MNIST" / "raw")
    two = tmp_path / "root" / "FashionMNIST" / "raw"
    two.mkdir(parents=True)
    (two / NAMES[0]).write_bytes((one / NAMES[0]).read_bytes())
    with pytest.raises(DataError) as caught:
        mnist.load(tmp_path / "root", "train")
    assert str(caught.value) == (
        f"expected one data set in {tmp_path / 'root'}; found {two}, {one}: "
        "name one of these folders"
    )


@pytest.mark.parametrize("flat", [True, False])
def test_kaggles_nested_copies_are_the_same_set(tiny: Path, flat: bool) -> None:
    expected = mnist.load(tiny, "test")
    for name in NAMES:
        array = np.array(idx.read_idx(tiny / name))
        (tiny / name).unlink()
        (tiny / name).mkdir()
        idx.write_idx(tiny / name / name, array)
        if flat:
            idx.write_idx(tiny / name.replace("-idx", ".idx"), array)
    assert mnist.load(tiny, "test").sha256 == expected.sha256


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


def test_mnists_own_bytes_are_called_mnist_whatever_is_recorded(
    tiny: Path, published: object
) -> None:
    (tiny / mnist.IMPORTED).write_text('{"name": "mine"}')
    assert mnist.load(tiny, "test").name == "MNIST"


def test_the_error_for_a_missing_file_lists_what_is_there(tiny: Path) -> None:
    (tiny / NAMES[3]).unlink()
    with pytest.raises(DataError) as caught:
        mnist.load(tiny, "test")
    assert str(caught.value) == (
        f"{tiny} has no {NAMES[3]}, raw or .gz; it has {NAMES[2]}, {NAMES[0]}, {NAMES[1]}; add the "
        f"missing file (for MNIST: mnistnet download --data {tiny}), or name another folder with "
        "--data"
    )


def test_a_broken_link_is_named(tiny: Path) -> None:
    (tiny / NAMES[3]).unlink()
    make_link(tiny / NAMES[3], "../.git/annex/objects/none")
    with pytest.raises(DataError, match=f"{NAMES[3]} is a broken link$"):
        mnist.load(tiny, "test")


@pytest.mark.parametrize("name", ["3", "kmnist-train-imgs.npz", "qmnist-test-labels-idx2-int.gz"])
def test_other_sets_are_recognised(tiny: Path, name: str) -> None:
    (tiny / "notes.txt").touch()
    assert layout.others(tiny, NAMES) == []
    (tiny / name).mkdir() if name == "3" else (tiny / name).touch()
    assert layout.others(tiny, NAMES) == [name]

"""A split is loaded from the files under any of their names, MNIST is recognised by its bytes, and
two sets are never confused. Drawn digits are written in MNIST's form."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from program import write_idx

from mnistnet.data import idx, mnist, synthetic
from mnistnet.errors import DataError

NAMES = [file.name for file in mnist.FILES]
IMAGES, LABELS = NAMES[2:]


def test_only_mnists_own_bytes_are_published_and_called_mnist(
    tiny: Path, published: object
) -> None:
    (tiny / mnist.IMPORTED).write_text('{"name": "mine"}')
    data = mnist.load(tiny, "test")
    assert (data.published, data.name) == (True, "MNIST")
    labels = np.array(idx.read_idx(tiny / LABELS))
    labels[7] ^= 1
    write_idx(tiny / LABELS, labels)
    data = mnist.load(tiny, "test")
    assert (data.published, data.name) == (False, "mine")


def test_every_accepted_name_is_found(tiny: Path) -> None:
    for number, form in enumerate(("{0}.gz", "{1}", "{1}.gz", "{0}/{0}", "{1}/{1}")):
        for name in NAMES:
            path = Path(f"new{number}", form.format(name, name.replace("-idx", ".idx")))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_idx(path, idx.read_idx(tiny / name))
        for split in ("train", "test"):
            found = mnist.load(Path(f"new{number}"), split)
            assert found.sha256 == mnist.load(tiny, split).sha256


def test_torchvisions_folder_is_found_and_names_the_set(tiny: Path) -> None:
    place = tiny
    for number, name in enumerate(("MNIST", "FashionMNIST")):
        root = Path(f"root{number}")
        (root / name).mkdir(parents=True)
        place = place.rename(root / name / "raw")
        for folder in (root, root / name, place):
            expected = {"MNIST": "MNIST (altered)"}.get(name, name)
            assert mnist.load(folder, "test").name == expected


def test_the_error_for_two_sets_names_them(tiny: Path) -> None:
    places = [tiny.parent / name / "raw" for name in ("FashionMNIST", "KMNIST")]
    for place in places:
        place.mkdir(parents=True)
        (place / NAMES[0]).touch()
    with pytest.raises(DataError, match=f"found .*{places[0]}, {places[1]}: name one of these"):
        mnist.load(tiny.parent, "train")
    images = np.array(idx.read_idx(tiny / IMAGES))
    write_idx(tiny / f"{IMAGES}.gz", images)
    assert len(mnist.load(tiny, "test").labels) == 50
    write_idx(tiny / f"{IMAGES}.gz", images[::-1])
    with pytest.raises(DataError, match=f"found copies of {IMAGES} that differ; move those of one"):
        mnist.load(tiny, "test")


def test_the_error_for_a_missing_file_lists_what_is_there(tiny: Path) -> None:
    folder = tiny.rename("my set")
    (folder / LABELS).unlink()
    for number in range(5):
        (folder / f"z{number}").touch()
    with pytest.raises(DataError) as caught:
        mnist.load(folder, "test")
    assert str(caught.value) == (
        f"my set has no {LABELS}, raw or .gz: it has {IMAGES}, {NAMES[0]}, {NAMES[1]}, z0, z1, z2 "
        "and 2 more; to download MNIST to it: mnistnet download --data 'my set'; to convert "
        "another data set in it: mnistnet import 'my set' --out NEW_FOLDER"
    )


def test_a_sets_name_is_the_recorded_one_or_its_folders(tiny: Path) -> None:
    assert mnist.load(tiny, "test").name == "tiny"
    for record, name in {
        '{"name": "Digits of mine"}': "Digits of mine",
        '{"name": "\\u001b[31m"}': "tiny",
        "[]": "tiny",
    }.items():
        (tiny / mnist.IMPORTED).write_text(record)
        assert mnist.load(tiny, "test").name == name


def test_only_the_recorded_digits_are_called_drawn(tiny: Path) -> None:
    """Whatever the record contains."""
    sha256 = {split: mnist.load(tiny, split).sha256 for split in ("train", "test")}
    record = json.dumps({"sha256": sha256}).encode()
    for content in (b"", b"[]", b'{"sha256": 1}', b"[" * 10**5, record):
        (tiny / mnist.DRAWN).write_bytes(content)
        assert mnist.load(tiny, "test").drawn == (content == record)
    write_idx(tiny / LABELS, np.zeros(50, np.uint8))
    assert not mnist.load(tiny, "test").drawn


def write(folder: Path) -> bool:
    return synthetic.write(folder, lambda *_: None, counts=(20, 10))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_set_is_idx_files_that_are_known_as_drawn_and_never_as_mnist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes, which run nothing in the current folder."""
    Path("socket.py").write_text("open('run', 'w')")
    monkeypatch.setattr(synthetic, "PART", 50)
    progress: list[tuple[int, int]] = []
    folder = tmp_path / "cache" / "drawn"
    assert synthetic.write(folder, lambda *step: progress.append(step), counts=(100, 30))
    assert progress == [(50, 130), (50, 130), (30, 130)]
    assert sorted(os.listdir(folder)) == sorted([mnist.DRAWN, *NAMES])
    record = json.loads((folder / mnist.DRAWN).read_bytes())
    assert record["note"] == "digits drawn by 'mnistnet download --synthetic', not MNIST"
    train, test = (mnist.load(folder, split) for split in ("train", "test"))
    assert (len(train.labels), len(test.labels)) == (100, 30)
    assert (train.drawn, train.published, test.drawn, test.published) == (True, False, True, False)
    assert len({image.tobytes() for image in [*train.images, *test.images]}) == 130
    assert not Path("run").exists()


def test_the_files_are_always_the_same_and_replace_no_others(
    tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another set nor damaged drawn digits."""
    monkeypatch.setattr(synthetic, "process_pool", ThreadPoolExecutor)  # which starts at once
    first, again = tmp_path / "a", tmp_path / "b"
    assert [write(folder) for folder in (first, first, again)] == [True, False, True]
    assert content(first) == content(again)
    (first / NAMES[2]).write_bytes(b"damaged")
    for folder in (first, tiny):
        before = content(folder)
        with pytest.raises(DataError, match=f"expected a new or empty folder; .* in {folder}: na"):
            write(folder)
        assert content(folder) == before

"""Folders of pictures are read, wherever their labels are."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import make_digits
from PIL import Image

from mnistnet.data.convert import gather
from mnistnet.errors import DataError
from mnistnet.image.digit import read_picture

X, Y = make_digits(30, 0)


def read(labels: dict[str, int] | None = None) -> tuple[dict[str, list[int]], list[str]]:
    """Read the folder 'set': the labels of each split, and what was told."""
    told: list[str] = []
    sets, *_ = gather(Path("set"), lambda text, _: told.append(text), labels=labels)
    return {split: each.labels.tolist() for split, each in sets.items()}, told


def picture(name: str, number: int) -> None:
    """Draw an image as a picture."""
    path = Path("set", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 - X[number]).resize((120, 120)).save(path)


def pictures(form: str) -> None:
    for number in range(12):
        split = ("train", "train", "val", "test")[number % 4]
        picture(form.format(n=number, d=Y[number], split=split, w=f"w{number % 3}"), number)


def table(heading: str, line: str) -> None:
    """Draw pictures, and write a table with a line for each."""
    pictures("all/{n}.png")
    lines = [line.format(n=number, d=int(Y[number])) for number in range(12)]
    Path("set", "labels.csv").write_text("\n".join([heading, *lines]))


DIGITS = sorted(Y[:12].tolist())
FORMS: dict[str, Callable[[], object]] = {
    "folders of digits": lambda: pictures("{d}/{n}.png"),
    "folders of names": lambda: pictures("digit_{d}/{n}.png"),
    "an outer folder": lambda: pictures("photos/{d}/{n}.png"),
    "two outer folders": lambda: pictures("a/b/{d}/{n}.png"),
    "writers in digits": lambda: pictures("{d}/{w}/{n}.png"),
    "digits in writers": lambda: pictures("{w}/{d}/{n}.png"),
    "numbered writers": lambda: pictures("{d}/1{n}/{n}.png"),
    "names": lambda: pictures("{d}_{n}.png"),
    "names with the label last": lambda: pictures("{n:04}-img-{d}.png"),
    "a table": lambda: table("file,label", "{n}.png,{d}"),
    "a table of paths": lambda: table("image,digit,fold", "all/{n}.png,{d},1"),
    "a table of stems, with an index": lambda: table("id,name,label", 'x{n},"{n}",{d}'),
    "names in writers": lambda: pictures("{w}/{d}_{n:02}.png"),
}


@pytest.mark.parametrize("form", FORMS)
def test_labels_are_found_in_folders_names_and_tables(form: str) -> None:
    FORMS[form]()
    found, told = read()
    assert sorted(found["train"]) == DIGITS
    assert [each for each in told if "skipped" in each] == []


@pytest.mark.parametrize("form", ["{split}/{d}/{n}.png", "all/{split}/{split}/{w}/{d}_{n:02}.png"])
def test_folders_tell_the_split(form: str) -> None:
    pictures(form)
    found, told = read()
    assert sorted(found["test"]) == sorted(Y[3:12:4].tolist())
    assert len(found["train"]) == 9
    assert "the validation images were read as training images" in told


def test_pictures_are_prepared_as_for_predict_and_others_are_skipped() -> None:
    pictures("{d}/{n:02}.png")
    Path("set/3/notes.png").write_text("no picture")
    Image.fromarray(255 - np.hstack([X[1], X[2]])).resize((240, 120)).save("set/3/two.png")
    Path("set/3/.DS_Store").write_text("hidden")
    picture("other/a.png", 4)
    picture("b.png", 4)
    Path("set/about.txt").write_text("mine, all mine")
    told: list[str] = []
    sets, *_ = gather(Path("set"), lambda text, count: told.append(f"{count} {text}"))
    expected = read_picture(Path("set/0/00.png")).digits[0].image
    assert np.array_equal(sets["train"].images[0], expected)
    names = [Path(f"set/{name}") for name in ("3/notes.png", "3/two.png")]
    assert told[0] == "3 skipped 3 files without a label in set: about.txt, b.png, other/a.png"
    assert told[1].startswith(f"1 skipped {names[0]}: expected a picture")
    assert told[2] == f"1 skipped {names[1]}: expected one digit; found 2"


def test_labels_are_renamed() -> None:
    picture("circle/a.png", 0)
    picture("cross/b.png", 1)
    assert read({"circle": 0, "cross": 1})[0] == {"train": [0, 1]}
    with pytest.raises(DataError, match="in folders 0 to 9 or named by --labels"):
        read()


BAD = {
    "no labels": (["a.png", "b.png"], "set: expected pictures in folders 0 to 9 or named by"),
    "numbers": ([f"img-{number}.png" for number in range(15)], "set: expected pictures in"),
    "two levels": (["0/1/a.png", "1/0/b.png"], "found them at two levels; name the others"),
}


@pytest.mark.parametrize("kind", BAD)
def test_unclear_labels_are_an_error(kind: str) -> None:
    names, message = BAD[kind]
    for name in names:
        picture(name, 0)
    with pytest.raises(DataError, match=message):
        read()


def test_drawings_of_six_writers_keep_one_for_testing() -> None:
    """Files that are damaged, too long or not drawings are skipped."""
    image = base64.b64encode(bytes([0, 255] * 392)).decode()
    drawing = {"label": 3, "image": image}
    good = json.dumps({"mnistnet": "drawings", "version": 1, "drawings": [drawing]})
    bad = ["", "[]", good[:-1], good.replace("3", "10"), good.replace('": 1', '": 2'), "[" * 10**5]
    bad += [good.replace(image, image[4:]), good.replace("[{", f"[{' ' * 5_000_000}{{")]
    Path("set").mkdir()
    for n, text in enumerate([good] * 6 + bad):
        Path("set", f"{n:02}.json").write_text(text)
    counts, told = read()
    assert counts == {"train": [3] * 5, "test": [3]}
    assert [sentence[:19] for sentence in told] == [
        f"skipped set/{n:02}.json" for n in range(6, 14)
    ]

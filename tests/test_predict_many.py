"""Pictures in any form, and many at once, on several processes or machines."""

import io
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tasks
from changes import saved
from PIL import Image
from program import assert_fails, png, run

import mnistnet
from mnistnet import api, executors
from mnistnet.errors import MnistnetError, PictureError

GREY = np.asarray(Image.open(io.BytesIO(png(7))).convert("L"))
RGB = np.repeat(GREY[..., None], 3, axis=2)
FILE = saved(Image.fromarray(GREY), "PNG").getvalue()
FORMS: dict[str, Any] = {
    "bytes": FILE,
    "bytearray": bytearray(FILE),
    "a PIL image": Image.open(io.BytesIO(FILE)),
    "(height, width)": GREY,
    "(height, width, 1)": GREY[..., None],
    "(height, width, 3)": RGB,
    "(height, width, 4)": np.concatenate([RGB, np.full_like(RGB[..., :1], 255)], axis=2),
    "floats": RGB / 255,
    "float32, in Fortran's order": np.asfortranarray(GREY, np.float32) / np.float32(255),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_may_have_any_form(form: str) -> None:
    """And is left as it is."""
    network, given = mnistnet.load_network(), FORMS[form]
    before = given.copy() if hasattr(given, "copy") else given
    answer = mnistnet.predict(given, network)
    assert answer == mnistnet.predict(io.BytesIO(FILE), network)
    assert np.array_equal(np.asarray(before), np.asarray(given))


def test_a_boolean_array_is_read_as_ink() -> None:
    assert mnistnet.predict(GREY > 128).digit == 7


def test_a_rotated_photograph_is_turned() -> None:
    """As it is when its file is read."""
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(RGB)).save(stream, "PNG", exif=exif)
    stream.seek(0)
    assert mnistnet.predict(Image.open(stream)).digit == 7


KINDS = "expected a path, a binary stream, bytes, a PIL image, or an array "
VECTORS = r"use Network\.predict; for a picture 784 pixels wide, \(height, 784, 1\)"
REFUSED: dict[str, tuple[Any, str]] = {
    "NaN": (np.full((9, 9), np.nan), f"{KINDS}.*; found 9 x 9 float64, nan to nan"),
    "another range": (GREY.astype(float), f"{KINDS}.*; found .* float64, 15.0 to 255.0"),
    "another type": (GREY.astype(int), f"{KINDS}.*; found .* int64"),
    "five colours": (np.zeros((9, 9, 5), np.uint8), f"{KINDS}.*; found 9 x 9 x 5 uint8"),
    "empty": (np.zeros((0, 9), np.uint8), f"{KINDS}.*; found 0 x 9 uint8"),
    "an empty image": (Image.new("L", (0, 9)), "cannot read it"),
    "a vector": (np.zeros(784, np.uint8), VECTORS),
    "vectors": (np.zeros((20, 784), np.uint8), VECTORS),
    "matrices": (np.zeros((5, 28, 28), np.uint8), VECTORS),
    "None": (None, f"{KINDS}.*; found None"),
    "lists": ([[1], [2, 3]], KINDS),
    "text": (io.StringIO("text"), KINDS),
    "NUL": ("a\0b.png", "expected a path, .*; found 'a"),
    "nobody's": ("~nobody-at-all/7.png", "expected a path"),
    "a folder": (".", r"^\.: expected a picture; found a folder: use predict_many\(folder\)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_else_is_refused_with_what_is_accepted(kind: str) -> None:
    given, words = REFUSED[kind]
    with pytest.raises(PictureError, match=words):
        mnistnet.predict(given)


def test_a_picture_784_pixels_wide_is_read_with_three_dimensions() -> None:
    wide = Image.fromarray(GREY).resize((784, 784))
    assert mnistnet.predict(np.asarray(wide)[..., None]).digit == 7


def test_paths_expand_the_home_folder() -> None:
    (Path.home() / "seven.png").write_bytes(png(7))
    assert mnistnet.predict("~/seven.png").digit == 7
    mnistnet.load_network().save("~/net.npz")
    assert [answer.digit for answer in mnistnet.predict_many("~")] == [7]
    assert mnistnet.load_network("~/net.npz").model.layers[0] == 784


def numbers() -> Image.Image:
    """A 7, a 0 and a 1 side by side, close enough for the network to choose what is a digit."""
    picture = Image.new("L", (640, 300))
    for place, digit in enumerate((7, 0, 1)):
        part = Image.open(io.BytesIO(png(digit))).convert("L").crop((120, 40, 300, 260))
        picture.paste(part, (60 + 180 * place, 40))
    return picture


@pytest.fixture
def folder() -> Path:
    """A folder with 105 pictures, of which one is damaged and some are read again."""
    folder = Path("pictures")
    folder.mkdir()
    for place in range(104):
        (folder / f"{place:03}.png").write_bytes(png((0, 1, 7)[place % 3]))
    for place in range(20, 30):
        numbers().save(folder / f"{place:03}.png")
    (folder / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n, but no picture")
    (folder / "notes.txt").write_text("no picture")
    return folder


def facts(coming: Iterator[Any]) -> list[Any]:
    return [
        (each, each.source, each.images.tolist())
        if isinstance(each, mnistnet.Answer)
        else str(each)
        for each in coming
    ]


def test_processes_give_the_same_answers_as_one_and_as_predict(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, also for the pictures that the network reads again."""
    reread, calls = api.reread, itertools.count()
    monkeypatch.setattr(api, "reread", lambda *args: (next(calls), reread(*args))[1])
    network = mnistnet.load_network()
    one = facts(mnistnet.predict_many(folder, network))
    assert next(calls) >= 10
    assert facts(mnistnet.predict_many(folder, network, workers=2)) == one
    assert not os.environ.get("PYTHONSAFEPATH")  # which other programs would inherit
    names = [str(path) for path in sorted(folder.glob("*.png"))]
    assert [each[1] for each in one[:-1]] == names[:-1]
    assert one[-1].startswith(f"{names[-1]}: cannot read it: ")
    assert one[20] == facts(iter([mnistnet.predict(names[20], network)]))[0]


def test_a_cluster_gives_the_same_answers(folder: Path) -> None:
    distributed = pytest.importorskip("distributed")
    network = mnistnet.load_network()
    options = {"processes": False, "dashboard_address": ":0", "protocol": "tcp"}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, **options) as cluster:
        address = cluster.scheduler_address
        far = facts(mnistnet.predict_many(folder, network, scheduler=address))
        assert far == facts(mnistnet.predict_many(folder, network))
        words = ("predict", "--csv", "--quiet", folder)
        assert run(*words, "--scheduler", address).stdout == run(*words).stdout


def test_a_cluster_is_given_absolute_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers have other current folders."""
    given: list[Any] = []

    def spread(_: Any, __: Any, chunks: Any, *___: Any) -> Iterator[Any]:
        given.extend(itertools.chain.from_iterable(chunks))
        yield []

    monkeypatch.setattr(executors, "spread", spread)
    assert list(mnistnet.predict_many(["7.png"], scheduler="tcp://there:1")) == []
    assert given == [api.Item("7.png", Path.cwd() / "7.png")]


def test_pictures_are_read_when_they_are_needed() -> None:
    """One by one; with processes, a limited number in advance."""
    taken = itertools.count()
    endless = ((next(taken), png(7))[1] for _ in itertools.count())
    coming = mnistnet.predict_many(endless)
    assert [next(coming).source for _ in range(3)] == [f"pictures[{k}]" for k in range(3)]
    assert next(taken) == 3
    coming = mnistnet.predict_many(endless, workers=2)
    assert next(coming).digit == 7
    assert next(taken) <= 3 + api.CHUNK * 6
    coming.close()


def test_processes_start_only_for_more_than_a_hundred_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise RuntimeError("started")

    monkeypatch.setattr(executors, "process_pool", refuse)
    assert len(list(mnistnet.predict_many([png(7)] * 100, workers=2))) == 100
    with pytest.raises(RuntimeError, match="started"):
        list(mnistnet.predict_many([png(7)] * 101, workers=2))


def test_a_frame_may_be_overwritten_while_others_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "FEW", 2)
    frame = np.empty_like(GREY)

    def frames() -> Iterator[np.ndarray]:
        for digit in (7, 0, 1):
            frame[:] = np.asarray(Image.open(io.BytesIO(png(digit))).convert("L"))
            yield frame

    found = mnistnet.predict_many(frames(), workers=2)
    assert [answer.digit for answer in found] == [7, 0, 1]


def test_a_killed_process_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "_read", tasks.killed)
    message = "a worker process was killed, perhaps because memory ran out; run the command again"
    with pytest.raises(MnistnetError, match=message):
        list(mnistnet.predict_many(folder, workers=2))
    assert_fails(run("predict", folder, "--workers", 2, "--quiet"), message)


def test_an_error_of_the_callers_iterable_is_raised_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api, "FEW", 2)
    pictures = (png(7) if k < 60 else 1 / 0 for k in range(90))
    with pytest.raises(ZeroDivisionError):
        list(mnistnet.predict_many(pictures, workers=2))

"""Random files and command lines give a valid result or one clear error.

`make fuzz` searches further, guided by coverage.
"""

import io
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from program import make_link, run

from mnistnet import cli
from mnistnet.data import idx, mnist, synthetic
from mnistnet.errors import PictureError
from mnistnet.image.digit import read_picture
from mnistnet.model import weights
from mnistnet.model.metadata import Metadata, Report, Source
from mnistnet.model.network import Network
from mnistnet.model.options import Options

EDITS = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.integers(0, 3), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=4,
)


def edited(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Overwrite, insert or delete some bytes of the content, or truncate it."""
    for place, kind, new in edits:
        place %= len(content) + 1
        end = [place, place + len(new), place + len(new), len(content)][kind]
        content = content[:place] + (new if kind < 2 else b"") + content[end:]
    return content


@contextmanager
def folder() -> Iterator[None]:
    """Change to a new folder for one example."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        yield


def succeeds(*words: object) -> bool:
    """Run the command; return whether it succeeded, and check that an error is one line."""
    result = run(*words)
    assert result.exit_code in (0, 1)
    if result.exit_code:
        assert result.stdout == ""
        assert re.fullmatch(r"(bundled weights\n|weights [^\n]*\n)?Error: [^\n]*\n", result.stderr)
    printed = result.stdout + result.stderr
    assert all(c.isprintable() for c in printed if c != "\n")
    return not result.exit_code


# ---- files


@given(EDITS, st.sampled_from(["", ".gz"]), st.sampled_from([0, 1]))
def test_any_data_file(edits: Any, ending: str, which: int) -> None:
    with folder():
        arrays = [np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28), np.array([1, 9], np.uint8)]
        names = [f"{file.name}{ending}" for file in mnist.FILES[2:]]
        for name, array in zip(names, arrays, strict=True):
            idx.write_idx(Path(name), array)
        path = Path(names[which])
        path.write_bytes(edited(path.read_bytes(), edits))
        if succeeds("eval", "--data", "."):
            data = mnist.load(Path(), "test")
            assert len(data.images) == len(data.labels) == 2
            assert data.labels.max() < 10


@cache
def weights_file() -> bytes:
    network = Network.random((784, 2, 10), np.random.default_rng(0))
    history = (Report(1, 0.5, 0.8, 0.4, 0.9, 0.2, 1.25),)
    metadata = Metadata(
        Options(epochs=1, seed=7), Source({"images": "aa", "labels": "bb"}), history
    )
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "net.npz")
        weights.save(path, network, metadata)
        return path.read_bytes()


@given(EDITS)
def test_any_weights_file(edits: Any) -> None:
    with folder():
        path = Path("net.npz")
        path.write_bytes(edited(weights_file(), edits))
        if succeeds("info", "--weights", path):
            network, _ = weights.load(path)
            assert np.isfinite(network.scores(np.ones((1, 784), np.float32))).all()


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*vars(Options()), "sha256", "images"]), inner, max_size=3
        )
    ),
    max_leaves=9,
)
META = json.loads(str(np.load(io.BytesIO(weights_file()))["meta"]))


@given(st.dictionaries(st.sampled_from([*META]), JSON, min_size=1, max_size=3))
def test_any_metadata(changes: dict[str, Any]) -> None:
    with folder():
        with np.load(io.BytesIO(weights_file())) as z:
            arrays = dict(z) | {"meta": np.array(json.dumps(META | changes))}
        with Path("net.npz").open("wb") as stream:
            np.savez(stream, **arrays)
        if succeeds("info", "--weights", "net.npz"):
            json.loads(run("info", "--json", "--weights", "net.npz").stdout)


@cache
def picture_file(form: str) -> bytes:
    image = Image.new("L", (30, 40), 255)
    ImageDraw.Draw(image).line([(8, 8), (22, 8), (12, 32)], 0, 4)
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


@given(EDITS, st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO"]))
def test_any_picture(edits: Any, form: str) -> None:
    content = edited(picture_file(form), edits)
    try:
        for digit in read_picture(io.BytesIO(content)).digits:
            assert (digit.image.dtype, digit.image.shape) == (np.uint8, (784,))
            assert digit.image.any()
    except PictureError as error:
        assert "\n" not in str(error)
    result = run("predict", "-", "--json", stdin=content)
    assert result.exit_code == ("error" in json.loads(result.stdout))


# ---- command lines

ODD = ["", "0", "1", "2", "-1", "1e9", "9999999999", "nan", "x", "\x1b[2J", "\udcff", "none"]
ODD += [".", "..", "-", "--", "tiny", "net.npz", "test:0", "test:", "http://127.0.0.1:1", "file:/"]
FITTING = {
    "folder": ["tiny"],
    "mirrors": ["tiny"],
    "weights": ["net.npz", "new.npz"],
    "hidden": ["1"],
    "epochs": ["1"],
    "batch_size": ["10"],
    "learning_rate": ["0.1"],
    "momentum": ["0"],
    "weight_decay": ["0"],
    "drawn": ["3"],
    "validation": ["0", "9"],
    "split": ["test", "train", "validation"],
    "out": ["a.png", "a.svg"],
    "kind": ["weights", "history", "mistakes"],
    "pictures": ["picture.png", "test:0", "train:299", "-"],
}


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """A command with arguments most of which are valid."""
    name = draw(st.sampled_from([*cli.COMMANDS, "none"]))
    if name == "none":
        return draw(st.lists(st.sampled_from([*ODD, *cli.COMMANDS, "--version", "-h"])))
    parameters = cli.load_command(name).params
    words = [name]
    if name == "train":  # as the set is small
        words += ["--data", "tiny", "--batch-size", "10", "--validation", "0", "--epochs", "1"]
    for parameter in draw(st.lists(st.sampled_from(parameters), max_size=4)):
        if parameter.param_type_name == "option":
            words.append(draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts])))
        if not getattr(parameter, "is_flag", False):
            fitting = FITTING.get(parameter.name, ["3"])
            words.append(draw(st.sampled_from(fitting) | st.sampled_from([*fitting, *ODD])))
    return words


@given(command_lines())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_command_line(tiny: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setattr(synthetic, "write", lambda *_: False)  # drawing takes many seconds
    with folder():
        make_link(Path("tiny"), tiny)
        Path("net.npz").write_bytes(weights_file())
        Path("picture.png").write_bytes(picture_file("PNG"))
        result = run(*words)
        assert result.exit_code in (0, 1, 2)
        assert "Traceback" not in result.stderr
        if result.exit_code:
            assert "Error: " in result.stderr or '"error": ' in result.stdout or not words
        assert not list(Path().glob(".*.part"))

"""Random files and command lines give a valid result or one clear error.

`make soak` searches further, and guided by coverage: tests/fuzz.py.
"""

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import chdir, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from program import make_link, png, rewrite, run, write_idx, write_weights

from mnistnet import cli
from mnistnet.data import idx, mnist, synthetic
from mnistnet.errors import DataError
from mnistnet.model import weights
from mnistnet.model.options import Options

examples = pytest.mark.parametrize("examples", [15, pytest.param(1000, marks=pytest.mark.soak)])
PLACES = st.integers(0, 200) | st.integers(0, 1 << 20)  # headers are at the start
EDITS = st.lists(
    st.tuples(PLACES, st.integers(0, 3), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4
)
FORMS = st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "PPM", "TGA", "ICO"])
MODES = st.sampled_from(["RGB", "L", "P", "1", "RGBA", "I;16", "F"])


def attempts(check: Callable[..., None], *strategies: Any) -> Any:
    """A test that calls check with examples, each in a new folder."""

    def attempt(values: tuple[Any, ...]) -> None:
        with tempfile.TemporaryDirectory() as name, chdir(name):
            check(*values)

    return given(st.tuples(*strategies))(attempt)


def try_all(count: int, *check: Any) -> None:
    settings(max_examples=count, derandomize=count < 100)(attempts(*check))()


def edited(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """Overwrite, insert or delete some bytes of the content, or truncate it."""
    for place, kind, new in edits:
        place %= len(content) + 1
        end = [place, place + len(new), place + len(new), len(content)][kind]
        content = content[:place] + (new if kind < 2 else b"") + content[end:]
    return content


def succeeds(*words: object) -> bool:
    """Run the command; return whether it succeeded, and check that an error is one line."""
    result = run(*words, "--quiet")
    assert result.exit_code in (0, 1)
    if result.exit_code:
        assert result.stdout == ""
        assert re.fullmatch(r"Error: [^\n]*\n", result.stderr)
    assert all(c.isprintable() for c in result.output if c != "\n")
    return not result.exit_code


def any_data_file(edits: Any, ending: str, which: int) -> None:
    arrays = [np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28), np.array([1, 9], np.uint8)]
    paths = [Path(f"{file.name}{ending}") for file in mnist.FILES[2:]]
    for path, array in zip(paths, arrays, strict=True):
        write_idx(path, array)
    paths[which].write_bytes(edited(paths[which].read_bytes(), edits))
    if succeeds("eval", "--data", "."):
        data = mnist.load(Path(), "test")
        assert len(data.images) == len(data.labels) == 2
        assert data.labels.max() < 10


def any_idx_file(edits: Any, ending: str, dtype: Any) -> None:
    path = Path(f"file{ending}")
    write_idx(path, np.arange(6).astype(dtype).reshape(2, 3))
    path.write_bytes(edited(path.read_bytes(), edits))
    with suppress(DataError):
        array = idx.read_idx(path)
        assert not array.flags.writeable
        assert idx.sha256(array)


@cache
def weights_file() -> bytes:
    """Those of a checkpoint, which have more arrays."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "net.npz")
        write_weights(path, 2, velocity=np.zeros(2 * 784 + 20, np.float32))
        return path.read_bytes()


def any_weights_file(edits: Any, number: int) -> None:
    """With one array that is edited, if there are so many, else edited as a whole, so that
    checksums are wrong."""
    with zipfile.ZipFile(io.BytesIO(weights_file())) as whole, zipfile.ZipFile("net.npz", "w") as z:
        names = whole.namelist()
        for name in names:
            content = whole.read(name)
            z.writestr(name, edited(content, edits) if name in names[number:][:1] else content)
    if number >= len(names):
        Path("net.npz").write_bytes(edited(weights_file(), edits))
    if succeeds("info", "--weights", "net.npz"):
        network, _ = weights.load(Path("net.npz"))
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
KEYS = ("format", "layers", "seed", "options", "epochs", "data", "versions", "history", "members")


def any_metadata(changes: dict[str, Any]) -> None:
    Path("net.npz").write_bytes(weights_file())
    rewrite(Path("net.npz"), meta=changes)
    if succeeds("info", "--weights", "net.npz"):
        json.loads(run("info", "--json", "--weights", "net.npz").stdout)


def any_picture(edits: Any, form: str, mode: str, more: dict[str, Any]) -> None:
    """With another in its metadata or after it, if the format has this mode and these."""
    stream, picture = io.BytesIO(), Image.open(io.BytesIO(png(7))).resize((40, 30))
    try:
        picture.convert(mode).save(stream, form, **more)
    except Exception:  # what the format does not hold
        picture.save(stream := io.BytesIO(), form)
    result = run("predict", "-", "--json", stdin=edited(stream.getvalue(), edits))
    answer = json.loads(result.stdout)
    assert result.exit_code == ("error" in answer)
    assert "\n" not in answer.get("error", "")


ENDINGS = st.sampled_from(["", ".gz"])
MORE = [{}, {"exif": b"Exif\0\0" + png(1), "icc_profile": png(1)}]
MORE += [{"save_all": True, "append_images": [Image.new("L", (9, 9))]}]
ANYTHING = {
    "data": (any_data_file, EDITS, ENDINGS, st.sampled_from([0, 1])),
    "idx": (any_idx_file, EDITS, ENDINGS, st.sampled_from([*idx.CODES])),
    "weights": (any_weights_file, EDITS, st.integers(0, 7)),
    "metadata": (
        any_metadata,
        st.dictionaries(st.sampled_from(KEYS), JSON, min_size=1, max_size=3),
    ),
    "picture": (any_picture, EDITS, FORMS, MODES, st.sampled_from(MORE)),
}


@examples
@pytest.mark.parametrize("kind", ANYTHING)
def test_any_file(kind: str, examples: int) -> None:
    try_all(examples, *ANYTHING[kind])


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


@examples
def test_any_command_line(examples: int, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "write", lambda *_: False)  # drawing takes many seconds

    def check(words: list[str]) -> None:
        make_link(Path("tiny"), tiny)
        Path("net.npz").write_bytes(weights_file())
        Path("picture.png").write_bytes(png(7))
        result = run(*words)
        assert result.exit_code in (0, 1, 2)
        assert "Traceback" not in result.stderr
        if result.exit_code:
            assert "Error: " in result.stderr or '"error": ' in result.stdout or not words
        assert not list(Path().glob(".*.part"))

    try_all(2 * examples, check, command_lines())

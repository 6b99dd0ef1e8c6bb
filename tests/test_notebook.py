"""Answers and networks show themselves in a notebook, and the one in the documentation runs."""

import ast
import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from program import png
from test_docs import ROOT

import mnistnet
from mnistnet.model.answer import Limits
from mnistnet.model.metadata import EpochReport, Metadata, TrainingSet
from mnistnet.model.network import Perceptron
from mnistnet.model.options import Options


def images_in(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each)))) for each in found]


def test_an_answer_shows_what_the_network_saw_and_its_probabilities() -> None:
    Path("<seven>.png").write_bytes(png(7))
    answer = mnistnet.predict("<seven>.png")
    html = answer._repr_html_()
    (image,) = images_in(html)
    assert (255 - image[::6, ::6]).ravel().tolist() == answer.images[0].tolist()
    bars = re.findall(r'(\d) <meter value="([^"]+)">', html)
    assert [float(value) for _, value in bars] == answer.probabilities
    assert "&lt;seven&gt;.png: 7" in html


def test_an_answer_without_a_digit_shows_the_reason() -> None:
    loaded = mnistnet.load_network()
    metadata = replace(loaded.metadata, limits=Limits(no_digit=99))
    html = mnistnet.predict(png(7), replace(loaded, metadata=metadata))._repr_html_()
    assert "the picture: no digit, unsure: no digit" in html
    assert (len(images_in(html)), html.count("<meter")) == (1, 0)


def network(units: int) -> mnistnet.Network:
    model = Perceptron.random((784, units, 10), np.random.default_rng(0))
    report = EpochReport(1, 0.5, 0.9, 0.4, 0.9123, 0.2, 1.0)
    return mnistnet.Network(model, Metadata(Options((units,)), TrainingSet(), (report,) * 3))


def test_a_network_shows_its_layers_its_accuracy_and_m_as_tiles() -> None:
    net = network(72)
    html = net._repr_html_()
    assert "784-72-10, 3 epochs, validation accuracy 91.23%" in html
    (tiles,) = images_in(html)
    assert tiles.shape == (6 * 30 * 2, 12 * 30 * 2, 3)
    tile = tiles[::2, ::2][31:59, 61:89].astype(int)  # of unit 14, in the second row
    M = net.model.matrices[0][14].reshape(28, 28)
    assert np.argmax(tile[..., 0] - tile[..., 2]) == M.argmax()  # the reddest pixel
    assert np.argmin(tile[..., 0] - tile[..., 2]) == M.argmin()  # the bluest
    assert images_in(network(1000)._repr_html_())[0].shape == (720, 720, 3)


def test_plain_text_is_short() -> None:
    answer = mnistnet.predict(png(7))
    assert re.fullmatch(r"Answer\(digit=7, probability=0\.9\d+, unsure=False, .*\)", repr(answer))
    texts = [repr(each) for each in (answer, answer.digits[0], network(72))]
    assert texts[2] == "Network(784-72-10, 3 epochs, validation accuracy 91.23%)"
    assert max(map(len, texts)) < 160


def test_the_notebook_in_the_documentation_runs(tiny: Path, monkeypatch: Any) -> None:
    """Where MNIST is the tiny set."""
    monkeypatch.setenv("MNISTNET_DATA", str(tiny))
    cells = json.loads((ROOT / "docs/notebook.ipynb").read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {}
    shown = []
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            tree = ast.parse("".join(cell["source"]))
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "cell", "exec"), names)
            if last:
                value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
                shown.append(getattr(value, "_repr_html_", str)()[:5] if value is not None else "")
    assert shown.count("<b>ne") + shown.count("<b>Ne") == 1
    assert shown.count("<b>th") == 2

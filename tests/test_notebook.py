"""Answers and networks show themselves in a notebook, and pictures are read from many threads at a
time, as in a service; the notebook and the service in the documentation run."""

import ast
import base64
import io
import json
import re
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from PIL import Image
from program import png, write_weights
from test_docs import ROOT, python_blocks

import mnistnet
from mnistnet.model.answer import Limits


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
    write_weights(Path("net.npz"), units)
    return mnistnet.load_network("net.npz")


def test_a_network_shows_its_layers_its_accuracy_and_m_as_tiles() -> None:
    net = network(72)
    html = net._repr_html_()
    assert "784-72-10, 1 epoch, validation accuracy 90.00%" in html
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
    assert texts[2] == "Network(784-72-10, 1 epoch, validation accuracy 90.00%)"
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


def test_eight_threads_give_the_answers_of_one() -> None:
    """And leave Python's warning filters as they were. One of them starts processes."""
    network, before = mnistnet.load_network(), warnings.filters[:]
    pictures = [png(digit) for digit in (0, 1, 7)] * 8
    expected = [mnistnet.predict(picture, network) for picture in pictures]
    images = np.array([mnistnet.predict(picture).images[0] for picture in pictures])
    start = threading.Barrier(8)

    def work(number: int) -> list[Any]:
        start.wait()
        again = mnistnet.load_network()
        many = mnistnet.predict_many(pictures * 5, network, workers=2) if number == 0 else ()
        answers = [mnistnet.predict(picture, again) for picture in pictures]
        assert list(many) == expected * 5 * (number == 0)
        return [answers, network.probabilities(images).tolist()]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(8)))
    assert found == [[expected, network.probabilities(images).tolist()]] * 8
    assert warnings.filters == before


def test_the_service_in_the_documentation_answers() -> None:
    (code,) = [block for block in python_blocks("docs/python.md") if "HTTPServer" in block]
    names: dict[str, Any] = {"__name__": "service"}
    exec(code, names)
    names["Service"].log_message = lambda *_: None
    with ThreadingHTTPServer(("127.0.0.1", 0), names["Service"]) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            replies = [urlopen(url, data=body).read() for body in (png(7), b"no picture")]
        finally:
            server.shutdown()
            thread.join()
    assert b'"digit": 7' in replies[0]
    assert b'"error": "the picture: expected a picture' in replies[1]

"""Exported networks give NumPy's answers, in ONNX, C and JavaScript."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnistnet.api import load_network
from mnistnet.data import mnist
from mnistnet.errors import MnistnetError
from mnistnet.image.drawn import draw
from mnistnet.model.network import Perceptron, log_probabilities
from mnistnet.report import export

DOCS = (Path(__file__).parents[2] / "docs/export.md").read_text(encoding="utf-8")
FACTS = {"version": "0", "layers": [784], "accuracy": "-", "margin": 1e-05, "score": 6.0}
FACTS |= {"no_digit": 1.0}
STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-O2")
DRIVER = """
#include <stdio.h>
#include "digit.h"
int main(void) {
    unsigned char image[784]; float scores[10];
    while (fread(image, 784, 1, stdin) == 1) {
        int digit = mnistnet_predict(image, scores);
        fwrite(&digit, sizeof digit, 1, stdout); fwrite(scores, sizeof scores, 1, stdout);
    }
    return 0;
}
"""


def networks() -> list[Perceptron]:
    """The bundled network, which is deep, the notes', and one without hidden units."""
    layers = [(784, 72, 10), (784, 10)]
    rng = np.random.default_rng(0)
    return [load_network().model, *(Perceptron.random(each, rng) for each in layers)]


@pytest.fixture(scope="module")
def images() -> Any:
    return draw(1000, np.random.default_rng(5))[0]


def compiled(*options: str, compiler: str = "cc") -> str:
    """Compile to ./digit and return its path."""
    if sys.platform == "win32" or not shutil.which(compiler):
        pytest.skip(f"needs a compiler, {compiler}")
    done = subprocess.run(
        [compiler, *STRICT, *options, "-o", "digit", "-lm"], stderr=-1, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return "./digit"


def c_answers(images: Any) -> tuple[Any, Any]:
    """The digits (n,) and scores (n, 10) of digit.h."""
    Path("main.c").write_text(DRIVER)
    program = compiled("-std=c99", "main.c")
    raw = subprocess.run([program], input=images.tobytes(), stdout=-1, check=True).stdout
    rows = np.frombuffer(raw, [("digit", np.intc), ("scores", np.float32, 10)])
    return rows["digit"], rows["scores"]


@pytest.mark.parametrize("pixels", ["uint8", "float"])
def test_onnxruntime_and_numpy_agree(pixels: str, images: Any) -> None:
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    for network in networks():
        model = export.as_onnx(network, FACTS, pixels)
        assert model == export.as_onnx(network, FACTS, pixels)
        onnx.checker.check_model(model, full_check=True)
        session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
        x = images if pixels == "uint8" else images / np.float32(255)
        scores, probabilities = session.run(["scores", "probabilities"], {"image": x})
        expected = network.image_scores(images)
        assert scores == pytest.approx(expected, abs=1e-5, rel=1e-6)
        assert probabilities == pytest.approx(np.exp(log_probabilities(expected)), abs=1e-5)
    assert session.get_modelmeta().custom_metadata_map["layers"] == "[784]"


def test_the_header_gives_numpys_answers(images: Any) -> None:
    for network in networks():
        Path("digit.h").write_bytes(export.as_c(network, FACTS))
        digits, scores = c_answers(images)
        expected = network.image_scores(images)
        assert scores == pytest.approx(expected, abs=1e-4)
        assert np.array_equal(digits, expected.argmax(axis=1))


def test_the_header_with_int8_gives_exactly_the_scores_that_were_measured(images: Any) -> None:
    for network in networks():
        network.matrices[0][0] = 0  # a unit without weights
        header = export.as_c(network, FACTS, int8=True)
        Path("digit.h").write_bytes(header)
        digits, scores = c_answers(images)
        expected = export.int8_layers(network, images)[1]
        assert np.array_equal(scores, expected)
        assert np.array_equal(digits, expected.argmax(axis=1))
        assert b"#include" not in header.split(b"#ifdef MNISTNET_TEST")[0].split(b"*/", 1)[1]
        assert not re.search(rb"\b(float|double) sum", header)


def test_int8_costs_at_most_a_tenth_of_a_point(real_mnist: Path) -> None:
    """On MNIST's test images, with the bundled weights."""
    data = mnist.load(real_mnist, "test")
    text = export.accuracy(load_network().model, data.images, data.labels, int8=True)
    exact, rounded = map(float, re.findall(r"(\d+\.\d+) %", text))
    assert rounded >= exact - 0.1


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize(("compiler", "options"), [("cc", "-std=c99"), ("c++", "-std=c++11")])
def test_the_header_alone_is_a_program(
    int8: bool, compiler: str, options: str, images: Any
) -> None:
    network = networks()[1]
    Path("digit.h").write_bytes(export.as_c(network, FACTS, int8=int8))
    language = "c" if compiler == "cc" else "c++"
    program = compiled(options, "-DMNISTNET_TEST", "-x", language, "digit.h", compiler=compiler)
    printed = subprocess.run([program], input=images[:5].tobytes(), stdout=-1, check=True).stdout
    scores = export.int8_layers(network, images)[1] if int8 else network.image_scores(images)
    assert [int(word) for word in printed.split()] == scores[:5].argmax(axis=1).tolist()


def test_the_constants_of_72_hidden_units_with_int8_fit_into_64_kb() -> None:
    network = networks()[1]
    Path("digit.h").write_bytes(export.as_c(network, FACTS, int8=True))
    names = ("table", "w1", "scale1", "w2", "scale2")
    sizes = " + ".join(f"sizeof mnistnet_{name}" for name in names)
    main = f'int main(void) {{ (void)mnistnet_predict; printf("%d", (int)({sizes})); return 0; }}'
    Path("main.c").write_text(f'#include <stdio.h>\n#include "digit.h"\n{main}\n')
    program = compiled("-std=c99", "main.c")
    size = int(subprocess.run([program], stdout=-1, check=True).stdout)
    assert size < 64_000
    assert size == 57_168 + 768 + 72 * np.dtype(np.long).itemsize + 10 * 4


def test_int8_refuses_a_layer_whose_sums_may_overflow() -> None:
    message = "^expected at most 133144 units in a layer for --int8; found 133145$"
    with pytest.raises(MnistnetError, match=message):
        export.as_c(Perceptron((784, 1, 133_145, 10)), FACTS, int8=True)


def test_the_javascript_in_the_docs_reads_the_json(images: Any) -> None:
    if not shutil.which("node"):
        pytest.skip("needs Node.js")
    (script,) = re.findall(r"```js\n(.*?)```", DOCS, re.DOTALL)
    network = load_network().model
    Path("seen").mkdir()
    facts = FACTS | {"layers": list(network.layers)}
    Path("digit.json").write_bytes(export.as_json(network, facts))
    for image in images[:2]:
        Path("seen/photo_png-1.raw").write_bytes(image.tobytes())
        done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
        assert int(done.stdout) == network.image_scores(image[None]).argmax()

"""The public API works in a few lines, and its errors say what was expected."""

import copy
import inspect
import io
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import png
from threadpoolctl import threadpool_info, threadpool_limits

import mnistnet
from mnistnet.data import mnist
from mnistnet.errors import DataError, PictureError, TrainingError, WeightsError
from mnistnet.image import digit
from mnistnet.model import network as network_module
from mnistnet.model.options import DECLARED
from mnistnet.model.threads import VARIABLES


def test_import_offers_documented_names_and_loads_no_heavy_module() -> None:
    code = (
        "import sys, mnistnet; "
        "print([m for m in ('numpy', 'click', 'requests', 'PIL') if m in sys.modules]); "
        "print(sorted(set(mnistnet.__all__) - set(dir(mnistnet)))); mnistnet.nothing"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n[]\n"
    assert done.stderr.endswith("module 'mnistnet' has no attribute 'nothing'\n")
    assert all(getattr(mnistnet, name).__doc__ for name in mnistnet.__all__)


def test_a_picture_is_read_from_a_string_a_path_or_a_stream() -> None:
    """And an error names it."""
    seven = Path("seven.png")
    seven.write_bytes(png(7))
    answer = mnistnet.predict("seven.png")
    assert isinstance(answer, mnistnet.Answer)
    assert (answer.digit, answer.probability) == (7, max(answer.probabilities))
    assert mnistnet.predict(io.BytesIO(seven.read_bytes())) == answer
    assert mnistnet.predict(seven, mnistnet.load_network()) == answer
    with pytest.raises(PictureError, match=r"^none\.png: "):
        mnistnet.predict("none.png")
    with pytest.raises(PictureError, match="^the stream: "):
        mnistnet.predict(io.BytesIO(b"no picture"))


def test_images_may_be_vectors_or_matrices_and_blank(tiny: Path) -> None:
    images = mnist.load(tiny, "test").images
    network = mnistnet.load_network()
    digits, probabilities = network.predict(images), network.probabilities(images)
    assert digits.shape == (50,)
    assert probabilities.shape == (50, 10)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(50), abs=1e-5)
    assert digits.tolist() == probabilities.argmax(axis=1).tolist()
    assert digits.tolist() == network.predict(images.reshape(-1, 28, 28)).tolist()
    assert network.predict(np.zeros((0, 28, 28), np.uint8)).shape == (0,)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((3, 784), np.float32), "found 3 x 784 float32"),
        (np.zeros(784, np.uint8), "expected n x 784 or n x 28 x 28 uint8, .*; found 784 uint8"),
        (np.zeros((3, 783), np.uint8), "found 3 x 783"),
    ],
)
def test_other_images_are_refused(images: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        mnistnet.load_network().predict(images)
    with pytest.raises(DataError, match=words):
        mnistnet.train(images, np.zeros(3, np.uint8))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 1, 10], "expected labels 0 to 9; found 10 for image 2"),
        ([0.0, 1.0, 2.0], "expected integers for 3 images, .*; found 3 float64"),
    ],
)
def test_other_labels_are_refused(labels: list[Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        mnistnet.train(np.zeros((3, 784), np.uint8), labels)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"epochs": 0}, "expected a whole number from 1 to 60,000 for epochs; found 0"),
        ({"hidden": (8, 0)}, "for hidden; found 0"),
        ({"learning_rate": float("nan")}, "expected a number from 0, but not 0 for learning_rate"),
        ({"augment": 1}, "expected True or False for augment; found 1"),
        ({"validation": 300}, "expected fewer than 300 validation images, found 300"),
    ],
)
def test_options_of_another_type_or_out_of_range_are_named(
    tiny: Path, option: dict[str, Any], words: str
) -> None:
    data = mnist.load(tiny, "train")
    with pytest.raises(TrainingError, match=re.escape(words)):
        mnistnet.train(data.images, data.labels, **option)


def test_the_signature_of_train_lists_every_option_with_its_type() -> None:
    listed = inspect.signature(mnistnet.train).parameters
    for option in DECLARED:
        each = listed[option.name]
        assert (each.default, each.annotation) == (option.default, option.type)


def test_a_copied_or_pickled_network_has_its_weights_once() -> None:
    network = mnistnet.load_network()
    content = pickle.dumps(network)
    assert len(content) < 1.1 * network.model.parameters.nbytes
    for other in (copy.deepcopy(network), pickle.loads(content)):
        other.model.parameters[:] = 0
        assert not other.model.matrices[0].any()
        assert network.model.matrices[0].any()


def test_save_replaces_weights_files_only() -> None:
    network = mnistnet.load_network()
    network.save("net.npz")
    network.save(Path("net.npz"))
    Path("notes.txt").write_text("mine")
    with pytest.raises(WeightsError, match="is not replaced"):
        network.save("notes.txt")
    assert Path("notes.txt").read_text() == "mine"


def test_pictures_are_read_and_scored_with_one_blas_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    seen = []

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
            seen.append([library["num_threads"] for library in libraries])
            return function(*args)

        return call

    network = mnistnet.load_network()
    monkeypatch.setattr(digit, "find_digits", watched(digit.find_digits))
    monkeypatch.setattr(network_module, "forward", watched(network_module.forward))
    with threadpool_limits(2, user_api="blas"):
        mnistnet.predict(io.BytesIO(png(7)), network)
    assert seen == [[1], [1]]

"""An argument of a wrong kind is an error of mnistnet that says what to pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mnistnet
from mnistnet.errors import TrainingError

IMAGES, LABELS = np.zeros((30, 28, 28), np.uint8), np.arange(30) % 10
NETWORK = mnistnet.load_network()
KINDS: dict[str, Any] = {
    "None": None,
    "a fraction": 1.5,
    "zero": 0,
    "a str": "mine.npz",
    "a Path": Path("mine.npz"),
    "NUL": "mine\0.npz",
    "nobody's": "~nobody-at-all/mine.npz",
    "a Network": NETWORK,
    "bytes": b"bytes",
    "floats": np.full((2, 784), 0.5),
    "ragged lists": [[1], [2, 3]],
    "an object": object(),
    "a class": dict,
}
PATHS, TEXTS = ("a str", "a Path"), ("a str", "NUL", "nobody's")
# Each function, its arguments, and the kinds that are right for them.
FUNCTIONS: dict[str, tuple[Any, dict[str, Any], dict[str, tuple[str, ...]]]] = {
    "predict": (
        mnistnet.predict,
        {"picture": "7.png"},
        {"picture": PATHS, "network": ("None", "a Network")},
    ),
    "predict_many": (
        mnistnet.predict_many,
        {"pictures": []},
        {
            "pictures": ("ragged lists",),
            "network": ("None", "a Network"),
            "workers": (),
            "scheduler": ("None", *TEXTS),
        },
    ),
    "load_network": (mnistnet.load_network, {}, {"path": ("None",)}),
    "load_data": (
        mnistnet.load_data,
        {"folder": "."},
        {"split": (), "folder": ("None", *PATHS), "mirrors": (), "notify": ("a class",)}
        | {"advance": ("a class",)},
    ),
    "train": (
        mnistnet.train,
        {"images": IMAGES, "labels": LABELS, "epochs": 1, "hidden": 2},
        {
            "images": (),
            "labels": (),
            "start": ("None", "a Network"),
            "weights": ("None", *PATHS),
            "resume": (),
            "callback": ("None", "a class"),
            "hidden": (),
            "epochs": ("None",),
            "seed": ("zero",),
            "augment": (),
            "learning_rate": ("a fraction", "None"),
            "batch_size": ("None",),
        },
    ),
    "Network.predict": (NETWORK.predict, {}, {"images": ()}),
    "Network.probabilities": (NETWORK.probabilities, {}, {"images": ()}),
    "Network.scores": (NETWORK.scores, {}, {"images": ()}),
    "Network.save": (NETWORK.save, {}, {"path": PATHS}),
}
CASES = [
    (name, argument, kind)
    for name, (_, _, arguments) in FUNCTIONS.items()
    for argument, right in arguments.items()
    for kind in KINDS
    if kind not in right
]


@pytest.mark.parametrize(("name", "argument", "kind"), CASES)
def test_a_wrong_kind_is_an_error_that_says_what_to_pass(
    name: str, argument: str, kind: str
) -> None:
    function, others, _ = FUNCTIONS[name]
    with pytest.raises(mnistnet.MnistnetError) as caught:
        function(**others | {argument: KINDS[kind]})
    message = str(caught.value)
    assert "expected " in message or "there is no " in message
    assert len(message) < 450
    assert "\n" not in message
    assert list(Path().iterdir()) == []


def test_the_message_names_the_argument_and_what_was_found() -> None:
    words = r"expected a Network, such as load_network\('file.npz'\) returns, for {}; found {}"
    with pytest.raises(mnistnet.MnistnetError, match=words.format("network", "'mine.npz'")):
        mnistnet.predict("7.png", "mine.npz")
    with pytest.raises(mnistnet.MnistnetError, match=words.format("start", r"PosixPath|WindowsP")):
        mnistnet.train(IMAGES, LABELS, start=Path("mine.npz"))
    with pytest.raises(mnistnet.MnistnetError, match="for path; found Network\\(784-"):
        mnistnet.load_network(NETWORK)
    with pytest.raises(TrainingError, match="whole number .* for hidden; found '72'"):
        mnistnet.train(IMAGES, LABELS, hidden="72")
    for callback in (lambda: None, lambda report, network, more: None):
        with pytest.raises(mnistnet.MnistnetError, match="a function of a report, or of a report"):
            mnistnet.train(IMAGES, LABELS, callback=callback)


def test_other_layers_than_those_of_the_start_are_refused() -> None:
    message = "^start: expected its own layers, --hidden {}; found --hidden 72$"
    own = ",".join(map(str, NETWORK.model.layers[1:-1]))
    for hidden in (72, (72,), [np.int64(72)]):
        with pytest.raises(TrainingError, match=message.format(own)):
            mnistnet.train(IMAGES, LABELS, start=NETWORK, hidden=hidden)


def test_every_public_function_lists_its_errors() -> None:
    for function, *_ in FUNCTIONS.values():
        text = function.__doc__
        assert "Raises " in text or "errors as for predict" in " ".join(text.split()), function

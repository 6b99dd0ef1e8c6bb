"""The numbers of an explanation agree with NumPy's for the same weights and image."""

from functools import partial

import numpy as np
import pytest

from mnistnet.model.network import Perceptron
from mnistnet.report.explain import explain, explanation_text

close = partial(pytest.approx, abs=1e-12)


def example(*hidden: int) -> tuple[Perceptron, np.ndarray, list[np.ndarray]]:
    """A network, an image, and the network's matrices in float64."""
    rng = np.random.default_rng(1)
    network = Perceptron.random((784, *hidden, 10), rng)
    image = rng.integers(0, 256, 784).astype(np.uint8)
    return network, image, [W.astype(np.float64) for W in network.matrices]


def test_the_numbers_agree_with_the_formulas() -> None:
    network, image, (M, W) = example(72)
    found = explain(network, image, label=3)
    x = image / 255
    h = np.tanh(M @ x)
    f = W @ h
    p = np.exp(f) / np.exp(f).sum()
    assert found["scores"] == close(f)
    assert found["probabilities"] == close(p)
    assert [found["runner_up"], found["answer"]] == np.argsort(f)[-2:].tolist()
    share = W[found["answer"]] * h, W[found["runner_up"]] * h
    most = np.argsort(-np.abs(share[0] - share[1]))
    units = {name: [unit[name] for unit in found["units"]] for name in found["units"][0]}
    assert units["unit"] == most[:10].tolist()
    assert units["input"] == close((M @ x)[most[:10]])
    assert units["h"] == close(h[most[:10]])
    assert units["to_answer"] == close(share[0][most[:10]])
    assert units["to_runner_up"] == close(share[1][most[:10]])
    assert found["others_to_answer"] == close(share[0][most[10:]].sum())
    assert found["others_to_runner_up"] == close(share[1][most[10:]].sum())

    assert (found["label"], found["loss"]) == (3, close(-np.log(p[3])))
    delta = p - np.eye(10)[3]
    gradients = {"M": np.outer((W.T @ delta) * (1 - h**2), x), "W": np.outer(delta, h)}
    rows = np.linalg.norm(gradients["M"], axis=1)
    backward, longest = found["backward"], np.argsort(-rows)[:5]
    assert backward["dL_df"] == close(delta)
    expected = (longest, delta @ W, 1 - h**2, delta @ W * (1 - h**2), rows)
    for name, column in zip(("unit", "dL_dh", "slope", "product", "row"), expected, strict=True):
        values = column if name == "unit" else column[longest]
        assert [unit[name] for unit in backward["units"]] == close(values)
    assert [d["matrix"] for d in found["derivatives"]] == ["M"] * 5 + ["W"] * 5
    for name, G in gradients.items():
        shown = [d for d in found["derivatives"] if d["matrix"] == name]
        values = [d["value"] for d in shown]
        assert values == close([G[d["row"], d["column"]] for d in shown])
        assert np.abs(values) == close(np.sort(np.abs(G), axis=None)[::-1][:5])


def test_networks_may_have_any_depth() -> None:
    """Units are those of the last hidden layer, or else pixels."""
    network, image, (W1, W2, W3) = example(30, 12)
    found = explain(network, image)
    a = W2 @ np.tanh(W1 @ (image / 255))
    assert [u["input"] for u in found["units"]] == close([a[u["unit"]] for u in found["units"]])
    assert found["scores"] == close(W3 @ np.tanh(a))
    assert (found["label"], found["loss"], found["derivatives"]) == (None, None, [])
    rows = explain(network, image, label=0)["backward"]["units"]
    assert len(rows) == 5  # of W2

    network, image, _ = example()
    found = explain(network, image, label=0)
    u = found["units"][0]
    assert u["input"] == u["h"] == image[u["unit"]] / 255
    assert explanation_text(found, network.layers).startswith("the 10 pixels that matter most for")


def test_numbers_are_printed_within_80_columns() -> None:
    network, image, _ = example(72)
    found = explain(network, image, label=3)
    lines = explanation_text(found, network.layers).splitlines()
    assert max(map(len, lines)) <= 80
    unit, *numbers = found["units"][0].values()
    numbers.append(numbers[2] - numbers[3])
    assert lines[2].split() == [str(unit), *(f"{number:.4f}" for number in numbers)]
    assert lines[16].split()[1:] == [f"{score:.2f}" for score in found["scores"]]
    assert lines[18].split()[1:] == [f"{d:.3f}" for d in found["backward"]["dL_df"]]
    assert lines[20] == "the units with the longest rows of dL/dM"
    assert lines[22].split()[0] == str(found["backward"]["units"][0]["unit"])
    assert lines[28] == f"L = {found['loss']:.6f} for the label 3; largest derivatives"

"""The numbers of an explanation agree with NumPy's for the same weights and image."""

import numpy as np
import pytest

from mnistnet.model.network import Network
from mnistnet.report.explain import explain, explanation_text


def example(*hidden: int) -> tuple[Network, np.ndarray]:
    rng = np.random.default_rng(1)
    return Network.random((784, *hidden, 10), rng), rng.integers(0, 256, 784).astype(np.uint8)


def test_the_numbers_agree_with_the_formulas() -> None:
    network, image = example(72)
    found = explain(network, image, label=3)
    M, W = (matrix.astype(np.float64) for matrix in network.matrices)
    x = image / 255
    h = np.tanh(M @ x)
    f = W @ h
    p = np.exp(f) / np.exp(f).sum()
    assert found.scores == pytest.approx(f, abs=1e-12)
    assert found.probabilities == pytest.approx(p, abs=1e-12)
    assert [found.runner_up, found.answer] == np.argsort(f)[-2:].tolist()
    share = W[found.answer] * h, W[found.runner_up] * h
    most = np.argsort(-np.abs(share[0] - share[1]))
    assert [unit.unit for unit in found.units] == most[:10].tolist()
    for unit in found.units:
        assert unit.input == pytest.approx((M @ x)[unit.unit], abs=1e-12)
        assert unit.h == pytest.approx(h[unit.unit], abs=1e-12)
        assert unit.to_answer == pytest.approx(share[0][unit.unit], abs=1e-12)
        assert unit.to_runner_up == pytest.approx(share[1][unit.unit], abs=1e-12)
    assert found.others_to_answer == pytest.approx(share[0][most[10:]].sum(), abs=1e-12)
    assert found.others_to_runner_up == pytest.approx(share[1][most[10:]].sum(), abs=1e-12)

    assert found.loss == pytest.approx(-np.log(p[3]), abs=1e-12)
    delta = p - np.eye(10)[3]
    gradients = {"W": np.outer(delta, h), "M": np.outer((W.T @ delta) * (1 - h**2), x)}
    assert [d.matrix for d in found.derivatives] == ["M"] * 5 + ["W"] * 5
    for d in found.derivatives:
        assert d.value == pytest.approx(gradients[d.matrix][d.row, d.column], abs=1e-12)
    for name, G in gradients.items():
        shown = [abs(d.value) for d in found.derivatives if d.matrix == name]
        assert shown == pytest.approx(np.sort(np.abs(G), axis=None)[::-1][:5], abs=1e-12)


def test_the_units_are_those_of_the_last_hidden_layer() -> None:
    network, image = example(30, 12)
    found = explain(network, image)
    W1, W2, W3 = (matrix.astype(np.float64) for matrix in network.matrices)
    a = W2 @ np.tanh(W1 @ (image / 255))
    assert [u.input for u in found.units] == pytest.approx([a[u.unit] for u in found.units])
    assert found.scores == pytest.approx(W3 @ np.tanh(a))
    assert (found.label, found.loss, found.derivatives) == (None, None, [])
    text = explanation_text(found, network.layers)
    assert "      W2 h " in text
    assert " W3 h for " in text


def test_without_hidden_layers_the_units_are_pixels() -> None:
    network, image = example()
    found = explain(network, image, label=0)
    u = found.units[0]
    assert u.input == u.h == image[u.unit] / 255
    assert {d.matrix for d in found.derivatives} == {"W1"}
    assert explanation_text(found, network.layers).startswith("the 10 pixels that matter most for")


def test_every_number_is_printed_within_80_columns() -> None:
    network, image = example(72)
    found = explain(network, image, label=3)
    lines = explanation_text(found, network.layers).splitlines()
    assert max(map(len, lines)) <= 80
    u = found.units[0]
    assert lines[2].split() == [
        str(u.unit),
        *(f"{x:.4f}" for x in (u.input, u.h, u.to_answer, u.to_runner_up)),
        f"{u.to_answer - u.to_runner_up:.4f}",
    ]
    assert lines[12].split()[:2] == ["others", f"{found.others_to_answer:.4f}"]
    assert lines[13].split()[1] == f"{found.scores[found.answer]:.4f}"
    assert lines[16].split()[1:] == [f"{score:.2f}" for score in found.scores]
    assert lines[17].split()[1:] == [f"{p:.4f}" for p in found.probabilities]
    assert lines[19] == f"L = {found.loss:.6f} for the label 3; largest derivatives"
    d = found.derivatives[0]
    assert lines[20].split()[:3] == [f"dL/dM[{d.row},", f"{d.column}]", f"{d.value:.6f}"]
    assert lines[20].endswith(f"pixel {d.column % 28} across, {d.column // 28} down")

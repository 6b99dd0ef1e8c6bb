"""Training follows its formulas, is reproducible, and never uses the validation images."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnistnet.data import mnist
from mnistnet.errors import TrainingError
from mnistnet.model import training
from mnistnet.model.network import NONE, Perceptron, backpropagate
from mnistnet.model.options import Options
from mnistnet.model.state import State, begin, split

QUICK = Options(epochs=3, batch_size=20, validation=50)


def run(
    data: mnist.Dataset,
    options: Options = QUICK,
    seed: int = 0,
    dtype: type = np.float32,
    extra: tuple[np.ndarray, np.ndarray] | None = None,
):
    """Train a network; return it and the reports."""
    state = begin(replace(options, hidden=(8,), seed=seed), dtype=dtype)
    reports = list(training.train(state, data.images, data.labels, extra=extra))
    assert state.history == reports
    return state.network, reports


@pytest.fixture
def data(tiny: Path) -> mnist.Dataset:
    return mnist.load(tiny, "train")


@pytest.mark.parametrize("wide", [0, training.WIDE])
def test_each_step_is_the_formula_and_every_image_is_seen(
    data: mnist.Dataset, monkeypatch: pytest.MonkeyPatch, wide: int
) -> None:
    """Against a direct transcription, with two threads and with one. The last of the minibatches
    of 40 has 10 of the 250 images."""
    options = Options(
        epochs=2, batch_size=40, learning_rate=0.3, momentum=0.8, weight_decay=0.01, validation=50
    )
    monkeypatch.setattr(training, "WIDE", wide)
    trained, reports = run(data, options, dtype=np.float64)

    state = begin(replace(options, hidden=(8,)), dtype=np.float64)
    network = state.network
    w, v, step = network.parameters, np.zeros(len(network.parameters)), 0
    rows = split(300, options)[0]
    for epoch in range(2):
        order, losses, right = state.rng.permutation(rows), [], 0
        for minibatch in np.split(order, range(40, 250, 40)):
            x, labels = data.images[minibatch] / 255, data.labels[minibatch]
            right += (network.scores(x).argmax(axis=1) == labels).sum()
            loss, gradient, _ = backpropagate(network, x, labels)
            losses += [loss] * len(minibatch)
            v = 0.8 * v + gradient + 0.01 * w
            w -= 0.3 * (1 + math.cos(math.pi * step / 14)) / 2 * v
            step += 1
        assert len(losses) == 250
        assert reports[epoch].train_loss == pytest.approx(np.mean(losses), rel=1e-12)
        assert reports[epoch].train_accuracy == right / 250
    assert trained.parameters == pytest.approx(w, rel=1e-10, abs=1e-14)
    # the second epoch begins in the middle of the cosine, at half of 0.3
    assert [report.learning_rate for report in reports] == pytest.approx([0.3, 0.15])


@pytest.mark.parametrize(
    ("layers", "share"), [((784, 72, 10), 1), ((784, 288, 10), 0.25), ((784, 2, 288, 10), 0.25)]
)
def test_above_72_units_the_step_of_the_last_matrix_is_scaled(
    layers: tuple[int, ...], share: float
) -> None:
    network = Perceptron(layers, np.float64)
    v, gradient = np.zeros_like(network.parameters), np.ones_like(network.parameters)
    state = State(Options(), network, np.random.default_rng(0), v)
    for part in training._halves(len(v)):
        training._update(state, [gradient], 0.5, part)
    assert set(v.tolist()) == {1}
    *hidden, W = network.matrices
    assert {float(w) for M in hidden for w in M.flat} == {-0.5}
    assert {float(w) for w in W.flat} == {-0.5 * share}


def test_validation_figures_are_of_the_held_out_images(data: mnist.Dataset) -> None:
    network, reports = run(data)
    held_out = split(300, Options(validation=50))[1]
    f = network.scores((data.images[held_out] / 255).astype(np.float32)).astype(np.float64)
    labels = data.labels[held_out]
    losses = [math.log(sum(map(math.exp, row))) - row[y] for row, y in zip(f, labels, strict=True)]
    assert reports[-1].validation_loss == pytest.approx(np.mean(losses), rel=1e-4)
    assert reports[-1].validation_accuracy == (f.argmax(axis=1) == labels).mean()


def test_held_out_images_are_never_trained_on(data: mnist.Dataset) -> None:
    images, labels = data.images.copy(), data.labels.copy()
    held_out = split(300, Options(validation=50))[1]
    images[held_out], labels[held_out] = 0, 9
    altered = mnist.Dataset(images, labels, "train")
    (first, reports), (second, other_reports) = run(data), run(altered)
    assert first.parameters.tobytes() == second.parameters.tobytes()
    assert reports[-1].validation_loss != other_reports[-1].validation_loss


def test_extra_images_are_trained_on_and_never_held_out(data: mnist.Dataset) -> None:
    images, labels = data.images[:20].copy(), data.labels[:20]
    options = Options(epochs=1, batch_size=20, validation=50)
    network, reports = run(data, options, extra=(images, labels))
    held_out = split(300, Options(validation=50))[1]
    answers = network.image_scores(data.images[held_out]).argmax(axis=1)
    assert reports[0].validation_accuracy == (answers == data.labels[held_out]).mean()
    none = np.full(20, NONE, np.uint8)  # which have no digit to read
    count = 250 * run(data, options, extra=(images, none))[1][0].train_accuracy
    assert count == pytest.approx(round(count))
    images[:] = 255
    assert run(data, options, extra=(images, labels))[1][0].train_loss != reports[0].train_loss


def test_the_split_is_a_partition_that_depends_on_the_counts_only() -> None:
    rows, held_out = split(1000, Options(validation=100))
    assert len(held_out) == 100
    assert sorted([*rows, *held_out]) == list(range(1000))
    # weights files record only the count: if NumPy's generator changed, --split validation would
    # use images that older networks were trained on
    assert split(60_000, Options())[1][:5].tolist() == [28614, 23221, 1451, 40188, 31694]
    # a larger validation set contains the smaller one
    assert set(held_out) < set(split(1000, Options(validation=200))[1])


def test_without_validation_there_are_no_figures(data: mnist.Dataset) -> None:
    _, [report] = run(data, Options(epochs=1, batch_size=20, validation=0))
    assert report.validation_loss is report.validation_accuracy is None


# after a minibatch of all images the loss, computed before the step, is still finite
@pytest.mark.parametrize(("batch_size", "rate"), [(20, 1e30), (250, 1e37)])
def test_a_loss_or_a_last_step_that_is_not_finite_is_an_error(
    data: mnist.Dataset, batch_size: int, rate: float
) -> None:
    message = "the loss is no longer finite in epoch 1; lower the learning rate, which is 1e"
    with pytest.raises(TrainingError, match=f"^{message}"):
        run(data, Options(epochs=1, batch_size=batch_size, validation=50, learning_rate=rate))


def test_scores_of_many_images_are_those_of_each(data: mnist.Dataset) -> None:
    network = Perceptron.random((784, 10), np.random.default_rng(0))
    scores = network.image_scores(np.tile(data.images, (4, 1)))
    alone = network.image_scores(data.images[150:151])
    assert scores[1050] == pytest.approx(alone[0], rel=1e-5, abs=1e-5)


def test_two_epochs_on_the_real_mnist_beat_95_percent(real_mnist: Path) -> None:
    train, test = mnist.load(real_mnist, "train"), mnist.load(real_mnist, "test")
    state = begin(Options(epochs=2))
    *_, last = training.train(state, train.images, train.labels)
    assert last.validation_accuracy > 0.95
    answers = state.network.image_scores(test.images).argmax(axis=1)
    assert (answers == test.labels).mean() > 0.95

"""The page's network learns as the notes say, and the commands read what the page saves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import run
from report.browser import Page, images

from mnistnet.api import load_network
from mnistnet.model.answer import choose_limits
from mnistnet.model.network import Perceptron, backpropagate, scale

# Train until this accuracy; return the number of steps, which is limited, and the weights.
TRAIN = """(accuracy) => {
  byId("reset").click();
  while (training.steps < 1000 && !(training.accuracy >= accuracy)) train();
  return [training.steps, training.network.map(({ weights }) => [...weights])];
}"""
# Look again and again whether so many steps are done.
AFTER = """(steps) => new Promise((done) => {
  const look = () => (training.steps >= steps ? done() : setTimeout(look));
  look();
})"""


def model_of(matrices: Any) -> Perceptron:
    """The network with these matrices, M and W, each a list of weights."""
    network = Perceptron((784, len(matrices[1]) // 10, 10), np.float64)
    network.parameters[:] = np.concatenate(matrices)
    return network


def save(page: Page, button: str) -> Path:
    """Click a button that saves a file; return its path."""
    with page.tab.expect_download() as download:
        page.tab.click(button)
    path = Path(download.value.suggested_filename).resolve()
    download.value.save_as(path)
    return path


@pytest.fixture
def learn(page: Page) -> Page:
    page.open("learn")
    return page


def test_the_same_seed_gives_the_same_weights_which_learn(learn: Page) -> None:
    (steps, weights), again = (learn.tab.evaluate(TRAIN, 0.9) for _ in range(2))
    assert (steps, weights) == tuple(again)
    assert steps < 1000
    learn.tab.evaluate("training.steps = 0; byId('one').click()")
    assert float(learn.text("#accuracy").split()[0]) >= 85


def test_saved_weights_give_the_answers_of_the_page(learn: Page) -> None:
    _, matrices = learn.tab.evaluate(TRAIN, 0.8)
    saved = load_network(save(learn, "#save"))
    assert np.array_equal(saved.model.parameters, model_of(matrices).parameters)
    pixels, labels = images(0)[1]["test"]
    accuracy = (saved.predict(pixels) == labels).mean()
    assert learn.text("#accuracy") == f"{100 * accuracy:.1f}\N{NO-BREAK SPACE}%"
    limits, expected = saved.metadata.limits, choose_limits(saved.scores(pixels), labels)
    assert limits
    assert expected
    assert vars(limits) == pytest.approx(vars(expected), abs=2e-4)
    learn.open("draw")
    state = learn.click("Example of 7")
    assert state["f"] == pytest.approx(saved.model.scores(np.array([state["x"]]))[0], abs=1e-4)
    assert "drawn digits" in run("info", "--weights", "learned.npz").stdout


def test_training_starts_and_pauses(learn: Page) -> None:
    learn.tab.click("#reset")
    learn.tab.click("#start")
    learn.tab.evaluate(AFTER, 20)
    learn.tab.click("#start")
    steps = learn.tab.evaluate("training.steps")
    learn.tab.evaluate("new Promise((done) => requestAnimationFrame(done))")
    assert learn.text("#progress") == f"{steps} steps"


def test_the_gradient_is_that_of_backpropagate(learn: Page) -> None:
    _, matrices = learn.tab.evaluate(TRAIN, 0.3)
    network, x = model_of(matrices), scale(images(0)[1]["test"][0][:1]).astype(np.float64)
    found = learn.tab.evaluate(
        "(x) => { const b = backpropagate(training.network, Float32Array.from(x), 3);"
        " return [b.loss, [...b.du], [...b.df], [...b.h]]; }",
        x[0].tolist(),
    )
    loss, gradient, _ = backpropagate(network, x, np.array([3]))
    du, df, h = map(np.array, found[1:])
    assert found[0] == pytest.approx(loss, abs=1e-5)
    expected = np.concatenate([np.outer(du, x[0]).ravel(), np.outer(df, h).ravel()])
    assert gradient == pytest.approx(expected, abs=1e-5)

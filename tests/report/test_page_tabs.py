"""The page's network learns as the notes say, and the commands read what the page saves."""

import re
from pathlib import Path

import numpy as np
import pytest
from program import run
from report.browser import IMAGES, Page, placed

from mnistnet.api import load_network
from mnistnet.data import mnist
from mnistnet.image.drawn import WAYS
from mnistnet.model.answer import choose_limits
from mnistnet.model.network import Perceptron, backpropagate, scale

PIXELS, LABELS = IMAGES[1]["test"]
# Train from random weights until this accuracy; return the number of steps and the weights.
TRAIN = """(accuracy) => {
  byId("reset").click();
  while (training.steps < 1000 && !(training.accuracy >= accuracy)) train();
  return [training.steps, training.network.flatMap(({ weights }) => [...weights])];
}"""
GRADIENT = """(x) => Object.entries(backpropagate(training.network, Float32Array.from(x), 3))
  .map(([name, values]) => [name, values.length ? [...values] : values])"""


@pytest.fixture
def learn(page: Page) -> Page:
    page.open("learn")
    return page


def save(page: Page, button: str) -> Path:
    """Click a button that saves a file; return its path."""
    with page.tab.expect_download() as download:
        page.tab.click(button)
    download.value.save_as("saved")
    return Path("saved")


def test_the_same_seed_gives_the_same_weights_which_learn(learn: Page) -> None:
    (steps, weights), again = (learn.tab.evaluate(TRAIN, 0.9) for _ in range(2))
    assert [steps, weights] == again
    assert steps < 1000


def test_saved_weights_give_the_answers_of_the_page(learn: Page) -> None:
    _, weights = learn.tab.evaluate(TRAIN, 0.8)
    saved = load_network(save(learn, "#save"))
    assert saved.model.parameters.tolist() == weights
    assert "drawn digits" in run("info", "--weights", "saved").stdout
    accuracy = 100 * (saved.predict(PIXELS) == LABELS).mean()
    assert learn.text("#accuracy") == f"{accuracy:.1f}\N{NO-BREAK SPACE}%"
    limits = choose_limits(saved.scores(PIXELS), LABELS)
    assert vars(saved.metadata.used_limits) == pytest.approx(vars(limits), abs=2e-4)
    learn.open("draw")
    state = learn.click("Example of 7")
    assert state["f"] == pytest.approx(saved.model.scores(np.array([state["x"]]))[0], abs=1e-4)


def test_training_starts_and_pauses(learn: Page) -> None:
    learn.click("Reset")
    learn.click("Start")
    learn.tab.evaluate("async () => { while (training.steps < 20) await pause(); }")
    learn.click("Pause")
    steps = learn.tab.evaluate("async () => { await pause(); return training.steps; }")
    assert learn.text("#progress") == f"{steps} steps"


def test_the_gradient_is_that_of_backpropagate(learn: Page) -> None:
    network = Perceptron((784, 72, 10), np.float64)
    network.parameters[:] = learn.tab.evaluate(TRAIN, 0.3)[1]
    x = scale(PIXELS[:1]).astype(np.float64)
    loss, gradient, _ = backpropagate(network, x, np.array([3]))
    back = dict(learn.tab.evaluate(GRADIENT, x[0].tolist()))
    assert back["loss"] == pytest.approx(loss, abs=1e-5)
    matrices = np.append(np.outer(back["du"], x), np.outer(back["df"], back["h"]))
    assert matrices == pytest.approx(gradient, abs=1e-5)


def test_one_step_lowers_the_loss_and_shows_the_terms(page: Page) -> None:
    page.open("step")
    page.click("Example of 7")
    page.tab.select_option("#truth", "3")
    f = page.click("Take this step")["f"]
    before, after = map(float, re.findall(r"\d+\.\d+", page.text("#stepLoss")))
    assert after < before
    page.tab.locator("#strips .ten .cell").first.press("ArrowRight")
    assert page.text("#terms").startswith("f ← v: f = W h. Number 2: ")
    score = page.text("#terms").split(" = ")[-1].replace("−", "-")
    assert float(score) == pytest.approx(f[2], abs=0.01)


def test_a_broken_network_answers_otherwise_until_it_is_mended(page: Page) -> None:
    page.open("break")
    whole = page.click("Example of 4")["f"]
    page.tab.locator(".tile").first.press("Enter")
    assert page.state()["f"] != whole
    page.tab.locator("#follow").fill("40")
    assert page.state()["f"][9] > whole[9]
    assert page.click("Mend all")["f"] == whole


def test_collected_drawings_are_imported(page: Page) -> None:
    page.open("collect")
    page.tab.locator("#list").fill("27")
    xs = []
    for digit in (2, 7):
        xs.append(page.draw(placed(WAYS[digit][0]))["x"])
        page.tab.locator("#next").press("Enter")
    Path("class").mkdir()
    save(page, "#saveDrawings").rename("class/anna.json")
    assert "fewer than 6" in run("import", "class", "--out", "drawn", "--test-share", "0").stderr
    data = mnist.load(Path("drawn"), "train")
    assert data.labels.tolist() == [2, 7]
    assert np.array_equal(data.images, np.round(255 * np.array(xs)))

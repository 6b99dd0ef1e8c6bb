"""Training from existing weights, and the walk of docs/data.md: few own pictures on top of the
bundled weights."""

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image
from program import QUICK, run

import mnistnet
from mnistnet.image.drawn import draw, draw_strokes, parse

SEVEN = parse("2,84 21,12 73,12 58,95")  # with a long serif, which looks like 1 or 0


def test_twenty_sevens_of_a_new_form_are_learned_and_nothing_is_forgotten() -> None:
    images = draw_strokes(SEVEN, 70, np.random.default_rng(3))
    Path("photos/7").mkdir(parents=True)
    for number, image in enumerate(images[:20]):
        Image.fromarray(image.reshape(28, 28)).save(f"photos/7/{number:02}.png")
    others, digits = images[20:], draw(300, np.random.default_rng(4))
    old = mnistnet.load_network()
    assert (old.predict(others) == 7).mean() < 0.7

    assert run("import", "photos", "--out", "mine", "--test-share", "0").exit_code == 0
    words = ("train", "--from", "pretrained", "--data", "mine", "--weights", "mine.npz")
    result = run(*words)
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "chosen for 17 training images: --epochs 20 --batch-size 84 --learning-rate 0.0049 "
        "--drawn 200 --nondigits 200 --validation 3\n"
    )
    new = mnistnet.load_network("mine.npz")
    assert (new.predict(others) == 7).mean() >= 0.9
    before, after = ((net.predict(digits[0]) == digits[1]).mean() for net in (old, new))
    assert after > before - 0.02
    assert new.metadata.options.nondigits  # so that it still judges what is a digit


def test_the_accuracy_before_is_shown_and_a_loss_of_accuracy_is_a_warning(tiny: Path) -> None:
    run(*QUICK, "--data", tiny, "--epochs", 30)
    words = (*QUICK[3:], "--data", tiny, "--from", "mnistnet.npz", "--weights", "next.npz")
    kept = run("train", *words, "--learning-rate", "1e-9")
    [before] = re.findall(r"^before training: validation accuracy (.*) %$", kept.stderr, re.M)
    assert "Warning" not in kept.stderr
    assert kept.stdout.startswith(f"validation accuracy {before} % (before: {before} %) after 4 ")
    worse = run("train", *words, "--learning-rate", 3, "--json")
    summary = json.loads(worse.stdout.splitlines()[-1])
    assert f"{100 * summary['accuracy_before']:.2f}" == before
    assert summary["validation_accuracy"] < summary["accuracy_before"]
    assert re.search(r"^Warning: .*the learning rate, 3", worse.stderr, re.M)


def test_fewer_images_may_be_trained_on(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--limit", 40)
    assert result.exit_code == 0
    assert mnistnet.load_network("mnistnet.npz").metadata.options.limit == 40
    shown = json.loads(run("eval", "--data", tiny, "--split", "train", "--json").stdout)
    assert shown["count"] == 40

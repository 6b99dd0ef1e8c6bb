"""mnistnet train, from random or existing weights, and which weights the commands read and write;
the walk of docs/data.md: few own pictures on top of the bundled weights."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import NOTE, QUICK, Terminal, interrupt, png, run, written

import mnistnet
from mnistnet import cli
from mnistnet.data import mnist
from mnistnet.errors import WeightsError
from mnistnet.image.drawn import draw, draw_strokes, parse
from mnistnet.model import weights
from mnistnet.model.weights import PRETRAINED


def on_terminal(monkeypatch: pytest.MonkeyPatch, *words: object) -> list[str]:
    """Run the command; return what the lines of stderr, a terminal, show at the end."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(SystemExit):
        cli.main([str(word) for word in words])
    return [line.split("\r")[-1].strip() for line in stream.getvalue().splitlines()]


def test_a_terminal_shows_a_line_per_epoch_above_a_bar(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = on_terminal(monkeypatch, *QUICK, "--data", tiny)
    bar = r"epoch 4/4 \|[#█]+\| loss \d\.\d{4}, validation [\d.]+ %, [\d,]+ images/s, 00:00 left"
    assert re.fullmatch(bar, lines[-1])
    kept = [line[:16] for line in lines if line.startswith("epoch   ")]
    assert kept == [f"epoch   {n}/4  tra" for n in range(1, 5)]

    interrupt(monkeypatch, tiny)
    assert re.fullmatch(bar, on_terminal(monkeypatch, *QUICK, "--data", tiny, "--resume")[-1])
    # nor is there a bar where nothing is downloaded
    note = "weights mnistnet.npz; test images are not MNIST's own"
    assert on_terminal(monkeypatch, "eval", "--data", tiny)[0] == note


def test_each_epoch_is_reported_and_the_weights_are_written(tiny: Path) -> None:
    for file in tiny.glob("t10k*"):  # the test set is not used
        file.unlink()
    result = run(*QUICK, "--data", tiny, "--weights", "net.npz")
    network, _, _, meta = weights.load_all(Path("net.npz"))
    assert network.layers == (784, 8, 10)
    lines = result.stderr.removeprefix(NOTE).splitlines()
    assert [line.rsplit("  ", 1)[0] for line in lines] == [
        f"epoch   {row['epoch']}/4  train loss {row['train_loss']:.4f}  "
        f"validation accuracy {100 * row['validation_accuracy']:.2f} %"
        for row in meta["history"]
    ]
    start, end = result.stdout.split(" after 4 epochs in ")
    assert start == f"validation accuracy {100 * meta['validation_accuracy']:.2f} %"
    assert end.endswith(" s; weights in net.npz\n")
    sha256 = mnist.load(tiny, "train").sha256
    data = {"sha256": sha256, "published": False, "drawn": False, "name": "tiny"}
    assert meta["data"] == data
    assert meta["options"]["batch_size"] == 10

    again = run(*QUICK, "--data", tiny, "--quiet")
    assert (again.stdout.count("\n"), again.stderr, again.exit_code) == (1, "", 0)
    assert written(Path("mnistnet.npz")) == written(Path("net.npz"))  # the same seed


def test_json_has_an_object_per_epoch_and_a_summary(tiny: Path) -> None:
    result = run(*QUICK, "--data", tiny, "--json")
    assert result.stderr == NOTE
    *epochs, summary = map(json.loads, result.stdout.splitlines())
    history = weights.load_all(Path("mnistnet.npz")).meta["history"]
    assert epochs == history
    assert summary == {
        "weights": "mnistnet.npz",
        "validation_accuracy": history[-1]["validation_accuracy"],
        "accuracy_before": None,
        "epochs": 4,
        "seconds": pytest.approx(sum(epoch["seconds"] for epoch in epochs)),
        "parameters": 784 * 8 + 8 * 10,
        "published": False,
        "drawn": False,
    }


def test_hidden_takes_several_layers(tiny: Path) -> None:
    assert run(*QUICK, "--hidden", "6,5", "--hidden", 4, "--data", tiny).exit_code == 0
    assert weights.load(Path("mnistnet.npz"))[0].layers == (784, 8, 6, 5, 4, 10)


def test_pretrained_names_the_bundled_weights_wherever_weights_are_read(trained: Path) -> None:
    """A file of that name is ./pretrained."""
    Path("seven.png").write_bytes(png(7))
    bundled = mnistnet.load_network().model.layers
    for words in (
        ("info",),
        ("predict", "seven.png"),
        ("eval", "--data", trained),
        ("page", "--out", "page.html"),
    ):
        assert run(*words, "--weights", "pretrained").exit_code == 0
    own = run("eval", "--data", trained, "--against", "pretrained")
    assert own.exit_code == 0
    pytest.importorskip("matplotlib")
    assert run("plot", "history", "--weights", "pretrained").exit_code == 0
    assert mnistnet.load_network("pretrained").model.layers == bundled
    for name in (Path("pretrained"), "./pretrained"):
        with pytest.raises(WeightsError, match="there is no weights file"):
            mnistnet.load_network(name)
    shutil.copy("mnistnet.npz", "pretrained")
    assert mnistnet.load_network("./pretrained").model.layers != bundled
    assert "784-8-10" in run("info", "--weights", "./pretrained").stdout.replace(" ", "")


@pytest.mark.parametrize("command", ["train", "search"])
def test_the_bundled_weights_are_never_written(tiny: Path, command: str) -> None:
    before = PRETRAINED.read_bytes()
    result = run(command, "--data", tiny, "--weights", "pretrained")
    assert result.exit_code == 2
    assert "which are only read; for a file of that name: ./pretrained" in result.stderr
    assert PRETRAINED.read_bytes() == before
    assert not Path("pretrained").exists()


def test_train_says_which_weights_it_replaced(tiny: Path) -> None:
    words = (*QUICK, "--data", tiny)
    assert "replaced" not in run(*words).stderr
    line = (
        r"mnistnet.npz replaced weights trained on tiny, with a validation accuracy of [\d.]+ %\n"
    )
    assert len(re.findall(line, run(*words).stderr)) == 1


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

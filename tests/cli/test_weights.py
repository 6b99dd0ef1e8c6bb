"""Which weights the commands read and write."""

import re
import shutil
from pathlib import Path

import pytest
from program import QUICK, png, run

import mnistnet
from mnistnet.errors import WeightsError
from mnistnet.model.weights import PRETRAINED


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

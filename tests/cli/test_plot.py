"""mnistnet plot, diff and export; predict --save-images, which prepares what an exported network
reads."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import assert_fails, assert_fault, png, program, run, write_weights

from mnistnet.data import mnist
from mnistnet.image.digit import read_picture
from mnistnet.model import weights


def test_a_plot_is_named_after_its_kind(trained: Path) -> None:
    for kind in ("weights", "units", "mistakes", "confusion", "calibration"):
        result = run("plot", kind, "--data", trained, "--dpi", 50)
        assert (result.stdout, result.stderr) == (f"{kind}.png\n", "weights mnistnet.npz\n")
        with Image.open(f"{kind}.png") as picture:
            assert picture.format == "PNG"
            assert picture.width == (6.4 if kind == "confusion" else 8) * 50


def test_a_history_of_several_networks_needs_no_data_set(trained: Path) -> None:
    words = ("plot", "history", "--weights", "mnistnet.npz")
    result = run(*words, "--weights", weights.PRETRAINED, "--out", "b.SVG")
    assert (result.stdout, result.stderr) == ("b.SVG\n", "")
    assert Path("b.SVG").read_bytes().startswith(b"<?xml")
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, replace(metadata, history=()))
    message = "other.npz: expected a training history; found none"
    assert_fails(run(*words, "--weights", "other.npz"), message)


def test_without_matplotlib_the_error_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; from mnistnet.cli import main; main()"
    assert_fails(
        program("plot", "weights", command=(sys.executable, "-c", code)),
        "plot needs matplotlib, which cannot be loaded: import of matplotlib halted; None in "
        "sys.modules; to install it: python -m pip install matplotlib",
    )


def test_the_users_matplotlib_settings_do_not_change_a_plot() -> None:
    """Those of a notebook, and of a folder; tests of figures try others."""
    run("plot", "history", "--out", "a.png")
    Path("matplotlibrc").write_bytes(b"figure.facecolor: \xff")
    backend = "module://matplotlib_inline.backend_inline"
    done = program("plot", "history", "--out", "b.png", MPLBACKEND=backend)
    assert done == ("b.png\n", "bundled weights\n", 0)
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("plot", ("plot", "history", "--quiet", "--dpi", 20, "--out")),
        ("plot", ("diff", "x", "x=1", "--out")),
        ("previous export", ("export", "--kind", "c")),
    ],
)
def test_only_output_of_mnistnet_is_replaced(kind: str, words: tuple[object, ...]) -> None:
    out = Path("a.png")
    write_weights(Path("mnistnet.npz"), 2)
    out.write_bytes(b"a drawing of mine")
    message = (
        f"a.png: expected a {kind} made by mnistnet; found another file, which is not replaced: "
        "move it away, or name another file"
    )
    assert_fault((*words, out), message)
    assert run(*words, out, "--force").exit_code == run(*words, out).exit_code == 0
    message = f"cannot write {Path('none/a.png')}: there is no folder {Path('none').resolve()}"
    assert_fault((*words, "none/a.png"), message)


def test_units_takes_pictures_and_samples(trained: Path) -> None:
    Path("7.png").write_bytes(png(7))
    words = ("plot", "units", "--data", trained, "--quiet", "--dpi", 20)
    assert run(*words, "test:0-2", "validation:1", "7.png").exit_code == 0
    assert run(*words, "--gradient", "test:2").exit_code == 0
    assert_fails(
        run(*words, "--gradient", "7.png"),
        "expected one labelled image for --gradient, such as test:247",
    )
    assert run(*words, "--gradient").exit_code == 2
    assert_fails(run(*words, "train:0-60"), "expected at most 60 pictures to plot; found more")


def test_the_steps_are_printed_and_the_graph_is_drawn() -> None:
    result = run("diff", "exp(x) * y", "x=0", "y = -2.5e0", "--out", "graph.PNG")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("forward\n  x ")
    assert Path("graph.PNG").read_bytes().startswith(b"\x89PNG")


def test_an_expression_may_start_with_a_minus_and_errors_are_marked_in_it() -> None:
    assert json.loads(run("diff", "-tanh(x)", "x=0", "--json").stdout)["derivatives"] == {"x": -1}
    assert_fails(
        run("diff", "1 + log(x)", "x=-1"),
        "this is not a finite real number\n  1 + log(x)\n      ^^^^^^",
    )


def test_the_accuracy_is_measured_on_the_data_and_nothing_is_downloaded(tiny: Path) -> None:
    result = run("export", "digit.json", "--data", tiny)
    assert (result.stdout, result.stderr) == ("digit.json\n", "bundled weights\n")
    assert result.exit_code == 0
    facts = json.loads(Path("digit.json").read_bytes())
    assert facts["accuracy"] == "100.00 % on 50 test images, not MNIST's own"
    assert run("export", "--kind", "c", "--int8", "digit", "--data", tiny).exit_code == 0
    assert b"accuracy  100.00 %, as int8 100.00 % on 50 test" in Path("digit").read_bytes()
    assert "the accuracy was not measured: " in run("export", "digit.h").stderr
    assert b"accuracy  not measured" in Path("digit.h").read_bytes()


@pytest.mark.parametrize("words", ["digit.txt", "digit.h --input float", "digit.json --int8"])
def test_what_cannot_be_written_is_wrong_usage(words: str) -> None:
    assert run("export", *words.split()).exit_code == 2


def test_save_images_writes_what_the_network_saw_and_replaces_nothing(tiny: Path) -> None:
    Path("my 7.png").write_bytes(png(7))
    for _ in range(2):
        run("predict", "my 7.png", "test:3", "--data", tiny, "--save-images", "seen")
    names = sorted(path.name for path in Path("seen").iterdir())
    stems = ("my_7_png-1", "my_7_png-2", "test_3-1", "test_3-2")
    assert names == sorted(stem + end for stem in stems for end in (".raw", ".png"))
    seen = {"my_7_png": read_picture(Path("my 7.png")).digits[0].image}
    seen["test_3"] = mnist.load(tiny, "test").images[3]
    for stem, image in seen.items():
        assert Path(f"seen/{stem}-2.raw").read_bytes() == image.tobytes()
        assert np.array_equal(np.asarray(Image.open(f"seen/{stem}-1.png")).ravel(), image)

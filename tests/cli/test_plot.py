"""mnistnet plot."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from program import assert_fails, png, program, run

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
    "words", [("plot", "history", "--quiet", "--dpi", 20), ("diff", "x", "x=1")]
)
def test_only_plots_made_by_mnistnet_are_replaced(words: tuple[object, ...]) -> None:
    out = Path("a.png")
    out.write_bytes(b"a drawing of mine")
    assert_fails(
        run(*words, "--out", out),
        "a.png: expected a plot made by mnistnet; found another file, which is not replaced: move "
        "it away, or name another file",
    )
    assert out.read_bytes() == b"a drawing of mine"
    assert run(*words, "--out", out, "--force").exit_code == 0
    assert run(*words, "--out", out).exit_code == 0
    message = f"cannot write {Path('none/a.png')}: there is no folder {Path('none').resolve()}"
    assert_fails(run(*words, "--out", "none/a.png"), message)


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

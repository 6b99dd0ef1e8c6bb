"""mnistnet plot."""

import sys
from dataclasses import replace
from pathlib import Path

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
    assert run("plot", "history", "--out", "a.PNG").stdout == "a.PNG\n"
    words = ("plot", "history", "--out", "b.svg", "--weights", "mnistnet.npz")
    result = run(*words, "--weights", weights.PRETRAINED)
    assert (result.stdout, result.stderr) == ("b.svg\n", "")
    assert Path("b.svg").read_bytes().startswith(b"<?xml")
    assert "no mirror provided t" in run("plot", "units").stderr


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    for out in ("a.gif", "png", "a"):
        result = run("plot", "weights", "--out", out)
        assert result.exit_code == 2
        assert result.stderr.endswith(
            f"expected a name that ends in .png, .svg or .pdf; found {out}\n"
        )
    assert_fails(
        run("plot", "weights", "--out", "none/a.png"),
        f"cannot write {Path('none/a.png')}: there is no folder {tmp_path / 'none'}",
    )


def test_without_matplotlib_the_error_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; from mnistnet.cli import main; main()"
    assert_fails(
        program("plot", "weights", command=(sys.executable, "-c", code)),
        "plot needs matplotlib; to install it: python -m pip install matplotlib",
    )


def test_the_users_matplotlib_settings_do_not_change_a_plot() -> None:
    """Those of a notebook, and of a folder; tests of figures try others."""
    run("plot", "history", "--out", "a.png")
    Path("matplotlibrc").write_bytes(b"figure.facecolor: \xff")
    backend = "module://matplotlib_inline.backend_inline"
    done = program("plot", "history", "--out", "b.png", MPLBACKEND=backend)
    assert done == ("b.png\n", "bundled weights\n", 0)
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_only_plots_made_by_mnistnet_are_replaced() -> None:
    """Which is checked before the data are loaded."""
    words = ("plot", "history", "--quiet", "--dpi", 20)
    Path("history.png").write_bytes(b"a drawing of mine")
    assert_fails(
        run("plot", "units", "--out", "history.png"),
        "history.png: expected a plot made by mnistnet; found another file, which is not replaced: "
        "name another with --out, or add --force",
    )
    assert Path("history.png").read_bytes() == b"a drawing of mine"
    assert run(*words, "--force").exit_code == 0
    assert run(*words).exit_code == 0


def test_a_history_without_epochs_is_an_error(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, replace(metadata, history=()))
    assert_fails(
        run("plot", "history", "--weights", "other.npz"),
        "other.npz: expected a training history; found none",
    )


def test_units_takes_pictures_and_samples(trained: Path) -> None:
    Path("7.png").write_bytes(png(7))
    words = ("plot", "units", "--data", trained, "--quiet", "--dpi", 20)
    assert run(*words, "test:0-2", "validation:1", "7.png").exit_code == 0
    assert_fails(
        run(*words, "test:0", "none.png"), "none.png: cannot read it: No such file or directory"
    )
    assert_fails(run(*words, "train:0-60"), "expected at most 60 pictures to plot; found 61")
    assert run("plot", "weights", "test:0").exit_code == 2
    assert run("plot", "weights", "--weights", "a.npz", "--weights", "b.npz").exit_code == 2

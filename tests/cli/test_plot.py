"""mnistnet plot."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from program import assert_fails, program, run

from mnistnet.model import weights


@pytest.mark.parametrize("kind", ["weights", "units", "history", "confusion", "mistakes"])
def test_a_plot_is_named_after_its_kind(kind: str, tiny: Path) -> None:
    result = run("plot", kind, "--data", tiny)
    assert result.stdout == f"{kind}.png\n"
    assert result.stderr == "bundled weights\n"
    with Image.open(f"{kind}.png") as picture:
        assert picture.format == "PNG"
        assert 900 <= picture.width <= 1000 or kind == "confusion"
    again = run("plot", kind, "--data", tiny, "--out", "b.PNG", "--weights", weights.PRETRAINED)
    assert (again.stdout, again.stderr) == ("b.PNG\n", "")
    assert Path("b.PNG").read_bytes() == Path(f"{kind}.png").read_bytes()


def test_only_plots_of_images_need_a_data_set() -> None:
    for kind in ("weights", "history"):
        assert run("plot", kind).exit_code == 0
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
    Path("matplotlibrc").write_text("figure.facecolor: red\nimage.origin: lower\naxes.grid: True\n")
    assert program("plot", "history", "--out", "a.png").exit_code == 0
    Path("matplotlibrc").unlink()
    assert program("plot", "history", "--out", "b.png").exit_code == 0
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()
    result = program("plot", "history", MPLBACKEND="foo")
    assert result.stderr.startswith("Error: plot cannot load matplotlib: ")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)


def test_a_history_without_epochs_is_an_error(trained: Path) -> None:
    network, metadata = weights.load(Path("mnistnet.npz"))
    weights.save(Path("other.npz"), network, replace(metadata, history=()))
    assert_fails(
        run("plot", "history", "--weights", "other.npz"),
        "other.npz: expected a training history; found none",
    )


def test_units_takes_pictures_and_samples(trained: Path) -> None:
    words = ("plot", "units", "--data", trained, "--quiet")
    assert run(*words, "test:0-2", "validation:1").exit_code == 0
    assert_fails(
        run(*words, "test:0", "none.png"), "none.png: cannot read it: No such file or directory"
    )
    assert_fails(run(*words, "train:0-60"), "expected at most 60 pictures to plot; found 61")
    assert run("plot", "weights", "test:0").exit_code == 2
    assert run("plot", "weights", "--weights", "a.npz", "--weights", "b.npz").exit_code == 2


def test_dpi_is_the_resolution(trained: Path) -> None:
    for dpi in (50, 200):
        run("plot", "history", "--dpi", dpi)
        with Image.open("history.png") as image:
            assert image.width == 8 * dpi


def test_calibration_and_several_histories(trained: Path) -> None:
    assert run("plot", "calibration", "--data", trained).exit_code == 0
    words = ("plot", "history", "--weights", "mnistnet.npz", "--weights", "mnistnet.npz")
    assert run(*words).exit_code == 0

"""mnistnet download, and downloads that other commands start."""

import functools
import io
import json
import sys
from pathlib import Path

import pytest
from program import QUICK, Terminal, png, run

from mnistnet.cli import options
from mnistnet.data import download, mnist, synthetic
from mnistnet.model import weights


def test_the_source_of_each_file_is_printed(
    published, server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers.update(published)
    monkeypatch.setattr(mnist, "MIRRORS", (f"{server.url}/known",))  # after the user's
    cache = download.cache_folder()
    result = run("download", "--mirror", server.url)
    listed = "".join(f"{file.name:<24} {server.url}\n" for file in mnist.FILES)
    assert result.stdout == f"{listed}in {cache}\n"
    assert result.stderr == f"Downloading MNIST to {cache}\n"
    assert not [hit for hit in server.hits if "/known" in hit]
    again = run("download")
    assert (again.stdout.count("here\n"), again.stderr, again.exit_code) == (4, "", 0)


def test_check_verifies_the_files(published, tiny: Path) -> None:
    result = run("download", "--check", "--data", tiny)
    assert (result.stdout.count("verified\n"), result.stderr, result.exit_code) == (4, "", 0)
    missing, damaged = tiny / "train-images-idx3-ubyte", tiny / "t10k-labels-idx1-ubyte"
    missing.unlink()
    damaged.write_bytes(b"")
    result = run("download", "--check", "--data", tiny)
    assert result.stdout == (
        f"{missing.name}  {tiny}: expected {missing.name}, raw or .gz, found none\n"
        "train-labels-idx1-ubyte  verified\n"
        "t10k-images-idx3-ubyte   verified\n"
        f"{damaged.name}   {damaged}: expected an IDX file, found an empty file\n"
    )
    assert result.stderr == f"Error: {tiny} does not contain the four files of MNIST, unaltered\n"
    assert result.exit_code == 1


def test_variables_set_mirrors_and_folder_and_a_tilde_is_the_home_folder(
    published, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path.home()
    tiny.rename(home / "a mirror")
    monkeypatch.setenv("MNISTNET_DATA", "~/b")
    monkeypatch.setenv("MNISTNET_MIRROR", f"{home / 'none'}\n~/a mirror")
    assert run("download").stdout.endswith(f" ~/a mirror\nin {home / 'b'}\n")
    assert run("import", "~/a mirror", "--out", "~/d").exit_code == 0
    assert run(*QUICK, "--weights", "~/c.npz", "--data", "~/d").exit_code == 0
    result = run("eval", "--weights", "~/c.npz", "--against", "~/c.npz")
    assert result.stderr.startswith(f"weights {home / 'c.npz'};")
    (home / "answers.txt").write_text("7\n" * 50)
    assert run("eval", "--answers", "~/answers.txt").exit_code == 0


def test_a_terminal_shows_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with options.progress() as advance:
            advance(600, 1000)
            advance(-100, 1000)
            advance(500, 1000)
        assert ("MNIST: 100%" in stream.getvalue()) == shown


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let download --synthetic draw only 60 + 20 digits."""
    monkeypatch.setattr(synthetic, "write", functools.partial(synthetic.write, counts=(60, 20)))


def test_synthetic_draws_digits_into_a_separate_folder(few) -> None:
    folder = download.cache_folder() / "drawn"
    result = run("download", "--synthetic")
    listed = "".join(f"{file.name:<24} drawn\n" for file in mnist.FILES)
    assert result.stdout == f"{listed}in {folder}\n"
    assert result.stderr == f"to use them: mnistnet train --data {folder}\n"
    assert len(mnist.load(folder, "train").labels) == 60
    assert run("download", "--synthetic").stdout.count("here, drawn before\n") == 4


def test_no_command_calls_drawn_digits_mnist(few) -> None:
    run("download", "--synthetic", "--data", "drawn")
    quick = (*QUICK, "--epochs", 2, "--validation", 20)
    result = run(*quick, "--data", "drawn")
    assert result.stderr.startswith("training on drawn digits, not MNIST\nepoch   1/2")
    assert " % on drawn digits after 2 epochs in " in result.stdout
    closing = run(*quick, "--data", "drawn", "--json").stdout.splitlines()[-1]
    assert json.loads(closing).items() >= {"published": False, "drawn": True}.items()

    weights_note = "weights mnistnet.npz, trained on drawn digits, not MNIST"
    result = run("eval", "--data", "drawn")
    assert result.stderr.startswith(f"{weights_note}; test images are drawn digits, not MNIST\n")
    assert " of 20 drawn test images\n" in result.stdout
    result = run("eval", "--data", "drawn", "--json")
    assert json.loads(result.stdout).items() >= {"published": False, "drawn": True}.items()
    result = run("predict", "test:1", "--data", "drawn", "--weights", weights.PRETRAINED)
    assert result.stderr == "test images are drawn digits, not MNIST\n"
    assert "drawn images\n" in run("gradcheck", "--data", "drawn").stderr
    assert run("plot", "weights", "--weights", "mnistnet.npz").stderr == f"{weights_note}\n"
    Path("seven.png").write_bytes(png(7))
    assert run("predict", "seven.png").stderr == f"{weights_note}\n"
    assert "\ntrained on            drawn digits, not MNIST; 20 training" in run("info").stdout

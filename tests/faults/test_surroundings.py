"""Unusual environments: closed pipes, full disks, control characters in names, odd variables, an
ASCII locale, no home folder."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from program import COMMAND, NOTE, QUICK, assert_fails, png, posix_only, program, run

from mnistnet.model import weights


@pytest.fixture
def seven() -> Path:
    """A picture of a 7 in the current folder; its name is not ASCII."""
    path = Path("七.png")
    path.write_bytes(png(7))
    return path


# ---- streams


def run_into_closed_pipe(*words: object) -> tuple[str, int]:
    """Return stderr and the exit code of the command if the reader of its stdout has exited, as
    with `mnistnet info | head -1`."""
    read, write = os.pipe()
    os.close(read)
    command = [*COMMAND, *map(str, words)]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    return done.stderr, done.returncode


@posix_only("Windows reports a closed pipe in another way")
def test_a_closed_pipe_prints_no_error_and_does_not_lose_the_training(tiny: Path) -> None:
    assert run_into_closed_pipe("train", "--help") == ("", 1)
    assert run_into_closed_pipe("info") == ("bundled weights\n", 1)
    stderr, code = run_into_closed_pipe(*QUICK, "--data", tiny)
    assert (stderr.count("\n"), "Traceback" in stderr, code) == (5, False, 1)
    assert weights.load(Path("mnistnet.npz"))[1].options.epochs == 4
    Path("mnistnet.npz").unlink()
    assert run_into_closed_pipe(*QUICK, "--data", tiny, "--json") == (NOTE, 1)
    assert len(weights.load(Path("mnistnet.npz.checkpoint"))[1].history) == 1


def redirected(redirection: str, *words: object) -> tuple[str, str, int]:
    """Run the command in a shell with this redirection."""
    command = ("sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND)
    return program(*words, command=command, PYTHONUNBUFFERED="")  # with buffers to flush at exit


@posix_only("needs a POSIX shell")
def test_closed_streams_are_not_an_error(tiny: Path) -> None:
    stdout, stderr, code = redirected("2>&-", *QUICK, "--data", tiny)
    assert (stdout[:20], stderr, code) == ("validation accuracy ", "", 0)
    message = "weights mnistnet.npz\nError: -: standard input is closed\n"
    assert redirected("<&-", "predict", "-") == ("", message, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_result_that_cannot_be_written_is_an_error_but_a_message_is_not(tiny: Path) -> None:
    stdout, _, code = redirected("2>/dev/full", *QUICK, "--data", tiny)
    assert (stdout[:20], code) == ("validation accuracy ", 0)
    assert redirected("2>/dev/full", "train", "--epochs", "x") == ("", "", 2)
    for words in (("info",), ("--help",)):
        _, stderr, code = redirected(">/dev/full", *words)
        assert stderr.endswith("Error: [Errno 28] No space left on device\n")
        assert (code, "Traceback" in stderr) == (1, False)


# ---- names


@posix_only("Windows forbids such file names")
def test_names_in_errors_notes_and_results_are_escaped(tiny: Path, seven: Path) -> None:
    names = {"NET": "\7\r\nx.npz", "DATA": str(tiny)}
    for words, code in (
        (f"{' '.join(QUICK)} --data DATA --weights NET", 0),
        ("info --weights NET", 0),
        ("eval --data DATA --against NET", 0),
        ("plot history --weights NET --out NET.svg", 0),
        ("export NET.json", 0),
        ("download --check --data NET.x", 1),
        ("predict --csv NET", 1),
    ):
        result = run(*(re.sub("NET|DATA", lambda m: names[m[0]], word) for word in words.split()))
        assert (result.exit_code, "\\x07" in result.output) == (code, True)
        assert not re.search("\7|\r|^x", result.output, re.MULTILINE)
    name = os.fsdecode(b"\xff\n\x1b[2J.png")
    seven.rename(name)
    done = program("predict", name)
    assert done.stdout.startswith("\\udcff\\n\\x1b[2J.png  7  ")
    assert done.stderr == "bundled weights\n"


# ---- variables and locale


INVALID = {f"TQDM_{name}": "x\x1b" for name in ("DISABLE", "ASCII", "NCOLS", "MINITERS", "TOTAL")}
INVALID |= {"SOURCE_DATE_EPOCH": "x", "PILLOW_BLOCKS_MAX": "x", "PILLOW_ALIGNMENT": "3"}
INVALID |= {"MATPLOTLIBRC": "/dev/zero", "COLUMNS": "x", "LINES": "-1"}


def test_invalid_variables_of_libraries_are_ignored(tiny: Path) -> None:
    for words in ((*QUICK, "--data", tiny), ("plot", "weights", "--out", "a.svg")):
        done = program(*words, **INVALID)
        assert (done.exit_code, "Traceback" in done.stderr) == (0, False)


LOCALE = {"LC_ALL": "C", "LANG": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@posix_only("needs a locale of ASCII")
@pytest.mark.parametrize("environment", [LOCALE, {"PYTHONIOENCODING": "latin-1"}])
def test_a_terminal_without_unicode(tiny: Path, seven: Path, environment: dict[str, str]) -> None:
    for words in (
        ("predict", "--show", seven, "test:0", "--data", tiny),
        (*QUICK, "--data", tiny, "--weights", "网.npz"),
    ):
        done = program(*words, **environment)
        assert (done.exit_code, "Traceback" in done.stderr) == (0, False)
        assert (done.stdout + done.stderr).isascii()
    assert Path("网.npz").exists()


# ---- no home folder


@posix_only("needs the list of users")
def test_only_a_download_needs_a_home_folder(
    tiny: Path, seven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    message = "found no home folder for MNIST; name a folder with --data"
    assert_fails(run("download"), message)
    for words in ((*QUICK, "--data", tiny), ("eval", "--data", tiny), ("predict", seven)):
        assert run(*words).exit_code == 0

"""Unusual environments: closed pipes, narrow terminals, an ASCII locale, no home folder, no current
folder."""

import os
import struct
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from program import (
    COMMAND,
    NOTE,
    QUICK,
    as_user,
    assert_fails,
    assert_fault,
    make_pipe,
    posix_only,
    program,
    run,
)

from mnistnet import cli
from mnistnet.cli import info
from mnistnet.model import weights

KEPT = Path("mnistnet.npz.checkpoint")


@pytest.fixture
def seven() -> Path:
    """A picture of a 7 in the current folder; its name is not ASCII."""
    picture = Image.new("L", (80, 100), 255)
    ImageDraw.Draw(picture).line([(20, 20), (60, 20), (35, 85)], 0, 8)
    path = Path("sieben-ß.png")
    picture.save(path)
    return path


# ---- streams


def run_into_closed_pipe(*words: object, **environment: str) -> tuple[str, int]:
    """Return stderr and the exit code of the command if the reader of its stdout has exited."""
    read, write = os.pipe()
    os.close(read)
    command = [*COMMAND, *map(str, words)]
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, env=os.environ | environment, check=False
    )
    os.close(write)
    return done.stderr.decode(), done.returncode


@posix_only("Windows reports a closed pipe in another way")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_prints_no_error(tiny: Path, seven: Path, unbuffered: str) -> None:
    """As with `mnistnet eval | head -1`."""
    for words, notes in {
        ("eval", "--data", tiny): "bundled weights; test images are not MNIST's own\n",
        ("predict", seven, "test:0", "--data", tiny): "bundled weights\n",
        ("info",): "bundled weights\n",
        ("gradcheck", "--data", tiny, "--json"): "",
        ("download", "--check", "--data", tiny): "",
        ("plot", "weights"): "bundled weights\n",
        ("train", "--help"): "",
    }.items():
        assert run_into_closed_pipe(*words, PYTHONUNBUFFERED=unbuffered) == (notes, 1)


@posix_only("Windows reports a closed pipe in another way")
def test_a_closed_pipe_does_not_lose_the_training(tiny: Path) -> None:
    stderr, code = run_into_closed_pipe(*QUICK, "--data", tiny)
    assert (stderr.count("\n"), "Traceback" in stderr, code) == (5, False, 1)
    assert weights.load(Path("mnistnet.npz"))[1].options.epochs == 4
    Path("mnistnet.npz").unlink()
    stderr, code = run_into_closed_pipe(*QUICK, "--data", tiny, "--json", PYTHONUNBUFFERED="1")
    assert (stderr, code) == (NOTE, 1)
    assert len(weights.load(KEPT)[1].history) == 1


@posix_only("needs a POSIX shell")
def test_closed_streams_are_not_an_error(tiny: Path) -> None:
    closing = ("sh", "-c", 'exec "$@" <&- 2>&-', "sh", *COMMAND)
    done = program(*QUICK, "--data", tiny, command=closing)
    assert (done.stdout[:20], done.stderr, done.exit_code) == ("validation accuracy ", "", 0)
    assert program("predict", "none.png", command=closing) == ("", "", 1)
    done = program("predict", "-", command=(*closing[:2], 'exec "$@" <&-', *closing[3:]))
    assert done == ("", "weights mnistnet.npz\nError: -: standard input is closed\n", 1)


FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


@needs_full
def test_messages_that_cannot_be_written_are_not_an_error(tiny: Path) -> None:
    onto_full = ("sh", "-c", 'exec "$@" 2>/dev/full', "sh", *COMMAND)
    done = program(*QUICK, "--data", tiny, command=onto_full)
    assert (done.stdout[:20], done.stderr, done.exit_code) == ("validation accuracy ", "", 0)
    assert program("predict", "none.png", command=onto_full) == ("", "", 1)
    assert program("train", "--epochs", "x", command=onto_full) == ("", "", 2)


@needs_full
@pytest.mark.parametrize("words", [("info",), ("--help",), ("train", "--help"), ("--version",)])
def test_a_result_that_cannot_be_written_is_an_error(words: tuple[str, ...]) -> None:
    onto_full = ("sh", "-c", 'exec "$@" >/dev/full', "sh", *COMMAND)
    done = program(*words, command=onto_full)
    assert done.stderr.endswith("No space left on device\n")
    assert (done.exit_code, "Traceback" in done.stderr) == (1, False)


def test_an_operating_system_error_names_the_file(tiny: Path, monkeypatch) -> None:
    def no_files(*_: object) -> None:
        raise OSError(24, "Too many open files", "/etc/x")

    monkeypatch.setattr(info, "info_text", no_files)
    assert run("info").stderr.endswith("Error: cannot use /etc/x: Too many open files\n")
    monkeypatch.setattr(info, "info_text", lambda *_: os.read(-1, 1))
    assert run("info").stderr.endswith("Error: a system call failed: Bad file descriptor\n")


def test_ctrl_c_while_parsing_options_is_an_interruption(monkeypatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.Program, "parse_args", interrupt)
    result = run("info")
    assert (result.stderr.strip(), result.exit_code) == ("Interrupted", 130)


@pytest.mark.parametrize(
    "words",
    [
        ("none\x1b[2J",),
        ("train", "--none\x1b[2J"),
        ("train", "\x1b[2J"),
        ("train", "--epochs", "\x1b[2J"),
        ("plot", "\x1b[2J"),
        ("plot", "weights", "--out", "\x1b[2J"),
        ("plot", "weights", "--out", "\x1b[2J.png"),
        ("info", "--weights", "\x1b[2J"),
        ("predict", "\x1b[2J"),
        ("gradcheck", "--weights", "\x1b[2J"),
    ],
)
def test_names_do_not_reach_a_terminal_unescaped(words: tuple[str, ...]) -> None:
    done = program(*words)
    assert "\x1b" not in done.stdout + done.stderr


@posix_only("Windows forbids such file names")
def test_names_in_notes_and_results_are_escaped_too(tiny: Path) -> None:
    for words in ((*QUICK, "--data", tiny), ("info",), ("eval", "--data", tiny)):
        done = program(*words, "--weights", "\x1b[2J.npz")
        assert done.exit_code == 0
        assert "\x1b" not in done.stdout + done.stderr


# ---- environment variables


TQDM = ("DISABLE", "ASCII", "NCOLS", "MININTERVAL", "MAXINTERVAL", "MINITERS", "SMOOTHING", "DELAY")
INVALID = {f"TQDM_{name}": "x\x1b" for name in (*TQDM, "TOTAL", "POSITION", "UNIT_DIVISOR", "GUI")}
INVALID |= {"SOURCE_DATE_EPOCH": "x", "PILLOW_BLOCKS_MAX": "x", "PILLOW_ALIGNMENT": "3"}
INVALID |= {"MATPLOTLIBRC": "/dev/zero", "COLUMNS": "x", "LINES": "-1"}


def test_invalid_variables_of_libraries_are_ignored(tiny: Path, seven: Path) -> None:
    for words in (
        (*QUICK, "--data", tiny),
        ("predict", seven),
        ("plot", "weights", "--out", "a.pdf"),
        ("plot", "weights", "--out", "a.svg"),
    ):
        done = program(*words, **INVALID)
        assert (done.exit_code, "Traceback" in done.stderr) == (0, False)


def test_a_matplotlibrc_in_the_current_folder_is_not_read() -> None:
    make_pipe(Path("matplotlibrc"))  # reading it would block
    assert program("plot", "weights").exit_code == 0


# ---- locale and terminal


ASCII = {"LC_ALL": "C", "LANG": "", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@posix_only("needs a locale of ASCII")
def test_an_ascii_locale(tiny: Path, seven: Path) -> None:
    for words in (
        ("eval", "--data", tiny, "--mistakes", "3"),
        ("predict", "--show", seven, "test:0", "--data", tiny),
        ("info",),
        ("gradcheck", "--data", tiny),
        ("plot", "weights", "--out", "gewichte-ß.png"),
        (*QUICK, "--data", tiny, "--weights", "netz-ß.npz"),
        ("train", "--help"),
    ):
        done = program(*words, **ASCII)
        assert (done.exit_code, "Traceback" in done.stderr) == (0, False)
        assert (done.stdout + done.stderr).isascii()
    assert Path("gewichte-ß.png").exists()
    assert Path("netz-ß.npz").exists()


def test_a_file_name_that_is_not_valid_text(seven: Path) -> None:
    name = os.fsdecode(b"\xff\n\x1b[2J.png")
    seven.rename(name)
    done = program("predict", name)
    assert done.stdout.startswith("\\udcff\\n\\x1b[2J.png  7  ")
    assert (done.stderr, done.exit_code) == ("bundled weights\n", 0)
    done = program("predict", f"no{name}")
    message = "cannot read it: No such file or directory"
    assert done == (
        "",
        f"bundled weights\nError: no\\udcff\\n\\x1b[2J.png: {message}\n",
        1,
    )
    done = program("eval", "--weights", name, "--data", "none")
    assert done.stderr.startswith("Error: \\udcff\n\\x1b[2J.png: expected a weights file")


def on_terminal(columns: int, *words: object) -> str:
    """Run the command, which must succeed; return what it writes to a terminal of this width."""
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
    command = [*COMMAND, *map(str, words)]
    written = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            while piece := os.read(ours, 1 << 16):
                written += piece
        except OSError:  # on Linux, the other end is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return written.decode()


@posix_only("needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [20, 80])
def test_a_narrow_terminal(
    tiny: Path, seven: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar fits, and nothing is coloured."""
    monkeypatch.setenv("NO_COLOR", "1")
    written = on_terminal(columns, *QUICK, "--data", tiny)
    *lines, closing = written.replace("\r\n", "\n").rstrip("\n").split("\n")
    states = [state for line in lines for state in line.split("\r") if "/4 |" in state]
    assert max(map(len, states)) <= columns
    assert states[-1].startswith("epoch 4/4 |█")
    assert states[-1].endswith(" images/s, 00:00 left") == (columns == 80)
    assert closing.startswith("validation accuracy ")
    for words in (("eval", "--data", tiny), ("predict", "--show", seven), ("train", "--help")):
        written += on_terminal(columns, *words)
    assert "\x1b" not in written


# ---- folders


@posix_only("needs file permissions")
def test_a_home_folder_that_cannot_be_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    tmp_path.chmod(0o500)
    home = tmp_path / "none"
    monkeypatch.setenv("HOME", str(home))
    cache = home / ".cache" / "mnistnet"
    message = f"cannot create the folder {cache}: Permission denied"
    assert_fault(("download",), message, f"Downloading MNIST to {cache}\n", run=as_user)
    tmp_path.chmod(0o700)


@posix_only("needs the list of users")
def test_a_user_without_a_home_folder_has_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    message = "found no home folder for MNIST; name a folder with --data"
    assert_fails(run("download"), message)


def test_commands_that_need_no_home_folder_work_without_one(
    tiny: Path, seven: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    for words in ((*QUICK, "--data", tiny), ("eval", "--data", tiny), ("predict", seven)):
        assert program(*words).exit_code == 0


@posix_only("needs file permissions")
def test_a_read_only_current_folder(tiny: Path, seven: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    unwritable = f"the folder {tmp_path} is not writable"
    words = (*QUICK, "--data", tiny)
    assert_fault(words, f"cannot write mnistnet.npz: {unwritable}", run=as_user)
    assert_fault(("plot", "weights"), f"cannot write weights.png: {unwritable}", run=as_user)
    for words in (("eval", "--data", tiny), ("predict", seven), ("info",)):
        assert as_user(*words).exit_code == 0
    tmp_path.chmod(0o700)


@posix_only("Windows does not remove the current folder")
def test_a_deleted_current_folder(tiny: Path, seven: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    seven = tmp_path / seven
    done = program(*QUICK, "--data", tiny)
    assert done == ("", "Error: cannot write mnistnet.npz: No such file or directory\n", 1)
    for words in (("eval", "--data", tiny), ("predict", seven), ("info",)):
        done = program(*words)
        assert (done.exit_code, "Traceback" in done.stderr) == (0, False)

"""mnistnet itself: help, usage errors, shell completion, and how errors end it."""

import os
import re
import sys
import textwrap
from pathlib import Path

import pytest
from program import png, posix_only, program, run

from mnistnet import __version__, cli
from mnistnet.cli import info

CODE = "import sys; sys.argv[0] = 'mnistnet'; from mnistnet.__main__ import main; main()"
NAMED = (sys.executable, "-c", CODE)  # not `python -m mnistnet`


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    result = run(name, "-h")
    command = cli.load_command(name)
    assert (result.exit_code, command.name) == (0, name)
    assert all(each.help for each in command.params if each.param_type_name == "option")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert cli.main.commands[name].get_short_help_str() == command.get_short_help_str(200)


@pytest.mark.parametrize("words", [("--help",), ("predict", "seven.png")])
def test_only_what_is_needed_is_loaded(words: tuple[str, ...]) -> None:
    Path("seven.png").write_bytes(png(7))
    code = (
        f"import runpy, sys; sys.argv = ['mnistnet', *{words}]\n"
        "try: runpy.run_module('mnistnet', run_name='__main__')\n"
        "finally: print(*sorted(sys.modules))"
    )
    modules = set(program(command=(sys.executable, "-c", code)).stdout.splitlines()[-1].split())
    assert not {"multiprocessing", "distributed", "requests", "tqdm", "matplotlib"} & modules
    if words == ("--help",):
        assert not {"numpy", "PIL", "dataclasses"} & modules
        own = {name for name in modules if name.startswith("mnistnet.")}
        assert own == {"mnistnet.cli", "mnistnet.errors"}


def test_the_readme_shows_the_help_of_the_program() -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    \$ mnistnet (.*--help)\n((?:    .*\n|\n(?=    ))+)", readme, re.M)
    assert shown
    for words, text in shown:
        printed = program(*words.split(), command=NAMED, COLUMNS="80").stdout
        assert textwrap.dedent(text).rstrip() == printed.rstrip()


def test_the_version_is_printed() -> None:
    assert run("-V").stdout == run("--version").stdout == f"mnistnet, version {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Usage: mnistnet "),
        (("trian",), "Did you mean 'train'?"),
        *((("train", word), "Did you mean '--learning-rate'?") for word in ("--lr", "--learn")),
        (("train", "--epochs", "0"), "0 is not in the range"),
        (("predict",), "Missing argument 'PICTURE...'"),
        (("predict", "--csv", "--json", "-"), "--csv cannot be used with --json"),
        (("eval", "--against", "a", "--answers", "b"), "cannot be used together"),
        (("search", "--best", "2"), "--best K needs --committee"),
        (("download", "--synthetic", "--check"), "--check verifies MNIST"),
        (("diff", "x", "x=one"), "expected a name and a number, as in x=0.5; found 'x=one'"),
        (("plot", "weights", "--out", "png"), "ends in .png, .svg or .pdf; found png"),
        (("plot", "weights", "test:0"), "plot weights takes no pictures; only plot units does"),
        (("plot", "units", *2 * ("--weights", "a")), "plot units takes one --weights"),
        (("eval", "--data", "~nobody-of-this-name/out"), "there is no home folder for"),
        *(
            (("import", "x", "--out", "y", "--labels", text), f"found {text!r}")
            for text in ("", "5=10")
        ),
        *(
            (("import", "x", "--out", "y", "--name", text), "1 to 100 printable")
            for text in ("", "a\nb")
        ),
    ],
)
def test_wrong_usage_exits_2(words: tuple[str, ...], message: str) -> None:
    result = run(*words)
    assert (result.stdout, result.exit_code, message in result.stderr) == ("", 2, True)
    assert result.stderr.count("Usage: ") == 1


@pytest.mark.parametrize(
    ("words", "completion"),
    [
        ("gradc", "plain,gradcheck"),
        ("train --learning", "plain,--learning-rate"),
        ("eval --weights a", "file,a"),
        ("train --data a", "dir,a"),
    ],
)
def test_a_shell_completes_commands_options_and_file_names(
    words: str, completion: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_MNISTNET_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"mnistnet {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    assert run().stdout == f"{completion}\n"
    monkeypatch.setenv("_MNISTNET_COMPLETE", "zsh_source")  # for ~/.zshrc
    assert run().stdout.startswith("#compdef mnistnet\n")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(24, "Too many open files", "/etc/x"), "[Errno 24] Too many open files: '/etc/x'"),
        (MemoryError(), "there is not enough memory for this"),
    ],
)
def test_an_error_of_the_system_is_one_line(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(info, "info_text", fail)
    result = run("info", "--quiet")
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"Error: {message}\n", 1)


@posix_only("needs signals")
@pytest.mark.parametrize("place", ["parse_args", "resolve_command"])
def test_ctrl_c_before_a_command_begins_is_an_interruption(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.Program, place, lambda *_, **__: os.kill(os.getpid(), 2))
    result = run("info")
    assert (result.stderr.strip(), result.exit_code) == ("Interrupted", 130)

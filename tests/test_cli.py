"""mnistnet itself: help, usage errors, shell completion."""

import re
import sys
import textwrap
from pathlib import Path

import pytest
from program import program, run

from mnistnet import __version__, cli


@pytest.mark.parametrize("name", [None, *cli.COMMANDS])
def test_every_command_and_option_has_help(name: str | None) -> None:
    result = run(*([name] if name else []), "-h")
    assert result.exit_code == 0
    command = cli.load_command(name) if name else cli.main
    assert all(
        parameter.help for parameter in command.params if parameter.param_type_name == "option"
    )
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_summary_is_the_first_sentence_of_the_commands_help(name: str) -> None:
    command = cli.load_command(name)
    assert command.name == name
    assert cli.main.commands[name].get_short_help_str() == command.get_short_help_str(200)


def test_wrong_usage_exits_2() -> None:
    for words in (["none"], ["train", "--epochs", "0"], ["predict"], ["eval", "--split", "all"]):
        result = run(*words)
        assert result.exit_code == 2
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("--lr", "'--learning-rate'"),
        ("--learn", "'--learning-rate'"),
        ("--wd=0", "'--weight-decay'"),
        ("--d", "'--data' or '--drawn'"),
        ("--epohcs", "'--epochs'"),
    ],
)
def test_an_unknown_option_suggests_the_one_it_abbreviates(given: str, meant: str) -> None:
    result = run("train", given)
    assert result.exit_code == 2
    assert result.stderr.endswith(f" Did you mean {meant}?\n")


def test_an_unknown_option_without_a_similar_one_gets_no_suggestion() -> None:
    assert "mean" not in run("train", "--zzz").stderr
    assert "mean" not in run("train", "-x").stderr


def test_a_misspelled_command_suggests_the_right_one() -> None:
    assert "Did you mean 'train'?" in run("trian").stderr


CODE = "import sys; sys.argv[0] = 'mnistnet'; from mnistnet.__main__ import main; main()"
NAMED = (sys.executable, "-c", CODE)  # not `python -m mnistnet`

COMPLETIONS = [
    ("gradc", "plain,gradcheck"),
    ("eval --split va", "plain,validation"),
    ("train --learning", "plain,--learning-rate"),
    ("eval --weights a", "file,a"),
    ("train --data a", "dir,a"),
    ("predict a", "file,a"),
    ("plot units a", "file,a"),
]


@pytest.mark.parametrize(("words", "completion"), COMPLETIONS)
def test_a_shell_completes_commands_options_and_file_names(words: str, completion: str) -> None:
    result = program(
        command=NAMED,
        _MNISTNET_COMPLETE="bash_complete",
        COMP_WORDS=f"mnistnet {words}",
        COMP_CWORD=str(len(words.split())),
    )
    assert (result.stdout, result.stderr) == (f"{completion}\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_malformed_completion_requests_print_no_traceback(shell: str) -> None:
    request = {"_MNISTNET_COMPLETE": f"{shell}_complete"}
    for variables in (request, request | {"COMP_WORDS": "mnistnet 'tr", "COMP_CWORD": "x"}):
        assert "Traceback" not in program(command=NAMED, **variables).stderr
    words = {"COMP_WORDS": "mnistnet gradc", "COMP_CWORD": "gradc" if shell == "fish" else "1"}
    assert "gradcheck" in program(command=NAMED, **request | words).stdout
    source = program(command=NAMED, _MNISTNET_COMPLETE=f"{shell}_source")
    assert (source.exit_code, "_mnistnet_completion" in source.stdout) == (0, True)


def test_help_loads_only_what_it_needs() -> None:
    code = (
        "import runpy, sys; sys.argv = ['mnistnet', '--help']\n"
        "try: runpy.run_module('mnistnet', run_name='__main__')\n"
        "except SystemExit: print(*sorted(sys.modules))"
    )
    result = program(command=(sys.executable, "-c", code))
    assert result.stderr == ""
    *text, modules = result.stdout.splitlines()
    assert text[0].startswith("Usage: ")
    assert not {"numpy", "PIL", "requests", "tqdm"} & set(modules.split())
    assert [name for name in modules.split() if name.startswith("mnistnet.")] == [
        "mnistnet.cli",
        "mnistnet.cli.streams",
        "mnistnet.errors",
    ]


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str) -> None:
    assert run(option).stdout == f"mnistnet, version {__version__}\n"


def test_the_readme_shows_the_help_of_the_program() -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^    \$ mnistnet (.*--help)\n((?:    .*\n|\n(?=    ))+)", readme, re.M)
    assert shown
    for words, text in shown:
        printed = program(*words.split(), command=NAMED, COLUMNS="80").stdout
        assert textwrap.dedent(text).rstrip() == printed.rstrip()

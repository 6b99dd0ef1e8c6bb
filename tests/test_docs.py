"""What the README, the docs and the help show: commands parse, files exist, Python runs, and the
examples of the course notes print what the page says."""

import base64
import doctest
import json
import re
import shlex
import shutil
import textwrap
from itertools import takewhile
from pathlib import Path

import click
import numpy as np
import pytest
from conftest import make_digits
from PIL import Image
from program import program, run, write_idx

from mnistnet import cli
from mnistnet.data import mnist

ROOT = Path(__file__).parents[1]
PROGRAM = click.Context(cli.main, info_name="mnistnet", **cli.main.context_settings)
COMMANDS = {name: cli.load_command(name) for name in cli.COMMANDS}
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
TEXTS = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in sorted(PAGES)}
TEXTS |= {f"{name} --help": command.help or "" for name, command in COMMANDS.items()}
FENCED = re.compile(r"^```(?P<language>.*)\n(?P<code>(?:.*\n)*?)```$", re.MULTILINE)
INDENTED = re.compile(r"^(?: {4}|  (?=mnistnet ))(?P<code>.+)$", re.MULTILINE)  # 2 spaces: --help
TARGETS = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

each_page = pytest.mark.parametrize("page", TEXTS)


def python_blocks(page: str) -> list[str]:
    return [
        block["code"] for block in FENCED.finditer(TEXTS[page]) if block["language"] == "python"
    ]


def code_lines(page: str) -> list[str]:
    blocks = [match["code"] for code in (FENCED, INDENTED) for match in code.finditer(TEXTS[page])]
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def inline_code(page: str) -> list[str]:
    prose = INDENTED.sub("", FENCED.sub("", TEXTS[page]))
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]


def words(line: str) -> list[str]:
    """The words of a command, up to a comment, a pipe or a redirection."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return [word.strip("[]") for word in takewhile(lambda word: word[0] not in "|<>;&", lexer)]


def fault(name: str, args: list[str], is_complete: bool) -> str | None:
    """Why click rejects a command, or None. FILE and 1,2,... stand for any value."""
    values = ["1" if re.fullmatch(r"[A-Z_]+|.*\.\.\.", arg) else arg for arg in args]
    if name not in COMMANDS:
        return None if name.isupper() or name.startswith("-") else f"there is no command {name}"
    try:
        COMMANDS[name].make_context(name, list(values), parent=PROGRAM)
    except click.exceptions.Exit:  # of --help
        return None
    except (click.MissingParameter, click.BadOptionUsage) as error:
        return f"{name}: {error.format_message()}" if is_complete else None
    except click.UsageError as error:
        is_value = isinstance(error, click.BadParameter)
        return None if is_value and values != args else f"{name}: {error.format_message()}"
    return None


@each_page
def test_every_command_parses(page: str) -> None:
    lines = [words(line) for line in code_lines(page) if line.startswith("mnistnet ")]
    faults = [fault(name, args, is_complete=True) for _, name, *args in lines]
    for code in inline_code(page):
        command = code.removeprefix("mnistnet ")
        if code.startswith("--"):  # is an option of some command
            found = [fault(name, words(code), is_complete=False) for name in COMMANDS]
            faults += [code] if all(found) else []
        elif command != code or command.split()[0] in COMMANDS:
            name, *args = words(command)
            faults.append(fault(name, args, is_complete=False))
    assert [each for each in faults if each] == []


@each_page
def test_every_script_target_and_link_exists(page: str) -> None:
    code = [*code_lines(page), *inline_code(page)]
    scripts = [name for line in code for name in re.findall(r"^python ([\w/.]+\.py)\b", line)]
    targets = [word for line in code if line.startswith("make ") for word in words(line)[1:]]
    links = [link for link in re.findall(r"\]\(([^)#]+)", TEXTS[page]) if "://" not in link]
    assert [name for name in scripts if not (ROOT / name).exists()] == []
    assert [name for name in targets if name not in TARGETS and "=" not in name] == []
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", [page for page in TEXTS if python_blocks(page)])
def test_the_python_blocks_run(page: str, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one script, in a folder with a digit.png, where MNIST is the tiny set."""
    monkeypatch.setenv("MNISTNET_DATA", str(tiny))
    image = mnist.load(tiny, "test").images[7].reshape(28, 28)
    Image.fromarray(np.kron(image, np.ones((4, 4), np.uint8))).save("digit.png")
    exec(compile("\n".join(python_blocks(page)), page, "exec"), {})


NOTES = (ROOT / "docs/notes.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^    \$ mnistnet (.+)\n((?:    .+\n|\n(?=    ))+)", NOTES, re.MULTILINE)


@pytest.mark.parametrize(("line", "output"), SHOWN)
def test_the_commands_of_the_notes_print_what_the_page_says(
    line: str, output: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not line.startswith("diff"):
        monkeypatch.setenv("MNISTNET_DATA", str(request.getfixturevalue("real_mnist")))
    result = run(*shlex.split(line))
    expected = textwrap.dedent(output).strip() + "\n"
    printed = (result.stdout or result.stderr).strip() + "\n"
    assert doctest.OutputChecker().check_output(expected, printed, doctest.ELLIPSIS), printed


def test_the_python_of_the_notes_prints_what_the_page_says() -> None:
    examples = doctest.DocTestParser().get_doctest(NOTES, {}, "notes.md", None, 0)
    assert doctest.DocTestRunner().run(examples) == (0, 12)


def test_the_lesson_works_word_for_word(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On drawn digits. In step 4 the edit of the source is what runs."""
    images, labels = make_digits(300, 9)
    write_idx(tiny / "t10k-images-idx3-ubyte", images)
    write_idx(tiny / "t10k-labels-idx1-ubyte", labels)
    Path("drawings").mkdir()
    for writer in range(6):
        drawings = [
            {"label": int(labels[k]), "image": base64.b64encode(images[k].tobytes()).decode()}
            for k in range(writer, len(images), 6)
        ]
        saved = {"mnistnet": "drawings", "version": 1, "writer": "", "drawings": drawings}
        Path(f"drawings/{writer}.json").write_text(json.dumps(saved), encoding="utf-8")
    monkeypatch.setenv("MNISTNET_DATA", str(tiny))
    lesson = (ROOT / "docs/teaching.md").read_text(encoding="utf-8").partition("## A lesson")[2]
    lines = re.findall(r"^ {7}mnistnet (.+)$", lesson, re.MULTILINE)
    done = {line: run(*shlex.split(line)).exit_code for line in lines}
    assert done == dict.fromkeys(lines, 0)
    copy = Path(shutil.copytree(ROOT / "mnistnet", "source/mnistnet"))
    [name, factor] = re.search(r"in `mnistnet/(.+?)`, remove `(.+?)`", lesson).groups()
    text = (copy / name).read_text(encoding="utf-8")
    assert text.count(factor) == 1
    (copy / name).write_text(text.replace(factor, ""), encoding="utf-8")
    result = program("gradcheck", "--weights", "ten.npz", PYTHONPATH="source")
    assert (result.stdout.count(" does not agree"), result.exit_code) == (2, 1)

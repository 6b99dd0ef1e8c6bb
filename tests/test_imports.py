"""Modules import only what the design allows, so that each can be read and tested alone."""

import ast
import re
from pathlib import Path

import pytest

import mnistnet

TOP = Path(mnistnet.__file__).parent
# What each package or top-level module may import from mnistnet.
BASE = {"__init__", "arguments", "arrays", "files", "errors", "executors", "notebook"}
ALLOWED = {
    "__init__": {"api", "errors", "model", "trainer"},  # model for types only
    "__main__": {"cli"},
    "api": BASE | {"data", "image", "judgement", "model"},
    "trainer": BASE | {"api", "data", "image", "model"},
    "judgement": {"arrays", "image", "model"},
    "arguments": {"errors"},
    "arrays": set(),
    "files": {"errors"},
    "errors": set(),
    "executors": BASE,
    "notebook": {"arrays"},
    "cli": BASE | {"api", "cli", "data", "image", "model", "report", "trainer"},
    "data": BASE | {"data", "image"},
    "image": BASE | {"image"},
    "model": BASE | {"model"},
    "report": BASE | {"model", "report"},
    "report/page": BASE | {"image", "model", "report"},
}
MODULES = sorted(path.relative_to(TOP) for path in TOP.rglob("*.py"))


def imported(path: Path) -> list[str]:
    """All modules that a file imports, also inside functions."""
    names = []
    for node in ast.walk(ast.parse((TOP / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_only_what_is_allowed(path: Path) -> None:
    folder = path.parent.as_posix()
    part = folder if folder in ALLOWED else path.parts[0].removesuffix(".py")
    for name in imported(path):
        top, *others = name.split(".")
        if top == "mnistnet":
            target = others[0] if others else "__init__"
            is_package = (TOP / target).exists() or (TOP / f"{target}.py").exists()
            assert (target if is_package else "__init__") in ALLOWED[part], name
        if top in ("click", "tqdm"):
            assert part == "cli", name


def test_the_library_leaves_the_state_of_the_process_alone() -> None:  # for threads
    changes = "catch_warnings|dup2|chdir|np.seterr|random.seed|set_printoptions|sys.std... ="
    for path in (path for path in MODULES if path.parts[0] != "cli"):
        assert not re.search(changes, (TOP / path).read_text(encoding="utf-8")), path

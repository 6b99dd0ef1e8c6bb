"""Modules import only what the design allows, so each can be read and tested by itself."""

import ast
from pathlib import Path

import pytest

import mnistnet

TOP = Path(mnistnet.__file__).parent
# What each package, or module beside them, may import of mnistnet.
BASE = {"__init__", "arrays", "atomic", "errors", "processes"}
ALLOWED = {
    "__init__": {"api"},
    "__main__": {"cli"},
    "api": BASE | {"data", "image", "model"},
    "arrays": set(),
    "atomic": {"errors"},
    "errors": set(),
    "processes": BASE,
    "cli": BASE | {"api", "cli", "data", "image", "model", "report"},
    "data": BASE | {"data", "image"},
    "image": BASE | {"image"},
    "model": BASE | {"model"},
    "report": BASE | {"model", "report"},
}
MODULES = sorted(path.relative_to(TOP) for path in TOP.rglob("*.py"))


def imported(path: Path) -> list[str]:
    """Every module that a file imports, anywhere in it."""
    names = []
    for node in ast.walk(ast.parse((TOP / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_imports_what_it_may(path: Path) -> None:
    part = path.parts[0].removesuffix(".py")
    for name in imported(path):
        top, *others = name.split(".")
        if top == "mnistnet":
            target = others[0] if others else "__init__"
            is_package = (TOP / target).exists() or (TOP / f"{target}.py").exists()
            assert (target if is_package else "__init__") in ALLOWED[part], name
        if top in ("click", "tqdm"):
            assert part == "cli", name


def test_no_modules_import_each_other_in_a_circle() -> None:
    """At the top of the files; what a function imports is loaded when all modules are."""
    names = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES
    }
    uses: dict[str, set[str]] = {}
    for name, path in names.items():
        found = set()
        for node in ast.parse((TOP / path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("mnistnet"):
                module = str(node.module).removeprefix("mnistnet").removeprefix(".")
                for alias in node.names:
                    longer = f"{module}.{alias.name}".removeprefix(".")
                    found.add(longer if longer in names else module or "__init__")
        uses[name] = found - {name, "__init__"}
    while uses:
        free = [name for name, used in uses.items() if not used & uses.keys()]
        assert free, f"a circle among {sorted(uses)}"
        for name in free:
            del uses[name]

"""Parse untrusted text into a syntax tree of arithmetic and known names.

Characters, length, nesting and names are checked before the text reaches Python's parser; nothing
is ever evaluated as Python.
"""

import ast
import keyword
import math
import re
from collections.abc import Mapping
from typing import NoReturn

from mnistnet.errors import ExpressionError

MAX_CHARACTERS = 1_000
MAX_OPERATIONS = 200
MAX_NESTING = 50  # parentheses
SHOWN = 60  # characters of the expression in an error

FUNCTIONS = ("exp", "log", "sin", "cos", "tanh", "logistic")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
NUMBER = r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
TOKEN = re.compile(rf"{NUMBER}|{NAME.pattern}|\*\*|[-+*/() ]|(?P<other>.)", re.ASCII | re.DOTALL)
EXAMPLES = "write for example 2 * x, exp(x) or x**2"


def check_values(values: Mapping[str, float]) -> None:
    """Raise ExpressionError unless values has at most MAX_OPERATIONS valid names, all finite."""
    if len(values) > MAX_OPERATIONS:
        raise ExpressionError(f"expected at most {MAX_OPERATIONS} values; found {len(values):,}")
    for name, value in values.items():
        if not NAME.fullmatch(name) or keyword.iskeyword(name) or name in FUNCTIONS:
            found = f"{name[:SHOWN]!r}{', a function' * (name in FUNCTIONS)}"
            raise ExpressionError(f"expected a name of letters, digits and _; found {found}")
        if not math.isfinite(value):
            raise ExpressionError(f"expected a finite value for {name[:SHOWN]}; found {value}")


def parse(text: str, names: Mapping[str, float]) -> ast.expr:
    """Return the syntax tree of an expression in these names; raises ExpressionError."""
    if not 0 < len(text) <= MAX_CHARACTERS:
        limits = f"1 to {MAX_CHARACTERS:,} characters"
        raise ExpressionError(f"expected an expression of {limits}; found {len(text):,}")
    operations = depth = 0
    for token in TOKEN.finditer(text):
        word, (start, end) = token[0], token.span()
        if token["other"]:
            hint = "; powers are written x**2" * (word == "^")
            fail(text, start, end, f"unexpected {word!r} in the expression{hint}")
        if NAME.match(word) and word not in names and word not in FUNCTIONS:
            known = f"give its value, as in {word[:SHOWN]}=1, or use {', '.join(FUNCTIONS)}"
            fail(text, start, end, f"unknown name in the expression; {known}")
        operations += word in FUNCTIONS or word in ("+", "-", "*", "/", "**")
        depth += (word == "(") - (word == ")")
        if operations > MAX_OPERATIONS or depth > MAX_NESTING:
            limits = f"{MAX_OPERATIONS} operations and {MAX_NESTING} nested parentheses"
            fail(text, start, end, f"expected at most {limits}; found more")
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        at = max((error.offset or 1) - 1, 0)
        fail(text, at, at + 1, f"this is not an expression ({error.msg}); {EXAMPLES}")


def fail(text: str, start: int, end: int, message: str) -> NoReturn:
    """Raise ExpressionError with the position marked in the text."""
    first = max(0, start - SHOWN // 2)
    marks = "^" * max(1, min(end, first + SHOWN) - start)
    shown = text[first : first + SHOWN]
    raise ExpressionError(f"{message}\n  {shown}\n  {' ' * (start - first)}{marks}")

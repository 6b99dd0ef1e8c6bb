"""Any exception of another library is described in one line."""

import pytest

from mnistnet.errors import reason


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file or directory", "name"), "No such file or directory"),
        (OSError("cannot identify"), "cannot identify"),
        (ValueError("too large\nTo allow it, adjust"), "too large"),
        (AssertionError(), "AssertionError"),
        (KeyError("\n"), "'\\n'"),
    ],
)
def test_the_reason_is_one_line(error: Exception, text: str) -> None:
    assert reason(error) == text

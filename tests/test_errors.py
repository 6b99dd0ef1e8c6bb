"""An error of another library is told in one line, whatever it says."""

import pytest

from mnistnet.errors import reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory", "name"), "No such file or directory"),
        (OSError("cannot identify"), "cannot identify"),
        (ValueError("too large\nTo allow it, adjust"), "too large"),
        (AssertionError(), "AssertionError"),
        (KeyError("\n"), "'\\n'"),
    ],
)
def test_the_reason_is_one_line(error: Exception, words: str) -> None:
    assert reason(error) == words

"""Fixtures that the tests of several commands share."""

from pathlib import Path

import pytest
from program import QUICK, run


@pytest.fixture
def trained(tiny: Path) -> Path:
    """The tiny set; mnistnet.npz in the current folder was trained on it."""
    assert run(*QUICK, "--data", tiny).exit_code == 0
    return tiny

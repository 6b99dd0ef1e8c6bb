"""A file is written completely or not at all; any exception is described in one line."""

import os
from pathlib import Path

import pytest
from program import make_link, posix_only

from mnistnet.errors import MnistnetError, reason
from mnistnet.files import atomic_write


def test_a_new_file_has_default_permissions_and_its_bytes_at_the_end(tmp_path: Path) -> None:
    target, other = tmp_path / "file", tmp_path / ".mnistnet-0123456789abcdef.part"
    other.write_bytes(b"half")  # of another writer
    with atomic_write(target) as stream:
        stream.write(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode == other.stat().st_mode
    assert other.read_bytes() == b"half"


def test_the_target_of_a_symbolic_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    make_link(tmp_path / "link", "file")
    with atomic_write(tmp_path / "link") as stream:
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


@posix_only("needs file permissions")
def test_a_private_file_is_private_at_all_times(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    for mode in (0o600, 0o664):
        target.chmod(mode)
        with atomic_write(target) as stream:
            stream.write(b"new")
            modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        assert modes == {mode}
        assert target.stat().st_mode & 0o777 == mode


@posix_only("Windows limits paths, not names")
def test_the_longest_possible_name_is_written(tmp_path: Path) -> None:
    with atomic_write(tmp_path / ("a" * 255)) as stream:
        stream.write(b"new")


@posix_only("needs /dev/null")
def test_a_device_is_never_replaced() -> None:
    with pytest.raises(MnistnetError, match="a device"), atomic_write(Path(os.devnull)):
        pass
    assert Path(os.devnull).is_char_device()


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

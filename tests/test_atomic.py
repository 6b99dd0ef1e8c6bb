"""A file is written whole or not at all."""

import os
from pathlib import Path

import pytest

from mnistnet.atomic import atomic_write, check_writable
from mnistnet.errors import MnistnetError


def test_the_new_bytes_replace_the_old_ones(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with atomic_write(target) as stream:
        stream.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_interruption_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, interruption: type[BaseException]
) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(interruption), atomic_write(target) as stream:
        stream.write(b"half")
        raise interruption
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_one_error_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "file"
    target.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(MnistnetError) as caught, atomic_write(target) as stream:
        stream.write(b"new")
    assert str(caught.value) == f"cannot write {target}: No space left on device"
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic_write(tmp_path / "file") as stream:
        stream.write(b"new")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    with atomic_write(tmp_path / "link") as stream:
        stream.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_two_writers_at_once_both_succeed_and_the_last_one_stays(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with atomic_write(target) as first:
        with atomic_write(target) as second:
            second.write(b"second")
        first.write(b"first")
    assert target.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["file"]


def test_the_part_of_a_killed_writer_is_removed_by_the_next_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    dead = tmp_path / ".mnistnet-0123456789abcdef.part"
    others = [tmp_path / ".mnistnet-notes.part", tmp_path / "mnistnet-0123456789abcdef.part"]
    for path in (dead, *others):
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    with atomic_write(tmp_path / "a") as stream:
        stream.write(b"new")
        stream.flush()
        (mine,) = set(tmp_path.iterdir()) - {*others}  # the dead one is gone
        os.utime(mine, (0, 0))
        with atomic_write(tmp_path / "b") as other:
            other.write(b"other")
    assert set(tmp_path.iterdir()) == {*others, tmp_path / "a", tmp_path / "b"}
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_pipe_with_the_name_of_a_part_is_let_alone(tmp_path: Path) -> None:
    pipe = tmp_path / ".mnistnet-0123456789abcdef.part"
    os.mkfifo(pipe)
    with atomic_write(tmp_path / "a"):
        pass
    assert pipe.is_fifo()


def test_a_part_that_is_as_new_as_can_be_may_have_a_writer(tmp_path: Path) -> None:
    new = tmp_path / ".mnistnet-0123456789abcdef.part"
    with atomic_write(tmp_path / "a"):
        new.touch()
    with atomic_write(tmp_path / "b"):
        pass
    assert new.exists()


def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(MnistnetError, match=r"none/file: there is no folder .*none$"):
        check_writable(tmp_path / "none" / "file")
    with pytest.raises(MnistnetError, match="it is a folder or a device, not a file$"):
        check_writable(tmp_path)


def test_a_folder_without_permission_is_said_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # as root, every folder is writable
    with pytest.raises(MnistnetError) as caught:
        check_writable(tmp_path / "file")
    assert str(caught.value) == (
        f"cannot write {tmp_path / 'file'}: the folder {tmp_path} is not writable"
    )


def test_a_name_too_long_and_links_in_a_circle_are_said_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(MnistnetError, match="File name too long$"):
        check_writable(tmp_path / ("a" * 300))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(MnistnetError, match="^cannot write .*loop: "):
        check_writable(tmp_path / "loop")
    with atomic_write(tmp_path / ("a" * 255)) as stream:  # the longest name that can be
        stream.write(b"new")


def test_a_device_is_never_replaced() -> None:
    with pytest.raises(MnistnetError, match="a device"), atomic_write(Path(os.devnull)):
        pass
    assert Path(os.devnull).is_char_device()

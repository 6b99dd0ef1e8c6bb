"""Write a file completely or not at all.

The new bytes are written beside the target under a name nobody else uses, flushed to the disk, and
only then take the target's name. Whatever happens before that (an error, Ctrl-C, a full disk), the
file that was there is untouched and the part is removed; two writers at once do not disturb each
other. A writer that is killed leaves its part, `.mnistnet-....part`, which nothing else touches.
"""

import filecmp
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mnistnet.errors import MnistnetError, reason

PARTS = ".mnistnet-*.part"  # what killed writers leave


def _refuse(path: Path) -> None:
    raise MnistnetError(
        f"cannot write {path}: a file of that name has appeared or changed meanwhile; it is left "
        "as it is"
    )


@contextmanager
def atomic_write(
    path: Path,
    may_replace: Callable[[Path], None] = _refuse,
    like: Path | None = None,
    new: bool = False,
) -> Iterator[BinaryIO]:
    """A binary stream whose bytes become the file at path when the block ends without error.

    The file keeps the permissions of the one it replaces; a new one has those of the file `like`,
    if there is one, else of any new file (0666 less the umask). A symbolic link is followed. What
    is at path at the end is replaced if it was there at the beginning or has the same bytes; else
    may_replace(path) decides, which raises MnistnetError to keep it. With new, nothing counts as
    there at the beginning. Raises MnistnetError where the file cannot be written.
    """
    target = check_writable(path)
    part = target.with_name(f".mnistnet-{os.urandom(8).hex()}.part")
    try:
        before = _status(target)
        model = before or (_status(like) if like else None)
        mode = stat.S_IMODE(model.st_mode) if model else None
        with open(part, "xb", opener=_opener(mode)) as stream:
            if mode is not None:
                part.chmod(mode)  # what the umask took away
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        now = _status(target)
        if now and (new or not _same(before, now)) and not filecmp.cmp(part, target, shallow=False):
            may_replace(path)
        part.replace(target)
    except OSError as error:
        raise MnistnetError(f"cannot write {path}: {reason(error)}") from error
    finally:
        part.unlink(missing_ok=True)


def _opener(mode: int | None) -> Callable[[str, int], int]:
    """So that a private file is private from its first byte on."""
    return lambda name, flags: os.open(name, flags, 0o666 if mode is None else mode)


def _status(target: Path) -> os.stat_result | None:
    return target.stat() if target.exists() else None


def _same(before: os.stat_result | None, now: os.stat_result) -> bool:
    """Whether it is the same file with the same content."""
    return before is not None and all(
        getattr(before, name) == getattr(now, name)
        for name in ("st_dev", "st_ino", "st_size", "st_mtime_ns")
    )


def check_writable(path: Path) -> Path:
    """Raise MnistnetError now where atomic_write(path) would fail only after the work is done.

    Returns the file that path leads to, links followed.
    """
    try:
        target = Path(os.path.realpath(path))
        folder = target.parent
        if target.is_symlink():  # realpath stops at one that leads back to itself
            raise MnistnetError(f"cannot write {path}: its links lead in a circle")
        if not folder.is_dir():
            raise MnistnetError(f"cannot write {path}: there is no folder {folder}")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise MnistnetError(f"cannot write {path}: the folder {folder} is not writable")
        if target.exists() and not target.is_file():
            raise MnistnetError(f"cannot write {path}: it is a folder or a device, not a file")
        if target.exists() and not os.access(target, os.W_OK):  # which renaming would not mind
            raise MnistnetError(f"cannot write {path}: it is read-only")
        if target.exists() and not _may_rename_over(target, folder):
            raise MnistnetError(
                f"cannot write {path}: it belongs to someone else, and in {folder} only its owner "
                "may replace it"
            )
    except OSError as error:  # a name too long, say
        raise MnistnetError(f"cannot write {path}: {reason(error)}") from error
    return target


def _may_rename_over(target: Path, folder: Path) -> bool:
    """Whether a sticky folder, such as /tmp, lets this user replace the file."""
    status = folder.stat()
    if not status.st_mode & stat.S_ISVTX:
        return True
    return os.geteuid() in (0, status.st_uid, target.stat().st_uid)


def make_folder(path: Path) -> None:
    """Make it, and the folders it is in; raises MnistnetError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MnistnetError(f"cannot make the folder {path}: {reason(error)}") from error

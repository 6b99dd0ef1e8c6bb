"""Write files atomically: completely or not at all.

The bytes go to a temporary file with a random name in the same folder, which is flushed to disk and
then renamed. If anything fails before that (an error, Ctrl-C, a full disk), the target is unchanged
and the temporary file is removed. A killed writer leaves its temporary file, `.mnistnet-*.part`.
"""

import filecmp
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mnistnet.errors import MnistnetError, reason

PARTS = ".mnistnet-*.part"  # temporary files left by killed writers


def _refuse(path: Path) -> None:
    raise MnistnetError(
        f"cannot write {path}: the file was created or changed in the meantime, and is not replaced"
    )


@contextmanager
def atomic_write(
    path: Path,
    may_replace: Callable[[Path], None] = _refuse,
    like: Path | None = None,
    new: bool = False,
) -> Iterator[BinaryIO]:
    """Open a binary stream that becomes the file at path when the block ends without error.

    A symbolic link is followed. The file keeps the permissions of the one it replaces; a new file
    gets those of the file `like`, if it exists, else the default ones (0666 less the umask). If the
    file at path was created or changed during the block, and its bytes differ from the new ones,
    may_replace(path) is called; it raises MnistnetError to keep that file. With new, the same goes
    for a file that existed before. Raises MnistnetError if the file cannot be written.
    """
    target = check_writable(path)
    part = target.with_name(f".mnistnet-{os.urandom(8).hex()}.part")
    try:
        before = _status(target)
        model = before or (_status(like) if like else None)
        mode = stat.S_IMODE(model.st_mode) if model else None
        with open(part, "xb", opener=_opener(mode)) as stream:
            if mode is not None:
                part.chmod(mode)  # undoes the umask
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
    """Return an opener that creates the file with this mode, so that it is private at once."""
    return lambda name, flags: os.open(name, flags, 0o666 if mode is None else mode)


def _status(target: Path) -> os.stat_result | None:
    return target.stat() if target.exists() else None


def _same(before: os.stat_result | None, now: os.stat_result) -> bool:
    """Whether the file is the same and unchanged."""
    return before is not None and all(
        getattr(before, name) == getattr(now, name)
        for name in ("st_dev", "st_ino", "st_size", "st_mtime_ns")
    )


def check_writable(path: Path) -> Path:
    """Raise MnistnetError if atomic_write(path) would fail, before any work is done.

    Returns path with its symbolic links resolved.
    """
    try:
        target = Path(os.path.realpath(path))
        folder = target.parent
        if target.is_symlink():  # where realpath stops in a loop
            raise MnistnetError(f"cannot write {path}: its symbolic links form a loop")
        if not folder.is_dir():
            raise MnistnetError(f"cannot write {path}: there is no folder {folder}")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise MnistnetError(f"cannot write {path}: the folder {folder} is not writable")
        if target.exists() and not target.is_file():
            raise MnistnetError(f"cannot write {path}: it is a folder or a device, not a file")
        if target.exists() and not os.access(target, os.W_OK):  # a rename would succeed
            raise MnistnetError(f"cannot write {path}: it is read-only")
        if target.exists() and not _may_rename_over(target, folder):
            raise MnistnetError(
                f"cannot write {path}: it belongs to another user, and only its owner may replace "
                f"a file in {folder}"
            )
    except OSError as error:  # such as a name that is too long
        raise MnistnetError(f"cannot write {path}: {reason(error)}") from error
    return target


def _may_rename_over(target: Path, folder: Path) -> bool:
    """Whether this user may replace the file, also in a sticky folder such as /tmp."""
    status = folder.stat()
    if not status.st_mode & stat.S_ISVTX:
        return True
    return os.geteuid() in (0, status.st_uid, target.stat().st_uid)


def make_folder(path: Path) -> None:
    """Create a folder and its parents; raises MnistnetError if that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MnistnetError(f"cannot create the folder {path}: {reason(error)}") from error

"""Write a file whole or not at all.

The new bytes are written beside the target under a name nobody else uses, flushed to the disk, and
only then take the target's name. Whatever happens before that (an error, Ctrl-C, a full disk), the
file that was there is untouched and the part is removed; two writers at once both succeed. The part
of a writer that was killed is removed by the next one in its folder.
"""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mnistnet.errors import MnistnetError, reason

if sys.platform != "win32":
    from fcntl import LOCK_EX, LOCK_NB, flock

PARTS = f".mnistnet-{'[0-9a-f]' * 16}.part"


@contextmanager
def atomic_write(path: Path, new: bool = False) -> Iterator[BinaryIO]:
    """A binary stream whose bytes become the file at path when the block ends without error.

    The file gets the permissions of any new file (0666 less the umask). A symbolic link is
    followed. Raises MnistnetError where the file cannot be written; with new, also where there is
    one at the path by the end, which is kept.
    """
    target = check_writable(path)
    part = target.with_name(f".mnistnet-{os.urandom(8).hex()}.part")
    try:
        _remove_parts(target.parent)
        with part.open("xb") as stream:
            _lock(stream)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if new:
            _name_new(part, target)
        else:
            part.replace(target)
    except OSError as error:
        raise MnistnetError(f"cannot write {path}: {reason(error)}") from error
    finally:
        part.unlink(missing_ok=True)


def _name_new(part: Path, target: Path) -> None:
    """Give the part the target's name; raises FileExistsError where another file has it."""
    try:
        os.link(part, target)  # unlike a rename, it fails where there is such a file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        part.replace(target)


def _lock(stream: BinaryIO) -> bool:
    """Lock the file for as long as it is open, and thus for as long as its writer lives; False
    where another has."""
    if sys.platform == "win32":
        return False
    try:
        flock(stream, LOCK_EX | LOCK_NB)
    except OSError:  # or a file system without locks
        return False
    return True


def _remove_parts(folder: Path) -> None:
    """Remove what killed writers left: parts that are not locked, and not so new that they are just
    about to be."""
    for part in folder.glob(PARTS):
        if not part.is_file():  # a pipe would be waited for
            continue
        with suppress(OSError), part.open("rb") as stream:
            if time.time() - os.fstat(stream.fileno()).st_mtime > 1 and _lock(stream):
                part.unlink()


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
    except OSError as error:  # a name too long, say
        raise MnistnetError(f"cannot write {path}: {reason(error)}") from error
    return target


def make_folder(path: Path) -> None:
    """Make it, and the folders it is in; raises MnistnetError where that cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MnistnetError(f"cannot make the folder {path}: {reason(error)}") from error

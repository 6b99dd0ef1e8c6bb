"""Write files atomically: completely or not at all.

The bytes go to a temporary file with a random name in the same folder, which is flushed to disk and
then renamed. If anything fails before that (an error, Ctrl-C, a full disk), the target is unchanged
and the temporary file is removed. A killed writer leaves its temporary file, `.mnistnet-*.part`.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mnistnet.errors import MnistnetError, reason

PARTS = ".mnistnet-*.part"  # temporary files left by killed writers


@contextmanager
def atomic_write(path: Path, like: Path | None = None) -> Iterator[BinaryIO]:
    """Open a binary stream that becomes the file at path when the block ends without error.

    A symbolic link is followed. The file keeps the permissions of the one it replaces; a new file
    gets those of the file `like`, if it exists, else the default ones (0666 less the umask). Raises
    MnistnetError if the file cannot be written.
    """
    target = check_writable(path)
    part = target.with_name(f".mnistnet-{os.urandom(8).hex()}.part")
    try:
        model = next((file for file in (target, like) if file and file.exists()), None)
        mode = stat.S_IMODE(model.stat().st_mode) if model else 0o666
        # created with this mode, so that a private file is private at once
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
            if model:
                part.chmod(mode)  # undoes the umask
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except OSError as error:
        raise MnistnetError(f"cannot write {path}: {reason(error)}") from error
    finally:
        part.unlink(missing_ok=True)


def check_writable(path: Path) -> Path:
    """Return path with its symbolic links resolved; raise MnistnetError if atomic_write(path) would
    fail, before any work is done."""
    fault = None
    try:
        target = Path(os.path.realpath(path))
        folder = target.parent
        if not folder.is_dir():
            fault = f"there is no folder {folder}"
        elif not os.access(folder, os.W_OK | os.X_OK):
            fault = f"the folder {folder} is not writable"
        elif target.exists() and not target.is_file():
            fault = "it is a folder or a device, not a file"
        elif target.exists() and not os.access(target, os.W_OK):  # a rename would succeed
            fault = "it is read-only"
    except OSError as error:  # such as a name that is too long, or a current folder that is deleted
        fault = reason(error)
    if fault:
        raise MnistnetError(f"cannot write {path}: {fault}")
    return target


def check_replaceable(path: Path, mark: bytes, kind: str, force: bool = False) -> None:
    """Raise MnistnetError if path cannot be written, or, unless force is given, has a file without
    this mark, which every file of this kind ('plot') made by mnistnet contains."""
    target = check_writable(path)
    try:
        found = target.read_bytes() if target.exists() and not force else b""
    except OSError as error:
        raise MnistnetError(f"cannot read {path}: {reason(error)}") from error
    if found and mark not in found:
        raise MnistnetError(
            f"{path}: expected a {kind} made by mnistnet; found another file, which is not "
            "replaced: move it away, or name another file"
        )


def make_folder(path: Path) -> None:
    """Create a folder and its parents; raises MnistnetError if that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MnistnetError(f"cannot create the folder {path}: {reason(error)}") from error

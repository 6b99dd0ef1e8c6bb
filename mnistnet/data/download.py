"""Download MNIST, verify it, and keep it.

Files are kept as raw IDX, which loads in milliseconds, and accepted only with MNIST's SHA-256; any
fault of a mirror leads to the next one. Verified files are not requested again.
"""

import gzip
import hashlib
import io
import os
import re
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from mnistnet.arrays import Array
from mnistnet.data import idx, mnist
from mnistnet.errors import DataError, DownloadError
from mnistnet.files import atomic_write, check_writable, make_folder

SECRET = re.compile(r"(?<=//)\S*@|\?\S*")  # the user, the password and the query in an address
Notify = Callable[[str], object]  # a sentence for the user
Advance = Callable[[int, int], object]  # bytes just received, bytes in all


def cache_folder() -> Path:
    """Return $XDG_CACHE_HOME/mnistnet or ~/.cache/mnistnet; raise DataError if there is no home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the XDG specification ignores relative paths
        return base / "mnistnet"
    try:
        return Path.home() / ".cache" / "mnistnet"
    except RuntimeError as error:
        raise DataError("found no home folder for MNIST; name a folder with --data") from error


def with_known(mirrors: Sequence[str]) -> list[str]:
    """Return these mirrors, then those in MNISTNET_MIRROR, one per line, then the known ones."""
    named = os.environ.get("MNISTNET_MIRROR", "").splitlines()
    return [*mirrors, *filter(str.strip, named), *mnist.MIRRORS]


def obtain(
    folder: Path, split: str, mirrors: Sequence[str], notify: Notify, advance: Advance
) -> mnist.Dataset:
    """Load one split from the folder, first completing it if it is mnistnet's cache; any other is
    only read. Raises DataError for missing or unusable files, DownloadError if no mirror helps."""
    if _is_cache(folder):
        with suppress(DataError):  # download reports and replaces damaged files
            data = mnist.load(folder, split)
            if data.published:
                return data
        download(folder, mirrors, notify, advance)
    return mnist.load(folder, split)


def download(
    folder: Path, mirrors: Sequence[str], notify: Notify, advance: Advance
) -> dict[str, str]:
    """Put all missing files into the folder; return each file's source: 'here' or a mirror, which
    is a URL (http, https) or a local folder.

    Raises DataError if the folder has another data set or a damaged file; in mnistnet's cache,
    damaged files beside MNIST's are replaced, with a note. Raises DownloadError if no mirror, tried
    in order, provides a missing file.
    """
    folder = mnist.locate(folder)
    faults = check(folder)
    sources = dict.fromkeys(faults, "here")
    missing = [file for file in mnist.FILES if faults[file.name]]
    if not missing:
        return sources
    may_replace = _is_cache(folder) and len(missing) < len(mnist.FILES)
    damaged = {file: mnist.copies(folder, file.name) for file in missing}
    for file in filter(damaged.get, missing):
        fault = faults[file.name]
        if not may_replace:
            advice = "to download MNIST, move that file, or name another folder with --data"
            raise DataError(f"{fault}; {advice}")
        notify(f"Replacing a damaged file: {fault}")
    notify(f"Downloading MNIST to {folder}")
    make_folder(folder)
    check_writable(folder / mnist.FILES[0].name)
    total, failures = sum(file.gz_size for file in missing), []
    for mirror in mirrors:
        try:
            while missing:
                file = missing[0]
                content = _fetch(mirror, file, lambda size: advance(size, total))
                for path in damaged[file]:  # or the new file would go where a link points
                    with suppress(OSError):
                        path.unlink()
                with atomic_write(folder / file.name) as stream:
                    stream.write(content)
                sources[file.name] = SECRET.sub("", mirror)
                del missing[0]
        except (DataError, DownloadError) as error:
            failures.append(": ".join(SECRET.sub("", str(each)) for each in (mirror, error)))
    if missing:
        raise DownloadError(
            f"no mirror provided {missing[0].name}:\n"
            + "".join(f"  {failure}\n" for failure in failures or ["no mirror is known"])
            + "Try again later, name another mirror with --mirror (a URL, or a folder with the "
            "four files), or draw digits instead: mnistnet download --synthetic"
        )
    for failure in failures:
        notify(f"could not download from {failure}")
    return sources


def check(folder: Path) -> dict[str, str | None]:
    """Return the fault of each of the four files in the folder, None if it is MNIST's."""
    folder = mnist.locate(folder)
    faults: dict[str, str | None] = {file.name: None for file in mnist.FILES}
    for file in mnist.FILES:
        try:
            _read(folder, file)
        except DataError as error:
            faults[file.name] = str(error)
    return faults


def _read(folder: Path, file: mnist.MnistFile) -> Array:
    """Read a file of the folder; raise DataError unless it is MNIST's."""
    paths = mnist.copies(folder, file.name)
    if not paths:
        raise DataError(f"{folder}: expected {file.name}, raw or .gz, found none")
    array = idx.read_idx(paths[0])
    if (found := idx.sha256(array)) != file.sha256:
        raise DataError(f"{paths[0]}: expected MNIST's, of SHA-256 {file.sha256}, found {found}")
    return array


def _is_cache(folder: Path) -> bool:
    """Check for mnistnet's own cache, where damaged files may be replaced."""
    with suppress(DataError):  # there is no home folder
        return os.path.realpath(folder) == os.path.realpath(cache_folder())
    return False


def _fetch(mirror: str, file: mnist.MnistFile, advance: Callable[[int], object]) -> bytes:
    """Return the verified content of a raw file from a mirror; raise DataError or DownloadError."""
    if not mirror.lower().startswith(("http://", "https://")):
        folder = Path(os.path.expanduser(mirror))  # noqa: PTH111 - no error for an unknown user
        if not folder.is_dir():
            raise DownloadError("neither a URL (http, https) nor a folder")
        array = _read(mnist.locate(folder), file)
        advance(file.gz_size)
        return b"".join(idx.content(array))
    from mnistnet.data import http  # requests takes longer to load than a cached MNIST

    raw = body = http.get(f"{mirror.rstrip('/')}/{file.name}.gz", file.size, advance)
    if body[:2] == b"\x1f\x8b":  # else unpacked by a proxy
        with suppress(EOFError, OSError, zlib.error), gzip.open(io.BytesIO(body)) as stream:
            raw = stream.read(file.size + 1)
    if hashlib.sha256(raw).hexdigest() == file.sha256:
        return raw
    found = "an HTML page" if body.lstrip()[:1] == b"<" else f"{len(body):,} other bytes"
    raise DownloadError(f"expected a gzip of SHA-256 {file.sha256} unpacked, found {found}")

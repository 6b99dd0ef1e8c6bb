"""Download MNIST, verify it, and keep it.

Files are kept as raw IDX, which loads in milliseconds, and accepted only with MNIST's SHA-256. An
error page with status 200, a short or altered body and a server that does not respond all lead to
the next mirror. Verified files are not requested again.
"""

import gzip
import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mnistnet.data import folders, idx, mnist
from mnistnet.errors import DataError, DownloadError
from mnistnet.files import atomic_write, check_writable, make_folder

Notify = Callable[[str], None]  # a sentence for the user
Advance = Callable[[int, int], None]  # bytes just received, bytes in all


def cache_folder() -> Path:
    """Return $XDG_CACHE_HOME/mnistnet or ~/.cache/mnistnet; raise DataError if there is no home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the XDG specification ignores relative paths
        return base / "mnistnet"
    try:
        return Path.home() / ".cache" / "mnistnet"
    except RuntimeError as error:
        raise DataError("found no home folder for MNIST; name a folder with --data") from error


def obtain(
    folder: Path, split: str, mirrors: Sequence[str], notify: Notify, advance: Advance
) -> mnist.Dataset:
    """Load one split from the folder, first completing it if it is mnistnet's cache.

    Any other folder is only read. Raises DataError for missing or unusable files there,
    DownloadError if no mirror helps.
    """
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
    """Put all missing files into the folder; return each file's source: 'here' or a mirror.

    Mirrors are tried in order; each is a URL (http, https, file) or a local folder. Raises
    DataError if the folder has another data set or a damaged file; in mnistnet's cache, damaged
    files are replaced, with a note: those that are malformed, or unlike MNIST's beside others that
    are MNIST's. Raises DownloadError if no mirror provides a missing file.
    """
    folder = mnist.locate(folder)
    sources = {file.name: "here" for file in mnist.FILES}
    faults = {file: fault for file in mnist.FILES if (fault := _find_fault(folder, file))}
    if not faults:
        return sources
    _refuse_other_files(folder, list(faults.values()))
    for fault in faults.values():
        if fault.kind != "missing":
            notify(f"Replacing a damaged file: {fault.message}")
    notify(f"Downloading MNIST to {folder}")
    make_folder(folder)
    for file in faults:
        folders.refuse_link(folder / file.name)
        check_writable(folder / file.name)
    total = sum(file.gz_size for file in faults)
    mirrors = list(mirrors)
    for file, fault in faults.items():
        source, content = _fetch(file, mirrors, notify, lambda size: advance(size, total))
        mirrors.sort(key=lambda mirror: mirror != source)  # try this one first from now on
        target = folder / file.name
        with atomic_write(target) as stream:
            stream.write(content)
        if fault.path != target:  # a damaged copy would later look like another data set's
            fault.path.unlink(missing_ok=True)
        sources[file.name] = source
    return sources


def check(folder: Path) -> dict[str, str | None]:
    """Return the fault of each of the four files in the folder, None if it is MNIST's."""
    folder = mnist.locate(folder)
    faults = {file.name: _find_fault(folder, file) for file in mnist.FILES}
    return {name: fault and fault.message for name, fault in faults.items()}


class _Fault(NamedTuple):
    """Why a file is not MNIST's; kind 'other' is well formed but has other content."""

    path: Path
    message: str
    kind: Literal["missing", "malformed", "other"]


def _find_fault(folder: Path, file: mnist.MnistFile) -> _Fault | None:
    """Check a file of the folder; return None if it is MNIST's."""
    path = mnist.find(folder, file)
    if path is None:
        message = f"{folder}: expected {file.name}, found none"
        return _Fault(folder / file.name, message, "missing")
    try:
        found = idx.sha256(idx.read_idx(path))
    except DataError as error:
        return _Fault(path, str(error), "malformed")
    if found == file.sha256:
        return None
    return _Fault(path, f"{path}: expected SHA-256 {file.sha256}, found {found}", "other")


def _refuse_other_files(folder: Path, faults: Sequence[_Fault]) -> None:
    """Raise DataError if the folder has another data set, or, unless it is the cache, a damaged
    file."""
    is_cache, has_mnist = _is_cache(folder), len(faults) < len(mnist.FILES)
    for fault in faults:
        if fault.kind == "other" and not (is_cache and has_mnist):
            raise DataError(
                f"expected MNIST's files in {folder}; found another data set's {fault.path}; "
                "name another folder with --data, or move that data set elsewhere"
            )
        if fault.kind != "missing" and not is_cache:
            raise DataError(
                f"{fault.message}; replace the file, or delete it and run 'mnistnet download' again"
            )
    others = folders.others(folder, [file.name for file in mnist.FILES])
    if others and not is_cache and not has_mnist:
        raise DataError(
            f"expected a new or empty folder, or MNIST's files; found {others[0]} in {folder}; "
            "name another folder with --data"
        )


def _is_cache(folder: Path) -> bool:
    """Check for mnistnet's own cache, where damaged files may be replaced."""
    with suppress(DataError):  # there is no home folder
        return os.path.realpath(folder) == os.path.realpath(cache_folder())
    return False


def _fetch(
    file: mnist.MnistFile,
    mirrors: Sequence[str],
    notify: Notify,
    advance: Callable[[int], None],
) -> tuple[str, bytes]:
    """Try the mirrors in order; return the first that has the file, and its verified content."""
    failures: list[str] = []
    for mirror in mirrors:
        body = bytearray()
        try:
            if mirror.lower().startswith(("http://", "https://")):
                from mnistnet.data import http  # requests takes longer to load than a cached MNIST

                for part in http.get(f"{mirror.rstrip('/')}/{file.name}.gz", file.size):
                    body += part
                    advance(len(part))
                content = _unpack(bytes(body), file)
            else:
                content = _from_folder(mirror, file)
        except DownloadError as error:
            advance(-len(body))
            failures.append(f"{mirror}: {error}")
            continue
        advance(file.gz_size - len(body))
        for failure in failures:
            notify(f"could not download {file.name} from {failure}")
        return mirror, content
    raise DownloadError(
        f"no mirror provided {file.name}:\n"
        + "".join(f"  {failure}\n" for failure in failures or ["no mirror is known"])
        + "Try again later, name another mirror with --mirror (a URL, or a folder with the four "
        "files), or draw digits instead: mnistnet download --synthetic"
    )


def _unpack(body: bytes, file: mnist.MnistFile) -> bytes:
    """Return the raw file from a server's response, which a proxy may have unpacked already."""
    digest = hashlib.sha256(body).hexdigest()
    if digest == file.gz_sha256:
        return gzip.decompress(body)
    if digest == file.sha256:
        return body
    if body.lstrip()[:1] == b"<":
        raise DownloadError(f"expected {file.gz_size:,} bytes of gzip, found an HTML page")
    if len(body) != file.gz_size:
        raise DownloadError(f"expected {file.gz_size:,} bytes, found {len(body):,}")
    raise DownloadError(f"expected SHA-256 {file.gz_sha256}, found {digest}")


def _from_folder(mirror: str, file: mnist.MnistFile) -> bytes:
    """Return the raw file from a local folder that serves as a mirror."""
    try:
        url = urlsplit(mirror)
        is_url = url.scheme.lower() == "file"
        folder = Path(url2pathname(url.path) if is_url else mirror).expanduser()
        if not folder.is_dir():
            raise DownloadError("neither a URL (http, https, file) nor a folder")
        path = mnist.find(mnist.locate(folder), file)
        if path is None:
            raise DownloadError(f"has no {file.name}, raw or .gz")
        array = idx.read_idx(path)
    except (DataError, OSError, RuntimeError, ValueError) as error:
        # RuntimeError: no such user in ~name; ValueError: malformed URL
        raise DownloadError(str(error)) from error
    if (found := idx.sha256(array)) != file.sha256:
        raise DownloadError(f"{path}: expected SHA-256 {file.sha256}, found {found}")
    return b"".join(idx.content(array))

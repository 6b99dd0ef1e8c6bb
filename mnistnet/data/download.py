"""Download MNIST, verify it, and keep it.

Files are kept as raw IDX, which loads in milliseconds, and accepted only with MNIST's SHA-256. An
error page with status 200, a short or altered body and a server that does not respond all lead to
the next mirror. Verified files are not requested again.
"""

import gzip
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mnistnet.data import idx, layout, mnist
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
    if not _is_cache(folder):
        return mnist.load(folder, split)
    if all(mnist.find(folder, file) for file in mnist.FILES if file.split == split):
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
    is_cache = _is_cache(folder)
    faults = {file: _find_fault(folder, file) for file in mnist.FILES}
    missing = [file for file, fault in faults.items() if fault]
    if not missing:
        return dict.fromkeys((file.name for file in mnist.FILES), "here")
    replaced = _replaceable(folder, [fault for fault in faults.values() if fault], is_cache)
    if len(missing) == len(mnist.FILES) and not replaced and not is_cache:
        _refuse_other_data(folder)
    for fault in replaced:
        notify(f"Replacing a damaged file: {fault.message}")
    notify(f"Downloading MNIST to {folder}")
    make_folder(folder)
    targets = {file: folder / file.name for file in missing}
    for target in targets.values():
        layout.refuse_link(target)
        check_writable(target)
    total = sum(file.gz_size for file in missing)
    mirrors = list(mirrors)
    sources = {file.name: "here" for file in mnist.FILES}
    for file, target in targets.items():
        source, content = _fetch(file, mirrors, notify, lambda size: advance(size, total))
        mirrors.sort(key=lambda mirror: mirror != source)  # try this one first from now on
        damaged = [fault.path for fault in replaced if fault.file == file]
        with atomic_write(target) as stream:
            stream.write(content)
        for path in damaged:
            if path != target:  # otherwise it would later look like another data set's
                path.unlink(missing_ok=True)
        sources[file.name] = source
    return sources


def _replaceable(folder: Path, faults: "Sequence[_Fault]", is_cache: bool) -> "list[_Fault]":
    """Return the faults of damaged files in the cache; raise DataError for another data set's
    files, and for damaged files elsewhere."""
    found = [fault for fault in faults if fault.kind != "missing"]
    has_mnist = len(faults) < len(mnist.FILES)
    for fault in found:
        if fault.kind == "other" and not (is_cache and has_mnist):
            raise DataError(
                f"expected MNIST's files in {folder}; found another data set's {fault.path}; name "
                "another folder with --data, or move that data set elsewhere"
            )
        if not is_cache:
            raise DataError(
                f"{fault.message}; replace the file, or delete it and run 'mnistnet download' again"
            )
    return found


def _refuse_other_data(folder: Path) -> None:
    """Raise DataError if the folder has another data set, under other names."""
    others = layout.others(folder, [file.name for file in mnist.FILES])
    if others:
        raise DataError(
            f"expected a new or empty folder, or MNIST's files; found {others[0]} in {folder}; "
            "name another folder with --data"
        )


def check(folder: Path) -> dict[str, str | None]:
    """Return the fault of each of the four files in the folder, None if it is MNIST's."""
    folder = mnist.locate(folder)
    faults = {file: _find_fault(folder, file) for file in mnist.FILES}
    return {file.name: fault and fault.message for file, fault in faults.items()}


class _Fault(NamedTuple):
    """Why a file is not MNIST's; kind 'other' is well formed but has other content."""

    file: mnist.MnistFile
    path: Path
    message: str
    kind: Literal["missing", "malformed", "other"]


def _find_fault(folder: Path, file: mnist.MnistFile) -> _Fault | None:
    """Check a file of the folder; return None if it is MNIST's."""
    path = mnist.find(folder, file)
    if path is None:
        message = f"{folder}: expected {file.name}, found none"
        return _Fault(file, folder / file.name, message, "missing")
    try:
        found = idx.sha256(idx.read_idx(path))
    except DataError as error:
        return _Fault(file, path, str(error), "malformed")
    if found == file.sha256:
        return None
    return _Fault(file, path, f"{path}: expected SHA-256 {file.sha256}, found {found}", "other")


def _fetch(
    file: mnist.MnistFile,
    mirrors: Iterable[str],
    notify: Notify,
    advance: Callable[[int], None],
) -> tuple[str, bytes]:
    """Try the mirrors in order; return the first that has the file, and its verified content."""
    failures: list[str] = []
    for mirror in mirrors:
        received = 0

        def count(size: int) -> None:
            nonlocal received
            received += size
            advance(size)

        try:
            if mirror.lower().startswith(("http://", "https://")):
                from mnistnet.data import http  # requests takes longer to load than a cached MNIST

                url = f"{mirror.rstrip('/')}/{file.name}.gz"
                content = _unpack(http.get(url, file.size, count), file)
            else:
                content = _from_folder(mirror, file, count)
            for failure in failures:
                notify(f"could not download {file.name} from {failure}")
            return mirror, content
        except DownloadError as error:
            advance(-received)
            failures.append(f"{mirror}: {error}")
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
        body = gzip.decompress(body)
        digest = hashlib.sha256(body).hexdigest()
    if digest == file.sha256:
        return body
    if body.lstrip()[:1] == b"<":
        raise DownloadError(f"expected {file.gz_size:,} bytes of gzip, found an HTML page")
    if len(body) != file.gz_size:
        raise DownloadError(f"expected {file.gz_size:,} bytes, found {len(body):,}")
    raise DownloadError(f"expected SHA-256 {file.gz_sha256}, found {digest}")


def _from_folder(mirror: str, file: mnist.MnistFile, count: Callable[[int], None]) -> bytes:
    """Return the raw file from a local folder that serves as a mirror."""
    try:
        address = urlsplit(mirror)
        is_address = address.scheme.lower() == "file"
        folder = Path(url2pathname(address.path) if is_address else mirror).expanduser()
        if not folder.is_dir():
            raise DownloadError("neither a URL (http, https, file) nor a folder")
        folder = mnist.locate(folder)
        path = mnist.find(folder, file)
        if path is None:
            raise DownloadError(f"has no {file.name}, raw or .gz")
        with idx.opened(path) as reader:
            if reader.length != file.size:
                raise DownloadError(
                    f"{path}: expected {file.size:,} bytes, found {reader.length:,}"
                )
            array = reader.read(reader.shape)
    except (DataError, OSError, RuntimeError, ValueError) as error:
        # RuntimeError: no such user in ~name; ValueError: malformed URL
        raise DownloadError(str(error)) from error
    if (found := idx.sha256(array)) != file.sha256:
        raise DownloadError(f"{path}: expected SHA-256 {file.sha256}, found {found}")
    count(file.gz_size)
    return b"".join(idx.content(array))


def _is_cache(folder: Path) -> bool:
    """Check for mnistnet's own cache, where damaged files may be replaced."""
    try:
        return folder.resolve() == cache_folder().resolve()
    except (DataError, OSError, RuntimeError):  # no home, no permission, circular links
        return False

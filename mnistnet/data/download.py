"""Fetch MNIST, verify it, keep it.

What is kept are the four raw IDX files, so that loading them takes milliseconds. Nothing is
believed that does not have MNIST's SHA-256: an error page with status 200, a short or altered body
and a server that does not answer are all the same thing, a reason to ask the next mirror. A file
that is already there and verified costs no request.
"""

import gzip
import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from mnistnet.atomic import atomic_write, check_writable, make_folder
from mnistnet.data import idx, mnist
from mnistnet.errors import DataError, DownloadError

Notify = Callable[[str], None]  # a sentence for the user
Advance = Callable[[int, int], None]  # bytes just received, and bytes wanted in all


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/mnistnet, else ~/.cache/mnistnet; raises DataError where there is no home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():  # the XDG specification has relative paths ignored
        return base / "mnistnet"
    try:
        return Path.home() / ".cache" / "mnistnet"
    except RuntimeError as error:
        raise DataError("there is no home folder to keep MNIST in; name one with --data") from error


def obtain(
    folder: Path, split: str, mirrors: Sequence[str], notify: Notify, advance: Advance
) -> mnist.Dataset:
    """One split from the folder, after downloading what is missing there.

    In the tool's own cache, damaged files are replaced too; anywhere else they are a DataError.
    Raises DownloadError where no mirror helps.
    """
    images, labels = (mnist.find(folder, f) for f in mnist.FILES if f.split == split)
    if images and labels:
        own = _is_own(folder)
        try:
            data = mnist.load(folder, split)
        except DataError:
            if not own:
                raise  # of its own cache, download says what is wrong, and mends it
        else:
            if data.published or not own:
                return data
    download(folder, mirrors, notify, advance)
    return mnist.load(folder, split)


def download(
    folder: Path, mirrors: Sequence[str], notify: Notify, advance: Advance
) -> dict[str, str]:
    """See that the folder has all four files; returns where each came from ('here' or a mirror).

    mirrors are asked in order; each is an http(s) address or a local folder. Files that are there
    are never overwritten, but for damaged ones in the tool's own cache (notify says which): those
    that are malformed, or not MNIST's own beside others that are. Raises DownloadError where no
    mirror gives a file that is missing, DataError for a malformed file in a user's own folder or
    another set that is not complete.
    """
    own = _is_own(folder)
    faults = {file: _find_fault(folder, file) for file in mnist.FILES}
    is_mnist = None in faults.values()
    sources: dict[str, str] = {}
    missing: list[mnist.MnistFile] = []
    damaged: list[str] = []
    for file, fault in faults.items():
        if fault is None:
            sources[file.name] = "here"
        elif fault.kind == "missing":
            missing.append(file)
        elif own and (fault.kind == "malformed" or is_mnist):
            missing.append(file)
            damaged.append(fault.words)
        elif fault.kind == "malformed":
            raise DataError(f"{fault.words}; {mnist.MEND}")
        else:
            sources[file.name] = "here, not MNIST's own"
    foreign = [name for name, source in sources.items() if source != "here"]
    if missing and foreign:
        raise DataError(
            f"{folder} has another data set's {foreign[0]} and no {missing[0].name}; MNIST's would "
            "not fit it: add that set's own file, or name another folder with --data"
        )

    for words in damaged:
        notify(f"Replacing a damaged file: {words}")
    if missing:
        notify(f"Downloading MNIST to {folder}")
        make_folder(folder)
        check_writable(folder / missing[0].name)
    total = sum(file.gz_size for file in missing)
    mirrors = list(mirrors)
    for file in missing:
        source, content = _fetch(file, mirrors, notify, lambda size: advance(size, total))
        # The mirror that answered is asked first for the next file.
        mirrors.sort(key=lambda mirror: mirror != source)
        with atomic_write(folder / file.name) as stream:
            stream.write(content)
        sources[file.name] = source
    return {file.name: sources[file.name] for file in mnist.FILES}


def check(folder: Path) -> dict[str, str | None]:
    """What is wrong with each of the four files in the folder; None where it is MNIST's own."""
    faults = {file: _find_fault(folder, file) for file in mnist.FILES}
    return {file.name: fault and fault.words for file, fault in faults.items()}


class _Fault(NamedTuple):
    """Why a folder's file is not MNIST's own; kind 'other' is well-formed, of other content."""

    words: str
    kind: Literal["missing", "malformed", "other"]


def _find_fault(folder: Path, file: mnist.MnistFile) -> _Fault | None:
    """None if the folder has the file and it is MNIST's own."""
    path = mnist.find(folder, file)
    if path is None:
        return _Fault(f"{folder}: expected {file.name}, found none", "missing")
    try:
        found = idx.sha256(idx.read_idx(path))
    except DataError as error:
        return _Fault(str(error), "malformed")
    if found == file.sha256:
        return None
    return _Fault(f"{path}: expected SHA-256 {file.sha256}, found {found}", "other")


def _fetch(
    file: mnist.MnistFile,
    mirrors: Iterable[str],
    notify: Notify,
    advance: Callable[[int], None],
) -> tuple[str, bytes]:
    """The first mirror that has the file, and the raw, verified file."""
    answers: list[str] = []
    for mirror in mirrors:
        received = 0

        def count(size: int) -> None:
            nonlocal received
            received += size
            advance(size)

        try:
            if mirror.lower().startswith(("http://", "https://")):
                # Imported here because requests takes longer to load than a cached MNIST.
                from mnistnet.data import http

                url = f"{mirror.rstrip('/')}/{file.name}.gz"
                content = _unpack(http.get(url, file.size, count), file)
            else:
                content = _from_folder(mirror, file, count)
            for answer in answers:
                notify(f"{file.name} did not come from {answer}")
            return mirror, content
        except DownloadError as error:
            advance(-received)
            answers.append(f"{mirror}: {error}")
    raise DownloadError(
        f"no mirror gave {file.name}:\n"
        + "".join(f"  {answer}\n" for answer in answers or ["there is no mirror to ask"])
        + "Try again later, or name another source with --mirror: an address, or a folder that "
        "has the four files; or draw digits to try with: 'mnistnet download --synthetic'"
    )


def _unpack(body: bytes, file: mnist.MnistFile) -> bytes:
    """The raw file out of what a server sent: the .gz, or what a proxy unpacked on the way."""
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
    """The raw file out of a local folder that serves as a mirror."""
    try:
        folder = Path(mirror).expanduser()
        if not folder.is_dir():
            raise DownloadError("neither an http(s) address nor a folder")
        path = mnist.find(folder, file)
        if path is None:
            raise DownloadError(f"has no {file.name}, raw or .gz")
        array = idx.read_idx(path)
    except (DataError, OSError, RuntimeError) as error:  # ~name of somebody who has no home
        raise DownloadError(str(error)) from error
    if (found := idx.sha256(array)) != file.sha256:
        raise DownloadError(f"{path}: expected SHA-256 {file.sha256}, found {found}")
    count(file.gz_size)
    return idx.header(array) + array.tobytes()


def _is_own(folder: Path) -> bool:
    """Whether the folder is the tool's own cache, where it may replace what is damaged."""
    try:
        return folder.resolve() == cache_folder().resolve()
    except (DataError, OSError, RuntimeError):  # no home, no permission, links in a circle
        return False

"""Fetch MNIST, verify it, keep it.

What is kept are the four raw IDX files, so that loading them takes milliseconds. Only
what has MNIST's SHA-256 is accepted: an error page with status 200, a short or altered body
and a server that does not answer are all the same thing, a reason to ask the next mirror. A file
that is already there and verified costs no request.
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

from mnistnet.atomic import atomic_write, check_writable, make_folder
from mnistnet.data import idx, layout, mnist
from mnistnet.errors import DataError, DownloadError, MnistnetError

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
    """One split from the folder.

    The tool's own cache is filled first with what is missing or damaged there. Any other folder is
    only read. Raises DataError for what is missing or wrong there, DownloadError where no mirror
    helps.
    """
    if not _is_own(folder):
        return mnist.load(folder, split)
    if all(mnist.find(folder, file) for file in mnist.FILES if file.split == split):
        with suppress(DataError):  # download says what is wrong, and replaces it
            data = mnist.load(folder, split)
            if data.published:
                return data
    download(folder, mirrors, notify, advance)
    return mnist.load(folder, split)


def download(
    folder: Path, mirrors: Sequence[str], notify: Notify, advance: Advance
) -> dict[str, str]:
    """See that the folder has all four files; returns where each came from ('here' or a mirror).

    mirrors are asked in order; each is an http(s) or file address or a local folder. The folder is
    new, empty or has files of MNIST; raises DataError for one that has another data set or a
    damaged file. Only in the tool's own cache are damaged files replaced (notify says which): those
    that are malformed, or not MNIST's own beside others that are. Raises DownloadError where no
    mirror gives a file that is missing.
    """
    folder = mnist.locate(folder)
    own = _is_own(folder)
    faults = {file: _find_fault(folder, file) for file in mnist.FILES}
    missing = [file for file, fault in faults.items() if fault]
    if not missing:
        return dict.fromkeys((file.name for file in mnist.FILES), "here")
    replaced = _replaceable(folder, [fault for fault in faults.values() if fault], own)
    if len(missing) == len(mnist.FILES) and not replaced and not own:
        _refuse_others(folder)
    for fault in replaced:
        notify(f"Replacing a damaged file: {fault.words}")
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
        # The mirror that answered is asked first for the next file.
        mirrors.sort(key=lambda mirror: mirror != source)
        layout.refuse_link(target)
        damaged = [fault.path for fault in replaced if fault.file == file]
        _keep(target, content, file, new=target not in damaged)
        for path in damaged:
            if path != target:  # or it would be taken for one of another set
                path.unlink(missing_ok=True)
        sources[file.name] = source
    return sources


def _replaceable(folder: Path, faults: "Sequence[_Fault]", own: bool) -> "list[_Fault]":
    """The faults of damaged files in the tool's own cache; raises DataError for another data set's
    files, and for damaged ones elsewhere."""
    found = [fault for fault in faults if fault.kind != "missing"]
    has_mnist = len(faults) < len(mnist.FILES)
    for fault in found:
        if fault.kind == "other" and not (own and has_mnist):
            raise DataError(
                f"expected MNIST's files in {folder}; found another data set's {fault.path}; name "
                "another folder with --data, or move that set elsewhere"
            )
        if not own:
            raise DataError(
                f"{fault.words}; replace the file, or delete it and run 'mnistnet download' again"
            )
    return found


def _refuse_others(folder: Path) -> None:
    """Raise DataError where the folder has another data set, under other names."""
    others = layout.others(folder, [file.name for file in mnist.FILES])
    if others:
        raise DataError(
            f"expected a new or empty folder, or MNIST's files; found {others[0]} in {folder}; "
            "name another folder with --data"
        )


def _keep(target: Path, content: bytes, file: mnist.MnistFile, new: bool) -> None:
    """Write the file; but one that another program has put there meanwhile stays."""
    try:
        with atomic_write(target, new=new) as stream:
            stream.write(content)
    except MnistnetError:
        if _find_fault(target.parent, file):  # else another download was faster
            raise


def check(folder: Path) -> dict[str, str | None]:
    """What is wrong with each of the four files in the folder; None where it is MNIST's own."""
    folder = mnist.locate(folder)
    faults = {file: _find_fault(folder, file) for file in mnist.FILES}
    return {file.name: fault and fault.words for file, fault in faults.items()}


class _Fault(NamedTuple):
    """Why a folder's file is not MNIST's own; kind 'other' is well-formed, of other content."""

    file: mnist.MnistFile
    path: Path
    words: str
    kind: Literal["missing", "malformed", "other"]


def _find_fault(folder: Path, file: mnist.MnistFile) -> _Fault | None:
    """None if the folder has the file and it is MNIST's own."""
    path = mnist.find(folder, file)
    if path is None:
        words = f"{folder}: expected {file.name}, found none"
        return _Fault(file, folder / file.name, words, "missing")
    try:
        found = idx.sha256(idx.read_idx(path))
    except DataError as error:
        return _Fault(file, path, str(error), "malformed")
    if found == file.sha256:
        return None
    words = f"{path}: expected SHA-256 {file.sha256}, found {found}"
    return _Fault(file, path, words, "other")


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
        address = urlsplit(mirror)
        is_address = address.scheme.lower() == "file"
        folder = Path(url2pathname(address.path) if is_address else mirror).expanduser()
        if not folder.is_dir():
            raise DownloadError("neither an http(s) or file address nor a folder")
        folder = mnist.locate(folder)
        path = mnist.find(folder, file)
        if path is None:
            raise DownloadError(f"has no {file.name}, raw or .gz")
        with idx.opened(path) as reader:
            if reader.length != file.size:
                words = f"expected {file.size:,} bytes, found {reader.length:,}"
                raise DownloadError(f"{path}: {words}")
            array = reader.read(reader.shape)
    except (DataError, OSError, RuntimeError, ValueError) as error:
        # a RuntimeError is ~name of somebody who has no home, a ValueError no address
        raise DownloadError(str(error)) from error
    if (found := idx.sha256(array)) != file.sha256:
        raise DownloadError(f"{path}: expected SHA-256 {file.sha256}, found {found}")
    count(file.gz_size)
    return b"".join(idx.content(array))


def _is_own(folder: Path) -> bool:
    """Whether the folder is the tool's own cache, where it may replace what is damaged."""
    try:
        return folder.resolve() == cache_folder().resolve()
    except (DataError, OSError, RuntimeError):  # no home, no permission, links in a circle
        return False

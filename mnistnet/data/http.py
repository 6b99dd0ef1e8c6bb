"""One file over HTTP, byte for byte as the server sent it."""

import io
import time
from collections.abc import Callable
from http.client import IncompleteRead as ChunkCut
from typing import Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import HTTPError, IncompleteRead

from mnistnet import __version__
from mnistnet.errors import DownloadError

CONNECT_TIMEOUT = 10.0  # seconds; a mirror that is up accepts within one
READ_TIMEOUT = 30.0  # seconds without a byte
SLOWEST = 1000  # bytes a second, on the average, once READ_TIMEOUT has passed
TRIES = 5  # a connection that is cut is taken up again, so often in all
CHUNK = 1 << 16  # bytes
LATE = "no answer in time"
HEADERS = {
    "User-Agent": f"mnistnet/{__version__}",
    # The .gz file itself is wanted, not its content: an encoding on top would change the bytes.
    "Accept-Encoding": "identity",
}


def get(url: str, most: int, count: Callable[[int], None]) -> bytes:
    """The body at url, not decoded, of `most` bytes at most; count is told of each piece's size.

    Where the connection is cut, the rest is asked for (RFC 9110, section 14.2); a server that does
    not give parts begins anew. Raises DownloadError, without the address, for any answer but 200
    and a whole body.
    """
    body = bytearray()
    for left in reversed(range(TRIES)):
        before = len(body)
        try:
            _receive(url, body, most, count)
            break
        except (OSError, HTTPError, ValueError, TypeError) as error:
            # requests' own errors are OSErrors, as is a missing certificate file; a ValueError is a
            # redirect to what is no address, a TypeError a proxy with a name and no password
            reason = _reason(error)
            if len(body) == before or reason == LATE or not left:
                where = f" after {len(body):,} bytes" if body else ""
                raise DownloadError(f"{reason}{where}") from error
    return bytes(body)


def _receive(url: str, body: bytearray, most: int, count: Callable[[int], None]) -> None:
    """Ask for what is missing from the body, and add it."""
    headers = HEADERS | ({"Range": f"bytes={len(body)}-"} if body else {})
    timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
    hooks = {"response": _refuse_downgrade}
    began = time.monotonic()
    with requests.get(url, headers=headers, stream=True, timeout=timeout, hooks=hooks) as response:
        part = response.headers.get("Content-Range", "").startswith(f"bytes {len(body)}-")
        if response.status_code == requests.codes.ok:
            count(-len(body))
            body.clear()
        elif response.status_code != requests.codes.partial or not (body and part):
            raise DownloadError(_status(response))
        # Not iter_content, which unpacks what a server declares as Content-Encoding: gzip. And
        # read1, which urllib3 has since 2.2, so as not to wait for a chunk that comes in drops.
        read = getattr(response.raw, "read1", response.raw.read)
        received = 0
        while chunk := read(CHUNK, decode_content=False):
            body += chunk
            received += len(chunk)
            count(len(chunk))
            if len(body) > most:
                raise DownloadError(f"expected {most:,} bytes at most, found more")
            seconds = time.monotonic() - began
            if seconds > READ_TIMEOUT and received < SLOWEST * seconds:
                raise DownloadError(f"too slow: {received:,} bytes in {seconds:.0f} s")


def _status(response: requests.Response) -> str:
    """An answer that is not the file, in words."""
    after = response.headers.get("Retry-After")
    words = f"{response.status_code} {response.reason}{f', Retry-After: {after}' if after else ''}"
    return "".join(filter(str.isprintable, words))[:100]


def _refuse_downgrade(response: requests.Response, **_: Any) -> None:
    """An answer that leads from https to elsewhere is an error; and of one that leads elsewhere the
    body is left, all of which requests would read."""
    target = urljoin(response.url, response.headers.get("Location", "")).lower()
    if response.url.startswith("https:") and not target.startswith("https:"):
        raise DownloadError("redirected to an address without TLS, which is not followed")
    if response.is_redirect:
        response.raw.close()
        response.raw = io.BytesIO()


def _reason(error: BaseException) -> str:
    """Why a request failed, in the operating system's words where it has any."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError | requests.Timeout):
            return LATE
        if isinstance(cause, IncompleteRead | ChunkCut):
            return "the connection ended"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error)

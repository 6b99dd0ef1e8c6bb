"""One file over HTTP, byte for byte as the server sent it.

The transfer runs in a thread of its own and is watched from outside, so that one pair of limits
bounds whatever a server does: it drips headers or trailers, sends 100 Continue, or redirects.
"""

import io
import os
import threading
import time
from collections.abc import Callable
from http.client import IncompleteRead as ChunkCut
from typing import Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import IncompleteRead

from mnistnet import __version__
from mnistnet.errors import DownloadError

CONNECT = 10.0  # seconds; a mirror that is up accepts within one
SILENCE = 30.0  # seconds without a byte of the file, redirects and all
SLOWEST = 10_000  # bytes a second, over the whole transfer, once SILENCE has passed
TRIES = 5  # a connection that is cut is taken up again, so often in all
CHUNK = 1 << 16  # bytes
LATE = "no answer in time"
HEADERS = {
    "User-Agent": f"mnistnet/{__version__}",
    # The .gz file itself is wanted, not its content: an encoding on top would change the bytes.
    "Accept-Encoding": "identity",
}


def get(url: str, most: int, count: Callable[[int], None]) -> bytes:
    """The body at url, not decoded, of `most` bytes at most; count is told how its size changes.

    Where the connection is cut, the rest is asked for (RFC 9110, section 14.2); a server that does
    not give parts begins anew. Raises DownloadError, without the address, for any answer but 200
    and a whole body, for SILENCE, and when the transfer takes longer than SILENCE and the time that
    `most` bytes take at SLOWEST.
    """
    transfer = Transfer(url, most)
    thread = threading.Thread(target=transfer.run, daemon=True)
    began = moved = time.monotonic()
    counted = 0
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
            size, now = len(transfer.body), time.monotonic()
            if size != counted:
                count(size - counted)
                counted, moved = size, now
            elif now - moved > SILENCE:
                raise DownloadError(_after(LATE, size))
            if now - began > SILENCE + most / SLOWEST:
                raise DownloadError(f"too slow: {size:,} bytes in {now - began:.0f} s")
    finally:
        transfer.is_over = True
    count(len(transfer.body) - counted)
    if transfer.fault:
        raise DownloadError(transfer.fault)
    return bytes(transfer.body)


class Transfer:
    """A body on its way; run ends with all of it there, a fault, or soon after is_over is set."""

    def __init__(self, url: str, most: int) -> None:
        self.url = url
        self.most = most
        self.body = bytearray()
        self.fault = ""  # in words: an exception would keep the connection open
        self.is_over = False

    def run(self) -> None:
        for left in reversed(range(TRIES)):
            before = len(self.body)
            try:
                self._receive()
                return
            except DownloadError as error:
                self.fault = str(error)
                return
            except Exception as error:
                # OSError, as requests' own are; HTTPError of urllib3; ValueError, a redirect to
                # what is no address; TypeError, a proxy with a name and no password
                words = _reason(error, self.url)
                if len(self.body) == before or words == LATE or not left or self.is_over:
                    self.fault = _after(words, len(self.body))
                    return

    def _receive(self) -> None:
        """Ask for what is missing from the body, and add it."""
        body = self.body
        headers = HEADERS | ({"Range": f"bytes={len(body)}-"} if body else {})
        hooks = {"response": _refuse_downgrade}
        with requests.get(
            self.url,
            headers=headers,
            stream=True,
            timeout=(CONNECT, SILENCE),
            hooks=hooks,
            verify=_authorities(),
        ) as response:
            part = response.headers.get("Content-Range", "").startswith(f"bytes {len(body)}-")
            if response.status_code == requests.codes.ok:
                body.clear()
            elif response.status_code != requests.codes.partial or not (body and part):
                raise DownloadError(_status(response))
            # Not iter_content, which unpacks what a server declares as Content-Encoding: gzip. And
            # read1, which urllib3 has since 2.2, so as not to wait for a chunk that comes in drops.
            read = getattr(response.raw, "read1", response.raw.read)
            while not self.is_over and (chunk := read(CHUNK, decode_content=False)):
                if len(body) + len(chunk) > self.most:
                    raise DownloadError(f"expected {self.most:,} bytes at most, found more")
                body += chunk


def _authorities() -> bool | str:
    """Whose certificates are accepted: requests' own list, or those in a file that it or OpenSSL
    is told of in the environment."""
    if os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        return True  # requests looks there itself
    return os.environ.get("SSL_CERT_FILE") or True


def _after(words: str, size: int) -> str:
    return f"{words} after {size:,} bytes" if size else words


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
        response.close()
        raise DownloadError("redirected to an address without TLS, which is not followed")
    if response.is_redirect:
        response.raw.close()
        response.raw = io.BytesIO()


def _reason(error: BaseException, url: str) -> str:
    """Why a request failed, in the operating system's words where it has any, and what may help."""
    words = _cause(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"cannot reach it through the proxy {_proxy(url)}: {words}"
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in words:
        return f"{words} To install them: python -m pip install pysocks"
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return f"{words}; REQUESTS_CA_BUNDLE may name a file of the certificates to accept"
    return words


def _cause(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError | requests.Timeout):
            return LATE
        if isinstance(cause, IncompleteRead | ChunkCut):
            return "the connection ended"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _proxy(url: str) -> str:
    """The address of the proxy that the environment names for url, without its password."""
    proxies = requests.utils.get_environ_proxies(url)
    scheme, slashes, rest = (requests.utils.select_proxy(url, proxies) or "").rpartition("//")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"

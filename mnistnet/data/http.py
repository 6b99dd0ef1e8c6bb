"""Download one file over HTTP, byte for byte as the server sent it.

The transfer runs in its own thread under a watchdog, so that two limits cover everything a server
can do: trickle headers or trailers, repeat 100 Continue, or redirect.
"""

import io
import os
import threading
import time
from collections.abc import Callable
from http.client import IncompleteRead as IncompleteChunk
from typing import Any
from urllib.parse import urljoin

import requests
from urllib3.exceptions import IncompleteRead

from mnistnet import __version__
from mnistnet.errors import DownloadError

CONNECT_TIMEOUT = 10.0  # seconds
IDLE_TIMEOUT = 30.0  # seconds without a byte of the file, redirects included
MIN_SPEED = 10_000  # bytes per second over the whole transfer, after IDLE_TIMEOUT
TRIES = 5  # requests for one file: a broken transfer is resumed
CHUNK = 1 << 16  # bytes
TIMED_OUT = "timed out"
HEADERS = {
    "User-Agent": f"mnistnet/{__version__}",
    "Accept-Encoding": "identity",  # an encoding on top of the .gz would change its bytes
}


def get(url: str, max_bytes: int, advance: Callable[[int], None]) -> bytes:
    """Return the undecoded body at url; advance is called with each change of its size in bytes.

    If the connection breaks, the rest is requested (RFC 9110, section 14.2), or all of it if the
    server ignores ranges. Raises DownloadError, without the URL, for any status but 200, for more
    than max_bytes, for an incomplete body, after IDLE_TIMEOUT without data, and if the transfer
    takes longer than IDLE_TIMEOUT + max_bytes / MIN_SPEED.
    """
    transfer = Transfer(url, max_bytes)
    thread = threading.Thread(target=transfer.run, daemon=True)
    start = last_change = time.monotonic()
    counted = 0
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.1)
            size, now = len(transfer.body), time.monotonic()
            if size != counted:
                advance(size - counted)
                counted, last_change = size, now
            elif now - last_change > IDLE_TIMEOUT:
                raise DownloadError(_after(TIMED_OUT, size))
            if now - start > IDLE_TIMEOUT + max_bytes / MIN_SPEED:
                raise DownloadError(f"too slow: {size:,} bytes in {now - start:.0f} s")
    finally:
        transfer.is_stopped = True
    advance(len(transfer.body) - counted)
    if transfer.fault:
        raise DownloadError(transfer.fault)
    return bytes(transfer.body)


class Transfer:
    """A download in progress; run returns once it is complete, has failed, or is_stopped is set."""

    def __init__(self, url: str, max_bytes: int) -> None:
        self.url = url
        self.max_bytes = max_bytes
        self.body = bytearray()
        self.fault = ""  # as text: an exception would keep the connection open
        self.is_stopped = False

    def run(self) -> None:
        for tries_left in reversed(range(TRIES)):
            before = len(self.body)
            try:
                self._receive()
                return
            except DownloadError as error:
                self.fault = str(error)
                return
            except Exception as error:
                # OSError, the base of requests' errors; urllib3's HTTPError; ValueError for a
                # redirect to a malformed URL; TypeError for a proxy with a name but no password
                fault = _reason(error, self.url)
                is_stuck = len(self.body) == before or fault == TIMED_OUT
                if is_stuck or not tries_left or self.is_stopped:
                    self.fault = _after(fault, len(self.body))
                    return

    def _receive(self) -> None:
        """Request the missing part of the body, and append it."""
        body = self.body
        headers = HEADERS | ({"Range": f"bytes={len(body)}-"} if body else {})
        hooks = {"response": _check_redirect}
        with requests.get(
            self.url,
            headers=headers,
            stream=True,
            timeout=(CONNECT_TIMEOUT, IDLE_TIMEOUT),
            hooks=hooks,
            verify=_certificates(),
        ) as response:
            is_rest = response.headers.get("Content-Range", "").startswith(f"bytes {len(body)}-")
            if response.status_code == requests.codes.ok:
                body.clear()
            elif response.status_code != requests.codes.partial or not (body and is_rest):
                raise DownloadError(_status(response))
            # iter_content would unpack what a server declares as Content-Encoding: gzip, and read
            # would wait for a full chunk. urllib3 has read1 since 2.2.
            read = getattr(response.raw, "read1", response.raw.read)
            while not self.is_stopped and (chunk := read(CHUNK, decode_content=False)):
                if len(body) + len(chunk) > self.max_bytes:
                    raise DownloadError(f"expected at most {self.max_bytes:,} bytes, found more")
                body += chunk


def _certificates() -> bool | str:
    """Return requests' `verify`: the file that OpenSSL's variable names, or True for requests' own
    variables and defaults."""
    if os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        return True
    return os.environ.get("SSL_CERT_FILE") or True


def _after(fault: str, size: int) -> str:
    return f"{fault} after {size:,} bytes" if size else fault


def _status(response: requests.Response) -> str:
    """Describe a response that is not the file."""
    after = response.headers.get("Retry-After")
    text = f"{response.status_code} {response.reason}{f', Retry-After: {after}' if after else ''}"
    return "".join(filter(str.isprintable, text))[:100]


def _check_redirect(response: requests.Response, **_: Any) -> None:
    """Refuse redirects from https to anything else; discard the body of any other redirect, which
    requests would read to its end."""
    target = urljoin(response.url, response.headers.get("Location", "")).lower()
    if response.url.startswith("https:") and not target.startswith("https:"):
        response.close()
        raise DownloadError("refused a redirect to a URL without TLS")
    if response.is_redirect:
        response.raw.close()
        response.raw = io.BytesIO()


def _reason(error: BaseException, url: str) -> str:
    """Explain why a request failed, in the operating system's words if possible, with advice."""
    cause = _cause(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"cannot connect through the proxy {_proxy(url)}: {cause}"
    if isinstance(error, requests.exceptions.InvalidSchema) and "SOCKS" in cause:
        return f"{cause} Install them: python -m pip install pysocks"
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        return f"{cause}; set REQUESTS_CA_BUNDLE to a file of the certificates to accept"
    return cause


def _cause(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError | requests.Timeout):
            return TIMED_OUT
        if isinstance(cause, IncompleteRead | IncompleteChunk):
            return "the connection was closed"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


def _proxy(url: str) -> str:
    """Return the URL of the proxy that the environment sets for url, without its password."""
    proxies = requests.utils.get_environ_proxies(url)
    scheme, slashes, rest = (requests.utils.select_proxy(url, proxies) or "").rpartition("//")
    return f"{scheme}{slashes}{rest.rpartition('@')[2]}"

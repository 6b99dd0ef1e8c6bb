"""Download one file over HTTP, byte for byte as the server sent it."""

import os
from collections.abc import Iterator
from http.client import IncompleteRead
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urljoin

import requests

from mnistnet.errors import DownloadError, reason

CONNECT_TIMEOUT = 10.0  # seconds
IDLE_TIMEOUT = 30.0  # seconds without a part of the file, redirects included
PART = 1 << 12  # bytes; small, because a slow server must send one within IDLE_TIMEOUT
# Each may name a file of certificates to accept: two variables of requests, then OpenSSL's.
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def get(url: str, max_bytes: int) -> Iterator[bytes]:
    """Yield the undecoded body at url in parts.

    Raises DownloadError, without the URL, for any status but 200, for more than max_bytes, for an
    incomplete body, and if the next PART bytes take longer than IDLE_TIMEOUT.
    """
    # A thread receives, because the timeouts of requests are for single reads from the socket: a
    # server that repeats 100 Continue, or sends a header now and then, would block indefinitely.
    parts: SimpleQueue[bytes | Exception] = SimpleQueue()
    Thread(target=_receive, args=(url, max_bytes, parts), daemon=True).start()
    while True:
        try:
            part = parts.get(timeout=IDLE_TIMEOUT)
        except Empty:
            part = DownloadError("timed out")
        if isinstance(part, DownloadError):
            raise part
        if isinstance(part, Exception):
            raise DownloadError(_reason(part, url)) from part
        if not part:
            return
        yield part


def _receive(url: str, max_bytes: int, parts: SimpleQueue[bytes | Exception]) -> None:
    """Put the parts of the body into the queue, then b"" or the exception that ended it."""
    received = 0
    try:
        with requests.get(
            url,
            headers={"Accept-Encoding": "identity"},  # another encoding would change the bytes
            stream=True,
            timeout=(CONNECT_TIMEOUT, IDLE_TIMEOUT),
            hooks={"response": _check_redirect},
            verify=next(filter(None, map(os.environ.get, CERTIFICATES)), True),
        ) as response:
            if response.status_code != requests.codes.ok:
                raise DownloadError(f"{response.status_code} {response.reason}")
            # iter_content would unpack what a server declares as Content-Encoding: gzip
            for part in response.raw.stream(PART, decode_content=False):
                received += len(part)
                if received > max_bytes:
                    raise DownloadError(f"expected at most {max_bytes:,} bytes, found more")
                parts.put(part)
        parts.put(b"")
    except Exception as error:
        # OSError, the base of requests' errors; urllib3's HTTPError; ValueError for a redirect to a
        # malformed URL; TypeError for a proxy with a name but no password
        parts.put(error)


def _check_redirect(response: requests.Response, **_: Any) -> None:
    """Refuse a redirect from https to anything else."""
    if response.is_redirect:
        response.close()  # otherwise requests would read its body, whatever its length
        target = urljoin(response.url, response.headers["Location"])
        if response.url.startswith("https:") and not target.startswith("https:"):
            raise DownloadError("refused a redirect to a URL without TLS")


def _reason(error: Exception, url: str) -> str:
    """Explain why a request failed, with advice; the innermost error is the most specific."""
    chain: list[BaseException] = [error]
    while inner := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(inner)
    known = [each for each in chain if isinstance(each, OSError | IncompleteRead)] or chain
    is_cut = isinstance(known[-1], IncompleteRead)
    cause = "the connection was closed" if is_cut else reason(known[-1])
    if isinstance(error, requests.exceptions.ProxyError):
        proxies = requests.utils.get_environ_proxies(url)
        address = (requests.utils.select_proxy(url, proxies) or "").rpartition("@")[2]
        return f"cannot connect through the proxy {address}: {cause}"
    if "SOCKS" in cause:
        return f"{cause} Install them: python -m pip install pysocks"
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        return f"{cause}; set REQUESTS_CA_BUNDLE to a file of the certificates to accept"
    return cause

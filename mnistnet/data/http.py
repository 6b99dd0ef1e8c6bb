"""Download one file over HTTP, byte for byte as the server sent it."""

from collections.abc import Callable
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import urljoin

import requests

from mnistnet.errors import DownloadError, reason

SILENCE = 30.0  # seconds that may pass without a part of the file, redirects included


def get(url: str, max_bytes: int, advance: Callable[[int], object]) -> bytes:
    """Return the undecoded body at url; call advance with the size of each part.

    Raises DownloadError, without the URL, for any status but 200, for more than max_bytes, for an
    incomplete body and after SILENCE.
    """
    # A thread receives, because the timeouts of requests are for single reads from the socket: a
    # server that repeats 100 Continue, or sends a header now and then, would block indefinitely.
    parts: SimpleQueue[bytes | Exception] = SimpleQueue()
    Thread(target=_receive, args=(url, max_bytes, parts), daemon=True).start()
    body = bytearray()
    try:
        while part := parts.get(timeout=SILENCE):
            if isinstance(part, Exception):
                raise DownloadError(_reason(part)) from part
            body += part
            advance(len(part))
    except Empty:
        raise DownloadError("timed out") from None
    return bytes(body)


def _receive(url: str, max_bytes: int, parts: SimpleQueue[bytes | Exception]) -> None:
    """Put the parts of the body into the queue, then b"" or the exception that ended it."""
    try:
        with requests.get(
            url,
            headers={"Accept-Encoding": "identity"},  # another encoding would change the bytes
            stream=True,
            timeout=(10, SILENCE),  # to connect, and for each read
            hooks={"response": _check_redirect},
        ) as response:
            if response.status_code != requests.codes.ok:
                raise DownloadError(f"{response.status_code} {response.reason}")
            # iter_content would unpack what a server declares as Content-Encoding: gzip
            for part in response.raw.stream(1 << 12, decode_content=False):
                max_bytes -= len(part)
                if max_bytes < 0:
                    raise DownloadError("the body is longer than the unpacked file")
                parts.put(part)
        parts.put(b"")
    except Exception as error:  # of requests, urllib3, or, for a malformed address, other kinds
        parts.put(error)


def _check_redirect(response: requests.Response, **_: Any) -> None:
    """Refuse a redirect from https to anything else."""
    if response.is_redirect:
        response.close()  # otherwise requests would read its body, whatever its length
        target = urljoin(response.url, response.headers["Location"])
        if response.url.startswith("https:") and not target.startswith("https:"):
            raise DownloadError("refused a redirect to a URL without TLS")


def _reason(error: BaseException) -> str:
    """Explain why a request failed; the innermost error of the network is the most specific."""
    cause, inner = error, error.__cause__ or error.__context__
    while inner:
        cause = inner if isinstance(inner, OSError | HTTPException) else cause
        inner = inner.__cause__ or inner.__context__
    text = reason(cause)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"cannot connect through the proxy of the environment: {text}"
    advice = "; set REQUESTS_CA_BUNDLE to a file of the certificates to accept"
    return text + advice * ("CERTIFICATE_VERIFY_FAILED" in text)

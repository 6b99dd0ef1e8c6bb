"""One file over HTTP, byte for byte as the server sent it."""

from collections.abc import Callable

import requests
from urllib3.exceptions import HTTPError, IncompleteRead

from mnistnet import __version__
from mnistnet.errors import DownloadError

CONNECT_TIMEOUT = 10.0  # seconds; a mirror that is up accepts within one
READ_TIMEOUT = 30.0  # seconds without a byte
CHUNK = 1 << 16  # bytes
HEADERS = {
    "User-Agent": f"mnistnet/{__version__}",
    # The .gz file itself is wanted, not its content: an encoding on top would change the bytes.
    "Accept-Encoding": "identity",
}


def get(url: str, most: int, count: Callable[[int], None]) -> bytes:
    """The body at url, not decoded, of `most` bytes at most; count is told of each piece's size.

    Raises DownloadError, without the address, for any answer but 200 and a whole body.
    """
    body = bytearray()
    timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
    try:
        with requests.get(url, headers=HEADERS, stream=True, timeout=timeout) as response:
            if response.status_code != requests.codes.ok:
                words = "".join(filter(str.isprintable, response.reason or ""))
                raise DownloadError(f"{response.status_code} {words}")
            # Not iter_content, which unpacks what a server declares as Content-Encoding: gzip.
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                body += chunk
                count(len(chunk))
                if len(body) > most:
                    raise DownloadError(f"expected {most:,} bytes at most, found more")
    except (OSError, HTTPError, ValueError) as error:
        # requests' own errors are OSErrors, as is a missing certificate file; a ValueError is a
        # redirect to what is no address
        where = f" after {len(body):,} bytes" if body else ""
        raise DownloadError(f"{_reason(error)}{where}") from error
    return bytes(body)


def _reason(error: BaseException) -> str:
    """Why a request failed, in the operating system's words where it has any."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError | requests.Timeout):
            return "no answer in time"
        if isinstance(cause, IncompleteRead):
            return "the connection ended"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return str(error)

"""A mirror or a network that fails leads to the next mirror; at worst it is one clear error that
changes no file."""

import gzip
import os
import re
import signal
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from moments import assert_stopped, stop_at_moments, without_parts
from program import assert_fault, fetch, posix_only
from tasks import KILL

from mnistnet.data import download, http, mnist
from mnistnet.errors import DownloadError

FIRST = "train-images-idx3-ubyte"


A = Path("a")


def fault_of(mirror: str) -> str:
    """The reason why the only mirror failed."""
    with pytest.raises(DownloadError) as caught:
        fetch(A, mirror)
    return str(caught.value).splitlines()[1].removeprefix(f"  {mirror}: ")


def assert_complete() -> None:
    """The folder a has the four files and nothing else."""
    assert sorted(os.listdir(A)) == sorted(file.name for file in mnist.FILES)
    assert set(download.check(A).values()) == {None}


# ---- faults of a mirror


def reset(request) -> None:
    """Reset the connection."""
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    socket.close(request.connection.detach())


def status(code: int, location: str = "") -> Callable:
    def answer(request) -> None:
        request.send_response(code)
        request.send_header("Location", location)
        request.end_headers()

    return answer


def sent(change: Callable[[bytes], bytes], more: int = 0, **headers: str) -> Callable:
    """Send a changed body, after promising so many more bytes, and close the connection."""
    return lambda request: request.send_body(
        body := change(request.server.answers[f"/good/{FIRST}.gz"]), len(body) + more, **headers
    )


EXPECTED = "expected a gzip of SHA-256 {sha256} unpacked, found "
BOMB = gzip.compress(bytes(10_000_000))
FAULTS = [  # what a mirror does when asked for the first file, and the pattern of the error
    (status(404), "404 Not Found"),
    (status(302, f"/1/{FIRST}.gz"), r"Exceeded 30 redirects\."),
    (status(302, "http://["), "Invalid IPv6 URL"),
    (sent(lambda _: b"\n<html>Sign in</html>"), f"{EXPECTED}an HTML page"),
    (sent(lambda body: body[: len(body) // 2], 99), "IncompleteRead.*"),
    (sent(lambda _: bytes(1_000_000)), "the body is longer than the unpacked file"),
    (sent(lambda body: body[:-1] + b"x"), f"{EXPECTED}{{size:,}} other bytes"),
    (sent(lambda _: BOMB, Content_Encoding="gzip"), f"{EXPECTED}{len(BOMB):,} other bytes"),
    (reset, "Connection reset by peer|.*10054.*"),
]


def test_after_any_fault_of_a_mirror_the_next_one_is_tried(good: str, server) -> None:
    mirrors = [f"{server.url}/{number}" for number in range(len(FAULTS))]
    for number, (answer, _) in enumerate(FAULTS):
        server.answers[f"/{number}/{FIRST}.gz"] = answer
    _, *notes = fetch(A, *mirrors, good)[1]
    assert_complete()
    values = {"sha256": mnist.FILES[0].sha256, "size": mnist.FILES[0].gz_size}
    for note, mirror, (_, message) in zip(notes, mirrors, FAULTS, strict=True):
        assert re.fullmatch(f"could not download from {mirror}: {message.format(**values)}", note)


def test_a_mirror_that_sends_nothing_is_given_up(server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that sends 100 Continue again and again, each time before the timeout."""

    def continue_forever(request) -> None:
        with suppress(OSError):
            while not request.server.closing.wait(0.05):
                request.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    monkeypatch.setattr(http, "SILENCE", 0.3)
    for answer in (lambda request: request.server.closing.wait(), continue_forever):
        server.answers[f"/{FIRST}.gz"] = answer
        assert fault_of(server.url) == "timed out"


def test_if_every_mirror_fails_the_error_lists_each_failure(server) -> None:
    mirrors = [f"{server.url}/none/", "ftp://host", str(Path.cwd())]
    secret = mirrors[0].replace("//", "//name:secret@"), "ftp://name:secret@host?key=secret"
    options = [word for mirror in (*secret, mirrors[2]) for word in ("--mirror", mirror)]
    message = (
        f"no mirror provided {FIRST}:\n"
        f"  {mirrors[0]}: 404 Not Found\n"
        f"  {mirrors[1]}: neither a URL (http, https) nor a folder\n"
        f"  {mirrors[2]}: {mirrors[2]}: expected {FIRST}, raw or .gz, found none\n"
        "Try again later, name another mirror with --mirror (a URL, or a folder with the four "
        "files), or draw digits instead: mnistnet download --synthetic"
    )
    note = f"Downloading MNIST to {download.cache_folder()}\n"
    assert_fault(("download", *options), message, note)
    assert server.hits == [f"/none/{FIRST}.gz"]


def test_a_proxy_may_declare_or_remove_the_encoding(good: str, server) -> None:
    def answer(request) -> None:
        unpack = gzip.decompress if FIRST in request.path else bytes
        body = server.answers[request.path.replace("proxy", "good")]
        request.send_body(unpack(body), Content_Encoding="gzip")

    server.answers |= {f"/proxy/{file.name}.gz": answer for file in mnist.FILES}
    fetch(A, f"{server.url}/proxy")
    assert_complete()


# ---- faults of the network


@posix_only("Windows words a refusal in another way")
def test_an_offline_machine_and_a_proxy_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    assert fault_of(f"http://{address}") == "Connection refused"
    monkeypatch.setenv("https_proxy", f"http://name:secret@{address}")
    message = "cannot connect through the proxy of the environment: Connection refused"
    assert fault_of("https://mnist.example") == message


def test_only_certificates_that_the_environment_trusts_are_accepted(
    good: str, server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no redirect from TLS to none."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    secure = server.url.replace("http:", "https:")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    assert re.fullmatch(
        r"\[SSL: CERTIFICATE_VERIFY_FAILED\] certificate verify failed: unable to get local issuer "
        r"certificate.*; set REQUESTS_CA_BUNDLE to a file of the certificates to accept",
        fault_of(f"{secure}/good"),
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "authority.pem")
    other = secure.replace("127.0.0.1", "localhost")
    assert "Hostname mismatch" in fault_of(f"{other}/good")
    for file in mnist.FILES:
        path = f"{file.name}.gz"
        server.answers[f"/on/{path}"] = status(302, f"/good/{path}")
        server.answers[f"/out/{path}"] = status(302, f"{good}/{path}")
    assert fault_of(f"{secure}/out") == "refused a redirect to a URL without TLS"
    assert len(fetch(A, f"{secure}/on")[1]) == 1
    assert_complete()


# ---- interruptions


@posix_only("needs fork and signals")
@pytest.mark.parametrize("count", [6, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.parametrize("sign", [KILL, signal.SIGINT])
def test_a_download_stopped_at_any_moment_can_be_repeated(
    good: str, tmp_path: Path, sign: int, count: int
) -> None:
    """Each file is complete or missing, and the same command then downloads the missing ones. A
    killed process may leave a temporary file."""
    start = tmp_path / "start"
    start.mkdir()
    complete = {f"a/{file.name}": file.sha256 for file in mnist.FILES}
    command = ("download", "--data", A, "--mirror", good)
    ends = stop_at_moments(sign, count, start, command)
    assert len(ends) == count
    for stopped, again in ends:
        assert without_parts(stopped).items() <= complete.items()
        assert_stopped(stopped, sign)
        assert (again.exit_code, without_parts(again)) == (0, complete)

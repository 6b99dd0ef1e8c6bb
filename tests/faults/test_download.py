"""A mirror or a network that fails leads to the next mirror; at worst it is one clear error that
changes no file."""

import gzip
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme
from moments import assert_stopped, stop_at_moments, without_parts
from program import as_user, assert_fault, files, posix_only, published_command, run
from tasks import KILL

from mnistnet.data import download, http, mnist
from mnistnet.errors import DownloadError

FIRST = "train-images-idx3-ubyte"
BAD = f"/bad/{FIRST}.gz"
ADVICE = (
    "Try again later, name another mirror with --mirror (a URL, or a folder with the four files), "
    "or draw digits instead: mnistnet download --synthetic"
)


@pytest.fixture
def good(server, published):
    """A server with the published files under /good."""
    server.answers = {f"/good{path}": body for path, body in published.items()}
    server.body = published[f"/{FIRST}.gz"]
    return server


def fetch(*mirrors: str) -> tuple[list[str], list[int]]:
    """Download to the folder a; return the notes, and the sizes that were reported."""
    notes: list[str] = []
    sizes: list[int] = []
    download.download(Path("a"), mirrors, notes.append, lambda size, _: sizes.append(size))
    return notes, sizes


def assert_complete(folder: Path = Path("a")) -> None:
    """The folder has the four files and nothing else."""
    assert sorted(os.listdir(folder)) == sorted(file.name for file in mnist.FILES)
    assert set(download.check(folder).values()) == {None}


# ---- faults of a mirror


def reset(request) -> None:
    """Reset the connection."""
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    socket.close(request.connection.detach())


def status(code: int, **headers: str) -> Callable:
    def answer(request) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return answer


def sent(change: Callable[[bytes], bytes], more: int = 0, **headers: str) -> Callable:
    """Send a changed body, after promising so many more bytes, and close the connection."""

    def answer(request) -> None:
        body = change(request.server.body)
        request.send_body(body, len(body) + more, **headers)

    return answer


def altered(body: bytes) -> bytes:
    return bytes([*body[:99], body[99] ^ 1, *body[100:]])


def endless(start: bytes, more: bytes) -> Callable:
    """Send start, then more again and again, each time before the timeout."""

    def answer(request) -> None:
        with suppress(OSError):
            request.wfile.write(start)
            while not request.server.closing.wait(0.05):
                request.wfile.write(more)

    return answer


def redirect_slowly(request) -> None:
    """Redirect to the same path, each time before the timeout."""
    request.server.closing.wait(0.2)
    status(302, Location=BAD)(request)


SIZE = r"expected {size:,} bytes"
CLOSED = "the connection was closed"
TIMED_OUT = "timed out"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(10_000_000))
# What the mirror does when asked for the first file, and the pattern of the resulting error.
ANSWERS = {
    "404": (status(404), "404 Not Found"),
    "206": (status(206), "206 Partial Content"),
    "redirect loop": (status(302, Location=BAD), r"Exceeded 30 redirects\."),
    "redirect to no URL": (status(302, Location="http://["), "Invalid IPv6 URL"),
    "HTML with status 200": (
        sent(lambda _: b"\n<html>Sign in first</html>"),
        f"{SIZE} of gzip, found an HTML page",
    ),
    "cut at half": (sent(lambda body: body[: len(body) // 2], 99), CLOSED),
    "cut in a chunk": (lambda request: request.wfile.write(CHUNKED + b"5\r\nab"), CLOSED),
    "short body": (sent(lambda body: body[:-10]), f"{SIZE}, found {{short:,}}"),
    "body longer than promised": (sent(bytes, -10), f"{SIZE}, found {{short:,}}"),
    "endless body": (
        sent(lambda _: bytes(1_000_000)),
        "expected at most {raw:,} bytes, found more",
    ),
    "reset": (reset, "Connection reset by peer"),
    "wrong hash": (sent(altered), "expected SHA-256 {gz_sha256}, found [0-9a-f]{{64}}"),
    "gzip bomb": (sent(lambda _: BOMB, Content_Encoding="gzip"), f"{SIZE}, found {len(BOMB):,}"),
    "no answer": (lambda request: request.server.closing.wait(), TIMED_OUT),
    "a byte at a time": (endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), TIMED_OUT),
    "endless headers": (endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), TIMED_OUT),
    "endless 100 Continue": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), TIMED_OUT),
    "endless trailers": (endless(CHUNKED + b"2\r\nab\r\n0\r\n", b"X: y\r\n"), TIMED_OUT),
    "slow redirects": (redirect_slowly, TIMED_OUT),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_after_any_fault_of_a_mirror_the_next_one_is_tried(
    good, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    answer, message = ANSWERS[kind]
    if sys.platform == "win32" and kind == "reset":
        pytest.skip("POSIX only: Windows words a reset in another way")
    if message == TIMED_OUT:
        monkeypatch.setattr(http, "IDLE_TIMEOUT", 0.5)
    good.answers[BAD] = answer
    notes, sizes = fetch(f"{good.url}/bad", f"{good.url}/good")
    assert_complete()
    file, size = mnist.FILES[0], len(good.body)
    sizes_named = {"size": size, "short": size - 10, "raw": file.size}
    message = message.format(gz_sha256=file.gz_sha256, **sizes_named)
    pattern = f"could not download {FIRST} from {re.escape(good.url)}/bad: {message}"
    assert re.fullmatch(f"Downloading MNIST to a\n{pattern}", "\n".join(notes))
    assert sum(sizes) == sum(file.gz_size for file in mnist.FILES)


def test_if_every_mirror_fails_the_error_lists_each_failure(good) -> None:
    good.answers[BAD] = sent(lambda body: body[:-1], 1)
    mirrors = [f"{good.url}/none/", f"{good.url}/bad", "ftp://host", str(Path.cwd()), "~none/a"]
    options = [word for mirror in mirrors for word in ("--mirror", mirror)]
    message = (
        f"no mirror provided {FIRST}:\n"
        f"  {mirrors[0]}: 404 Not Found\n"
        f"  {mirrors[1]}: {CLOSED}\n"
        f"  {mirrors[2]}: neither a URL (http, https, file) nor a folder\n"
        f"  {mirrors[3]}: has no {FIRST}, raw or .gz\n"
        f"  {mirrors[4]}: Could not determine home directory.\n{ADVICE}"
    )
    note = f"Downloading MNIST to {download.cache_folder()}\n"
    assert_fault(("download", *options), message, note)
    assert good.hits == [f"/none/{FIRST}.gz", BAD]
    result = run("predict", "test:0", "--mirror", mirrors[0])
    assert f"{FIRST}:\n  {mirrors[0]}: 404 Not Found\n{ADVICE}\n" in result.stderr


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_proxy_may_declare_or_remove_the_encoding(good, unpacked: bool) -> None:
    encodings = []

    def answer(request) -> None:
        encodings.append(request.headers["Accept-Encoding"])
        sent(gzip.decompress if unpacked else bytes, Content_Encoding="gzip")(request)

    good.answers[f"/good/{FIRST}.gz"] = answer
    _, sizes = fetch(f"{good.url}/good")
    assert_complete()
    assert encodings == ["identity"]
    assert sum(sizes) == sum(file.gz_size for file in mnist.FILES)


# ---- faults of the network


def fault_of(mirror: str) -> str:
    """The reason why the only mirror failed."""
    with pytest.raises(DownloadError) as caught:
        fetch(mirror)
    return str(caught.value).splitlines()[1].removeprefix(f"  {mirror}: ")


def test_an_unknown_host_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert fault_of("https://mnist.example") == "Name or service not known"


@posix_only("Windows words a refusal in another way")
def test_a_closed_port_is_reported_and_a_proxy_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    assert fault_of(f"http://{address}") == "Connection refused"
    monkeypatch.setenv("https_proxy", f"http://name:secret@{address}")
    message = f"cannot connect through the proxy {address}: Connection refused"
    assert fault_of("https://mnist.example") == message


def test_a_proxy_that_cannot_be_used_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://name:@")
    assert fault_of("http://mnist.example")
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    message = fault_of("http://mnist.example")
    assert message.startswith("Missing dependencies for SOCKS support")
    assert message.endswith(": python -m pip install pysocks")


@pytest.fixture
def secure(good, tmp_path: Path) -> Iterator[str]:
    """The address of the server, over TLS; its certificate is signed by authority.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    good.socket = context.wrap_socket(good.socket, server_side=True)
    return good.url.replace("http:", "https:")


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_only_certificates_that_the_environment_trusts_are_accepted(
    secure: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert re.fullmatch(
        r"\[SSL: CERTIFICATE_VERIFY_FAILED\] certificate verify failed: unable to get local issuer "
        r"certificate.*; set REQUESTS_CA_BUNDLE to a file of the certificates to accept",
        fault_of(f"{secure}/good"),
    )
    monkeypatch.setenv("SSL_CERT_FILE", "none.pem")  # after the variables of requests
    monkeypatch.setenv(name, "authority.pem")
    other = secure.replace("127.0.0.1", "localhost")
    assert re.fullmatch(r"\[SSL.*Hostname mismatch.*'localhost'.*", fault_of(f"{other}/good"))
    fetch(f"{secure}/good")
    assert_complete()


def test_a_redirect_from_tls_to_none_is_refused(
    secure: str, good, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "authority.pem")
    for place, target in {"out": good.url, "on": "", "away": "HTTPS://127.0.0.1:1"}.items():
        location = f"{target}/good/{FIRST}.gz"
        good.answers[f"/{place}/{FIRST}.gz"] = status(302, Location=location)
    assert fault_of(f"{secure}/out") == "refused a redirect to a URL without TLS"
    assert "without TLS" not in fault_of(f"{secure}/away")
    fetch(f"{secure}/on", f"{secure}/good")
    assert_complete()


# ---- faults of the folder, and interruptions


@posix_only("needs file permissions")
def test_an_unusable_folder_is_reported_before_the_download(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    message = f"cannot create the folder {mine}: File exists"
    assert_fault(("download", "--data", mine), message, f"Downloading MNIST to {mine}\n")
    note = f"Downloading MNIST to {tmp_path}\n"
    message = f"cannot write {tmp_path / FIRST}: the folder {tmp_path} is not writable"
    tmp_path.chmod(0o500)
    assert_fault(("download", "--data", tmp_path), message, note, run=as_user)
    tmp_path.chmod(0o000)
    result = as_user("download", "--data", tmp_path)
    tmp_path.chmod(0o700)
    message = f"Error: cannot read {tmp_path}: Permission denied\n"
    assert (result.stdout, result.stderr, result.exit_code) == ("", message, 1)


@posix_only("needs signals")
def test_ctrl_c_while_waiting_for_the_server_leaves_nothing(good) -> None:
    waiting = threading.Event()

    def half(request) -> None:
        request.send_body(request.server.body[:5000], length=len(request.server.body))
        request.wfile.flush()
        waiting.set()
        request.server.closing.wait()

    good.answers[f"/good/{FIRST}.gz"] = half
    before = files()
    command = (*published_command(), "download", "--mirror", f"{good.url}/good")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert waiting.wait(30)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    note = f"Downloading MNIST to {download.cache_folder()}\n"
    assert (stdout, stderr.decode()) == (b"", f"{note}Interrupted\n")
    assert process.returncode == 130
    assert files() == before


@posix_only("needs fork and signals")
@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.soak)])
@pytest.mark.parametrize("sign", [KILL, signal.SIGINT])
def test_a_download_stopped_at_any_moment_can_be_repeated(
    good, tmp_path: Path, sign: int, count: int
) -> None:
    """Each file is complete or missing, and the same command then downloads the missing ones. A
    killed process may leave a temporary file."""
    start = tmp_path / "start"
    start.mkdir()
    complete = {f"a/{file.name}": file.sha256 for file in mnist.FILES}
    command = ("download", "--data", "a", "--mirror", f"{good.url}/good")
    ends = stop_at_moments(sign, count, start, command)
    assert len(ends) == count
    for stopped, again in ends:
        assert without_parts(stopped).items() <= complete.items()
        assert_stopped(stopped, sign)
        assert (again.exit_code, without_parts(again)) == (0, complete)

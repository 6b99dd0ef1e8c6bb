"""A failed download tries the next mirror; at worst it is one clear error that changes no file."""

import errno
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
from typing import NamedTuple

import pytest
import trustme
from moments import assert_stopped, stop_at_moments, without_parts
from program import as_user, assert_fault, files, posix_only, published_command, run
from tasks import KILL

from mnistnet.data import download, http, mnist

FIRST = "train-images-idx3-ubyte"
ADVICE = (
    "Try again later, name another mirror with --mirror (a URL, or a folder with the four files), "
    "or draw digits instead: mnistnet download --synthetic"
)


@pytest.fixture
def good(server, published):
    """A server with the published files under /good; the cache has all but the first of them."""
    server.answers = {f"/good{path}": body for path, body in published.items()}
    server.body = published[f"/{FIRST}.gz"]
    cache = download.cache_folder()
    assert run("download", "--mirror", f"{server.url}/good").exit_code == 0
    (cache / FIRST).unlink()
    server.hits.clear()
    return server


# ---- faults of a mirror


def reset(request) -> None:
    """Reset the connection."""
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    socket.close(request.connection.detach())


def cut_after(share: float) -> Callable:
    """Send this share of the body, after promising all of it, and close the connection."""

    def answer(request) -> None:
        body = request.server.body
        request.send_body(body[: int(share * len(body))], length=len(body))

    return answer


def reset_halfway(request) -> None:
    cut_after(0.5)(request)
    reset(request)


def cut_chunk(request) -> None:
    """Promise a chunk of five bytes, send two, and close the connection."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"5\r\nab")


def status(code: int, **headers: str) -> Callable:
    def answer(request) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()

    return answer


def sent(change: Callable[[bytes], bytes], **headers: str) -> Callable:
    """Send a changed body as if nothing were wrong."""
    return lambda request: request.send_body(change(request.server.body), **headers)


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


def endless_trailers(request) -> None:
    body = request.server.body
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)
    endless(start + body + b"\r\n0\r\n", b"X: y\r\n")(request)


def redirect_slowly(request) -> None:
    """Redirect to the same path, each time shortly before the timeout."""
    request.server.closing.wait(0.2)
    status(302, Location=request.path)(request)


class Answer(NamedTuple):
    """What the mirror does when asked for the first file, the pattern of the resulting error, the
    number of requests (None for any), and whether it takes a timeout."""

    act: Callable
    message: str
    hits: int | None = 1
    slow: bool = False


SIZE = r"expected {size:,} bytes"
RESET = r"(Connection reset by peer|the connection was closed)( after [\d,]+ bytes)?"
BOMB = gzip.compress(bytes(10_000_000))
ANSWERS = {
    "404": Answer(status(404), "404 Not Found"),
    "503": Answer(status(503, Retry_After="120"), "503 Service Unavailable, Retry-After: 120"),
    "206 without a range": Answer(status(206), "206 Partial Content"),
    "redirect loop": Answer(
        status(302, Location=f"/bad/{FIRST}.gz"), r"Exceeded 30 redirects\.", 31
    ),
    "redirect to no URL": Answer(status(302, Location="http://["), "Invalid IPv6 URL"),
    "redirect to no text": Answer(
        status(302, Location="/\xff"), "'utf-8' codec can't decode byte 0xff .*"
    ),
    "HTML with status 200": Answer(
        sent(lambda _: b"\n<html>Sign in first</html>"), f"{SIZE} of gzip, found an HTML page"
    ),
    "empty body": Answer(sent(lambda _: b""), f"{SIZE}, found 0"),
    "cut at half": Answer(cut_after(0.5), "the connection was closed after {half:,} bytes", 2),
    "cut at the last byte": Answer(
        lambda request: request.send_body(request.server.body[:-1], len(request.server.body)),
        "the connection was closed after {last:,} bytes",
        2,
    ),
    "cut in a chunk": Answer(cut_chunk, "the connection was closed after 2 bytes", 2),
    "short body": Answer(sent(lambda body: body[:-10]), f"{SIZE}, found {{short:,}}"),
    "long body": Answer(sent(lambda body: body + bytes(10)), f"{SIZE}, found {{long:,}}"),
    "body longer than promised": Answer(
        lambda request: request.send_body(request.server.body, len(request.server.body) - 10),
        f"{SIZE}, found {{short:,}}",
    ),
    "endless body": Answer(
        sent(lambda _: bytes(1_000_000)), "expected at most {raw:,} bytes, found more"
    ),
    "reset at once": Answer(reset, "Connection reset by peer"),
    # a reset may overtake data sent before it
    "reset at half": Answer(reset_halfway, RESET, None),
    "a byte at a time": Answer(
        endless(b"HTTP/1.1 200 OK\r\n\r\n", b"\x1f"), r"too slow: \d+ bytes in \d s", slow=True
    ),
    "endless headers": Answer(endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "timed out", slow=True),
    "endless 100 Continue": Answer(
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "timed out", slow=True
    ),
    "endless trailers": Answer(endless_trailers, "timed out after {size:,} bytes", slow=True),
    "slow redirects": Answer(redirect_slowly, "timed out", None, slow=True),
    "no answer": Answer(lambda request: request.server.closing.wait(), "timed out", slow=True),
    "no answer after two bytes": Answer(
        lambda request: (
            request.send_body(b"\x1f\x8b", length=1000),
            request.wfile.flush(),
            request.server.closing.wait(),
        ),
        "timed out after 2 bytes",
        slow=True,
    ),
    "wrong hash": Answer(sent(altered), "expected SHA-256 {gz_sha256}, found [0-9a-f]{{64}}"),
    "gzip bomb": Answer(
        sent(lambda _: BOMB, Content_Encoding="gzip"), f"{SIZE}, found {len(BOMB):,}"
    ),
}


def fault_of(good, kind: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return a mirror with this fault, and the pattern of the error about it."""
    answer = ANSWERS[kind]
    if sys.platform == "win32" and kind.startswith("reset"):
        pytest.skip("POSIX only: Windows words a reset in another way")
    if answer.slow:
        monkeypatch.setattr(http, "IDLE_TIMEOUT", 0.5)
        monkeypatch.setattr(http, "MIN_SPEED", 1e6)
    good.answers[f"/bad/{FIRST}.gz"] = answer.act
    file, size = mnist.FILES[0], len(good.body)
    sizes = {"size": size, "half": size // 2, "last": size - 1, "short": size - 10}
    sizes |= {"long": size + 10, "raw": file.size}
    message = answer.message.format(gz_sha256=file.gz_sha256, **sizes)
    return f"{good.url}/bad", f"{re.escape(good.url)}/bad: {message}"


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_fault_of_the_only_mirror_is_one_error(good, monkeypatch, kind) -> None:
    bad, message = fault_of(good, kind, monkeypatch)
    assert_fault(
        ("download", "--mirror", bad),
        re.compile(rf"no mirror provided {FIRST}:\n  {message}\n{re.escape(ADVICE)}"),
        f"Downloading MNIST to {download.cache_folder()}\n",
    )
    assert good.hits == [f"/bad/{FIRST}.gz"] * (ANSWERS[kind].hits or len(good.hits))


@pytest.mark.parametrize("kind", ANSWERS)
def test_after_any_fault_the_next_mirror_is_tried(good, tiny, monkeypatch, kind) -> None:
    bad, message = fault_of(good, kind, monkeypatch)
    result = run("download", "--mirror", bad, "--mirror", f"{good.url}/good")
    assert_complete(download.cache_folder(), tiny)
    assert result.stdout.startswith(f"{FIRST}  {good.url}/good\n")
    notes = f"Downloading MNIST to .*\ncould not download {FIRST} from {message}\n"
    assert re.fullmatch(notes, result.stderr)
    assert result.exit_code == 0


def assert_complete(folder: Path, tiny: Path) -> None:
    """The folder has the four raw files and nothing else."""
    expected = {file.name: (tiny / file.name).read_bytes() for file in mnist.FILES}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected


def pieces(*shares: float) -> Callable:
    """A server that resumes transfers, whose connections break after these shares of the file."""
    ends = iter(shares)

    def answer(request) -> None:
        body = request.server.body
        begin = int((request.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        end = int(next(ends, 1) * len(body))
        if begin:
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
            request.send_header("Content-Length", str(len(body) - begin))
            request.end_headers()
            request.wfile.write(body[begin:end])
        else:
            request.send_body(body[:end], length=len(body))

    return answer


def test_a_broken_transfer_is_resumed(good, tiny) -> None:
    ranges = []
    answer = pieces(0.3, 0.6, 0.9)

    def record(request) -> None:
        ranges.append(request.headers["Range"])
        answer(request)

    good.answers[f"/good/{FIRST}.gz"] = record
    assert run("download", "--mirror", f"{good.url}/good").exit_code == 0
    assert_complete(download.cache_folder(), tiny)
    size = len(good.body)
    assert ranges == [None, *(f"bytes={int(share * size)}-" for share in (0.3, 0.6, 0.9))]


def test_a_transfer_restarts_if_the_server_ignores_ranges(good, tiny, monkeypatch) -> None:
    answers = iter([cut_after(0.5), lambda request: request.send_body(request.server.body)])
    good.answers[f"/good/{FIRST}.gz"] = lambda request: next(answers)(request)
    received = []
    download.download(
        download.cache_folder(),
        [f"{good.url}/good"],
        lambda _: None,
        lambda size, _: received.append(size),
    )
    assert_complete(download.cache_folder(), tiny)
    assert sum(received) == len(good.body)


def test_a_transfer_that_breaks_again_and_again_is_given_up(good) -> None:
    good.answers[f"/bad/{FIRST}.gz"] = pieces(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
    result = run("download", "--mirror", f"{good.url}/bad")
    kept = int(0.5 * len(good.body))
    assert f"/bad: the connection was closed after {kept:,} bytes\n" in result.stderr
    assert len(good.hits) == http.TRIES


@pytest.mark.parametrize("start", ["1-", "0-", "x"])
def test_a_wrong_range_is_not_used(good, start: str) -> None:
    answers = iter([cut_after(0.5), status(206, Content_Range=f"bytes {start}")])
    good.answers[f"/bad/{FIRST}.gz"] = lambda request: next(answers)(request)
    result = run("download", "--mirror", f"{good.url}/bad")
    assert f"{good.url}/bad: 206 Partial Content\n" in result.stderr


# ---- faults of the network


def assert_no_mirror(mirror: str, message: str) -> None:
    assert_fault(
        ("download", "--mirror", mirror),
        re.compile(
            rf"no mirror provided {FIRST}:\n  {re.escape(mirror)}: {message}\n{re.escape(ADVICE)}"
        ),
        f"Downloading MNIST to {download.cache_folder()}\n",
    )


def test_an_unknown_host_is_reported(good, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert_no_mirror("https://mnist.example", "Name or service not known")


def test_the_home_folder_of_an_unknown_user_is_reported(good) -> None:
    assert_no_mirror("~nobody-of-this-name/mnist", "Could not determine home directory.")


def test_a_proxy_without_a_password_is_reported(good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://name:@")
    assert_no_mirror("http://mnist.example", ".+")


@posix_only("Windows words a refusal in another way")
def test_an_unreachable_proxy_is_named_without_its_password(
    good, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://name:secret@127.0.0.1:{port}")
    message = f"cannot connect through the proxy http://127.0.0.1:{port}: Connection refused"
    assert_no_mirror("https://mnist.example", message)


def test_the_error_for_a_socks_proxy_names_the_missing_package(
    good, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    message = r"Missing dependencies for SOCKS support\. .*: python -m pip install pysocks"
    assert_no_mirror("http://mnist.example", message)


def test_the_body_of_a_redirect_is_not_read(good, tiny: Path) -> None:
    def endless(request) -> None:
        request.send_response(302)
        request.send_header("Location", f"/good/{FIRST}.gz")
        request.end_headers()
        with suppress(OSError):
            for _ in range(1000):
                request.wfile.write(bytes(1 << 20))
            was_read.append(True)

    was_read: list[bool] = []
    good.answers[f"/far/{FIRST}.gz"] = endless
    assert run("download", "--mirror", f"{good.url}/far").exit_code == 0
    assert_complete(download.cache_folder(), tiny)
    assert not was_read


@posix_only("Windows words a refusal in another way")
def test_a_silent_or_closed_port_is_reported(good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "IDLE_TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mirror = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert_no_mirror(mirror, "timed out")
    assert_no_mirror(mirror, "Connection refused")


@pytest.fixture
def secure(good, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the server, over TLS; its certificate is signed by authority.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    good.socket = context.wrap_socket(good.socket, server_side=True)
    return good.url.replace("http:", "https:")


def test_an_untrusted_certificate_is_refused(secure: str) -> None:
    assert_no_mirror(
        f"{secure}/good",
        r"\[SSL: CERTIFICATE_VERIFY_FAILED\] certificate verify failed: "
        r"unable to get local issuer certificate.*; "
        "set REQUESTS_CA_BUNDLE to a file of the certificates to accept",
    )


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_that_the_environment_trusts_is_accepted(
    secure: str, tiny: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "authority.pem")
    assert run("download", "--mirror", f"{secure}/good").exit_code == 0
    assert_complete(download.cache_folder(), tiny)


def test_requests_variable_takes_precedence_over_openssls(
    secure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", "none.pem")
    assert run("download", "--mirror", f"{secure}/good").exit_code == 0


def test_another_hosts_certificate_is_refused(secure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "authority.pem")
    other = secure.replace("127.0.0.1", "localhost")
    assert_no_mirror(f"{other}/good", r"\[SSL.*Hostname mismatch.*'localhost'.*")


def test_a_server_without_tls_is_refused_over_https(good) -> None:
    assert_no_mirror(good.url.replace("http:", "https:"), r"\[SSL.*")


def test_a_missing_certificate_file_is_reported(good, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "none.pem")
    assert_no_mirror("https://mnist.example", ".*invalid path: none.pem")


def test_a_redirect_from_tls_to_none_is_refused(
    secure: str, good, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "authority.pem")
    for place, target in {"out": good.url, "on": "", "away": "HTTPS://mnist.example"}.items():
        location = f"{target}/good/{FIRST}.gz"
        good.answers[f"/{place}/{FIRST}.gz"] = status(302, Location=location)
    assert_no_mirror(f"{secure}/out", "refused a redirect to a URL without TLS")
    assert "without TLS" not in run("download", "--mirror", f"{secure}/away").stderr
    assert run("download", "--mirror", f"{secure}/on").exit_code == 0
    assert_complete(download.cache_folder(), tiny)


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_proxy_may_declare_or_remove_the_encoding(good, tiny: Path, unpacked) -> None:
    change = gzip.decompress if unpacked else bytes
    good.answers[f"/good/{FIRST}.gz"] = sent(change, Content_Encoding="gzip")
    assert run("download", "--mirror", f"{good.url}/good").exit_code == 0
    assert_complete(download.cache_folder(), tiny)


# ---- faults of the disk, interruptions and simultaneous downloads


def test_a_full_disk_is_one_error(good) -> None:
    """Simulated by a limit on the size of files."""
    resource = pytest.importorskip("resource", reason="POSIX only: needs a limit of file sizes")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    cache = download.cache_folder()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limit[1]))
    try:
        assert_fault(
            ("download", "--mirror", f"{good.url}/good"),
            f"cannot write {cache / FIRST}: {os.strerror(errno.EFBIG)}",
            f"Downloading MNIST to {cache}\n",
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


@posix_only("needs file permissions")
def test_an_unwritable_folder_is_reported_before_the_download(tmp_path: Path) -> None:
    note = f"Downloading MNIST to {tmp_path}\n"
    tmp_path.chmod(0o500)
    target = tmp_path / FIRST
    message = f"cannot write {target}: the folder {tmp_path} is not writable"
    assert_fault(("download", "--data", tmp_path), message, note, run=as_user)
    inside = tmp_path / "in"
    note = f"Downloading MNIST to {inside}\n"
    message = f"cannot create the folder {inside}: Permission denied"
    assert_fault(("download", "--data", inside), message, note, run=as_user)
    tmp_path.chmod(0o000)
    message = f"cannot read {tmp_path}: Permission denied"
    result = as_user("download", "--data", tmp_path)
    assert (result.stdout, result.stderr, result.exit_code) == ("", f"Error: {message}\n", 1)
    tmp_path.chmod(0o700)


@posix_only("Windows gives other reasons")
def test_a_file_in_place_of_the_folder_is_kept(good, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    for folder, why in ((mine, "File exists"), (mine / "in", "Not a directory")):
        assert_fault(
            ("download", "--data", folder, "--mirror", f"{good.url}/good"),
            f"cannot create the folder {folder}: {why}",
            f"Downloading MNIST to {folder}\n",
        )


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
@pytest.mark.parametrize("sign", [KILL, signal.SIGINT])
def test_a_download_stopped_at_any_moment_can_be_repeated(good, tmp_path: Path, sign: int) -> None:
    """Each file is complete or missing, and the same command then downloads the missing ones. A
    killed process may leave a temporary file."""
    start = tmp_path / "start"
    start.mkdir()
    complete = {f"a/{file.name}": file.sha256 for file in mnist.FILES}
    command = ("download", "--data", "a", "--mirror", f"{good.url}/good")
    ends = stop_at_moments(sign, 50, start, command)
    assert len(ends) == 50
    for stopped, again in ends:
        assert without_parts(stopped).items() <= complete.items()
        assert_stopped(stopped, sign)
        assert (again.exit_code, without_parts(again)) == (0, complete)

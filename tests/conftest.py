"""Shared fixtures: a small data set, a local server, and isolation of every test from the home
folder, the user's environment and real mirrors."""

import functools
import hashlib
import os
import threading
import webbrowser
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Tests run in parallel, so BLAS threads would compete for cores, and tests of equal bytes need the
# same number of threads. Set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings
from program import QUICK, run, write_idx, write_weights

from mnistnet.data import idx, mnist
from mnistnet.image.drawn import draw

FILES = mnist.FILES
# The current folder may be read-only and the machine slow.
settings.register_profile("mnistnet", settings.default, database=None, deadline=None)
settings.load_profile("mnistnet")

REAL_MIRROR = os.environ.get("MNISTNET_MIRROR")
REAL_FOLDER = Path(REAL_MIRROR).resolve() if REAL_MIRROR else None  # isolate changes folders


@pytest.fixture(autouse=True)
def isolate(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Give each test its own home, cache and current folder (tmp_path), and no mirror."""
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    certificates = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    names = ("MNISTNET_DATA", "MNISTNET_MIRROR", *certificates, *proxies)
    for name in (*names, *map(str.upper, proxies)):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))  # on Windows
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    # shared, because matplotlib takes a second to list the fonts
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.getbasetemp() / "matplotlib"))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setattr(webbrowser, "open", lambda _: False)  # page --open
    monkeypatch.chdir(tmp_path)


@functools.cache
def make_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return drawn digits (count, 28, 28) and their labels, 0 to 9 in turn."""
    images, labels = draw(count, np.random.default_rng(seed))
    return images.reshape(-1, 28, 28), labels


def write_set(folder: Path, train: int, test: int) -> Path:
    """Write a set with so many drawn digits to a new folder."""
    folder.mkdir()
    for count, seed, names in ((train, 0, FILES[:2]), (test, 9, FILES[2:])):
        for file, array in zip(names, make_digits(count, seed), strict=True):
            write_idx(folder / file.name, array)
    return folder


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with 300 training images and 50 test images, not MNIST's. The bundled weights are
    sure of all of the 50."""
    return write_set(tmp_path / "tiny", 300, 50)


@pytest.fixture
def old(tiny: Path) -> Path:
    """The tiny set, with mnistnet.npz of an earlier training in the current folder."""
    write_weights(Path("mnistnet.npz"))
    return tiny


@pytest.fixture
def trained(tiny: Path) -> Path:
    """The tiny set; mnistnet.npz in the current folder was trained on it."""
    assert run(*QUICK, "--data", tiny).exit_code == 0
    return tiny


@pytest.fixture
def published(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Make the tiny set MNIST for this test; return the .gz of each file by its path."""
    bodies, files = {}, []
    for file in FILES:
        array = idx.read_idx(tiny / file.name)
        packed = tiny / f"{file.name}.gz"
        write_idx(packed, array)
        bodies[f"/{packed.name}"] = body = packed.read_bytes()
        packed.unlink()
        raw = (tiny / file.name).read_bytes()
        digest = hashlib.sha256(raw).hexdigest()
        files.append(mnist.MnistFile(file.name, len(raw), digest, len(body)))
    monkeypatch.setattr(mnist, "FILES", tuple(files))
    return bodies


@pytest.fixture
def good(server: "Server", published: dict[str, bytes]) -> str:
    """The address of a server with the published files, and 404 for everything else."""
    server.answers = {f"/good{path}": body for path, body in published.items()}
    return f"{server.url}/good"


@pytest.fixture(scope="session")
def real_mnist() -> Path:
    """The folder with the real MNIST files; the test is skipped without it."""
    if REAL_FOLDER is None or not REAL_FOLDER.is_dir():
        pytest.skip("needs the real MNIST: set MNISTNET_MIRROR to a folder that has it")
    return REAL_FOLDER


class Server(ThreadingHTTPServer):
    """A server that answers each path with `answers[path]`: bytes, or a function of the request.

    `hits` lists the requested paths; `closing` is set at the end of the test, for answers that
    block.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answers: dict[str, bytes | Callable[[Request], None]] = {}
        self.hits: list[str] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Request(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.hits.append(self.path)
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404)
        elif callable(answer):
            answer(self)
        else:
            self.send_body(answer)

    def send_body(self, body: bytes, length: int | None = None, **headers: str) -> None:
        """Send status 200 and the body; length overrides Content-Length."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing, since stderr belongs to the program under test."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A local server on a free port."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()

"""What the tests share: a small data set, a server of files, and walls around every test.

No test sees the home folder, the user's environment or a real mirror.
"""

import functools
import hashlib
import os
import threading
import webbrowser
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Tests run beside each other: threads of BLAS would wait for each other's processors, and a test of
# the same bytes wants the same number of them. Set before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

from mnistnet.data import idx, mnist
from mnistnet.image.drawn import draw

# The current folder may be read-only, and a slow machine is no fault.
settings.register_profile("mnistnet", settings.default, database=None, deadline=None)
settings.load_profile("mnistnet")

REAL_MIRROR = os.environ.get("MNISTNET_MIRROR")
REAL_FOLDER = Path(REAL_MIRROR).resolve() if REAL_MIRROR else None  # walls changes the folder


@pytest.fixture(autouse=True)
def walls(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home, a cache and a current folder (tmp_path) of the test's own, and no mirror."""
    for name in ("MNISTNET_DATA", "MNISTNET_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))  # on Windows
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    # where matplotlib keeps its list of fonts, which takes it a second to make
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.getbasetemp() / "matplotlib"))
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setattr(webbrowser, "open", lambda _: False)  # page --open
    monkeypatch.chdir(tmp_path)


@functools.cache
def make_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Drawn digits (count, 28, 28) and their labels, 0 to 9 over and over."""
    images, labels = draw(count, np.random.default_rng(seed))
    return images.reshape(-1, 28, 28), labels


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder with a set of 300 training and 50 test images, not MNIST's own; the weights that
    ship are sure of each of the 50."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for count, seed, (images_file, labels_file) in ((300, 0, FILES[:2]), (50, 9, FILES[2:])):
        images, labels = make_digits(count, seed)
        idx.write_idx(folder / images_file.name, images)
        idx.write_idx(folder / labels_file.name, labels)
    return folder


FILES = mnist.FILES


@pytest.fixture
def published(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The tiny set made MNIST for this test; returns the .gz of each file under its address."""
    bodies, files = {}, []
    for file in FILES:
        array = idx.read_idx(tiny / file.name)
        packed = tiny / f"{file.name}.gz"
        idx.write_idx(packed, array)
        bodies[f"/{packed.name}"] = body = packed.read_bytes()
        packed.unlink()
        raw = (tiny / file.name).read_bytes()
        files.append(mnist.MnistFile(file.name, len(raw), sha256(raw), len(body), sha256(body)))
    monkeypatch.setattr(mnist, "FILES", tuple(files))
    return bodies


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="session")
def real_mnist() -> Path:
    """The folder with the real MNIST files; the test is skipped where there is none."""
    if REAL_FOLDER is None or not REAL_FOLDER.is_dir():
        pytest.skip("needs the real MNIST: set MNISTNET_MIRROR to a folder that has it")
    return REAL_FOLDER


class Server(ThreadingHTTPServer):
    """Answers each path with what `answers` has for it: bytes, or a function of the request.

    `hits` lists the paths asked for; `closing` is set when the test is over, for answers that
    never come.
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
        """Status 200 and the body; length is what Content-Length promises."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's stderr is the program's."""


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

"""The page is one safe file with the given network, and replaces only other pages."""

import base64
import hashlib
import json
import re
import webbrowser
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import as_user, assert_fault, posix_only, run

from mnistnet.api import load_network
from mnistnet.data import mnist
from mnistnet.errors import MnistnetError
from mnistnet.image.drawn import draw
from mnistnet.image.strokes import WAYS
from mnistnet.model.network import Network
from mnistnet.report.page import page, save

HOSTILE = """</script><script>alert(1)</script>'"><!--<img src=x onerror=alert(1)>\u2028\ud800"""


class Elements(HTMLParser):
    """Tags, attributes and texts of the elements of a page."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:  # in a script or style
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def texts(self, tag: str) -> list[str]:
        return [text for name, _, text in self.found if name == tag]


def random_network(*hidden: int) -> Network:
    return Network.random((784, *hidden, 10), np.random.default_rng(0))


def data_in(html: bytes) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(Elements(html).texts("script")[0])
    return data


def unpacked(html: bytes) -> Network:
    """Unpack the network in a page as its script does."""
    matrices = []
    for packed in data_in(html)["matrices"]:
        integers = np.frombuffer(base64.b64decode(packed["integers"]), "<i2")
        scales = np.array(packed["scales"])[:, None]
        matrices.append(scales * integers.reshape(-1, packed["columns"]))
    network = Network([784, *map(len, matrices)])
    for mine, W in zip(network.matrices, matrices, strict=True):
        mine[...] = W
    return network


@pytest.fixture
def bundled() -> Network:
    return load_network().model


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = (page(random_network(72), "a", WAYS, {"margin": 0.8}) for _ in range(2))
    assert first == second


def test_a_page_is_small(bundled: Network) -> None:
    assert len(page(random_network(72), "a", WAYS, {})) <= 400_000
    assert len(page(bundled, "a", WAYS, {})) <= 4_000_000


def test_a_page_makes_no_requests() -> None:
    elements = Elements(page(random_network(2), "a", WAYS, {}))
    code = "".join(elements.texts("script")[1:] + elements.texts("style"))
    assert not re.search(r"https?:|@import|url\(|import\(|fetch|XMLHttp|Worker|sendBeacon", code)
    for tag, attributes, _ in elements.found:
        assert tag not in ("link", "img", "iframe", "object")
        assert not attributes.keys() & {"src", "href", "action", "ping", "background"}


def test_only_the_pages_own_script_and_style_may_run() -> None:
    elements = Elements(page(random_network(2), "a", WAYS, {}))
    (policy,) = (
        str(attributes["content"])
        for _, attributes, _ in elements.found
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    for tag, code in (
        ("script", elements.texts("script")[1]),
        ("style", elements.texts("style")[0]),
    ):
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert directives[f"{tag}-src"] == f"'sha256-{digest}'"
    for _, attributes, _ in elements.found:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_untrusted_strings_cannot_escape_from_the_data() -> None:
    harmless = Elements(page(random_network(2), "a", WAYS, {})).found
    html = page(random_network(2), HOSTILE, WAYS, {HOSTILE: 1})
    found = Elements(html).found
    assert [tag for tag, _, _ in found] == [tag for tag, _, _ in harmless]
    data = data_in(html)
    assert (data["name"], data["rules"]) == (HOSTILE, {HOSTILE: 1})


@posix_only("Windows forbids such file names")
def test_an_untrusted_weights_file_cannot_add_elements_to_its_page() -> None:
    network = load_network()
    hostile = HOSTILE.replace("/", "_")  # not allowed in file names
    versions = {"mnistnet": HOSTILE, HOSTILE: HOSTILE}
    strange = replace(network, metadata=replace(network.metadata, versions=versions))
    name = hostile.replace("\ud800", "") + ".npz"
    strange.save(name)
    run("page", "--weights", name)
    html = Path("digit.html").read_bytes()
    harmless = Elements(page(network.model, "a", WAYS, {})).found
    assert [tag for tag, _, _ in Elements(html).found] == [tag for tag, _, _ in harmless]
    assert data_in(html)["name"] == f"weights {name}"
    assert html.count(b"alert(1)") == name.count("alert(1)")


@pytest.mark.parametrize("hidden", [(72,), (), (300, 100)])
def test_the_weights_in_a_page_are_within_a_step_of_16_bits(hidden: tuple[int, ...]) -> None:
    network = random_network(*hidden)
    inside = unpacked(page(network, "a", WAYS, {}))
    assert inside.layers == network.layers
    for W, mine in zip(network.matrices, inside.matrices, strict=True):
        step = np.abs(W).max(axis=1, keepdims=True) / 32767
        assert (np.abs(W - mine) <= 0.51 * step).all()


def test_weights_of_any_size_are_packed() -> None:
    network = random_network(3)
    network.matrices[0][:] = [[0], [1e9], [1e-30]]
    inside = unpacked(page(network, "a", WAYS, {}))
    assert inside.matrices[0] == pytest.approx(network.matrices[0], rel=1e-4)


def test_packing_changes_no_answer_on_2000_drawn_digits(bundled: Network) -> None:
    images = draw(2000, np.random.default_rng(7))[0]
    for network in (bundled, random_network(72)):
        inside = unpacked(page(network, "a", WAYS, {}))
        answers = network.image_scores(images).argmax(axis=1)
        assert np.array_equal(inside.image_scores(images).argmax(axis=1), answers)


def test_packing_changes_no_answer_on_2000_images_of_mnist(
    bundled: Network, real_mnist: Path
) -> None:
    images = mnist.load(real_mnist, "test").images[:2000]
    answers = bundled.image_scores(images).argmax(axis=1)
    inside = unpacked(page(bundled, "a", WAYS, {}))
    assert np.array_equal(inside.image_scores(images).argmax(axis=1), answers)


# ---- the command


def test_the_command_writes_a_page_and_prints_its_path() -> None:
    result = run("page")
    assert (result.stdout, result.exit_code) == ("digit.html\n", 0)
    written = Path("digit.html").read_bytes()
    assert len(data_in(written)["matrices"]) == 3
    assert run("page", "--out", "digit.html").exit_code == 0  # a page is replaced
    assert Path("digit.html").read_bytes() == written


def test_the_page_names_the_weights_file_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    load_network().save(tmp_path / "secret" / "mine.npz")
    run("page", "--weights", tmp_path / "secret" / "mine.npz")
    data = data_in(Path("digit.html").read_bytes())
    assert data["name"] == "weights mine.npz"


def test_another_file_is_not_replaced() -> None:
    Path("digit.html").write_text("<!doctype html>\n<p>My own")
    assert_fault(
        ("page",),
        "digit.html: expected a page made by 'mnistnet page'; found another file, which is not "
        "replaced: move it away, or name another file with --out",
    )


def test_save_does_not_replace_another_file() -> None:
    Path("mine.html").write_text("<p>My own")
    with pytest.raises(MnistnetError, match="mine.html: expected a page"):
        save(Path("mine.html"), page(random_network(2), "a", WAYS, {}))
    assert Path("mine.html").read_text() == "<p>My own"


def test_an_unreadable_file_is_an_error() -> None:
    Path("digit.html").write_text("secret")
    Path("digit.html").chmod(0o200)  # writable only
    message = "cannot read digit.html: Permission denied"
    assert_fault(("page",), message, run=as_user)


def test_an_empty_file_is_replaced() -> None:
    Path("digit.html").touch()
    assert run("page").exit_code == 0


def test_a_page_that_cannot_be_written_is_an_error() -> None:
    message = re.compile("cannot write none.a.html: there is no folder .*none")
    assert_fault(("page", "--out", "none/a.html"), message)
    Path("folder").mkdir()
    assert_fault(
        ("page", "--out", "folder"), "cannot write folder: it is a folder or a device, not a file"
    )


@pytest.mark.parametrize("is_shown", [True, False])
def test_open_shows_the_page_in_the_browser(
    monkeypatch: pytest.MonkeyPatch, is_shown: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or is_shown)
    result = run("page", "--open")
    assert opened == [Path("digit.html").resolve().as_uri()]
    note = "" if is_shown else "no browser was found: open digit.html in one\n"
    assert (result.stdout, result.stderr, result.exit_code) == ("digit.html\n", note, 0)

"""The page is one safe file with the given network, and replaces only other pages."""

import base64
import hashlib
import json
import re
import webbrowser
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import assert_fault, run
from report.browser import make_page as page

from mnistnet.api import load_network
from mnistnet.image.drawn import draw
from mnistnet.model.network import Perceptron

HOSTILE = """</script><script>alert(1)</script>'"><!--<img src=x onerror=alert(1)>{{data}}\u2028"""


def code_in(html: bytes, tag: str) -> list[str]:
    """The texts of the script or style elements."""
    return re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", html.decode(), re.DOTALL)


def tags_in(html: bytes) -> list[str]:
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: tags.append(tag)
    parser.feed(html.decode())
    return tags


def random_network(*hidden: int) -> Perceptron:
    return Perceptron.random((784, *hidden, 10), np.random.default_rng(0))


def data_in(html: bytes) -> Any:
    return json.loads(code_in(html, "script")[0])


def unpacked(html: bytes) -> Perceptron:
    """Unpack the network in a page as its script does."""
    matrices = []
    for packed in data_in(html)["matrices"]:
        integers = np.frombuffer(base64.b64decode(packed["integers"]), "<i2")
        scales = np.array(packed["scales"])[:, None]
        matrices.append(scales * integers.reshape(-1, packed["columns"]))
    network = Perceptron([784, *map(len, matrices)])
    network.parameters[:] = np.concatenate([W.ravel() for W in matrices])
    return network


def test_the_same_network_gives_the_same_small_page() -> None:
    first, second = (page(random_network(72), "a") for _ in range(2))
    assert first == second
    assert len(page(load_network().model, "a")) <= 4_000_000


def test_a_page_makes_no_requests_and_runs_only_its_own_script_and_style() -> None:
    html = page(random_network(2), "a")
    codes = [code_in(html, tag)[-1].encode() for tag in ("script", "style")]
    script, style = (base64.b64encode(hashlib.sha256(code).digest()).decode() for code in codes)
    (policy,) = re.findall('"Content-Security-Policy" content="(.*?)"', html.decode())
    assert sorted(policy.split("; ")) == [
        "base-uri 'none'",
        "default-src 'none'",
        "form-action 'none'",
        f"script-src 'sha256-{script}'",
        f"style-src 'sha256-{style}'",
    ]
    assert not set(tags_in(html)) & {"link", "img", "iframe", "object"}


def test_an_untrusted_name_cannot_add_elements_to_a_page() -> None:
    name = f"{HOSTILE}\udcff"  # the last is of a file name that is not UTF-8
    html = page(random_network(2), name)
    assert tags_in(html) == tags_in(page(random_network(2), "a"))
    assert data_in(html)["name"] == name


def test_packing_changes_no_answer() -> None:
    """On 2,000 images, as docs/page.md says."""
    images = draw(2000, np.random.default_rng(7))[0]
    for network in (load_network().model, random_network(72)):
        inside = unpacked(page(network, "a"))
        answers = network.image_scores(images).argmax(axis=1)
        assert np.array_equal(inside.image_scores(images).argmax(axis=1), answers)


def test_the_command_writes_a_page_and_replaces_only_pages(tmp_path: Path, tiny: Path) -> None:
    out = Path("digit.html")
    load_network().save("mine.npz")
    result = run("page", "--data", tiny, "--weights", tmp_path / "mine.npz")
    assert (result.stdout, result.exit_code) == ("digit.html\n", 0)
    assert data_in(out.read_bytes())["name"] == "weights mine.npz"  # without its folder
    assert data_in(out.read_bytes())["set"] == "tiny"
    assert run("page", "--out", out).exit_code == 0
    assert data_in(out.read_bytes())["name"] == "bundled weights"
    assert data_in(out.read_bytes())["set"] == "drawn digits"  # nothing is downloaded
    out.write_text("<!doctype html>\n<p>My own")
    message = (
        "digit.html: expected a page made by mnistnet; found another file, which is not replaced: "
        "move it away, or name another file"
    )
    assert_fault(("page",), message)


def test_open_shows_the_page(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)  # None: there is no browser
    result = run("page", "--data", tiny, "--open")
    assert opened == [Path("digit.html").resolve().as_uri()]
    assert result.stderr == "no browser was found: open digit.html in one\n"
    assert (result.stdout, result.exit_code) == ("digit.html\n", 0)

"""Chromium, and the page in it; what needs them is skipped without Chromium."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from report.browser import LIMITS, PHONE, Page, make_page

from mnistnet.api import load_network


@pytest.fixture(scope="module")  # while it is open, an event loop runs
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not (chromium := shutil.which("chromium") or shutil.which("chromium-browser")):
        pytest.skip("needs Chromium: apt-get install chromium")
    env = os.environ | {"HOME": str(tmp_path_factory.mktemp("home"))}
    with driver.sync_playwright() as started:
        yield started.chromium.launch(executable_path=chromium, args=["--disable-gpu"], env=env)


@pytest.fixture(scope="module")
def windows(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """The page of the bundled network, in a wide, light window and on a dark phone."""
    path = tmp_path_factory.mktemp("page") / "digit.html"
    path.write_bytes(make_page(load_network().model, "bundled weights", LIMITS))
    return {"desktop": Page(browser, path), "phone": Page(browser, path, **PHONE)}


@pytest.fixture(params=["desktop"])
def page(windows: dict[str, Page], request: pytest.FixtureRequest) -> Iterator[Page]:
    """An empty page in the window named by a parameter; checks for errors and requests."""
    page = windows[request.param]
    page.open("draw")
    page.draw([], pen=8)
    yield page
    assert page.errors == []
    assert [url.split(":")[0] for url in page.requests] == ["file"]

"""A real Chromium in front of a real server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from sensei import Client
from sensei.testing import LocalServer
from tests.browser.visitor import Door, Visitor

PATIENCE_MILLISECONDS = 60_000
FLAGS = (
    "--no-sandbox",  # tests may run as root, where the sandbox cannot be made
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver, ended with each module: its event loop must not be there for other tests."""
    with sync_playwright() as running:
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The Chromium of this machine."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium on this machine")
    running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
    yield running
    running.close()


@pytest.fixture
def server() -> Iterator[LocalServer]:
    """A server with nothing in it."""
    with LocalServer(faults=True, webhook_delays=(0.01,) * 6) as running:
        yield running


@pytest.fixture
def client(server: LocalServer) -> Iterator[Client]:
    """A client of that server."""
    with Client(base_url=server.url, api_key=server.api_key) as made:
        yield made


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens the dashboard of a server, each time as somebody else. Nobody may meet a complaint of the browser."""
    with ExitStack() as stack:
        visitors: list[Visitor] = []

        def open_dashboard(server: Door, *, width: int = 1280, dark: bool = False) -> Visitor:
            context = browser.new_context(
                viewport={"width": width, "height": 800},
                color_scheme="dark" if dark else "light",
                reduced_motion="reduce",
            )
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MILLISECONDS)
            visitor = Visitor(context.new_page(), server)
            visitors.append(visitor)
            return visitor

        yield open_dashboard
        complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
        assert complaints == []


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small shop full of awkward values."""
    from sensei.cli._shop import Size, make_shop

    path = tmp_path / "shop.db"
    make_shop(path, nul_in_text=True, size=Size(products=20, customers=60, orders=80))
    return path

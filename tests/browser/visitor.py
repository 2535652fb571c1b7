"""Somebody who looks at the dashboard."""

from __future__ import annotations

import re
from typing import Protocol

from playwright.sync_api import ConsoleMessage, Locator, Page, expect


class Door(Protocol):
    """A server to sign in at."""

    @property
    def url(self) -> str: ...

    @property
    def api_key(self) -> str: ...


class Visitor:
    """One tab. What the browser complains about is kept in `complaints`."""

    def __init__(self, page: Page, server: Door) -> None:
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        self.expected = re.compile(r"(?!)")
        """Complaints that are part of the test."""
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not self.expected.search(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    def expect_status(self, *statuses: int) -> None:
        """The browser notes failed requests; these are meant to fail."""
        self.expected = re.compile(rf"Failed to load resource.*\b({'|'.join(map(str, statuses))})\b")

    def sign_in(self, place: str = "") -> Page:
        """Open the dashboard at a place and give the key."""
        self.page.goto(f"{self.server.url}/{place}")
        self.page.get_by_label("API key").fill(self.server.api_key)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("navigation")).to_be_visible()
        return self.page

    def go(self, place: str) -> None:
        """Go to another place of the page, as a link does."""
        self.page.evaluate("place => { location.hash = place; }", place)

    def tab(self, name: str) -> Locator:
        """A tab of a migration."""
        return self.page.get_by_role("tab", name=name)

    def is_wider_than_the_screen(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

"""What the dashboard's files promise: everybody gets them, and a browser does nothing with them that it should not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import sensei.server.dashboard
from sensei.server.serve import ServerThread

STATIC = Path(sensei.server.dashboard.__file__).parent / "static"
FILES = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file())
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
MOST_LINES = 400
MARKUP_OR_CODE_FROM_TEXT = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function"
)
ELSEWHERE = re.compile(r"""(?:src|href)[=:] *["'`](?:https?:)?//|(?:import|from|fetch|url)[( ]+["'`]?(?:https?:)?//""")
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}


@pytest.fixture
def anybody(server: ServerThread) -> Iterator[httpx.Client]:
    """Somebody without a credential."""
    with httpx.Client(base_url=server.url) as client:
        yield client


def test_every_file_is_there_for_everybody_under_a_strict_policy(anybody: httpx.Client) -> None:
    for path in ("/", *(f"/dashboard/{name}" for name in FILES)):
        answer = anybody.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == MEDIA_TYPES[Path(path).suffix or ".html"]
        policy = answer.headers["content-security-policy"].split(";")
        assert dict(part.strip().partition(" ")[::2] for part in policy) == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-cache"
        assert "set-cookie" not in answer.headers


def test_a_file_that_did_not_change_is_not_sent_again(anybody: httpx.Client) -> None:
    first = anybody.get("/dashboard/js/app.js")
    again = anybody.get("/dashboard/js/app.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert "content-security-policy" in again.headers


def test_head_says_what_get_would(anybody: httpx.Client) -> None:
    assert anybody.head("/").headers["content-length"] == str(len(anybody.get("/").content))


@pytest.mark.parametrize("path", ["/", "/dashboard/js/app.js"])
def test_other_methods_are_refused(anybody: httpx.Client, path: str) -> None:
    answer = anybody.post(path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_nothing_else_is_served(anybody: httpx.Client) -> None:
    for path in (
        "/dashboard/",
        "/dashboard/nothing.js",
        "/dashboard/js",
        "/dashboard/..%2f__init__.py",
        "/dashboard/%2e%2e/pages.py",
        "/dashboard/js/%2e%2e/%2e%2e/%2e%2e/app.py",
        "/dashboard//etc/passwd",
        "/dashboard/%00",
        "/dashboard/" + "a" * 5000,
    ):
        assert anybody.get(path).status_code == 404, path


def test_the_page_names_only_files_that_are_there() -> None:
    for name in FILES:
        text = (STATIC / name).read_text(encoding="utf-8")
        here = (STATIC / name).parent
        for found in re.findall(r'"/dashboard/([^"]+)"', text):
            assert (STATIC / found).is_file(), f"{name}: {found}"
        for found in re.findall(r'(?:from |import\()"(\.[^"]+)"', text):
            assert (here / found).is_file(), f"{name}: {found}"


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on[a-z]+=", page)
    for name in FILES:
        text = (STATIC / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not MARKUP_OR_CODE_FROM_TEXT.search(text), name
        assert not ELSEWHERE.search(text), name


def test_the_files_stay_readable() -> None:
    for name in FILES:
        lines = (STATIC / name).read_text(encoding="utf-8").splitlines()
        assert name.endswith(".css") or len(lines) <= MOST_LINES, name

"""Every Python program in the README and the documentation runs as it is printed, page by page, top to bottom.

A text block right below a program is what it prints; `…` stands for anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensei import Client
from sensei.cli._shop import make_shop
from sensei.testing import LocalServer

# One folder and one server for all pages, as a reader has who goes through them one after the other.
pytestmark = pytest.mark.xdist_group("pages")

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
PAGES = sorted(
    page.relative_to(ROOT)
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if BLOCK.search(page.read_text(encoding="utf-8"))
)


def programs(page: Path) -> Iterator[tuple[int, str, str | None]]:
    """The line on which each program of a page begins, the program, and what it prints."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        yield text.count("\n", 0, block.start(1)), block[1], block[2]


def fits(said: str, shown: str) -> bool:
    return re.fullmatch(re.escape(shown).replace("…", ".*"), said, re.DOTALL) is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take for granted: a shop, as file and as left by the demo."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "sensei-demo").mkdir()
    make_shop(folder / "shop.db", nul_in_text=True)
    (folder / "sensei-demo" / "shop.db").write_bytes((folder / "shop.db").read_bytes())
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def reader(folder: Path, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("SENSEI_API_URL", server.url)
    monkeypatch.setenv("SENSEI_API_KEY", server.api_key)


def test_pages_with_programs_were_found() -> None:
    assert {Path("README.md"), Path("docs/quickstart.md"), Path("docs/guides/migrations.md")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_programs_of_a_page_run(page: Path, reader: None, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    try:
        for line, program, shown in programs(ROOT / page):
            # The blank lines make a traceback point at the line of the page.
            exec(compile("\n" * line + program, str(page), "exec"), names)
            said = capsys.readouterr().out
            assert shown is None or fits(said, shown), said
            printed += said
    finally:
        for value in names.values():
            if isinstance(value, Client):
                value.close()

    assert printed
    assert not [line for line in printed.splitlines() if line.startswith("failed")], printed


def test_the_readme_is_kept_short() -> None:
    ((_, program, _),) = programs(ROOT / "README.md")

    lines = [line for line in program.splitlines() if line.strip()]
    assert len(lines) <= 31

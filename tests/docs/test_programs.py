"""Every Python program in the README and the documentation runs as it is printed, page by page, top to bottom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensei.cli._shop import Size, make_shop
from sensei.testing import LocalServer

# One folder and one server for all pages, as a reader has who goes through them one after the other.
pytestmark = pytest.mark.xdist_group("pages")

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(
    page.relative_to(ROOT)
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    if BLOCK.search(page.read_text(encoding="utf-8"))
)


def programs(page: Path) -> Iterator[tuple[int, str]]:
    """The line on which each program of a page begins, and the program."""
    text = page.read_text(encoding="utf-8")
    for block in BLOCK.finditer(text):
        yield text.count("\n", 0, block.start(1)), block[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take for granted: a shop, as file and as left by the demo."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "sensei-demo").mkdir()
    make_shop(folder / "shop.db", nul_in_text=True, size=Size(products=60, customers=300, orders=400))
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
    for line, program in programs(ROOT / page):
        # The blank lines make a traceback point at the line of the page.
        exec(compile("\n" * line + program, str(page), "exec"), names)
    for value in names.values():
        close = getattr(value, "close", None)
        if type(value).__name__ == "Client" and close is not None:
            close()

    said = capsys.readouterr().out
    assert said
    assert not [line for line in said.splitlines() if line.startswith("failed")], said


def test_the_readme_is_kept_short() -> None:
    (program,) = [program for _, program in programs(ROOT / "README.md")]

    lines = [line for line in program.splitlines() if line.strip()]
    assert len(lines) <= 31

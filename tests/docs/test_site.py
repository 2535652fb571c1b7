"""The documentation builds without a warning, and needs nobody else's server to be read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

# Built once, by whichever process takes the group.
pytestmark = pytest.mark.xdist_group("site")

ROOT = Path(__file__).parents[2]
FETCHED = re.compile(r"""<(?:link|script|img)\b[^>]*?\b(?:href|src)=["']?(https?://[^"' >]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("[!_]*.md")}
    missing = [
        str(page)
        for page in pages
        if not (site / (page.parent if page.name == "index" else page) / "index.html").is_file()
    ]

    assert missing == []
    assert len(pages) > 15


def test_a_page_fetches_nothing_from_elsewhere(site: Path) -> None:
    fetched = {
        (page.name, url)
        for page in site.rglob("*.html")
        for url in FETCHED.findall(page.read_text(encoding="utf-8"))
        if not url.startswith("https://docs.sensei.ai/")  # the canonical address of the page itself
    }

    assert fetched == set()


def _sync_name(name: str) -> str:
    """The name under which the reference has it: the async classes have the members of the sync ones."""
    same = {"Sensei": "Client", "AsyncSensei": "Client", "AsyncPager": "Page"}
    return same.get(name, name.removeprefix("Async"))


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    import sensei

    reference = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").rglob("index.html"))
    shown = set(re.findall(r'id="sensei\.[\w.]*?(\w+)"', reference))
    missing = [
        name
        for name in sensei.__all__
        if not name.startswith("__") and name != "models" and _sync_name(name) not in shown
    ]

    assert missing == []


def test_every_page_is_in_the_navigation_once() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = re.findall(r"[\w/-]+\.md", navigation)
    pages = [str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("[!_]*.md")]

    assert sorted(listed) == sorted(pages)


def test_tables_show_no_escapes(site: Path) -> None:
    # GitHub needs a bar within a table escaped, the site shows the backslash: so tables do without bars.
    escaped = [str(page) for page in site.rglob("*.html") if r"\|" in page.read_text(encoding="utf-8")]

    assert escaped == []


def test_the_tree_of_errors_has_every_error() -> None:
    from sensei import errors

    drawn = set(re.findall(r"\w+Error\b", (ROOT / "docs/_error_tree.md").read_text(encoding="utf-8")))
    raised = {name for name in errors.__all__ if isinstance(getattr(errors, name), type) and name.endswith("Error")}

    assert drawn == raised | {"DuplicateEventError", "TimeoutError", "ValueError"}


def test_the_table_of_methods_has_every_public_one() -> None:
    from functools import reduce

    from sensei import Client

    page = (ROOT / "docs/reference/resources.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`([\w.]+)`\]\(#[\w-]+\) \| (.*) \|$", page, re.MULTILINE)
    with Client("sk_test_for_the_table", base_url="http://127.0.0.1:1") as client:
        for attribute, methods in rows:
            resource = reduce(getattr, attribute.split("."), client)
            public = {name for name in dir(resource) if not name.startswith("_") and name != "rules"}
            assert set(re.findall(r"`(\w+)`", methods)) == public, attribute
        resources = {name for name, value in vars(Client).items() if type(value).__name__ == "cached_property"}

    assert {attribute.partition(".")[0] for attribute, _ in rows} == resources


def test_pictures_are_small_and_shown() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    pictures = [path for path in (ROOT / "docs/assets").iterdir() if path.suffix in {".png", ".svg"}]

    assert [path.name for path in pictures if path.stat().st_size > 100_000] == []
    assert {path.name for path in pictures if f"assets/{path.name})" not in pages} == {"favicon.svg"}
    assert "/tmp/" not in (ROOT / "docs/assets/demo.svg").read_text(encoding="utf-8")

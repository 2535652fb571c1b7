"""Make the pictures of the documentation anew, from the program as it is.

    python scripts/make_pictures.py            # all of them, into docs/assets
    python scripts/make_pictures.py demo       # the terminal only; report and dashboard need Chromium

Needs the [dev] extra. Look at them before you commit them: no test can tell whether a picture is good.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
ASSETS = ROOT / "docs" / "assets"
HOME = "/home/ada"
"""What stands in the pictures for the folder they are made in."""
COLUMNS = 102
COLOURS = 64

# Rich's own frame fetches a font from elsewhere.
SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font: {char_height}px ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
  line-height: {line_height}px;
}}
.{unique_id}-title {{
  font: 18px system-ui, sans-serif;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def demo(folder: Path) -> None:
    """`sensei demo` in a terminal, as an SVG."""
    lines = [line.replace(str(folder), HOME) for line in on_the_screen(run_in_terminal(folder, "demo"))]
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(Text.from_ansi("\n".join(["\x1b[2m$\x1b[0m sensei demo", *lines])), soft_wrap=False)
    drawing = console.export_svg(title="sensei demo", theme=MONOKAI, code_format=SVG, unique_id="demo")
    (ASSETS / "demo.svg").write_text(drawing, encoding="utf-8")


def run_in_terminal(folder: Path, *arguments: str) -> str:
    """What a command writes to a terminal of our width."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SENSEI_", "NO_COLOR"))}
    environment = {**kept, "TERM": "xterm-256color", "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", "import sys; from sensei._entry import main; sys.exit(main())", *arguments]
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=its, stdout=its, stderr=its) as running:
        os.close(its)
        written = bytearray()
        try:
            while piece := os.read(ours, 65536):
                written += piece
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    if running.returncode:
        raise SystemExit(written.decode())
    return written.decode()


def on_the_screen(written: str) -> list[str]:
    """The lines that are left when all has been drawn over what was drawn over."""
    lines: list[str] = []
    for line in written.replace("\r\n", "\n").rstrip("\n").split("\n"):
        if "\x1b[1A" in line:
            lines.pop()
        shown = line.rpartition("\x1b[2K")[2]
        lines.append(shown.replace("\x1b[?25l", "").replace("\x1b[?25h", "").replace("\r", ""))
    return lines


def report(folder: Path) -> None:
    """The HTML report of the demo."""
    if not (folder / "sensei-demo" / "report.html").exists():
        run_in_terminal(folder, "demo")
    text = (folder / "sensei-demo" / "report.html").read_text(encoding="utf-8")
    with browser_tab(width=1000, height=720) as page:
        page.set_content(text.replace(str(folder), HOME))
        keep("report", page)


def dashboard(folder: Path) -> None:
    """The plan of the demo's migration in the dashboard, waiting for somebody to decide."""
    sys.path.insert(0, str(ROOT))
    from sensei import Client
    from sensei.cli._shop import make_shop
    from sensei.testing import LocalServer

    make_shop(folder / "shop.db", nul_in_text=True)
    with LocalServer() as server, Client(base_url=server.url, api_key=server.api_key) as client:
        migration = client.migrations.create(
            name="Move the shop",
            source={"type": "sqlite", "connection_string": f"sqlite:///{folder / 'shop.db'}"},
            target={"type": "sqlite", "connection_string": f"sqlite:///{folder / 'new-shop.db'}"},
        )
        migration.wait_for_plan()
        with browser_tab(width=1200, height=1280) as page:
            page.goto(server.url)
            page.get_by_label("API key").fill(server.api_key)
            page.keyboard.press("Enter")
            page.get_by_role("link", name="Move the shop").click()
            page.get_by_role("tab", name="Plan").click()
            expect(page.get_by_role("table", name="Mappings")).to_be_visible()
            keep("dashboard", page)


@contextmanager
def browser_tab(*, width: int, height: int) -> Iterator[Page]:
    """A tab of the machine's Chromium."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        raise SystemExit("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        browser.close()


def keep(name: str, page: Page) -> None:
    """Store what the tab shows, with few colours: a page of text needs no more."""
    image = Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    image.save(ASSETS / f"{name}.png", optimize=True)


PICTURES = {"demo": demo, "report": report, "dashboard": dashboard}


def main() -> None:
    """Make those that are named, or all."""
    parser = argparse.ArgumentParser(description="Make the pictures of the documentation anew.")
    parser.add_argument("names", nargs="*", choices=[[], *PICTURES], help=f"which: {', '.join(PICTURES)}")
    names = parser.parse_args().names or list(PICTURES)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            PICTURES[name](Path(folder).resolve())
    for name in names:
        (path,) = ASSETS.glob(f"{name}.*")
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

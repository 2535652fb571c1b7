"""A page that stays open goes on by itself when its server comes back."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import expect

from sensei import Client
from sensei.models import ProgressEvent
from tests.browser.conftest import Visit

pytestmark = pytest.mark.xdist_group("browser")

ROWS = 30_000
SERVER = """
import sys
from sensei.server.serve import serve
from sensei.server.settings import Settings
serve(Settings(state=sys.argv[1], lease_seconds=3), port=int(sys.argv[2]), api_key=sys.argv[3],
      on_ready=lambda facts: print(facts.url, flush=True))
"""


@dataclass(frozen=True)
class Door:
    """Where the server is, before and after."""

    url: str
    api_key: str = field(default="sk_test_0123456789abcdef0123", repr=False)


@contextmanager
def running(door: Door, state: Path) -> Iterator[subprocess.Popen[str]]:
    port = door.url.rpartition(":")[2]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(state), port, door.api_key],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline().strip() == door.url
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        process.stdout.close()


def test_a_page_outlives_its_server(visit: Visit, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        door = Door(f"http://127.0.0.1:{free.getsockname()[1]}")
    state = tmp_path / "state.db"
    with sqlite3.connect(tmp_path / "source.db") as database:
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)")
        database.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 50) for n in range(ROWS)])
    database.close()

    with Client(base_url=door.url, api_key=door.api_key) as client:
        with running(door, state) as first:
            migration = client.migrations.create(
                name="Outlives it",
                source={"type": "sqlite", "connection_string": f"sqlite:///{tmp_path / 'source.db'}"},
                target={"type": "sqlite", "connection_string": f"sqlite:///{tmp_path / 'target.db'}"},
                options={"batch_size": 200, "parallelism": 1, "validation_type": "quick"},
            )
            migration.wait_for_plan(timeout=60)
            listing, one = visit(door), visit(door)
            for visitor in (listing, one):
                visitor.expected = re.compile("net::ERR_|Failed to fetch")
            listing.sign_in()
            page = one.sign_in(f"#/migrations/{migration.id}/logs")
            expect(page.locator(".connection")).to_have_text("Live")
            migration.start(skip_approval=True)
            for event in migration.stream_events():
                if isinstance(event, ProgressEvent) and event.phase == "data_transfer":
                    break
            first.kill()
            first.wait(30)
            expect(page.locator(".connection")).to_have_text("Connecting…")

        with running(door, state):
            expect(page.locator(".title-line .pill")).to_have_text("Completed")
            expect(listing.page.get_by_role("row", name="Outlives it")).to_contain_text("Completed")
            logged = [entry.message for entry in client.migrations.logs(migration.id, level="info")]
            # Every entry of both lives once, in order.
            expect(page.locator(".log li")).to_have_count(len(logged))
            shown = page.locator(".log .message").all_inner_texts()
            assert [text.rpartition(" ")[2] for text in shown] == [text.rpartition(" ")[2] for text in logged]

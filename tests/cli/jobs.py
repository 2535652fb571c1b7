"""Migrations to try commands on, and command lines in processes of their own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sensei import Client, Migration
from tests.cli.conftest import SHOP

PATIENCE_SECONDS = 60.0

# Where the tests run in the background of a shell, SIGINT is ignored and a child inherits that.
_INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from sensei.cli import main
sys.exit(main(sys.argv[1:]))
"""


def made(client: Client, folder: Path, *, statements: tuple[str, ...] = SHOP) -> Migration:
    """A migration of a small shop whose plan is there."""
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / "source.db")) as database, database:
        for statement in statements:
            database.execute(statement)
    source = client.connections.create(
        name="Shop", type="sqlite", role="source", config={"path": str(folder / "source.db")}
    )
    target = client.connections.create(
        name="Copy", type="sqlite", role="target", config={"path": str(folder / "target.db")}
    )
    migration = client.migrations.create(
        name="Move the shop", source={"connection_id": source.id}, target={"connection_id": target.id}
    )
    migration.wait_for_plan(timeout=PATIENCE_SECONDS)
    return migration.refresh()


def moved(client: Client, folder: Path) -> Migration:
    """A completed migration of a small shop."""
    migration = made(client, folder)
    client.mappings.approve_all(migration.id, above=0.0)
    return migration.start().wait(timeout=PATIENCE_SECONDS, raise_on_failure=True)


@contextmanager
def begun(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command line that has begun, and can be interrupted; it never outlives the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTIBLE, *arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # So that a test that waits for what never comes fails, and does not wait for ever.
    end = threading.Timer(2 * PATIENCE_SECONDS, process.kill)
    end.start()
    with process:
        try:
            yield process
        finally:
            end.cancel()
            process.kill()

"""The examples run as they are, from the command line, against a real server."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sensei import Client
from sensei.cli._definition import read_definition
from sensei.cli._migration_file import migration_of
from sensei.cli._shop import Size, make_shop
from sensei.models.params.connections import ConnectionCreateBody
from sensei.models.params.migrations import MigrationCreateBody
from sensei.testing import LocalServer

EXAMPLES = Path(__file__).parents[2] / "examples"

# Where the tests run in the background of a shell, SIGINT is ignored and a child inherits that.
INTERRUPTIBLE = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(example: str, *arguments: str, server: LocalServer, folder: Path) -> str:
    finished = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / example), *arguments],
        cwd=folder,
        env={**os.environ, "SENSEI_API_URL": server.url, "SENSEI_API_KEY": server.api_key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_shop(tmp_path / "shop.db", nul_in_text=True, size=Size(products=60, customers=300, orders=400))
    return tmp_path


def test_quickstart(folder: Path) -> None:
    with LocalServer() as server:
        said = run("quickstart.py", "shop.db", "copy.db", server=server, folder=folder)

    assert "completed: " in said
    assert "is valid until" in said


def test_async_quickstart(folder: Path) -> None:
    with LocalServer() as server:
        said = run("async_quickstart.py", "shop.db", "one.db", "two.db", server=server, folder=folder)

    assert "one.db: completed" in said
    assert "two.db: completed" in said


def test_a_migration_from_definition_files(folder: Path) -> None:
    with LocalServer() as server:
        done = subprocess.run(
            ["sh", str(EXAMPLES / "migrate.sh")],
            cwd=folder,
            env={
                **os.environ,
                # The command that belongs to this interpreter.
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "SENSEI_API_URL": server.url,
                "SENSEI_API_KEY": server.api_key,
                "STAGE": "test",
                "SHOP_FILE": str(folder / "shop.db"),
                "NEW_SHOP_FILE": str(folder / "new.db"),
                "APPROVE_ABOVE": "0.5",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        with Client(base_url=server.url, api_key=server.api_key) as client:
            (migration,) = client.migrations.list()

    assert done.stdout.splitlines()[-1].startswith("valid: cert_")
    assert migration.name == "Move the shop (test)"
    with closing(sqlite3.connect(folder / "shop.db")) as old, closing(sqlite3.connect(folder / "new.db")) as new:
        count = "SELECT count(*) FROM orders"
        assert new.execute(count).fetchall() == old.execute(count).fetchall()


@pytest.mark.parametrize(("name", "shape"), [("migration", MigrationCreateBody), ("connection", ConnectionCreateBody)])
def test_what_the_comments_of_definition_files_offer_is_taken(
    name: str, shape: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line in comments that looks like a member is one: a reader takes the mark away and goes on."""
    for variable in ("STAGE", "SHOP_FILE", "SHOP_PASSWORD"):
        monkeypatch.setenv(variable, "given")
    text = (EXAMPLES / f"{name}.yaml").read_text()
    offered = re.sub(r"(?m)^( *)# (?=[ a-z_]+:( |$))", r"\1", text.partition("\n\n")[2])
    # What excludes what stands above it replaces it.
    (tmp_path / "all.yaml").write_text(
        offered if name == "migration" else offered.partition("PostgreSQL instead:\n")[2]
    )

    document = read_definition(str(tmp_path / "all.yaml"), shape)

    if name == "migration":
        body = migration_of(document, lambda given, _role: given)
        validated = TypeAdapter(MigrationCreateBody).validate_python(body)
        assert validated["notifications"]["on_events"] == ["completed", "failed", "approval_required"]
        assert validated["target"]["options"]["drop_existing_tables"] is True
    else:
        assert document["options"] == {"ssl_mode": "verify-full", "connection_timeout_seconds": 10}


def test_webhook_receiver(folder: Path) -> None:
    with LocalServer() as server:
        receiver = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", INTERRUPTIBLE, str(EXAMPLES / "webhook_receiver.py"), "0"],
            cwd=folder,
            env={**os.environ, "SENSEI_API_URL": server.url, "SENSEI_API_KEY": server.api_key},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert receiver.stdout is not None
        said = [receiver.stdout.readline() for _ in range(2)]
        receiver.send_signal(signal.SIGINT)
        _, stderr = receiver.communicate(timeout=60)
        with Client(base_url=server.url, api_key=server.api_key) as client:
            left = client.webhooks.list().pagination.total

    assert any(line.startswith("received ") for line in said), stderr
    assert "test delivered: delivered\n" in said
    assert receiver.returncode == 0, stderr
    assert left == 0

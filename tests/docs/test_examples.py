"""The examples run as they are, from the command line, against a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sensei import Client
from sensei.cli._shop import Size, make_shop
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

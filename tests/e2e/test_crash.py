"""A migration that is killed in the middle is finished by the same command, with nothing lost and nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import User

ROWS = 400_000
COMMAND = ("migrate", "sqlite:///events.db", "sqlite:///copy.db", "--yes", "--validation", "standard")
# Where the tests run in the background of a shell, SIGINT is ignored and a child inherits that.
PROGRAM = """
import signal, sys
from sensei.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main(sys.argv[1:]))
"""
QUERY = "SELECT count(*), count(DISTINCT id), sum(id), sum(length(what)), min(what), max(what) FROM events"


@pytest.fixture
def started(user: User) -> subprocess.Popen[str]:
    """The command, as a process of its own that is moving data."""
    user.database(
        "events.db",
        "CREATE TABLE events (id INTEGER PRIMARY KEY, what TEXT NOT NULL, at TIMESTAMP)",
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) "
        "INSERT INTO events SELECT i, 'event ' || i, '2026-01-02 03:04:05' FROM n",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *COMMAND],
        cwd=user.folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "data transfer" in line:
            return process
    raise AssertionError("it never moved data")


def test_killed_in_the_middle_the_same_command_finishes_it(user: User, started: subprocess.Popen[str]) -> None:
    started.kill()
    started.communicate()

    said = user.run(*COMMAND)

    assert said.code == 0, said.err
    assert "earlier run" in said.err
    assert user.rows("copy.db", QUERY) == user.rows("events.db", QUERY)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_pauses_says_so_and_the_same_command_goes_on(
    user: User, started: subprocess.Popen[str], number: signal.Signals, code: int
) -> None:
    started.send_signal(number)
    _, stderr = started.communicate()

    assert started.returncode == code
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1].startswith("Stopped: ")
    assert "run the same command again" in stderr.splitlines()[-1]
    said = user.run(*COMMAND)
    assert said.code == 0, said.err
    assert user.rows("copy.db", QUERY) == user.rows("events.db", QUERY)

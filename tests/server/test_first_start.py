"""Opening a state that other processes open at the same moment."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sensei.server.settings import Settings
from sensei.server.store import database
from sensei.server.store.database import Store


class Refusing:
    """A cursor that is told as often as wanted that the file is locked."""

    def __init__(self, times: int, code: int = sqlite3.SQLITE_BUSY) -> None:
        self.asked = 0
        self._times = times
        self._code = code

    def execute(self, sql: str) -> None:
        self.asked += 1
        if self.asked <= self._times:
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = self._code
            raise error


def test_a_file_that_another_process_turns_to_wal_is_waited_for() -> None:
    cursor = Refusing(3)
    database._set(cursor, "journal_mode=WAL")  # type: ignore[arg-type]
    assert cursor.asked == 4


def test_what_is_no_lock_is_not_waited_for() -> None:
    cursor = Refusing(1, sqlite3.SQLITE_CANTOPEN)
    with pytest.raises(sqlite3.OperationalError):
        database._set(cursor, "journal_mode=WAL")  # type: ignore[arg-type]
    assert cursor.asked == 1


def test_the_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        database._set(Refusing(10**9), "journal_mode=WAL")  # type: ignore[arg-type]


def test_many_may_open_a_new_state_at_once(tmp_path: Path) -> None:
    settings = Settings(state=str(tmp_path / "state.db"), key_file=tmp_path / "key")
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        Store(settings).close()

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(start) for _ in range(8)]:
            done.result()

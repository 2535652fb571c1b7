"""One query on a SQLite file, run as a program of its own: `python rule_process.py`, the question on stdin as JSON.

SQLite can be interrupted between two steps of a query, but not inside one call of a function, and there are calls that
take years. A process can be killed, and its memory bounded. Nothing but the standard library is loaded, so that it
begins fast; the module is never imported by the server.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import time
from contextlib import suppress
from typing import Any

_OPERATIONS_BETWEEN_LOOKS = 10_000
_MOST_BYTES_OF_A_VALUE = 100_000_000
_MOST_BYTES_OF_MEMORY = 2 * 1024**3
_GRACE_SECONDS = 2
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def _bound(seconds: float) -> None:
    """Die in time even when nobody is left to kill this process, and never take all memory."""
    if sys.platform != "win32":
        import resource

        signal.alarm(int(seconds) + _GRACE_SECONDS + 1)
        # Where less is allowed already, or the system does not let itself be told, that has to do.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES_OF_MEMORY, _MOST_BYTES_OF_MEMORY))


def _read(uri: str, query: str, seconds: float) -> list[tuple[Any, ...]]:
    deadline = time.monotonic() + seconds
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=seconds)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES_OF_A_VALUE)
    connection.set_authorizer(
        lambda action, _1, _2, _3, _4: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
    )
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _OPERATIONS_BETWEEN_LOOKS)
    return connection.execute(query).fetchmany(2)


def _written(value: Any) -> Any:
    return {"blob": value.hex()} if isinstance(value, bytes) else value


def main() -> None:
    """Answer ``{"rows": […]}``, ``{"error": "…"}`` or ``{"late": true}`` on stdout."""
    question = json.load(sys.stdin)
    seconds = float(question["seconds"])
    _bound(seconds)
    began = time.monotonic()
    answer: dict[str, Any]
    try:
        rows = _read(question["uri"], question["query"], seconds)
        answer = {"rows": [[_written(value) for value in row] for row in rows]}
    except sqlite3.Error as error:
        answer = {"late": True} if time.monotonic() - began > seconds else {"error": str(error)}
    except MemoryError:
        answer = {"error": "it takes too much memory"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()

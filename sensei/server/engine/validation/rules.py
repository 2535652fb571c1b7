"""Custom rules: one query that reads one value from the target, and cannot do anything else."""

from __future__ import annotations

import math
import sqlite3
import time
import unicodedata
from decimal import Decimal
from typing import Any

import psycopg

from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.connectors.postgresql import PostgresqlConnector, canonical
from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.connectors.sqlite_file import connect
from sensei.server.engine.errors import EngineError

SECONDS = 60
_OPERATIONS_BETWEEN_LOOKS = 10_000
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_TOLERANCE = 1e-6


class RuleError(EngineError):
    """A rule is no query that reads one value, or takes too long."""

    default_reason = "E4008"


def read_value(target: Connector, sql: str, *, seconds: float = SECONDS) -> Any:
    """Run a rule's query on a connection of its own, which can only read.

    Parameters:
        seconds: How long it may take.

    Raises:
        RuleError: It cannot be run, would write, takes too long, or does not give one value.
        EngineError: The target cannot be reached.
    """
    query = sql.strip().rstrip(";").rstrip()
    if isinstance(target, PostgresqlConnector):
        rows = _read_postgresql(target, query, seconds)
    elif isinstance(target, SqliteConnector):
        rows = _read_sqlite(target, query, seconds)
    else:
        raise RuleError(f"rules cannot be run on {target.system}")
    if len(rows) != 1 or len(rows[0]) != 1:
        shape = "no row" if not rows else f"{'more than one' if len(rows) > 1 else 'one'} row of {len(rows[0])} columns"
        raise RuleError(f"the rule must give one value; it gave {shape}")
    return rows[0][0]


def _read_postgresql(target: PostgresqlConnector, query: str, seconds: float) -> list[tuple[Any, ...]]:
    with target.address.connect(autocommit=True, statement_seconds=max(1, int(seconds))) as connection:
        canonical(connection)
        try:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            # From the first query on, the transaction cannot be made a writing one.
            connection.execute("SELECT 1")
            # A cursor takes a query alone: no second statement, no COPY, no change hidden in a WITH.
            connection.execute(f"DECLARE rule NO SCROLL CURSOR FOR {query}".encode(), prepare=True)
            return connection.execute("FETCH 2 FROM rule").fetchall()
        except psycopg.errors.QueryCanceled:
            raise RuleError(f"the rule took longer than {seconds:g} seconds", reason_code="E4010") from None
        except psycopg.Error as error:
            raise RuleError(f"the rule cannot be run: {_first_line(error)}") from None


def _read_sqlite(target: SqliteConnector, query: str, seconds: float) -> list[tuple[Any, ...]]:
    connection = connect(target.path, writable=False, wait_seconds=seconds)
    deadline = time.monotonic() + seconds
    try:
        connection.set_authorizer(
            lambda action, _1, _2, _3, _4: sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
        )
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _OPERATIONS_BETWEEN_LOOKS)
        return connection.execute(query).fetchmany(2)
    except sqlite3.Error as error:
        if time.monotonic() > deadline:
            raise RuleError(f"the rule took longer than {seconds:g} seconds", reason_code="E4010") from None
        raise RuleError(f"the rule cannot be run: {_first_line(error)}") from None
    finally:
        connection.close()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def holds(expected: object, actual: object) -> bool:
    """Whether a rule's value is the expected one: numbers to 1e-6, texts after NFC, booleans also as 0 and 1."""
    if expected is None or actual is None:
        return expected is actual
    if isinstance(expected, bool):
        return actual in (expected, int(expected)) or str(actual).lower() in (
            {"true", "t"} if expected else {"false", "f"}
        )
    if isinstance(expected, int | float):
        if not isinstance(actual, int | float | Decimal):
            return False
        if expected == actual:
            return True
        # Doubles cannot tell large integers apart.
        whole = isinstance(expected, int) and not isinstance(actual, float)
        return not whole and math.isclose(expected, actual, rel_tol=0.0, abs_tol=_TOLERANCE)
    return unicodedata.normalize("NFC", str(expected)) == unicodedata.normalize("NFC", str(actual))

"""Custom rules: one query that reads one value from the target, and cannot do anything else."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import psycopg

from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.connectors.postgresql import PostgresqlConnector, canonical
from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.connectors.sqlite_file import read_only_uri
from sensei.server.engine.errors import EngineError

SECONDS = 60
_GRACE_SECONDS = 2
"""Left to the process to stop by itself."""
_ASKED_EVERY_SECONDS = 0.25
_DIED = b'{"error": "its process died"}'
_PROGRAM = Path(__file__).with_name("rule_process.py")
_TOLERANCE = 1e-6


class RuleError(EngineError):
    """A rule is no query that reads one value, or takes too long."""

    default_reason = "E4008"


def read_value(
    target: Connector, sql: str, *, seconds: float = SECONDS, go_on: Callable[[], None] = lambda: None
) -> Any:
    """Run a rule's query on a connection of its own, which can only read.

    Parameters:
        seconds: How long it may take.
        go_on: Asked now and then; what it raises ends the query, as far as the system lets it.

    Raises:
        RuleError: It cannot be run, would write, takes too long, or does not give one value.
        EngineError: The target cannot be reached.
    """
    query = sql.strip().rstrip(";").rstrip()
    if isinstance(target, PostgresqlConnector):
        rows = _read_postgresql(target, query, seconds)
    elif isinstance(target, SqliteConnector):
        rows = _read_sqlite(target, query, seconds, go_on)
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


def _read_sqlite(
    target: SqliteConnector, query: str, seconds: float, go_on: Callable[[], None]
) -> list[tuple[Any, ...]]:
    """In a process of its own, as a function of SQLite that takes for ever can only be killed."""
    question = json.dumps({"uri": read_only_uri(target.path), "query": query, "seconds": seconds}).encode()
    arguments = [sys.executable, "-I", "-S", str(_PROGRAM)]
    process = subprocess.Popen(  # noqa: S603  # a program of this package
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with process:
        try:
            written = _await(process, question, seconds + _GRACE_SECONDS, go_on)
        finally:
            process.kill()
    answer: dict[str, Any] = {"late": True} if written is None else json.loads(written or _DIED)
    if answer.get("late"):
        raise RuleError(f"the rule took longer than {seconds:g} seconds", reason_code="E4010")
    if "error" in answer:
        raise RuleError(f"the rule cannot be run: {_first_line(answer['error'])}")
    return [tuple(map(_value, row)) for row in answer["rows"]]


def _value(written: Any) -> Any:
    return bytes.fromhex(cast("dict[str, str]", written)["blob"]) if isinstance(written, dict) else written


def _await(
    process: subprocess.Popen[bytes], question: bytes, seconds: float, go_on: Callable[[], None]
) -> bytes | None:
    """What the process answers; None where it does not within some seconds."""
    deadline = time.monotonic() + seconds
    asked: bytes | None = question
    while (left := deadline - time.monotonic()) > 0:
        go_on()
        try:
            return process.communicate(asked, timeout=min(left, _ASKED_EVERY_SECONDS))[0]
        except subprocess.TimeoutExpired:
            asked = None
    return None


def _first_line(error: Exception | str) -> str:
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

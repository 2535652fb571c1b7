"""336,776 real flights go from SQLite to PostgreSQL and back, and every row of every table is the same.

The comparison shares nothing with the engine: plain SELECTs on both ends, and Python's own equality.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import User
from tests.support.flights import FLIGHTS, TABLES, make_flights

KEYS = {
    "airlines": "carrier",
    "airports": "faa",
    "planes": "tailnum",
    "weather": "origin, time_hour",
    "flights": "carrier, flight, time_hour",
}
INSTANTS = {"time_hour"}
Row = tuple[object, ...]


def _columns(path: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")]


def _comparable(column: str, value: object) -> object:
    """A moment may be spelled in several ways; everything else must be the very same."""
    if column not in INSTANTS or value is None:
        return type(value), value
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return moment.timestamp()


def _sqlite_rows(path: Path, table: str, columns: list[str]) -> Iterator[Row]:
    with closing(sqlite3.connect(path)) as database:
        yield from database.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {KEYS[table]}")


def _postgres_rows(url: str, table: str, columns: list[str]) -> Iterator[Row]:
    order = ", ".join(
        f'{key} COLLATE "C"' if key not in {"flight", "time_hour"} else key for key in KEYS[table].split(", ")
    )
    with psycopg.connect(url) as connection, connection.cursor(name="rows") as cursor:
        cursor.itersize = 20_000
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY {order}")  # type: ignore[arg-type]
        yield from cursor


def _differences(columns: list[str], left: Iterator[Row], right: Iterator[Row]) -> tuple[int, list[tuple[Row, Row]]]:
    """How many rows were compared, and the first pairs that differ."""
    different: list[tuple[Row, Row]] = []
    compared = 0
    for one, other in zip_longest(left, right, fillvalue=()):
        compared += 1
        same = len(one) == len(other) and all(
            _comparable(column, a) == _comparable(column, b) for column, a, b in zip(columns, one, other, strict=True)
        )
        if not same and len(different) < 5:
            different.append((one, other))
    return compared, different


@pytest.mark.timeout(600)
def test_flights_go_to_postgresql_and_back_unchanged(user: User, postgres_url: str) -> None:
    source = user.folder / "flights.db"
    make_flights(source)

    there = user.run("migrate", "sqlite:///flights.db", postgres_url, "--yes", "--results", "there")
    assert there.code == 0, there.err
    back = user.run(
        "migrate", postgres_url, "sqlite:///back.db", "--yes", "--results", "back", "--validation", "standard"
    )
    assert back.code == 0, back.err

    rows = 0
    for table in TABLES:
        columns = _columns(source, table)
        compared, different = _differences(
            columns, _sqlite_rows(source, table, columns), _postgres_rows(postgres_url, table, columns)
        )
        assert different == [], f"{table} in PostgreSQL"
        rows += compared
        _, different = _differences(
            columns, _sqlite_rows(source, table, columns), _sqlite_rows(user.folder / "back.db", table, columns)
        )
        assert different == [], f"{table} back in SQLite"
    assert rows > FLIGHTS
    assert (user.folder / "there" / "certificate.json").is_file()

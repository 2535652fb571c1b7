"""A database with awkward values to be moved, and whether its copy is exact."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.compare import differences, postgres_rows, sqlite_rows
from tests.support.postgres import running_postgres

SCHEMA = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name VARCHAR(60) NOT NULL, email TEXT UNIQUE, note TEXT, active BOOLEAN NOT NULL,
    joined TIMESTAMP WITH TIME ZONE, score REAL, avatar BLOB
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id), placed TIMESTAMP NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'paid', 'sent')), cents BIGINT NOT NULL
);
CREATE INDEX orders_by_status ON orders (status, placed);
CREATE TABLE visits (at TIMESTAMP, page TEXT, seconds INTEGER);
"""
TABLES = {
    "customers": ["id", "name", "email", "note", "active", "joined", "score", "avatar"],
    "orders": ["id", "customer_id", "placed", "status", "cents"],
    # Without a key and with equal rows: a row copied twice, or not at all, shows only by counting.
    "visits": ["at", "page", "seconds"],
}
NOTES = (None, "", "  ", "O'Brien", "tab\tand\nline", "Zoë 🦊", "\\N", "\u2028", "e\u0301")


def make_shop(path: Path, rows: int) -> None:
    """Fill a new SQLite file with `rows` rows in three tables."""
    customers, visits = rows // 10, rows // 5
    orders = rows - customers - visits
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(SCHEMA)
        database.executemany(
            "INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    number,
                    f"Customer {number} Ян",
                    f"c{number}@example.com" if number % 3 else None,
                    NOTES[number % len(NOTES)],
                    number % 2,
                    f"2024-{number % 12 + 1:02d}-15T{number % 24:02d}:30:00.000{number % 10}00+01:00",
                    number / 7 if number % 5 else None,
                    bytes([0, 255, number % 256]) * (number % 7) if number % 4 else None,
                )
                for number in range(customers)
            ),
        )
        database.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?, ?)",
            (
                (n, n % customers, f"2025-01-{n % 28 + 1:02d} 10:00:00", ("open", "paid", "sent")[n % 3], n**3)
                for n in range(orders)
            ),
        )
        database.executemany(
            "INSERT INTO visits VALUES (?, ?, ?)",
            ((f"2025-02-{n % 28 + 1:02d} 11:00:00" if n % 9 else None, f"/{n % 50}", n % 40) for n in range(visits)),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A database as the API is told of it, and how its rows are read without the API."""

    type: str
    config: dict[str, Any]
    where: Path | str

    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """All rows of a table."""
        if isinstance(self.where, Path):
            return sqlite_rows(self.where, table, TABLES[table])
        return postgres_rows(self.where, "public", table, TABLES[table])


def sqlite_place(path: Path) -> Place:
    """A SQLite file."""
    return Place("sqlite", {"path": str(path)}, path)


def postgres_place(url: str) -> Place:
    """A PostgreSQL database."""
    parts = urlsplit(url)
    config = {
        "host": parts.hostname,
        "port": parts.port,
        "database": unquote(parts.path[1:]),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    return Place("postgresql", config, url)


def what_differs(source: Place, target: Place) -> list[str]:
    """One line a table that is not the same, row for row."""
    found = ((table, differences(source.rows(table), target.rows(table))) for table in TABLES)
    return [f"{table}: {text}" for table, text in found if text]


class Targets:
    """Gives new empty databases of one type, one after the other."""

    def __init__(self, type: str, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._number = count()
        self._postgres = stack.enter_context(running_postgres()) if type == "postgresql" else None

    def new(self) -> Place:
        """Another empty database."""
        if self._postgres is not None:
            return postgres_place(self._stack.enter_context(self._postgres.database()))
        return sqlite_place(self._folder / f"target{next(self._number)}.db")


@contextmanager
def targets(type: str, folder: Path) -> Iterator[Targets]:
    """New databases of a type, all removed at the end."""
    with ExitStack() as stack:
        yield Targets(type, folder, stack)

"""SQLite files."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from sensei.server.engine.catalog import Catalog
from sensei.server.engine.connectors import sqlite_catalog
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.connectors.sqlite_file import (
    check_source,
    check_target,
    connect,
    endpoint_error,
    exists,
    file_path,
)
from sensei.server.engine.errors import EngineError, TableNotFoundError
from sensei.server.engine.job import Endpoint, Preview, Problem, Selection, TestOutcome

_WAIT_SECONDS = 30
_MEETINGS = 3
"""How often two connections try to see one moment while others write."""
_PREPARER = sqlite_dialect().identifier_preparer


def quote(identifier: str) -> str:
    """An identifier for SQLite's SQL, always in quotation marks."""
    return _PREPARER.quote_identifier(identifier)


class SqliteConnector(Connector):
    """A SQLite file, opened when it is first needed and never written."""

    system = "sqlite"
    default_schema: str | None = "main"

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.path: Path = file_path(endpoint)
        self._read_only = bool(endpoint.config.get("read_only", False))
        self._wait = endpoint.seconds("connection_timeout_seconds", _WAIT_SECONDS)
        self._open: sqlite3.Connection | None = None

    @property
    def version(self) -> str:
        """What reads the file; the format itself has no version worth telling."""
        return f"SQLite {sqlite3.sqlite_version}"

    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            check_source(self.path)
            self._open = connect(self.path, writable=False, wait_seconds=self._wait, may_recover=not self._read_only)
            # Built in C, so that it costs little; valid text is not changed by it.
            self._open.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
        return self._open

    def test(self, role: str) -> TestOutcome:
        began = time.perf_counter()
        tables: int | None = 0
        rows: int | None = 0
        write_test: str | None = None
        error: EngineError | None = None
        try:
            if role == "source" or exists(self.path):
                catalog = self.read_catalog(Selection())
                tables = sum(table.type == "table" for table in catalog.tables)
                rows = sum(table.row_estimate or 0 for table in catalog.tables)
            if role != "source":
                write_test = "failed"
                self._try_to_write()
                write_test = "success"
        except EngineError as caught:
            error = caught
        return TestOutcome(
            status="failed" if error else "success",
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=None if error else self.version,
            accessible_schemas=("main",) if not error and role != "target" else None,
            available_schemas=("main",) if not error and role != "source" else None,
            table_count=None if error else tables,
            estimated_rows=None if error else rows,
            write_test=write_test,
            error=Problem(code="connection_unreachable", message=error.message, reason_code=error.reason_code)
            if error
            else None,
        )

    def _try_to_write(self) -> None:
        check_target(self.path, read_only=self._read_only)
        if not self.path.exists():
            return
        connection = connect(self.path, writable=True, wait_seconds=self._wait)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute('CREATE TABLE "sensei write test" (a)')
            connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise endpoint_error(error, self.path) from None
        finally:
            connection.close()

    def read_catalog(self, selection: Selection) -> Catalog:
        try:
            return sqlite_catalog.read_catalog(self._db(), quote, selection, self.version)
        except sqlite3.Error as error:
            raise endpoint_error(error, self.path) from None

    def left_out(self) -> list[tuple[str, str]]:
        """(name, kind) of what a catalog does not show: triggers and virtual tables."""
        rows = self._db().execute(
            "SELECT name, 'trigger' FROM sqlite_master WHERE type = 'trigger' UNION ALL "
            "SELECT name, 'virtual table' FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'"
        )
        return [(str(name), str(kind)) for name, kind in rows]

    def preview(self, schema: str | None, table: str, limit: int) -> Preview:
        catalog = self.read_catalog(Selection(tables=(table,)) if not set(table) & {"*", "?"} else Selection())
        found = next((t for t in catalog.tables if t.name == table and schema in {None, "main"}), None)
        if found is None:
            raise TableNotFoundError(f"there is no table {table[:200]!r} in the database", table=table)
        columns = [(column.name, column.type) for column in found.columns]
        listed = ", ".join(self.quote(name) for name, _ in columns)
        return self._first_rows("main", table, columns, listed, limit)

    @contextmanager
    def snapshot(self) -> Generator[None]:
        db = self._db()
        try:
            _begin(db)
        except sqlite3.Error as error:
            raise endpoint_error(error, self.path) from None
        try:
            yield
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    @contextmanager
    def companion(self) -> Generator[SqliteConnector | None]:
        """A second connector for another thread, for which the open snapshot begins anew; None while others write."""
        other = SqliteConnector(self._endpoint)
        try:
            yield other if self._meet(other) else None
        finally:
            other.close()

    def _meet(self, other: SqliteConnector) -> bool:
        """Move both to one moment: this one looks before and after the other, and must see no change in between."""
        try:
            for _ in range(_MEETINGS):
                before = self.scalar("PRAGMA data_version")
                # To begin is to stay: the read transaction ends with the connection.
                _begin(other._db())
                _begin(self._db())
                if self.scalar("PRAGMA data_version") == before:
                    return True
        except sqlite3.Error as error:
            raise endpoint_error(error, self.path) from None
        return False

    def stream(self, sql: str, batch_rows: int = 10_000) -> Iterator[list[tuple[Any, ...]]]:
        cursor = self._db().cursor()
        try:
            cursor.execute(sql)
            while rows := cursor.fetchmany(batch_rows):
                yield rows
        except sqlite3.Error as error:
            raise endpoint_error(error, self.path) from None
        finally:
            # Left in the middle, it is closed whenever it is collected, perhaps after its database.
            with suppress(sqlite3.ProgrammingError):
                cursor.close()

    def scalar(self, sql: str) -> Any:
        try:
            row = self._db().execute(sql).fetchone()
        except sqlite3.Error as error:
            raise endpoint_error(error, self.path) from None
        return None if row is None else row[0]

    def quote(self, identifier: str) -> str:
        return quote(identifier)

    def qualify(self, schema: str | None, table: str) -> str:
        return f"{quote(schema or 'main')}.{quote(table)}"

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None


def _begin(db: sqlite3.Connection) -> None:
    """Begin to read at the present moment."""
    if db.in_transaction:
        db.execute("ROLLBACK")
    db.execute("BEGIN")
    # A transaction that has read nothing has no moment yet.
    db.execute("SELECT count(*) FROM sqlite_master").fetchone()

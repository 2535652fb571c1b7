"""Write to a SQLite file."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from sensei.server.engine.catalog import Table
from sensei.server.engine.connectors.sqlite import quote
from sensei.server.engine.connectors.sqlite_file import check_target, connect, execution_error, file_path
from sensei.server.engine.ddl import Ddl, literal
from sensei.server.engine.job import Endpoint
from sensei.server.engine.kinds import affinity
from sensei.server.engine.transfer.decode import decoder
from sensei.server.engine.transfer.decode_mysql import decode as decode_mysql
from sensei.server.engine.transfer.encode import number_text
from sensei.server.engine.transfer.rows import BadRow, Part
from sensei.server.engine.transfer.samples import row_key
from sensei.server.engine.transfer.target import ADDED, TargetDatabase
from sensei.server.engine.transfer.work import TableWork

_CONSTRAINT_DATATYPE = 3091
"""SQLITE_CONSTRAINT_DATATYPE, which Python 3.11 does not name."""

_REASONS = {
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "E3002",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "E4006",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "E4006",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "E4006",
    sqlite3.SQLITE_CONSTRAINT_CHECK: "E4007",
    _CONSTRAINT_DATATYPE: "E3001",
}

_OF_A_ROW = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, OverflowError)
"""Errors of single rows; an integer may be beyond SQLite's 64 bits."""


class SqliteTarget(TargetDatabase):
    """A SQLite file that is written. One writer at a time is all that SQLite allows.

    A commit waits for the disk several times, and no way to leave that to later is safe: a journal that is switched off
    or not synchronised can cost the whole file. So several batches share one.
    """

    system = "sqlite"
    schema: str | None = None
    commit_seconds: float = 0.5

    def __init__(self, endpoint: Endpoint) -> None:
        self.path: Path = file_path(endpoint)
        check_target(self.path, read_only=bool(endpoint.config.get("read_only", False)))
        wait = endpoint.seconds("connection_timeout_seconds", 30)
        self.ddl: Ddl = Ddl("sqlite")
        self._db = connect(self.path, writable=True, wait_seconds=wait)
        # References are checked once all rows are in. Everything that guards against a crash stays on.
        for pragma in ("foreign_keys = OFF", "cache_size = -32768", "recursive_triggers = OFF"):
            self._db.execute(f"PRAGMA {pragma}")

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Generator[None]:  # noqa: ARG002  # SQLite's commits always last
        with self._failures():
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            with self._failures():
                self._db.execute("COMMIT")
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    @contextmanager
    def _failures(self, table: str | None = None) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise execution_error(error, self.path, table) from None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        with self._failures():
            return max(self._db.execute(sql, parameters).rowcount, 0)

    def attempt(self, sql: str) -> bool:
        try:
            self._db.execute(sql)
        except sqlite3.IntegrityError:
            return False
        except sqlite3.Error as error:
            raise execution_error(error, self.path) from None
        return True

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._failures():
            return self._db.execute(sql, parameters).fetchall()

    def table_exists(self, schema: str | None, name: str) -> bool:  # noqa: ARG002  # there is but one schema
        return bool(
            self.rows("SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE", [name])
        )

    def schema_exists(self, schema: str) -> bool:
        return schema == "main"

    def relation_exists(self, table: Table, name: str) -> bool:  # noqa: ARG002  # names are unique in the file
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE name = ? COLLATE NOCASE", [name]))

    def digest(self, table: str) -> tuple[int, str]:
        """Rows of a table, and a digest of them that does not depend on their order."""
        total = count = 0
        # Texts are marked, so that they differ from blobs; they need not be UTF-8.
        self._db.text_factory = _marked
        try:
            with self._failures(table):
                for row in self._db.execute(f"SELECT * FROM {quote(table)}"):
                    total += int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=16).digest())
                    count += 1
        finally:
            self._db.text_factory = str
        return count, f"blake2b:{total % 2**128:032x}"

    def can_track(self, work: TableWork) -> bool:
        return self._has_rowid(work)

    def track(self, migration_id: str, work: TableWork) -> None:
        if not self._has_rowid(work):
            return
        self.open_added()
        name = quote(f"note rows of {work.target.name}")
        self.execute(
            f"CREATE TEMP TRIGGER IF NOT EXISTS {name} AFTER INSERT ON main.{quote(work.target.name)} BEGIN "
            f"INSERT INTO {quote(ADDED)} (migration_id, name, key) "
            f"VALUES ({literal(migration_id)}, {literal(work.name)}, new._rowid_); END"
        )

    def _has_rowid(self, work: TableWork) -> bool:
        return bool(
            self.rows(
                "SELECT 1 FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE AND wr = 0",
                [work.target.name],
            )
        )

    def take_out_appended(self, migration_id: str, work: TableWork) -> int | None:
        if not self.table_exists(None, ADDED) or not self._has_rowid(work):
            return None
        known = f"migration_id = {literal(migration_id)} AND name = {literal(work.name)}"
        with self.transaction():
            removed = self.execute(
                f"DELETE FROM {quote(work.target.name)} WHERE _rowid_ IN (SELECT key FROM {self.added} WHERE {known})"
            )
            self.execute(f"DELETE FROM {self.added} WHERE {known}")
        return removed

    def write(self, work: TableWork, part: Part) -> list[BadRow]:
        lead = part.lead
        slices = part.slices() if not part.text else iter((_decoded(work, part),))
        names = ", ".join(quote(column.target.name) for column in work.columns)
        marks = ", ".join(f"?{number + lead + 1}" for number in range(len(work.columns)))
        sql = f"INSERT INTO {quote(work.target.name)} ({names}) VALUES ({marks})"
        try:
            self._db.execute("SAVEPOINT part")
            self._db.executemany(sql, _with_whole_floats(work, chain.from_iterable(slices), lead))
            self._db.execute("RELEASE part")
        except (*_OF_A_ROW, UnicodeEncodeError):
            self._db.execute("ROLLBACK TO part")
            rows = _decoded(work, part) if part.text else part.all_rows()
            bad = self._one_by_one(work, sql, rows, lead)
            self._db.execute("RELEASE part")
            return bad
        except sqlite3.Error as error:
            raise execution_error(error, self.path, work.name) from None
        return []

    def _one_by_one(self, work: TableWork, sql: str, rows: Sequence[tuple[Any, ...]], lead: int) -> list[BadRow]:
        bad: list[BadRow] = []
        for row in _with_whole_floats(work, rows, lead):
            try:
                self._write_row(work, sql, row, lead)
            except _OF_A_ROW as error:
                code = getattr(error, "sqlite_errorcode", None)
                reason = _REASONS.get(code, "E2007") if code else "E3001"
                if isinstance(error, OverflowError):
                    reason = "E3004"
                bad.append(BadRow(reason, str(error)[:300], row_key(work, row[lead:])))
            except sqlite3.Error as error:
                raise execution_error(error, self.path, work.name) from None
        return bad

    def _write_row(self, work: TableWork, sql: str, row: tuple[Any, ...], lead: int) -> None:
        try:
            self._db.execute(sql, row)
        except UnicodeEncodeError:
            # The driver binds valid UTF-8 only; cast from a blob the very same bytes become a text again.
            values = row[lead:]
            stray = [isinstance(value, str) and not _is_utf8(value) for value in values]
            names = ", ".join(quote(column.target.name) for column in work.columns)
            marks = ", ".join("CAST(? AS TEXT)" if odd else "?" for odd in stray)
            self._db.execute(
                f"INSERT INTO {quote(work.target.name)} ({names}) VALUES ({marks})",
                [
                    value.encode("utf-8", "surrogateescape") if odd else value
                    for value, odd in zip(values, stray, strict=True)
                ],
            )


def _with_whole_floats(work: TableWork, rows: Iterable[tuple[Any, ...]], lead: int) -> Iterable[tuple[Any, ...]]:
    """The rows with texts for floats that go into columns of text, where SQLite itself would keep 15 digits of them."""
    positions = {
        lead + number
        for number, column in enumerate(work.columns)
        if affinity(column.target.type) == "text"
        and (work.source_system != "sqlite" or column.expression is not None or affinity(column.source.type) != "text")
    }
    if not positions:
        return rows
    return (
        tuple(number_text(v) if type(v) is float and p in positions else v for p, v in enumerate(row)) for row in rows
    )


def _marked(raw: bytes) -> tuple[bytes]:
    return (raw,)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decoded(work: TableWork, part: Part) -> list[tuple[Any, ...]]:
    if work.source_system == "mysql":
        return decode_mysql(work, part.text)
    lines = part.text.decode().split("\n")[:-1]
    fields = zip(*[line.split("\t") for line in lines], strict=True)
    columns = [decoder(column)(values) for column, values in zip(work.columns, fields, strict=True)]
    return list(zip(*columns, strict=True))

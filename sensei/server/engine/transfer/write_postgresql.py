"""Write to PostgreSQL by COPY: binary where every column has values of the very type, text otherwise.

Of the ways measured (rows written one by one by the driver in text or in binary, lines built here, Arrow through ADBC),
binary rows cost the least of both ends' time that needs no other driver and lets every value be checked on the way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import psycopg

from sensei.server.engine.catalog import Table
from sensei.server.engine.connectors.postgresql import quote
from sensei.server.engine.connectors.postgresql_address import read_address
from sensei.server.engine.connectors.postgresql_errors import execution_error, first_line, row_reason
from sensei.server.engine.ddl import Ddl, literal
from sensei.server.engine.job import Endpoint
from sensei.server.engine.transfer.decode import unescape
from sensei.server.engine.transfer.encode import NULL, Encoder, encoder
from sensei.server.engine.transfer.rows import BadRow, Part, Unfit
from sensei.server.engine.transfer.samples import row_key, shown_value
from sensei.server.engine.transfer.target import ADDED, TargetDatabase
from sensei.server.engine.transfer.work import TableWork

_LOCK_SECONDS = 60


class PostgresqlTarget(TargetDatabase):
    """A PostgreSQL database that is written."""

    system = "postgresql"

    def __init__(self, endpoint: Endpoint, schema: str | None) -> None:
        self._address = read_address(endpoint)
        self.schema = schema
        self.ddl: Ddl = Ddl("postgresql")
        self._db = self._address.connect(autocommit=True)
        self._db.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'".encode())
        self._db.execute("SET check_function_bodies = off")
        self._encoders: dict[str, list[Encoder]] = {}
        self._tracked: dict[str, str] = {}
        """Table → the temporary table that its rows go through."""
        self._noting: dict[str, str] = {}
        """Table → the statement that moves them on and notes their keys."""

    def close(self) -> None:
        self._db.close()
        self._address.close()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Generator[None]:
        try:
            with self._db.transaction():
                if not durable:
                    # The ledger goes with the data: what a crash of the server takes is copied again.
                    self._db.execute("SET LOCAL synchronous_commit = off")
                yield
        except psycopg.Error as error:
            raise execution_error(error) from None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        try:
            return max(self._db.execute(sql.encode(), parameters or None).rowcount, 0)
        except psycopg.Error as error:
            raise execution_error(error) from None

    def attempt(self, sql: str) -> bool:
        try:
            with self._db.transaction():
                self._db.execute(sql.encode())
        except psycopg.IntegrityError:
            return False
        except psycopg.Error as error:
            raise execution_error(error) from None
        return True

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql.encode(), parameters or None).fetchall()
        except psycopg.Error as error:
            raise execution_error(error) from None

    def table_exists(self, schema: str | None, name: str) -> bool:
        return bool(
            self.rows(
                "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
                [schema or self.schema, name],
            )
        )

    def schema_exists(self, schema: str) -> bool:
        return bool(self.rows("SELECT 1 FROM pg_namespace WHERE nspname = %s", [schema]))

    def relation_exists(self, table: Table, name: str) -> bool:
        return bool(
            self.rows(
                "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s "
                "UNION ALL SELECT 1 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s AND k.conname = %s",
                [table.schema, name, table.schema, table.name, name],
            )
        )

    def can_track(self, work: TableWork) -> bool:
        return bool(self._key(work))

    def track(self, migration_id: str, work: TableWork) -> None:
        key = self._key(work)
        if not key:
            return
        self.open_added()
        names = self.ddl.listed(tuple(column.target.name for column in work.columns))
        table = self.ddl.name(work.target)
        stage = quote(f"sensei stage {len(self._tracked)}")
        self.execute(f"CREATE TEMP TABLE {stage} ON COMMIT DELETE ROWS AS SELECT {names} FROM {table} WITH NO DATA")
        self._tracked[work.name] = stage
        self._noting[work.name] = (
            f"WITH new AS (INSERT INTO {table} ({names}) SELECT {names} FROM {stage} "
            f"RETURNING {_key_text(key)} AS key) "
            f"INSERT INTO {self.added} SELECT {literal(migration_id)}, {literal(work.name)}, key FROM new"
        )

    def _key(self, work: TableWork) -> tuple[str, ...]:
        """The primary key that the table really has."""
        rows = self.rows(
            "SELECT a.attname FROM pg_index i "
            "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
            "WHERE i.indisprimary AND i.indrelid = %s::regclass ORDER BY array_position(i.indkey::int2[], a.attnum)",
            [self.ddl.name(work.target)],
        )
        return tuple(str(row[0]) for row in rows)

    def take_out_appended(self, migration_id: str, work: TableWork) -> int | None:
        key = self._key(work)
        if not key or not self.table_exists(self.schema, ADDED):
            return None
        known = f"a.migration_id = {literal(migration_id)} AND a.name = {literal(work.name)}"
        with self.transaction():
            removed = self.execute(
                f"DELETE FROM {self.ddl.name(work.target)} USING {self.added} AS a WHERE {known} "
                f"AND a.key = {_key_text(key)}"
            )
            self.execute(f"DELETE FROM {self.added} AS a WHERE {known}")
        return removed

    def write(self, work: TableWork, part: Part) -> list[BadRow]:
        bad: list[BadRow] = []
        text = part.text
        if not text:
            encoders = self._encoders.get(work.name)
            if encoders is None:
                encoders = self._encoders[work.name] = [encoder(column.target) for column in work.columns]
            if self._as_they_are(work, part, encoders):
                return bad
            text, bad = self._row_by_row(work, part, encoders)
        if not text:
            return bad
        error = self._copy(work, text)
        if error is not None:
            self._halves(work, text.split(b"\n")[:-1], error, bad)
        return bad

    def _as_they_are(self, work: TableWork, part: Part, encoders: list[Encoder]) -> bool:
        """Leave the values to the driver; False, and nothing written, where one of them is not for it."""
        binary = [encode.binary for encode in encoders if encode.binary is not None]
        all_binary = len(binary) == len(encoders)
        try:
            with self._copying(work, binary=all_binary) as copy:
                if all_binary:
                    copy.set_types(binary)
                for rows in part.slices():
                    whole = zip(*_checked(rows, part.lead, encoders), strict=True)
                    # Runs through all of them in C.
                    deque(map(copy.write_row, whole), maxlen=0)
        except (_UnusualError, UnicodeEncodeError):
            return False
        except psycopg.Error as error:
            # The driver's own refusals have no SQLSTATE, and neither has a connection that is lost.
            if row_reason(error) is None and (self._db.closed or error.sqlstate is not None):
                raise execution_error(error, work.name) from None
            return False
        return True

    @contextmanager
    def _copying(self, work: TableWork, *, binary: bool = False) -> Generator[psycopg.Copy]:
        """COPY into a table, all or nothing; by way of a stage where the keys of new rows are noted."""
        names = self.ddl.listed(tuple(column.target.name for column in work.columns))
        stage = self._tracked.get(work.name)
        how = " (FORMAT binary)" if binary else ""
        sql = f"COPY {stage or self.ddl.name(work.target)} ({names}) FROM STDIN{how}"
        with self._db.transaction(), self._db.cursor() as cursor:
            with cursor.copy(sql.encode()) as copy:
                yield copy
            if stage is not None:
                cursor.execute(self._noting[work.name].encode())
                cursor.execute(f"DELETE FROM {stage}".encode())

    def _copy(self, work: TableWork, text: bytes) -> psycopg.Error | None:
        """Write some lines; the error where rows among them are at fault."""
        try:
            with self._copying(work) as copy:
                copy.write(text)
        except psycopg.Error as error:
            if row_reason(error) is None:
                raise execution_error(error, work.name) from None
            return error
        return None

    def _halves(self, work: TableWork, lines: list[bytes], error: psycopg.Error, bad: list[BadRow]) -> None:
        if len(lines) == 1:
            fields = lines[0].decode("utf-8", "replace").split("\t")
            values = [None if field == NULL else shown_value(unescape(field)) for field in fields]
            bad.append(
                BadRow(
                    row_reason(error) or "E3001",
                    first_line(error),
                    row_key(work, values),
                    _source_column(work, error.diag.column_name),
                )
            )
            return
        middle = len(lines) // 2
        for half in (lines[:middle], lines[middle:]):
            failed = self._copy(work, b"\n".join(half) + b"\n")
            if failed is not None:
                self._halves(work, half, failed, bad)

    def _row_by_row(self, work: TableWork, part: Part, encoders: list[Encoder]) -> tuple[bytes, list[BadRow]]:
        bad: list[BadRow] = []
        lines: list[str] = []
        for row in part.all_rows():
            fields: list[str] = []
            for at, value in enumerate(row[part.lead :]):
                try:
                    fields.append(NULL if value is None else encoders[at].value(value))
                except Unfit as unfit:
                    column = work.columns[at].source.name
                    bad.append(BadRow(unfit.reason_code, unfit.message, row_key(work, row[part.lead :]), column))
                    break
            else:
                lines.append("\t".join(fields))
        return ("\n".join(lines) + "\n").encode() if lines else b"", bad


class _UnusualError(Exception):
    """A value is not for the driver."""


def _checked(rows: list[tuple[Any, ...]], lead: int, encoders: list[Encoder]) -> list[Sequence[Any]]:
    """The columns of some rows, as the driver may write them."""
    columns: list[Sequence[Any]] = []
    for encode, values in zip(encoders, islice(zip(*rows, strict=True), lead, None), strict=True):
        whole = encode.column(values)
        if whole is None:
            raise _UnusualError
        columns.append(whole)
    return columns


def _key_text(key: tuple[str, ...]) -> str:
    return f"jsonb_build_array({', '.join(f'{quote(name)}::text' for name in key)})::text"


def _source_column(work: TableWork, target: str | None) -> str | None:
    return next((column.source.name for column in work.columns if column.target.name == target), None)

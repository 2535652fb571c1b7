"""PostgreSQL databases."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ClassVar

import psycopg
from psycopg import pq
from psycopg.abc import AdaptContext, Buffer
from psycopg.abc import Loader as AbstractLoader
from psycopg.adapt import Loader
from psycopg.types.string import TextLoader
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from sensei.server.engine.catalog import Catalog
from sensei.server.engine.connectors import postgresql_catalog
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.connectors.postgresql_address import Address, read_address
from sensei.server.engine.connectors.postgresql_errors import endpoint_error, reading_error
from sensei.server.engine.errors import EndpointError, EngineError, TableNotFoundError
from sensei.server.engine.job import Endpoint, Preview, Problem, Selection, TestOutcome

_READ_SECONDS = 3_600
# Percent signs are doubled for parameter styles that use them; statements here have no parameters.
_PREPARER = PGDialect_psycopg(paramstyle="named").identifier_preparer  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy


def quote(identifier: str) -> str:
    """An identifier for PostgreSQL's SQL, always in quotation marks."""
    return _PREPARER.quote_identifier(identifier)


class _OrText(Loader):
    """Loads with another loader; gives the database's own text where Python has no such value."""

    inner: ClassVar[type[AbstractLoader]]

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._load = self.inner(oid, context).load

    def load(self, data: Buffer) -> Any:
        try:
            return self._load(data)
        except psycopg.DataError:
            return bytes(data).decode()


_MOMENTS = ("date", "time", "timestamp", "timestamptz")
_PLAIN = {
    *("bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "bytea", "text", "varchar", "bpchar"),
    *("name", '"char"', "unknown"),
    *_MOMENTS,
}


def canonical(connection: psycopg.Connection[Any]) -> None:
    """Make a connection load values in the canonical form of `Connector.stream`."""
    for name in _MOMENTS:
        inner = psycopg.adapters.get_loader(psycopg.adapters.types[name].oid, pq.Format.TEXT)
        if inner is not None:
            connection.adapters.register_loader(name, type("_OrText", (_OrText,), {"inner": inner}))
    for info in psycopg.adapters.types:
        if info.name not in _PLAIN:
            connection.adapters.register_loader(info.oid, TextLoader)
        if info.array_oid:
            connection.adapters.register_loader(info.array_oid, TextLoader)


class PostgresqlConnector(Connector):
    """A PostgreSQL database, opened at once and never written but for the write test, which is rolled back."""

    system = "postgresql"

    def __init__(self, endpoint: Endpoint) -> None:
        self.address: Address = read_address(endpoint)
        self._named = 0
        try:
            self._open: psycopg.Connection[Any] | None = self.address.connect(
                autocommit=True, statement_seconds=_READ_SECONDS
            )
        except BaseException:
            self.address.close()
            raise
        canonical(self._open)
        self.default_schema: str | None = self.address.schema or str(
            self.scalar("SELECT coalesce(current_schema(), 'public')")
        )

    @property
    def version(self) -> str:
        """E.g. ``PostgreSQL 16.2``."""
        return f"PostgreSQL {str(self.scalar('SHOW server_version')).split(' ', maxsplit=1)[0]}"

    def _db(self) -> psycopg.Connection[Any]:
        if self._open is None:
            raise EndpointError("the connection was closed", reason_code="E1001")
        return self._open

    def test(self, role: str) -> TestOutcome:
        began = time.perf_counter()
        readable: list[str] = []
        writable: list[str] = []
        tables = rows = 0
        version: str | None = None
        write_test: str | None = None
        error: EngineError | None = None
        try:
            version = self.version
            readable, writable = postgresql_catalog.schemas_by_privilege(self._db())
            tables, rows = postgresql_catalog.totals(self._db(), self.address.schemas or readable)
            if role != "source":
                write_test = "failed"
                self._try_to_write()
                write_test = "success"
        except EngineError as caught:
            error = caught
        except psycopg.Error as caught:
            error = endpoint_error(caught, self.address.parameters)
        return TestOutcome(
            status="failed" if error else "success",
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=version,
            accessible_schemas=tuple(readable) if role != "target" else None,
            available_schemas=tuple(writable) if role != "source" else None,
            table_count=None if error else tables,
            estimated_rows=None if error else rows,
            write_test=write_test,
            error=Problem(code="connection_unreachable", message=error.message, reason_code=error.reason_code)
            if error
            else None,
        )

    def _try_to_write(self) -> None:
        db = self._db()
        schema = self.default_schema or "public"
        exists = self.scalar(f"SELECT count(*) FROM pg_namespace WHERE nspname = {_literal(schema)}")
        table = self.qualify(schema, "sensei write test")
        try:
            with db.transaction(force_rollback=True):
                if not exists:
                    db.execute(f"CREATE SCHEMA {quote(schema)}".encode())
                db.execute(f"CREATE TABLE {table} (a integer)".encode())
                db.execute(f"INSERT INTO {table} VALUES (1)".encode())
        except psycopg.Error as error:
            raise endpoint_error(error, self.address.parameters) from None

    def read_catalog(self, selection: Selection) -> Catalog:
        schemas = selection.schemas or self.address.schemas
        try:
            tables = postgresql_catalog.read_tables(self.address, self._db(), selection, schemas)
        except psycopg.Error as error:
            raise reading_error(error, self.address.parameters) from None
        return Catalog(
            system="postgresql",
            server_version=self.version,
            captured_at=datetime.now(UTC),
            tables=tables,
            default_schema=self.default_schema,
        )

    def preview(self, schema: str | None, table: str, limit: int) -> Preview:
        schema = schema or self.default_schema
        try:
            columns = postgresql_catalog.column_types(self._db(), str(schema), table)
        except psycopg.Error as error:
            raise reading_error(error, self.address.parameters) from None
        if not columns:
            raise TableNotFoundError(f"there is no table {f'{schema}.{table}'[:200]!r} in the database", table=table)
        listed = ", ".join(quote(name) for name, _ in columns)
        return self._first_rows(schema, table, columns, listed, limit)

    @contextmanager
    def snapshot(self) -> Generator[None]:
        db = self._db()
        with self._reading():
            db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            db.execute("SELECT 1")
        try:
            yield
        finally:
            if not db.closed and db.info.transaction_status != pq.TransactionStatus.IDLE:
                db.execute("ROLLBACK")

    def stream(self, sql: str, batch_rows: int = 10_000) -> Iterator[list[tuple[Any, ...]]]:
        db = self._db()
        alone = db.info.transaction_status == pq.TransactionStatus.IDLE
        self._named += 1
        name = f"sensei_{self._named}"
        with self._reading():
            if alone:
                db.execute("BEGIN READ ONLY")
            try:
                db.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {sql}".encode())
                while rows := db.execute(f"FETCH {batch_rows:d} FROM {name}".encode()).fetchall():
                    yield rows
                db.execute(f"CLOSE {name}".encode())
            finally:
                if alone and not db.closed:
                    db.execute("ROLLBACK")

    def scalar(self, sql: str) -> Any:
        with self._reading():
            row = self._db().execute(sql.encode()).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _reading(self) -> Generator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise reading_error(error, self.address.parameters) from None

    def quote(self, identifier: str) -> str:
        return quote(identifier)

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
        self.address.close()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

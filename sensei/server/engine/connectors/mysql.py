"""MySQL and MariaDB databases."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import Cursor, SSCursor
from sqlalchemy.dialects.mysql.base import MySQLDialect

from sensei.server.engine.catalog import Catalog
from sensei.server.engine.connectors import mysql_catalog
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.connectors.mysql_address import Address, is_mariadb, read_address, version_of
from sensei.server.engine.connectors.mysql_errors import endpoint_error, reading_error
from sensei.server.engine.errors import EndpointError, EngineError, TableNotFoundError
from sensei.server.engine.job import Endpoint, Preview, Problem, Selection, TestOutcome

_READ_SECONDS = 3_600
# Percent signs are doubled for parameter styles that use them; statements here have no parameters.
_PREPARER = MySQLDialect(paramstyle="named").identifier_preparer
_A_DAY = timedelta(days=1)
_MIDNIGHT = datetime(1, 1, 1)  # noqa: DTZ001  # times of day have no zone
_CANNOT_WRITE = "MySQL and MariaDB can be read by this server, not written"


def quote(identifier: str) -> str:
    """An identifier for MySQL's SQL, always in backticks."""
    return _PREPARER.quote_identifier(identifier)


def _time(text: str) -> Any:
    """A time of day; MySQL's TIME may be longer than a day, or negative, and is then a text."""
    found = conversions[FIELD_TYPE.TIME](text)
    return (_MIDNIGHT + found).time() if isinstance(found, timedelta) and timedelta() <= found < _A_DAY else text


def _bits(data: bytes) -> int:
    return int.from_bytes(data, "big")


CANONICAL: dict[Any, Any] = {
    **conversions,
    FIELD_TYPE.BIT: _bits,
    FIELD_TYPE.TIME: _time,
}
"""How values are loaded in the canonical form of `Connector.stream`; dates that Python cannot hold stay texts."""


class Streaming(SSCursor):
    """A cursor that reads row by row, and that can be let go of after a failure."""

    def abandon(self) -> None:
        """Read the rest away; where the connection is gone, only forget it."""
        try:
            self.close()
        except (pymysql.Error, OSError, AttributeError):
            # Else the driver would try again, and fail, when the result is collected.
            result: Any = vars(self).get("_result")
            if result is not None:
                result.unbuffered_active = False
            vars(self)["_result"] = None


class MysqlConnector(Connector):
    """A MySQL or MariaDB database, opened at once and never written."""

    system = "mysql"

    def __init__(self, endpoint: Endpoint) -> None:
        self.address: Address = read_address(endpoint)
        self._open: pymysql.Connection[Cursor] | None = self.address.connect(
            statement_seconds=_READ_SECONDS, conv=CANONICAL
        )
        self.default_schema: str | None = self.address.schemas[0] if self.address.schemas else None

    @property
    def version(self) -> str:
        """E.g. ``MariaDB 10.11.6`` or ``MySQL 8.0.36``."""
        db = self._db()
        return f"{'MariaDB' if is_mariadb(db) else 'MySQL'} {'.'.join(map(str, version_of(db)))}"

    def _db(self) -> pymysql.Connection[Cursor]:
        if self._open is None:
            raise EndpointError("the connection was closed", reason_code="E1001")
        return self._open

    def test(self, role: str) -> TestOutcome:
        began = time.perf_counter()
        readable: list[str] = []
        tables = rows = 0
        version: str | None = None
        error: EngineError | None = None
        try:
            version = self.version
            known = mysql_catalog.schemas(self._db())
            readable = [name for name in known if name in (self.address.schemas or known)]
            tables, rows = mysql_catalog.totals(self._db(), readable)
        except pymysql.Error as caught:
            error = endpoint_error(caught, self.address.parameters)
        except EngineError as caught:
            error = caught
        problem = (
            Problem(code="connection_unreachable", message=error.message, reason_code=error.reason_code)
            if error
            else None
        )
        if problem is None and role == "target":
            problem = Problem(code="connector_unavailable", message=_CANNOT_WRITE, reason_code="E6005")
        return TestOutcome(
            status="failed" if problem else "success",
            latency_ms=round((time.perf_counter() - began) * 1000, 3),
            server_version=version,
            accessible_schemas=tuple(readable) if role != "target" else None,
            available_schemas=() if role != "source" else None,
            table_count=None if error else tables,
            estimated_rows=None if error else rows,
            write_test=None if role == "source" else "skipped",
            error=problem,
        )

    def read_catalog(self, selection: Selection) -> Catalog:
        with self._reading():
            return Catalog(
                system="mysql",
                server_version=self.version,
                captured_at=datetime.now(UTC),
                tables=mysql_catalog.read_tables(self._db(), selection, selection.schemas or self.address.schemas),
                default_schema=self.default_schema,
            )

    def left_out(self, schemas: set[str]) -> list[tuple[str, str]]:
        """(name, kind) of what a catalog of some databases does not show: routines, events and sequences."""
        with self._reading():
            return mysql_catalog.left_out(self._db(), schemas)

    def preview(self, schema: str | None, table: str, limit: int) -> Preview:
        schema = schema or self.default_schema
        if schema is None:
            raise TableNotFoundError("say which database the table is in", table=table)
        with self._reading():
            columns = mysql_catalog.column_types(self._db(), schema, table)
        if not columns:
            raise TableNotFoundError(f"there is no table {f'{schema}.{table}'[:200]!r} in the database", table=table)
        # A FLOAT is shown with fewer digits than it has, unless it is made a double.
        listed = ", ".join(f"{quote(n)} * 1e0" if t.lower().startswith("float") else quote(n) for n, t in columns)
        return self._first_rows(schema, table, columns, listed, limit)

    @contextmanager
    def snapshot(self) -> Generator[None]:
        with self._reading():
            mysql_catalog.rows(self._db(), "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        try:
            yield
        finally:
            if self._open is not None and self._open.open:
                with self._reading():
                    mysql_catalog.rows(self._open, "ROLLBACK")

    def stream(self, sql: str, batch_rows: int = 10_000) -> Iterator[list[tuple[Any, ...]]]:
        cursor = self._db().cursor(Streaming)
        try:
            with self._reading():
                cursor.execute(sql)
                while rows := list(cursor.fetchmany(batch_rows)):
                    yield rows
        finally:
            cursor.abandon()

    def scalar(self, sql: str) -> Any:
        with self._reading(), self._db().cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _reading(self) -> Generator[None]:
        try:
            yield
        except pymysql.Error as error:
            raise reading_error(error, self.address.parameters) from None

    def quote(self, identifier: str) -> str:
        return quote(identifier)

    def close(self) -> None:
        if self._open is not None:
            if self._open.open:
                self._open.close()
            self._open = None

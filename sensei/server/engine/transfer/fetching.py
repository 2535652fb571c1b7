"""PostgreSQL rows as tuples of values that SQLite takes, made by the driver's compiled loaders.

Where the target is SQLite this costs half of taking COPY's lines apart. Only for tables that keep no value outside
their pages, as a fetch is counted in rows: what lies outside may be of any size, and COPY gives such rows one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

import psycopg
from psycopg.types.string import TextLoader

from sensei.server.engine.connectors.postgresql import quote
from sensei.server.engine.kinds import Kind, affinity, parse_type, postgresql_kind
from sensei.server.engine.transfer.rows import Part, rough_size
from sensei.server.engine.transfer.work import ColumnWork, TableWork

_PART_BYTES = 4 * 1024 * 1024
_MOST_ROWS = 500
"""At a time: what lies within pages of 8 kB is then no more than a part, and still in the processor's cache when it is
written."""
_LOADED = {"int2", "int4", "int8", "bool", "float4", "float8", "bytea"}
"""Types whose values SQLite takes as the driver loads them; all others as the text that the database shows."""


def load_for_sqlite(connection: psycopg.Connection[Any]) -> None:
    """Make a connection load values as SQLite takes them."""
    for info in psycopg.adapters.types:
        if info.name not in _LOADED:
            connection.adapters.register_loader(info.oid, TextLoader)
        if info.array_oid:
            connection.adapters.register_loader(info.array_oid, TextLoader)


class Fetch:
    """One query over a table, fetched in parts."""

    def __init__(self, work: TableWork) -> None:
        self.listed: str = ", ".join(map(_selected, work.columns))
        self._floats = [at for at, column in enumerate(work.columns) if _is_float(column)]
        self.last: psycopg.pq.abc.PGresult | None = None
        """The latest result with rows in it."""

    def parts(self, connection: psycopg.Connection[Any], sql: str) -> Iterator[Part]:
        """The rows of a query, within the connection's open transaction."""
        connection.execute(f"DECLARE sensei_rows NO SCROLL CURSOR FOR {sql}".encode())
        number = _MOST_ROWS
        with connection.cursor() as cursor:
            while rows := cursor.execute(f"FETCH {number:d} FROM sensei_rows".encode()).fetchall():
                self.last = cursor.pgresult
                size = rough_size(rows)
                yield Part(rows=self._with_nan(rows), count=len(rows), size=size)
                if len(rows) < number:
                    break
                number = max(1, min(_MOST_ROWS, _PART_BYTES * len(rows) // max(size, 1)))
            connection.execute(b"CLOSE sensei_rows")

    def _with_nan(self, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """SQLite turns NaN into null; as a text it survives."""
        if all(_without_nan(rows, at) for at in self._floats):
            return rows
        return [tuple("NaN" if value != value else value for value in row) for row in rows]  # noqa: PLR0124  # NaN alone


def _without_nan(rows: Sequence[tuple[Any, ...]], at: int) -> bool:
    return not math.isnan(sum(filter(None, map(itemgetter(at), rows))))


def _kind(column: ColumnWork) -> Kind:
    return postgresql_kind(column.source.base_type or column.source.type)


def _is_float(column: ColumnWork) -> bool:
    return _kind(column) is Kind.FLOAT and affinity(column.target.type) in {"real", "numeric", "integer"}


def _selected(column: ColumnWork) -> str:
    name = quote(column.source.name)
    if parse_type(column.source.type).base == "money":
        # It is shown with the server's currency sign and rounding; as a number it is exact.
        return f"{name}::numeric"
    match _kind(column):
        case Kind.BOOLEAN if affinity(column.target.type) == "text":
            return f"left({name}::text, 1)"
        case Kind.FLOAT if not _is_float(column):
            return f"{name}::text"
        case Kind.TIMESTAMPTZ:
            # The session is in UTC, so every offset reads +00, which SQLite's date functions want as +00:00.
            return f"replace({name}::text, '+00', '+00:00')"
        case _:
            return name

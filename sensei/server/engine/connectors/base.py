"""What the engine asks of a database, whichever system it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from sensei.server.engine.catalog import Catalog
from sensei.server.engine.connectors.values import json_ready
from sensei.server.engine.job import Preview, Selection, TestOutcome


class Connector(ABC):
    """One open database. A context manager; not to be shared between threads.

    Values that `stream` and `scalar` give are in one canonical form whatever the system: None, bool, int, float
    (including NaN and infinities), `Decimal` with the scale as stored, str, bytes, and `date`, `time` and `datetime`
    where Python can hold the value. What it cannot (years before 1 or after 9999, ``infinity``) and every type without
    a plain Python counterpart (intervals, arrays, JSON, ranges, …) is the exact text that the database shows, with
    times in UTC. SQLite text that is no valid UTF-8 keeps its stray bytes as surrogate escapes.
    """

    system: str
    """``sqlite``, ``postgresql`` or ``mysql``; also the name that sqlglot dialects are chosen by."""

    default_schema: str | None
    """The schema that is meant where none is named; None where the system has no schemas."""

    @abstractmethod
    def test(self, role: str) -> TestOutcome:
        """Try what a `role` (``source``, ``target`` or ``both``) needs. A database that fails is a failed outcome."""

    @abstractmethod
    def read_catalog(self, selection: Selection) -> Catalog:
        """Read the structure of the selected tables and views.

        Raises:
            TableNotFoundError: A schema or table named without a wildcard does not exist.
        """

    @abstractmethod
    def preview(self, schema: str | None, table: str, limit: int) -> Preview:
        """The first `limit` rows of a table, JSON-ready.

        Raises:
            TableNotFoundError: There is no such table.
        """

    def _first_rows(
        self, schema: str | None, table: str, columns: Sequence[tuple[str, str]], listed: str, limit: int
    ) -> Preview:
        """The first `limit` rows of a table whose (name, type) `columns` are `listed` in SQL."""
        # One more, to know whether there is more.
        sql = f"SELECT {listed} FROM {self.qualify(schema, table)} LIMIT {limit + 1:d}"
        rows = [row for batch in self.stream(sql) for row in batch]
        names = [name for name, _ in columns]
        return Preview(
            schema=schema,
            table=table,
            columns=tuple(columns),
            rows=tuple(dict(zip(names, map(json_ready, row), strict=True)) for row in rows[:limit]),
            truncated=len(rows) > limit,
        )

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Within it, everything read is of one moment, and nothing can be written."""

    @abstractmethod
    def stream(self, sql: str, batch_rows: int = 10_000) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of a query in lists of at most `batch_rows`, without ever holding more than one list.

        `sql` is ready to run: names by `quote`, no parameters. Only one stream at a time is open on a connector.
        """

    @abstractmethod
    def scalar(self, sql: str) -> Any:
        """The first column of the first row; None where there is no row."""

    @abstractmethod
    def quote(self, identifier: str) -> str:
        """An identifier as this system's SQL needs it."""

    def qualify(self, schema: str | None, table: str) -> str:
        """A table's name for SQL, with its schema if it has one."""
        return f"{self.quote(schema)}.{self.quote(table)}" if schema else self.quote(table)

    @abstractmethod
    def close(self) -> None:
        """Let go of the database. May be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

"""Read PostgreSQL tables in batches, by COPY or as values, from one moment, going on where an earlier run ended.

Where a table has a key, batches follow it. Without one, a batch is a range of pages
(from PostgreSQL 14 on, where such a range is scanned directly); rows that an update moves between two runs may then be
met twice or not at all, so such a source must be at rest. What can be paged neither way is one batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg

from sensei.server.engine.connectors.postgresql import quote
from sensei.server.engine.connectors.postgresql_address import read_address
from sensei.server.engine.connectors.postgresql_errors import first_line, reading_error
from sensei.server.engine.ddl import literal
from sensei.server.engine.job import Endpoint
from sensei.server.engine.kinds import parse_type
from sensei.server.engine.transfer.copying import copy_out
from sensei.server.engine.transfer.decode import unescape
from sensei.server.engine.transfer.fetching import Fetch, load_for_sqlite
from sensei.server.engine.transfer.rows import Batch, Part, RowsUnreadableError, reached
from sensei.server.engine.transfer.samples import shown_value
from sensei.server.engine.transfer.work import ColumnWork, TableWork

_PART_BYTES = 4 * 1024 * 1024
_BATCH_BYTES = 8 * 1024 * 1024
"""The driver may take in a whole batch before the first of it is dealt with."""
_QUERY_SECONDS = 3_600
_PAGE_RANGES_SINCE = 140_000


class PostgresqlSource:
    """A PostgreSQL database held at one moment by a transaction that cannot write."""

    def __init__(self, endpoint: Endpoint, snapshot: str | None = None, *, for_sqlite: bool = False) -> None:
        self._for_sqlite = for_sqlite
        self._fetch: Fetch | None = None
        """How the rows of the present table are fetched; None where they come by COPY."""
        self._address = read_address(endpoint)
        self._db = self._address.connect(autocommit=True, statement_seconds=_QUERY_SECONDS)
        try:
            self._db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            if snapshot is not None:
                self._db.execute(f"SET TRANSACTION SNAPSHOT {literal(snapshot)}".encode())
            self._db.execute("SELECT 1")
            if for_sqlite:
                load_for_sqlite(self._db)
        except psycopg.Error as error:
            self.close()
            raise reading_error(error, self._address.parameters) from None

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()
        self._address.close()

    def share(self) -> str:
        """The moment, for further connections that must see the same."""
        return str(self._rows("SELECT pg_export_snapshot()")[0][0])

    def batches(self, work: TableWork, position: Any, batch_rows: int) -> Iterator[Batch]:
        """The rows after `position`."""
        rows = _rows_for(work, batch_rows)
        self._fetch = Fetch(work) if self._for_sqlite and self._is_plain(work) else None
        if key := _paging_key(work):
            yield from self._by_key(work, key, position, rows)
        elif self._has_page_ranges(work):
            yield from self._by_pages(work, position, rows)
        else:
            yield Batch(self._copy(work, ""), {"done": True})

    def _is_plain(self, work: TableWork) -> bool:
        """Whether rows have no computed values and lie in pages of the table itself, so that none is very large."""
        if any(column.expression is not None for column in work.columns):
            return False
        name = literal(f"{quote(str(work.source.schema))}.{quote(work.source.name)}")
        return bool(
            self._rows(
                "SELECT relkind = 'r' AND (reltoastrelid = 0 OR pg_relation_size(reltoastrelid) = 0) "
                f"FROM pg_class WHERE oid = {name}::regclass"
            )[0][0]
        )

    def _by_key(self, work: TableWork, key: tuple[str, ...], position: Any, rows: int) -> Iterator[Batch]:
        columns = ", ".join(map(quote, key))
        types = [work.source.column(name).type for name in key]
        last = reached(position, "key")
        carried = {column.source.name: at for at, column in enumerate(work.columns) if column.expression is None}
        if set(key) <= set(carried):
            yield from self._by_carried_key(work, columns, [carried[name] for name in key], types, last, rows)
            return
        while True:
            after = f" WHERE {_compare(columns, '>', last, types)}" if last is not None else ""
            shown = ", ".join(f"{quote(name)}::text" for name in key)
            bound = self._rows(
                f"SELECT {shown} FROM {_from(work)}{after} ORDER BY {columns} OFFSET {rows - 1:d} LIMIT 1"
            )
            end = list(bound[0]) if bound else None
            where = after
            if end is not None:
                where += (" AND " if after else " WHERE ") + _compare(columns, "<=", end, types)
            yield Batch(self._copy(work, f"{where} ORDER BY {columns}"), {"key": end} if end else {"done": True})
            if end is None:
                return
            last = end

    def _by_carried_key(
        self, work: TableWork, columns: str, places: list[int], types: list[str], last: list[str] | None, rows: int
    ) -> Iterator[Batch]:
        """Where the rows themselves tell their key, the last one tells where to go on."""
        while True:
            after = f" WHERE {_compare(columns, '>', last, types)}" if last is not None else ""
            batch = Batch(iter(()), {"done": True})
            batch.parts = self._until(batch, work, f"{after} ORDER BY {columns} LIMIT {rows:d}", places, rows)
            yield batch
            if "done" in batch.position:
                return
            last = batch.position["key"]

    def _until(self, batch: Batch, work: TableWork, tail: str, places: list[int], rows: int) -> Iterator[Part]:
        """The parts of a batch of `rows` rows; a full one sets its position from its last line."""
        count, last = 0, b""
        for part in self._copy(work, tail):
            count += part.count
            last = part.text[part.text.rfind(b"\n", 0, -1) + 1 : -1]
            yield part
        if count < rows:
            return
        if self._fetch is not None and (result := self._fetch.last) is not None:
            texts = [result.get_value(result.ntuples - 1, place) for place in places]
            batch.position = {"key": [None if text is None else text.decode() for text in texts]}
        else:
            fields = last.decode().split("\t")
            batch.position = {"key": [unescape(fields[place]) for place in places]}

    def _has_page_ranges(self, work: TableWork) -> bool:
        extra = work.source.extra
        return self._db.info.server_version >= _PAGE_RANGES_SINCE and not (
            extra.get("partitioned") or extra.get("foreign")
        )

    def _by_pages(self, work: TableWork, position: Any, rows: int) -> Iterator[Batch]:
        name = f"{quote(str(work.source.schema))}.{quote(work.source.name)}"
        pages, tuples = self._rows(
            f"SELECT pg_relation_size({literal(name)}::regclass) / current_setting('block_size')::int, "
            f"greatest(reltuples, 1) FROM pg_class WHERE oid = {literal(name)}::regclass"
        )[0]
        each = max(1, int(rows * pages / max(tuples, pages, 1)))
        start = int(reached(position, "page") or 0)
        for page in range(start, int(pages), each):
            upper = f" AND ctid < '({page + each:d},0)'" if page + each < pages else ""
            yield Batch(self._copy(work, f" WHERE ctid >= '({page:d},0)'{upper}"), {"page": page + each})

    def skip(self, work: TableWork, position: Any) -> tuple[Any, dict[str, Any]] | None:
        """The position behind the next row, and that row's key; None where rows cannot be told apart."""
        key = _paging_key(work)
        if not key:
            return None
        columns = ", ".join(map(quote, key))
        types = [work.source.column(name).type for name in key]
        last = reached(position, "key")
        after = f" WHERE {_compare(columns, '>', last, types)}" if last is not None else ""
        shown = ", ".join(f"{quote(name)}::text" for name in key)
        found = self._rows(f"SELECT {shown} FROM {_from(work)}{after} ORDER BY {columns} LIMIT 1")
        values = list(found[0])
        return {"key": values}, {name: shown_value(value) for name, value in zip(key, values, strict=True)}

    def _copy(self, work: TableWork, tail: str) -> Iterator[Part]:
        listed = ", ".join(map(_selected, work.columns))
        if self._fetch is not None:
            yield from self._fetched(self._fetch, work, tail)
            return
        computed = any(column.expression is not None for column in work.columns)
        if computed:
            # A transformation that fails on a row must not end the moment that all is read from.
            self._db.execute("SAVEPOINT reading")
            # Evaluated only on the rows of the batch, which a sort before the limit would not make sure of.
            sql = f"COPY (SELECT {listed} FROM (SELECT * FROM {_from(work)}{tail}) AS rows) TO STDOUT"
        else:
            sql = f"COPY (SELECT {listed} FROM {_from(work)}{tail}) TO STDOUT"
        try:
            lines: list[memoryview] = []
            size = 0
            for line in copy_out(self._db, sql):
                lines.append(line)
                size += len(line)
                if size >= _PART_BYTES:
                    yield Part(text=b"".join(lines), count=len(lines), size=size)
                    lines, size = [], 0
            if lines:
                yield Part(text=b"".join(lines), count=len(lines), size=size)
            if computed:
                self._db.execute("RELEASE SAVEPOINT reading")
        except psycopg.DataError as error:
            if not computed:
                raise reading_error(error, self._address.parameters) from None
            self._db.execute("ROLLBACK TO SAVEPOINT reading")
            raise RowsUnreadableError(first_line(error), table=work.name) from None
        except psycopg.Error as error:
            raise reading_error(error, self._address.parameters) from None

    def _fetched(self, fetch: Fetch, work: TableWork, tail: str) -> Iterator[Part]:
        try:
            yield from fetch.parts(self._db, f"SELECT {fetch.listed} FROM {_from(work)}{tail}")
        except psycopg.Error as error:
            raise reading_error(error, self._address.parameters) from None

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(sql.encode()).fetchall()
        except psycopg.Error as error:
            raise reading_error(error, self._address.parameters) from None


def _selected(column: ColumnWork) -> str:
    if column.expression is not None:
        return column.expression
    name = quote(column.source.name)
    # Money is shown with the server's currency sign and rounding; as a number it is exact.
    return f"{name}::numeric" if parse_type(column.source.type).base == "money" else name


def _from(work: TableWork) -> str:
    # The rows of children by inheritance belong to the children's own tables.
    only = "ONLY " if work.source.extra.get("inherited") else ""
    return f"{only}{quote(str(work.source.schema))}.{quote(work.source.name)}"


def _paging_key(work: TableWork) -> tuple[str, ...]:
    if work.source.primary_key:
        return work.source.primary_key
    nullable = {column.name for column in work.source.columns if column.nullable}
    candidates = [unique.columns for unique in work.source.unique_constraints]
    candidates += [
        index.columns
        for index in work.source.indexes
        if index.unique and not index.where and not index.expression and not index.descending
    ]
    return next((columns for columns in candidates if columns and not nullable & set(columns)), ())


def _rows_for(work: TableWork, batch_rows: int) -> int:
    """Fewer rows a batch where rows are large."""
    if not work.source.size_bytes or not work.source.row_estimate:
        return batch_rows
    each = max(1, work.source.size_bytes // max(work.source.row_estimate, 1))
    return max(1, min(batch_rows, _BATCH_BYTES // each))


def _compare(columns: str, sign: str, values: list[str], types: list[str]) -> str:
    marks = ", ".join(f"{literal(value)}::{type_}" for value, type_ in zip(values, types, strict=True))
    return f"({columns}) {sign} ({marks})"

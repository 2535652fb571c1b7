"""Read MySQL and MariaDB tables in batches, from one moment, going on where an earlier run ended.

Where a table has a key that is unique and never null, batches follow it, and the server gives a batch as one value. A
table without a key is a single batch, read row by row: all of it arrives, or nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from sensei.server.engine.catalog import Column
from sensei.server.engine.connectors.mysql import Streaming, quote
from sensei.server.engine.connectors.mysql_address import read_address
from sensei.server.engine.connectors.mysql_errors import first_line, is_lost, reading_error
from sensei.server.engine.job import Endpoint
from sensei.server.engine.kinds import Kind, mysql_kind, mysql_type
from sensei.server.engine.transfer.decode import unescape
from sensei.server.engine.transfer.decode_mysql import decode
from sensei.server.engine.transfer.mysql_fields import Piece, field_sql, is_exact, pieces
from sensei.server.engine.transfer.rows import Batch, Part, RowsUnreadableError, reached
from sensei.server.engine.transfer.samples import shown_value
from sensei.server.engine.transfer.work import ColumnWork, TableWork

_PART_BYTES = 4 * 1024 * 1024
_BATCH_BYTES = 8 * 1024 * 1024
_SLICE_ROWS = 256
"""Rows fetched at a time: few enough that even large ones fit into memory before they are counted."""
_NO_TEXT = {1300, 1366, 3854}
"""Warnings that some bytes are no text of their character set."""
_CUT = {1260, 1301}
"""Warnings that a text was cut, or left out, as it is too large."""
_HARMLESS = {1287, 1681, 3719, 3778}
"""Warnings that something, or a name for something, will not be there in a later version."""
_BY_BYTES = {"enum", "set"}
"""Types that are sorted by the number of a label and compared by the label itself."""


class _CutError(RowsUnreadableError):
    """The server could not put a batch, or a row, together, as it is too large."""

    default_reason = "E3003"


class MysqlSource:
    """A MySQL or MariaDB database held at one moment by a transaction that cannot write."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._address = read_address(endpoint)
        self._db = self._address.connect(use_unicode=False, conv={})
        try:
            with self._failures():
                self._most_bytes = int(self._rows("SELECT @@max_allowed_packet")[0][0])
                self._rows(f"SET SESSION group_concat_max_len = {self._most_bytes:d}")
                self._rows("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the database."""
        if self._db.open:
            self._db.close()

    def batches(self, work: TableWork, position: Any, batch_rows: int) -> Iterator[Batch]:
        """The rows after `position`."""
        key = _paging_key(work)
        asked = pieces(work, self._most_bytes)
        if not key:
            yield Batch(self._read(work, asked, (), "", Batch(iter(()), None)), {"done": True})
            return
        rows = _rows_for(work, batch_rows, self._most_bytes)
        columns = [work.source.column(name) for name in key]
        last: list[str] | None = reached(position, "key")
        if len(asked) == 1 and asked[0].write is None:
            yield from self._at_once(work, asked[0].sql, columns, last, rows)
            return
        order = ", ".join(map(_sortable, columns))
        while True:
            after = f" WHERE {_compare(columns, '>', last)}" if last is not None else ""
            batch = Batch(iter(()), {"done": True})
            batch.parts = self._read(work, asked, columns, f"{after} ORDER BY {order} LIMIT {rows:d}", batch, rows)
            yield batch
            if "done" in batch.position:
                return
            last = batch.position["key"]

    def _at_once(
        self, work: TableWork, line: str, columns: list[Column], last: list[str] | None, rows: int
    ) -> Iterator[Batch]:
        """Batches that the server puts together: what a row costs here is next to nothing."""
        while True:
            after = [_compare(columns, ">", last)] if last is not None else []
            end = self._key_at(work, columns, after, rows - 1)
            within = [*after, _compare(columns, "<=", end)] if end is not None else after
            try:
                parts = self._together(work, line, within)
            except _CutError:
                # The rows here are larger than those of the table on the whole.
                if rows == 1:
                    raise
                rows = max(1, rows // 4)
                continue
            yield Batch(iter(parts), {"key": end} if end is not None else {"done": True})
            if end is None:
                return
            last = end

    def _together(self, work: TableWork, line: str, within: list[str]) -> list[Part]:
        with self._failures(work), self._db.cursor() as cursor:
            cursor.execute(f"SELECT GROUP_CONCAT({line} SEPARATOR '\n'), COUNT(*) FROM {_name(work)}{_where(within)}")
            found = list(cursor.fetchall())
            self._refuse_warnings(work, cursor)
        text, count = found[0][0], int(found[0][1])
        if not count:
            return []
        if text is None or text.count(b"\n") + 1 != count:
            raise _CutError("the rows are larger than the source's max_allowed_packet", table=work.name)
        return [_part(work, text + b"\n", count)]

    def _key_at(self, work: TableWork, columns: Sequence[Column], within: list[str], skipped: int) -> list[str] | None:
        """The key of the row that comes after some others; None where there is none."""
        with self._failures(work):
            found = self._rows(
                f"SELECT {', '.join(map(_shown, columns))} FROM {_name(work)}{_where(within)} "
                f"ORDER BY {', '.join(map(_sortable, columns))} LIMIT 1 OFFSET {skipped:d}"
            )
        return [_unescaped(field) for field in found[0]] if found else None

    def _read(
        self, work: TableWork, asked: list[Piece], key: Sequence[Column], tail: str, batch: Batch, rows: int = 0
    ) -> Iterator[Part]:
        """The parts of a batch; a full one of `rows` rows sets the batch's position from its last row."""
        places = _places(work, key)
        lead = [] if places is not None else [_shown(column) for column in key]
        listed = ", ".join([*lead, *(piece.sql for piece in asked)])
        cursor = self._db.cursor(Streaming)
        count, size = 0, 0
        lines: list[bytes] = []
        last: list[bytes] = []
        try:
            with self._failures(work):
                cursor.execute(f"SELECT {listed} FROM {_name(work)}{tail}")
                while some := cursor.fetchmany(_SLICE_ROWS):
                    made = _lines(work, some, asked, len(lead))
                    count += len(made)
                    size += sum(map(len, made)) + len(made)
                    lines += made
                    last = list(some[-1][: len(lead)]) if lead else [made[-1]]
                    if size >= _PART_BYTES:
                        yield _part(work, b"\n".join(lines) + b"\n", len(lines))
                        lines, size = [], 0
                self._refuse_warnings(work, cursor)
        finally:
            cursor.abandon()
        if lines:
            yield _part(work, b"\n".join(lines) + b"\n", len(lines))
        if count == rows:
            fields = last if places is None else [last[0].split(b"\t")[place] for place in places]
            batch.position = {"key": list(map(_unescaped, fields))}

    def _refuse_warnings(self, work: TableWork, cursor: Cursor) -> None:
        """A value that the server's functions could not make is null with a warning, and must not pass for one.

        Raises:
            RowsUnreadableError: There are such values among the rows.
        """
        if not cursor.warning_count:
            return
        shown = self._rows("SHOW WARNINGS")
        if all(int(code) in _HARMLESS for _, code, _ in shown) and len(shown) == cursor.warning_count:
            return
        grave = [(int(code), text.decode("utf-8", "replace")) for _, code, text in shown if int(code) not in _HARMLESS]
        code, text = grave[0] if grave else (0, "the source warned of more values than it names")
        if code in _CUT:
            raise _CutError(text[:300], table=work.name)
        reason = "E3006" if code in _NO_TEXT else None
        raise RowsUnreadableError(text[:300], reason_code=reason, table=work.name)

    def skip(self, work: TableWork, position: Any) -> tuple[Any, dict[str, Any]] | None:
        """The position behind the next row, and that row's key; None where rows cannot be told apart."""
        key = _paging_key(work)
        if not key:
            return None
        last: list[str] | None = reached(position, "key")
        columns = [work.source.column(name) for name in key]
        values = self._key_at(work, columns, [_compare(columns, ">", last)] if last is not None else [], 0)
        if values is None:
            return None
        return {"key": values}, {name: shown_value(value) for name, value in zip(key, values, strict=True)}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self._db.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    @contextmanager
    def _failures(self, work: TableWork | None = None) -> Generator[None]:
        try:
            yield
        except pymysql.Error as error:
            computed = work is not None and any(column.expression is not None for column in work.columns)
            if computed and not is_lost(error) and isinstance(error, pymysql.DataError | pymysql.OperationalError):
                raise RowsUnreadableError(first_line(error), table=work.name if work else None) from None
            raise reading_error(error, self._address.parameters) from None


def _lines(work: TableWork, rows: Sequence[tuple[Any, ...]], asked: list[Piece], lead: int) -> list[bytes]:
    """COPY's lines, without their newlines."""
    if len(asked) == 1 and not lead and asked[0].write is None:
        found: list[Any] = [row[0] for row in rows]
    else:
        columns = list(zip(*rows, strict=True))[lead:]
        written = [
            values if piece.write is None else list(map(piece.write, values))
            for piece, values in zip(asked, columns, strict=True)
        ]
        found = [None if None in row else b"\t".join(row) for row in zip(*written, strict=True)]
    if None in found:
        raise _CutError("the row is larger than the source's max_allowed_packet", table=work.name)
    return found


def _part(work: TableWork, text: bytes, count: int) -> Part:
    if work.target_system == "postgresql" and not all(map(is_exact, work.columns)):
        return Part(rows=decode(work, text), count=count, size=len(text))
    return Part(text=text, count=count, size=len(text))


def _name(work: TableWork) -> str:
    return f"{quote(str(work.source.schema))}.{quote(work.source.name)}"


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(f'({condition})' for condition in conditions)}" if conditions else ""


def _unescaped(field: bytes) -> str:
    return unescape(field.decode("utf-8", "surrogateescape"))


def _paging_key(work: TableWork) -> tuple[str, ...]:
    if work.source.primary_key:
        return work.source.primary_key
    nullable = {column.name for column in work.source.columns if column.nullable}
    candidates = (unique.columns for unique in work.source.unique_constraints)
    return next((columns for columns in candidates if columns and not nullable & set(columns)), ())


def _places(work: TableWork, key: Sequence[Column]) -> list[int] | None:
    """Where in a line the key's fields are; None where not all of them are carried as they are."""
    carried = {column.source.name: at for at, column in enumerate(work.columns) if column.expression is None}
    names = [column.name for column in key]
    return [carried[name] for name in names] if all(name in carried for name in names) else None


def _rows_for(work: TableWork, batch_rows: int, most_bytes: int) -> int:
    """Fewer rows a batch where rows are large."""
    if not work.source.size_bytes or not work.source.row_estimate:
        return batch_rows
    each = max(1, work.source.size_bytes // max(work.source.row_estimate, 1))
    return max(1, min(batch_rows, min(_BATCH_BYTES, most_bytes // 2) // each))


def _shown(column: Column) -> str:
    """A key's field, as in a line."""
    return field_sql(ColumnWork(replace(column, nullable=False), column, None), "")


def _sortable(column: Column) -> str:
    name = quote(column.name)
    return f"CAST({name} AS BINARY)" if mysql_type(column.type).base in _BY_BYTES else name


def _compare(columns: Sequence[Column], sign: str, values: Sequence[str]) -> str:
    """The rows before or behind a key, so written that an index on the key is used."""
    strict = sign[0]
    sql = ""
    for column, value in reversed(list(zip(columns, values, strict=True))):
        name, literal = _sortable(column), _literal(column, value)
        if sql:
            sql = f"{name} {strict}= {literal} AND ({name} {strict} {literal} OR {sql})"
        else:
            sql = f"{name} {sign} {literal}"
    return sql


def _literal(column: Column, value: str) -> str:
    """The text of a key's field as a literal that compares with the column as the column's own values do."""
    kind = mysql_kind(column.type)
    if kind in {Kind.INTEGER, Kind.DECIMAL} or mysql_type(column.type).base == "bit":
        return value
    if kind is Kind.FLOAT:
        return value if "e" in value else f"{value}e0"
    if kind is Kind.BINARY:
        return f"X'{value.removeprefix(chr(92)).removeprefix('x')}'"
    if kind is Kind.TIMESTAMPTZ:
        value = value.removesuffix("+00")
    if kind in {Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ}:
        return f"'{value}'"
    # The column's collation wins over the literal's.
    return f"_utf8mb4 X'{value.encode('utf-8', 'surrogateescape').hex()}'"

"""Read SQLite tables in batches, from one moment, going on where an earlier run ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sensei.server.engine.connectors.sqlite import quote
from sensei.server.engine.connectors.sqlite_file import check_source, connect, endpoint_error, file_path
from sensei.server.engine.errors import DataError, EngineError
from sensei.server.engine.job import Endpoint
from sensei.server.engine.transfer.rows import SLICE_ROWS, Batch, Part, RowsUnreadableError, reached, rough_size
from sensei.server.engine.transfer.samples import row_key
from sensei.server.engine.transfer.work import ColumnWork, TableWork

_PART_BYTES = 4 * 1024 * 1024
_SLICE_ROWS = 64
"""Rows fetched at a time: few enough that even large ones fit into memory before they are counted."""
_ROWID_NAMES = ("_rowid_", "rowid", "oid")
_NO_UTF8 = "Could not decode to UTF-8"


class SqliteSource:
    """A SQLite file held at one moment by a read transaction."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.path: Path = file_path(endpoint)
        check_source(self.path)
        wait = endpoint.seconds("connection_timeout_seconds", 30)
        may_recover = not endpoint.config.get("read_only", False)
        self._db = connect(self.path, writable=False, wait_seconds=wait, may_recover=may_recover)
        self._db.execute("PRAGMA cache_size = -16000")
        try:
            self._db.execute("BEGIN")
            self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            self._db.close()
            raise endpoint_error(error, self.path) from None

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def batches(self, work: TableWork, position: Any, batch_rows: int) -> Iterator[Batch]:
        """The rows after `position`, in the order of the key.

        A table whose columns hide every name of the rowid cannot be paged: it is one batch.
        """
        key = _paging_key(work)
        if not key:
            yield Batch(self._all(work, batch_rows), {"done": True})
            return
        pieces = -(-batch_rows // SLICE_ROWS)
        slices = self._parts(work, key, _load(position), -(-batch_rows // pieces))
        for first in slices:
            batch = Batch(iter(()), None)
            batch.parts = self._together(batch, first, slices, batch_rows)
            yield batch

    def _together(self, batch: Batch, first: Part, slices: Iterator[Part], batch_rows: int) -> Iterator[Part]:
        """One part of slices that are read while they are written; then the batch knows where it ends."""
        part = Part(lead=first.lead, rows=first.rows, count=first.count, size=first.size)

        def more() -> Iterator[Part]:
            while part.count < batch_rows and part.size < _PART_BYTES and (some := next(slices, None)) is not None:
                yield some

        part.waiting = more()
        yield part
        batch.position = {"key": _dump(part.all_rows()[-1][: part.lead])}

    def _all(self, work: TableWork, batch_rows: int) -> Iterator[Part]:
        yield from self._parts(work, (), None, batch_rows)

    def _parts(self, work: TableWork, key: tuple[str, ...], last: list[Any] | None, batch_rows: int) -> Iterator[Part]:
        """Parts of at most `batch_rows` rows and roughly a fixed number of bytes."""
        self._db.text_factory = str
        cursor = self._open(work, key, last)
        lead = len(key)
        rows: list[tuple[Any, ...]] = []
        size = 0
        while True:
            try:
                some = cursor.fetchmany(min(_SLICE_ROWS, batch_rows - len(rows)))
            except sqlite3.OperationalError as error:
                if _NO_UTF8 not in str(error) or self._db.text_factory is not str:
                    raise self._unreadable(error, work) from None
                if not key:
                    raise DataError(
                        f"texts of {work.name} are no valid UTF-8", reason_code="E3006", table=work.name
                    ) from None
                # From here on stray bytes come as surrogates; whoever writes decides about them.
                self._db.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
                cursor = self._open(work, key, list(rows[-1][:lead]) if rows else last)
                continue
            except sqlite3.Error as error:
                raise endpoint_error(error, self.path) from None
            taken = rough_size(some)
            if taken > _PART_BYTES:
                # A few large rows: one by one they are small enough.
                waiting = [rows, *([row] for row in some)] if rows else [[row] for row in some]
                rows, size = [], 0
                last = list(some[-1][:lead])
                yield from (Part(lead=lead, rows=few, count=len(few), size=rough_size(few)) for few in waiting)
                continue
            rows += some
            size += taken
            if rows and (not some or len(rows) >= batch_rows or size >= _PART_BYTES):
                last = list(rows[-1][:lead])
                yield Part(lead=lead, rows=rows, count=len(rows), size=size)
                rows, size = [], 0
            if not some:
                return

    def _unreadable(self, error: sqlite3.Error, work: TableWork) -> EngineError:
        computed = any(column.expression is not None for column in work.columns)
        if computed and getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR:
            return RowsUnreadableError(str(error)[:300], table=work.name)
        return endpoint_error(error, self.path)

    def skip(self, work: TableWork, position: Any) -> tuple[Any, dict[str, Any]] | None:
        """The position behind the next row, and that row's key; None where rows cannot be told apart."""
        key = _paging_key(work)
        if not key:
            return None
        bare = replace(work, columns=tuple(ColumnWork(c, c, None) for c in work.source.columns))
        row = next(iter(self._parts(bare, key, _load(position), 1))).rows[0]
        return {"key": _dump(row[: len(key)])}, row_key(bare, row[len(key) :])

    def _open(self, work: TableWork, key: tuple[str, ...], last: list[Any] | None) -> sqlite3.Cursor:
        listed = [*key, *(c.expression or quote(c.source.name) for c in work.columns)]
        sql = f"SELECT {', '.join(listed)} FROM {quote(work.source.name)}"
        if key:
            if last:
                # Stray bytes cannot be bound as a text; as a blob they can.
                marks = ", ".join("CAST(? AS TEXT)" if _stray(value) else "?" for value in last)
                sql += f" WHERE ({', '.join(key)}) > ({marks})"
                last = [v.encode("utf-8", "surrogateescape") if _stray(v) else v for v in last]
            sql += f" ORDER BY {', '.join(key)}"
        try:
            return self._db.execute(sql, last or ())
        except sqlite3.Error as error:
            raise self._unreadable(error, work) from None


def _paging_key(work: TableWork) -> tuple[str, ...]:
    """What to page by, as SQL: the rowid, or the primary key of a table without one."""
    if work.source.extra.get("without_rowid"):
        return tuple(map(quote, work.source.primary_key))
    taken = {column.name.lower() for column in work.source.columns}
    return next(((name,) for name in _ROWID_NAMES if name not in taken), ())


def _dump(key: tuple[Any, ...]) -> list[Any]:
    """A key as JSON data that tells blobs from texts and keeps floats."""
    return [
        {"blob": value.hex()}
        if isinstance(value, bytes)
        else ({"text": value.encode("utf-8", "surrogateescape").hex()} if _stray(value) else value)
        for value in key
    ]


def _stray(value: Any) -> bool:
    return isinstance(value, str) and any("\ud800" <= character <= "\udfff" for character in value)


def _load(position: Any) -> list[Any] | None:
    key: list[Any] | None = reached(position, "key")
    return None if key is None else [_value(part) for part in key]


def _value(part: Any) -> Any:
    text, blob = reached(part, "text"), reached(part, "blob")
    if text is not None:
        return bytes.fromhex(text).decode("utf-8", "surrogateescape")
    return part if blob is None else bytes.fromhex(blob)

"""Read the structure of a SQLite file.

By pragmas rather than SQLAlchemy's inspector, which drops what matters here: declared types as written, STRICT and
WITHOUT ROWID, generated columns, partial and expression indexes, and CHECKs that share a line.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

from sensei.server.engine.catalog import Catalog, Column, ForeignKey, Index, Table, UniqueConstraint
from sensei.server.engine.connectors.selection import choose
from sensei.server.engine.connectors.sqlite_ddl import TableText, read_create_table
from sensei.server.engine.errors import TableNotFoundError
from sensei.server.engine.job import Selection

_DEFAULT_SCHEMA = "main"
_COUNT_BELOW_BYTES = 512 * 1024 * 1024
_TYPE = re.compile(r"^\s*([^()]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\))?\s*$")
_TEXTUAL = ("CHAR", "TEXT", "CLOB", "BINARY", "BLOB")
_NO_INDEX_EXPRESSION = "(expression)"


class _Reader:
    def __init__(self, connection: sqlite3.Connection, quote: Callable[[str], str]) -> None:
        self._db = connection
        self._quote = quote
        size = self._one("PRAGMA page_count") * self._one("PRAGMA page_size")
        self._counted = size <= _COUNT_BELOW_BYTES

    def _one(self, sql: str) -> int:
        return int(self._db.execute(sql).fetchone()[0])

    def names(self) -> list[tuple[str, str]]:
        """(name, kind) of the user's tables and views; no virtual tables, no shadows, none of the engine's."""
        rows = self._db.execute(
            "SELECT t.name, t.type FROM pragma_table_list AS t JOIN sqlite_master AS m ON m.name = t.name "
            "WHERE t.schema = 'main' AND t.type IN ('table', 'view') AND m.type IN ('table', 'view') "
            "AND substr(t.name, 1, 7) <> 'sqlite_' AND substr(t.name, 1, 8) <> '_sensei_' ORDER BY m.rowid"
        )
        return [(str(name), str(kind)) for name, kind in rows]

    def table(self, name: str, kind: str) -> Table:
        sql = str(self._db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] or "")
        text = read_create_table(sql) if kind == "table" else TableText()
        without_rowid, strict = self._db.execute(
            "SELECT wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ?", (name,)
        ).fetchone()
        rows = self._db.execute(
            'SELECT cid, name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid', (name,)
        ).fetchall()
        key = tuple(str(row[1]) for row in sorted((row for row in rows if row[5]), key=lambda row: int(row[5])))
        rowid_alias = len(key) == 1 and not without_rowid and _declared(rows, key[0]).upper() == "INTEGER"
        extra: dict[str, str | int | bool] = {"without_rowid": bool(without_rowid), "strict": bool(strict)}
        if rowid_alias:
            extra["rowid_alias"] = key[0]
        if text.autoincrement:
            extra["autoincrement"] = True
        uniques, indexes = self._indexes(name, text) if kind == "table" else ([], [])
        return Table(
            schema=None,
            name=name,
            type=kind,
            columns=tuple(
                _column(row, text, key=key, rowid_alias=rowid_alias, implied=bool(without_rowid or strict), at=at)
                for at, row in enumerate(rows, 1)
            ),
            primary_key=key,
            foreign_keys=tuple(self._foreign_keys(name, text)) if kind == "table" else (),
            indexes=tuple(indexes),
            unique_constraints=tuple(uniques),
            check_constraints=tuple(text.checks),
            row_estimate=self._estimate(name, counted=self._counted, without_rowid=bool(without_rowid))
            if kind == "table"
            else None,
            extra=extra,
        )

    def _estimate(self, name: str, *, counted: bool, without_rowid: bool) -> int | None:
        if counted or without_rowid:
            return self._one(f"SELECT count(*) FROM {self._quote(name)}")
        # The largest rowid is found at once; deleted rows make it an upper bound.
        row = self._db.execute(f"SELECT max(_rowid_) FROM {self._quote(name)}").fetchone()
        return max(int(row[0] or 0), 0)

    def _foreign_keys(self, name: str, text: TableText) -> list[ForeignKey]:
        parts: dict[int, list[tuple[object, ...]]] = defaultdict(list)
        for row in self._db.execute(
            'SELECT id, "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq',
            (name,),
        ):
            parts[row[0]].append(row)
        keys: list[ForeignKey] = []
        # SQLite numbers them from the last to the first.
        for number in sorted(parts, reverse=True):
            rows = parts[number]
            columns = tuple(str(row[2]) for row in rows)
            parent = self._real_name(str(rows[0][1]))
            referred = tuple(str(row[3]) for row in rows if row[3] is not None) or self._primary_key(parent)
            keys.append(
                ForeignKey(
                    columns=columns,
                    referenced_schema=None,
                    referenced_table=parent,
                    referenced_columns=referred,
                    name=text.constraint_names.get(("FOREIGN", columns)),
                    on_update=_action(rows[0][4]),
                    on_delete=_action(rows[0][5]),
                    deferrable=columns in text.deferrable,
                )
            )
        return keys

    def _real_name(self, name: str) -> str:
        """A table as it is spelled where it was made; SQLite does not mind the case."""
        row = self._db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ? COLLATE NOCASE", (name,)
        ).fetchone()
        return str(row[0]) if row else name

    def _primary_key(self, name: str) -> tuple[str, ...]:
        rows = self._db.execute("SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk", (name,))
        return tuple(str(row[0]) for row in rows)

    def _indexes(self, name: str, text: TableText) -> tuple[list[UniqueConstraint], list[Index]]:
        uniques: list[UniqueConstraint] = []
        indexes: list[Index] = []
        listed = self._db.execute(
            'SELECT name, "unique", origin, partial FROM pragma_index_list(?) ORDER BY seq DESC', (name,)
        ).fetchall()
        for index, unique, origin, partial in listed:
            parts = self._db.execute(
                'SELECT name, "desc", coll FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno', (index,)
            ).fetchall()
            columns = tuple(str(part[0]) for part in parts if part[0] is not None)
            if origin == "u":
                uniques.append(UniqueConstraint(columns=columns, name=text.constraint_names.get(("UNIQUE", columns))))
            elif origin == "c":
                row = self._db.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND name = ?", (index,))
                sql = str(row.fetchone()[0])
                indexes.append(
                    Index(
                        columns=columns,
                        name=str(index),
                        unique=bool(unique),
                        expression=_indexed(sql) if len(columns) < len(parts) else None,
                        where=_condition(sql) if partial else None,
                        descending=tuple(str(part[0]) for part in parts if part[0] is not None and part[1]),
                    )
                )
        return uniques, indexes


def read_catalog(
    connection: sqlite3.Connection, quote: Callable[[str], str], selection: Selection, version: str
) -> Catalog:
    """The structure of the selected tables and views.

    Raises:
        TableNotFoundError: A schema or table that was named does not exist.
    """
    for schema in selection.schemas:
        if schema != _DEFAULT_SCHEMA:
            raise TableNotFoundError(f"SQLite has no schema {schema[:200]!r}; its only one is 'main'", table=schema)
    reader = _Reader(connection, quote)
    kinds = dict(reader.names())
    chosen = choose(selection, [(_DEFAULT_SCHEMA, name) for name in kinds])
    return Catalog(
        system="sqlite",
        server_version=version,
        captured_at=datetime.now(UTC),
        tables=tuple(reader.table(name, kinds[name]) for _, name in chosen),
        default_schema=_DEFAULT_SCHEMA,
    )


def _declared(rows: list[tuple[object, ...]], column: str) -> str:
    return next(str(row[2] or "") for row in rows if row[1] == column)


def _column(
    row: tuple[object, ...], text: TableText, *, key: tuple[str, ...], rowid_alias: bool, implied: bool, at: int
) -> Column:
    _, name, declared, not_null, default, pk, hidden = row
    type_ = str(declared or "")
    match = _TYPE.match(type_)
    base, first, second = match.groups() if match else (type_, None, None)
    textual = any(word in (base or "").upper() for word in _TEXTUAL)
    filled = rowid_alias and name == key[0]
    # A generated column is either virtual (2) or stored (3).
    computed = text.generated.get(str(name), "") if hidden in {2, 3} else None
    return Column(
        name=str(name),
        type=type_,
        nullable=not (not_null or filled or (pk and implied)),
        default=None if default is None else str(default),
        position=at,
        length=int(first) if first and textual else None,
        precision=int(first) if first and not textual else None,
        scale=int(second) if second else None,
        autoincrement=filled,
        computed=computed,
        collation=text.collations.get(str(name)),
    )


def _action(value: object) -> str | None:
    return None if value in {None, "NO ACTION"} else str(value)


def _condition(sql: str) -> str | None:
    parts = re.split(r"\)\s*WHERE\b", sql, maxsplit=1, flags=re.IGNORECASE)
    return parts[1].strip() if len(parts) == 2 else None


def _indexed(sql: str) -> str:
    start, end = sql.find("("), sql.rfind(")")
    return sql[start + 1 : end].strip() if 0 <= start < end else _NO_INDEX_EXPRESSION

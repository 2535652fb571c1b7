"""Read the structure of a MySQL or MariaDB database.

From information_schema, a few questions for a whole database, rather than by SQLAlchemy's inspector, which takes the
text of SHOW CREATE TABLE apart and drops what matters here: prefixes of indexes, what is computed, what a default is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from sensei.server.engine.catalog import CheckConstraint, ForeignKey, Index, Table, UniqueConstraint
from sensei.server.engine.connectors.mysql_address import is_mariadb, version_of
from sensei.server.engine.connectors.mysql_columns import column_of, is_json
from sensei.server.engine.connectors.selection import choose
from sensei.server.engine.errors import TableNotFoundError
from sensei.server.engine.job import Selection

_SYSTEM_SCHEMAS = {"information_schema", "mysql", "performance_schema", "sys"}
_KINDS = {"BASE TABLE": "table", "SYSTEM VERSIONED": "table", "VIEW": "view", "SYSTEM VIEW": "view"}
_ORDINARY_METHODS = {"BTREE", "HASH"}
_INNODB = "innodb"

_TABLES = """
SELECT table_schema, table_name, table_type, engine, table_rows, data_length + index_length, table_comment,
       create_options
FROM information_schema.tables ORDER BY table_schema, create_time, table_name
"""
_COLUMNS = """
SELECT table_schema, table_name, column_name, column_type, data_type, is_nullable, column_default, extra,
       character_maximum_length, numeric_precision, numeric_scale, collation_name, column_comment,
       generation_expression, character_octet_length
FROM information_schema.columns ORDER BY table_schema, table_name, ordinal_position
"""
_INDEXES = """
SELECT table_schema, table_name, index_name, non_unique, column_name, collation, sub_part, index_type, {expression}
FROM information_schema.statistics ORDER BY table_schema, table_name, index_name, seq_in_index
"""
_REFERENCES = """
SELECT k.table_schema, k.table_name, k.constraint_name, k.column_name, k.referenced_table_schema,
       k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule
FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
  ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name
 AND r.table_name = k.table_name
WHERE k.referenced_table_name IS NOT NULL
ORDER BY k.table_schema, k.table_name, k.constraint_name, k.ordinal_position
"""
_CHECKS_OF_MARIADB = """
SELECT constraint_schema, table_name, constraint_name, check_clause FROM information_schema.check_constraints
ORDER BY constraint_schema, table_name, constraint_name
"""
_CHECKS_OF_MYSQL = """
SELECT t.table_schema, t.table_name, c.constraint_name, c.check_clause
FROM information_schema.check_constraints c JOIN information_schema.table_constraints t
  ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name
WHERE t.constraint_type = 'CHECK' ORDER BY t.table_schema, t.table_name, c.constraint_name
"""
_TRIGGERS = """
SELECT event_object_schema, event_object_table, count(*) FROM information_schema.triggers
GROUP BY event_object_schema, event_object_table
"""

_Name = tuple[str, str]


@dataclass(slots=True)
class _Facts:
    """What is known of the tables, by (schema, table)."""

    columns: dict[_Name, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    indexes: dict[_Name, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    references: dict[_Name, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    checks: dict[_Name, list[tuple[Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    triggers: dict[_Name, int] = field(default_factory=dict[_Name, int])


def rows(db: pymysql.Connection[Cursor], sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query without parameters."""
    with db.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def schemas(db: pymysql.Connection[Cursor]) -> list[str]:
    """The databases that the user can see, but for the server's own."""
    found = rows(db, "SELECT schema_name FROM information_schema.schemata ORDER BY schema_name")
    return [str(name) for (name,) in found if str(name).lower() not in _SYSTEM_SCHEMAS]


def totals(db: pymysql.Connection[Cursor], wanted: Sequence[str]) -> tuple[int, int]:
    """(tables, estimated rows) in some databases."""
    found = [row for row in rows(db, _TABLES) if row[0] in wanted and _KINDS.get(row[2]) == "table"]
    return len(found), sum(int(row[4] or 0) for row in found)


def column_types(db: pymysql.Connection[Cursor], schema: str, table: str) -> list[tuple[str, str]]:
    """(name, type) of the columns of one table or view; empty where there is none."""
    with db.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name, column_name, column_type FROM information_schema.columns "
            "WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
            [schema, table],
        )
        return [(str(row[2]), str(row[3])) for row in cursor.fetchall() if (row[0], row[1]) == (schema, table)]


def left_out(db: pymysql.Connection[Cursor], wanted: Iterable[str]) -> list[tuple[str, str]]:
    """(name, kind) of what a catalog does not show."""
    found = rows(
        db,
        "SELECT routine_schema, routine_name, lower(routine_type) FROM information_schema.routines UNION ALL "
        "SELECT event_schema, event_name, 'event' FROM information_schema.events UNION ALL "
        "SELECT table_schema, table_name, 'sequence' FROM information_schema.tables WHERE table_type = 'SEQUENCE' "
        "ORDER BY 1, 2",
    )
    wanted = set(wanted)
    return [(f"{schema}.{name}", str(kind)) for schema, name, kind in found if schema in wanted]


def read_tables(db: pymysql.Connection[Cursor], selection: Selection, wanted: Sequence[str]) -> tuple[Table, ...]:
    """The selected tables and views.

    Raises:
        TableNotFoundError: A schema or table that was named does not exist.
    """
    known = schemas(db)
    for schema in wanted:
        if schema not in known:
            raise TableNotFoundError(
                f"there is no database {schema[:200]!r} on the server that the user may read", table=schema
            )
    inside = set(wanted or known)
    found = {(str(row[0]), str(row[1])): row for row in rows(db, _TABLES) if row[0] in inside and row[2] in _KINDS}
    chosen = [found[schema, name] for schema, name in choose(selection, found) if schema is not None]
    facts = _facts(db, {(str(row[0]), str(row[1])) for row in chosen})
    # As they are written before as they are folded, since tables may differ by case alone.
    names = {(schema.lower(), name.lower()): (schema, name) for schema, name in found} | {key: key for key in found}
    return tuple(_table(db, row, facts, names) for row in chosen)


def _facts(db: pymysql.Connection[Cursor], chosen: set[_Name]) -> _Facts:
    facts = _Facts()
    maria, version = is_mariadb(db), version_of(db)
    expression = "expression" if not maria and version >= (8, 0, 13) else "NULL"
    checks = _CHECKS_OF_MARIADB if maria else _CHECKS_OF_MYSQL if version >= (8, 0, 16) else None
    for kept, sql in (
        (facts.columns, _COLUMNS),
        (facts.indexes, _INDEXES.format(expression=expression)),
        (facts.references, _REFERENCES),
        (facts.checks, checks),
    ):
        for row in rows(db, sql) if sql is not None else ():
            name = (str(row[0]), str(row[1]))
            if name in chosen:
                kept[name].append(row[2:])
    facts.triggers = {(str(schema), str(table)): int(count) for schema, table, count in rows(db, _TRIGGERS)}
    return facts


def _table(db: pymysql.Connection[Cursor], row: tuple[Any, ...], facts: _Facts, names: dict[_Name, _Name]) -> Table:
    schema, name, kind, engine, estimate, size, comment, options = row
    key = (str(schema), str(name))
    is_table = _KINDS[kind] == "table"
    described = facts.columns[key]
    maria = is_mariadb(db)
    documents = {str(part[0]) for part in described if is_json(part, facts.checks[key])}
    columns = tuple(
        column_of(part, position, document=part[0] in documents, maria=maria)
        for position, part in enumerate(described, 1)
    )
    primary, uniques, indexes = _keys(facts.indexes[key])
    updated = [str(part[0]) for part in described if "on update" in str(part[5]).lower()]
    found: dict[str, str | int | bool | None] = {
        "triggers": facts.triggers.get(key, 0),
        "partitioned": "partitioned" in str(options).lower(),
        "versioned": kind == "SYSTEM VERSIONED",
        "set_on_update": ", ".join(updated),
        "engine": None if not is_table or str(engine).lower() == _INNODB else str(engine),
    }
    return Table(
        schema=key[0],
        name=key[1],
        type=_KINDS[kind],
        columns=columns,
        primary_key=primary,
        foreign_keys=tuple(_references(facts.references[key], names)),
        indexes=tuple(indexes),
        unique_constraints=tuple(uniques),
        check_constraints=tuple(
            CheckConstraint(expression=_without_introducers(str(clause)), name=str(called))
            for called, clause in facts.checks[key]
            if not (called in documents and re.fullmatch(r"\W*json_valid\W.*", str(clause), re.IGNORECASE))
        ),
        row_estimate=int(estimate or 0) if is_table else None,
        size_bytes=int(size) if is_table and size is not None else None,
        comment=str(comment) if comment and is_table else None,
        extra={fact: value for fact, value in found.items() if value},
    )


def _without_introducers(clause: str) -> str:
    """MySQL 8 writes ``_utf8mb4\\'a\\'`` for ``'a'``."""
    return re.sub(r"\b_(?:utf8mb4|utf8mb3|utf8|latin1)\\?(?=')", "", clause.replace("\\'", "'"))


def _keys(
    described: list[tuple[Any, ...]],
) -> tuple[tuple[str, ...], list[UniqueConstraint], list[Index]]:
    """(primary key, unique constraints, other indexes)."""
    parts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for name, *rest in described:
        parts[str(name)].append(tuple(rest))
    primary: tuple[str, ...] = ()
    uniques: list[UniqueConstraint] = []
    indexes: list[Index] = []
    for name, members in parts.items():
        unique = not int(members[0][0])
        columns = tuple(str(column) for _, column, *_ in members if column is not None)
        written = [_written(column, prefix, expression) for _, column, _, prefix, _, expression in members]
        whole = all(column is not None and prefix is None for _, column, _, prefix, _, _ in members)
        method = str(members[0][4]).upper()
        ordinary = method in _ORDINARY_METHODS
        if name == "PRIMARY" and whole:
            primary = columns
        elif unique and whole and ordinary:
            uniques.append(UniqueConstraint(columns=columns, name=name))
        else:
            indexes.append(
                Index(
                    columns=columns,
                    name=name,
                    unique=unique,
                    expression=None if whole or not ordinary else ", ".join(written),
                    method=None if ordinary else method.lower(),
                    descending=tuple(str(column) for _, column, order, *_ in members if order == "D"),
                )
            )
    return primary, uniques, indexes


def _written(column: Any, prefix: Any, expression: Any) -> str:
    if column is None:
        return str(expression)
    return f"left({column}, {prefix})" if prefix is not None else str(column)


def _references(described: list[tuple[Any, ...]], names: dict[_Name, _Name]) -> list[ForeignKey]:
    parts: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for name, *rest in described:
        parts[str(name)].append(tuple(rest))
    found: list[ForeignKey] = []
    for name, members in parts.items():
        schema, table = str(members[0][1]), str(members[0][2])
        # Where names are folded, a reference may be spelled otherwise than its table.
        schema, table = names.get((schema, table)) or names.get((schema.lower(), table.lower()), (schema, table))
        found.append(
            ForeignKey(
                columns=tuple(str(member[0]) for member in members),
                referenced_schema=schema,
                referenced_table=table,
                referenced_columns=tuple(str(member[3]) for member in members),
                name=name,
                on_update=_action(members[0][4]),
                on_delete=_action(members[0][5]),
            )
        )
    return found


def _action(value: Any) -> str | None:
    # RESTRICT and NO ACTION are the same here, and mean what NO ACTION means elsewhere at the end of a statement.
    return None if str(value).upper() in {"NO ACTION", "RESTRICT"} else str(value)

"""Read the structure of a PostgreSQL database.

Constraints and indexes come from SQLAlchemy's inspector; columns are asked of the catalog itself, as only it spells
types exactly and tells domains, labels and who may do what.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import create_engine, inspect
from sqlalchemy.engine.reflection import Inspector, ObjectKind
from sqlalchemy.pool import NullPool

from sensei.server.engine.catalog import CheckConstraint, Column, ForeignKey, Index, Table, UniqueConstraint
from sensei.server.engine.connectors.selection import choose
from sensei.server.engine.errors import TableNotFoundError
from sensei.server.engine.job import Selection

if TYPE_CHECKING:
    from sensei.server.engine.connectors.postgresql_address import Address

_KINDS = {"r": "table", "p": "table", "f": "table", "v": "view", "m": "materialized_view"}
_COUNT_BELOW_BYTES = 64 * 1024 * 1024
_BYTES_PER_ROW_GUESS = 100

_SCHEMAS = """
SELECT nspname, has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE')
FROM pg_namespace WHERE nspname !~ '^(pg|_sensei)_' AND nspname <> 'information_schema' ORDER BY nspname
"""

_RELATIONS = """
SELECT n.nspname, c.relname, c.relkind::text, c.reltuples::float8, c.oid,
       CASE WHEN c.relkind = 'p'
            THEN (SELECT coalesce(sum(pg_total_relation_size(relid)), 0) FROM pg_partition_tree(c.oid))
            WHEN c.relkind IN ('r', 'm') THEN pg_total_relation_size(c.oid) END::bigint,
       obj_description(c.oid, 'pg_class'),
       (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
       (SELECT count(*) FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'),
       c.relrowsecurity,
       c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition
  AND n.nspname !~ '^(pg|_sensei)_' AND n.nspname <> 'information_schema' AND c.relname !~ '^_sensei_'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.oid
"""

_COLUMNS = """
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity <> '', a.attgenerated <> '',
       CASE WHEN a.attcollation <> t.typcollation
            THEN (SELECT collname FROM pg_collation WHERE oid = a.attcollation) END,
       col_description(a.attrelid, a.attnum),
       CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
       CASE WHEN t.typtype = 'e'
            THEN (SELECT json_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid) END,
       information_schema._pg_char_max_length(a.atttypid, a.atttypmod),
       information_schema._pg_numeric_precision(a.atttypid, a.atttypmod),
       information_schema._pg_numeric_scale(a.atttypid, a.atttypmod),
       pg_get_serial_sequence(format('%%I.%%I', n.nspname, c.relname), a.attname)
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid = ANY(%s)
ORDER BY a.attrelid, a.attnum
"""


def schemas_by_privilege(db: psycopg.Connection[Any]) -> tuple[list[str], list[str]]:
    """(schemas that can be read, schemas that can be written to)."""
    rows = db.execute(_SCHEMAS).fetchall()
    return [row[0] for row in rows if row[1]], [row[0] for row in rows if row[2]]


def totals(db: psycopg.Connection[Any], schemas: Sequence[str]) -> tuple[int, int]:
    """(tables, estimated rows) in some schemas."""
    row = db.execute(
        "SELECT count(*), coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY(%s)",
        [list(schemas)],
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def column_types(db: psycopg.Connection[Any], schema: str, table: str) -> list[tuple[str, str]]:
    """(name, type) of the columns of one table or view; empty where there is none."""
    rows = db.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped "
        "AND c.relkind IN ('r', 'p', 'f', 'v', 'm') ORDER BY a.attnum",
        [schema, table],
    ).fetchall()
    return [(str(name), str(type_)) for name, type_ in rows]


def read_tables(
    address: Address, db: psycopg.Connection[Any], selection: Selection, schemas: Sequence[str]
) -> tuple[Table, ...]:
    """The selected tables and views.

    Raises:
        TableNotFoundError: A schema or table that was named does not exist.
    """
    known, _ = schemas_by_privilege(db)
    for schema in schemas:
        if schema not in known:
            raise TableNotFoundError(
                f"there is no schema {schema[:200]!r} in the database that the user may read", table=schema
            )
    wanted = set(schemas or known)
    relations = {(row[0], row[1]): row for row in db.execute(_RELATIONS).fetchall() if row[0] in wanted}
    chosen = [relations[schema, name] for schema, name in choose(selection, relations) if schema is not None]
    columns = _columns(db, [row[4] for row in chosen])
    with _Constraints(address) as constraints:
        return tuple(_table(db, row, columns[row[4]], constraints) for row in chosen)


def _columns(db: psycopg.Connection[Any], relations: list[int]) -> dict[int, list[Column]]:
    found: dict[int, list[Column]] = defaultdict(list)
    for row in db.execute(_COLUMNS, [relations]).fetchall():
        relation, name, type_, nullable, default, identity, generated = row[:7]
        sequence = default is not None and default.startswith("nextval(")
        found[relation].append(
            Column(
                name=name,
                type=type_,
                nullable=nullable,
                default=None if generated or sequence else default,
                position=len(found[relation]) + 1,
                length=row[11],
                precision=row[12],
                scale=row[13],
                autoincrement=identity or (sequence and row[14] is not None) or sequence,
                computed=default if generated else None,
                collation=row[7],
                comment=row[8],
                base_type=row[9],
                choices=tuple(_labels(row[10])),
            )
        )
    return found


def _labels(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        import json

        value = json.loads(value)
    return [str(label) for label in value]


class _Constraints:
    """SQLAlchemy's view of constraints and indexes, one look per schema."""

    def __init__(self, address: Address) -> None:
        self._engine = create_engine(
            "postgresql+psycopg://", creator=lambda: address.connect(statement_seconds=3_600), poolclass=NullPool
        )
        self._connection = self._engine.connect()
        self._inspector: Inspector = inspect(self._connection)
        self._schemas: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> _Constraints:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._engine.dispose()

    def of(self, schema: str, table: str) -> dict[str, Any]:
        if schema not in self._schemas:
            look, kind = self._inspector, ObjectKind.TABLE
            self._schemas[schema] = {
                "key": look.get_multi_pk_constraint(schema, kind=kind),
                "foreign": look.get_multi_foreign_keys(schema, kind=kind),
                "unique": look.get_multi_unique_constraints(schema, kind=kind),
                "check": look.get_multi_check_constraints(schema, kind=kind),
                "index": look.get_multi_indexes(schema, kind=kind),
            }
        return {kind: found.get((schema, table)) for kind, found in self._schemas[schema].items()}


def _table(db: psycopg.Connection[Any], row: Any, columns: list[Column], constraints: _Constraints) -> Table:
    schema, name, kind, tuples, _, size, comment, triggers, rules, secured, inherited = row
    is_table = _KINDS[kind] == "table"
    found: dict[str, Any] = constraints.of(schema, name) if is_table else {}
    facts: dict[str, str | int | bool] = {
        "triggers": triggers,
        "rules": rules,
        "row_security": secured,
        "inherited": inherited,
        "partitioned": kind == "p",
        "foreign": kind == "f",
    }
    extra = {fact: value for fact, value in facts.items() if value}
    key = found.get("key") or dict[str, Any]()
    if key.get("name"):
        extra["primary_key_name"] = str(key["name"])
    return Table(
        schema=schema,
        name=name,
        type=_KINDS[kind],
        columns=tuple(columns),
        primary_key=tuple(key.get("constrained_columns") or ()),
        foreign_keys=tuple(_foreign_key(item, schema) for item in found.get("foreign") or ()),
        indexes=tuple(_index(item) for item in found.get("index") or () if not item.get("duplicates_constraint")),
        unique_constraints=tuple(
            UniqueConstraint(
                columns=tuple(item["column_names"]),
                name=item.get("name"),
                nulls_equal=bool(
                    (item.get("dialect_options") or dict[str, Any]()).get("postgresql_nulls_not_distinct")
                ),
            )
            for item in found.get("unique") or ()
        ),
        check_constraints=tuple(
            CheckConstraint(expression=item["sqltext"], name=item.get("name")) for item in found.get("check") or ()
        ),
        row_estimate=_estimate(db, schema, name, tuples, size) if is_table else None,
        size_bytes=size,
        comment=comment,
        extra=extra,
    )


def _estimate(db: psycopg.Connection[Any], schema: str, name: str, tuples: float, size: int | None) -> int | None:
    if tuples > 0:
        return int(tuples)
    if size is None:
        return None
    if size > _COUNT_BELOW_BYTES:
        return size // _BYTES_PER_ROW_GUESS
    # Never analysed (or empty): small enough to be counted.
    try:
        quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (schema, name))
        row = db.execute(f"SELECT count(*) FROM {quoted}".encode()).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return int(row[0]) if row else None


def _foreign_key(item: dict[str, Any], schema: str) -> ForeignKey:
    options = item.get("options") or dict[str, Any]()
    return ForeignKey(
        columns=tuple(item["constrained_columns"]),
        referenced_schema=item.get("referred_schema") or schema,
        referenced_table=item["referred_table"],
        referenced_columns=tuple(item["referred_columns"]),
        name=item.get("name"),
        on_delete=options.get("ondelete"),
        on_update=options.get("onupdate"),
        deferrable=bool(options.get("deferrable")),
    )


def _index(item: dict[str, Any]) -> Index:
    options = item.get("dialect_options") or dict[str, Any]()
    names = item.get("column_names") or list[Any]()
    included = tuple(item.get("include_columns") or options.get("postgresql_include") or ())
    expressions = item.get("expressions")
    sorting = item.get("column_sorting") or dict[str, Any]()
    return Index(
        columns=tuple(name for name in names if name is not None and name not in included),
        name=item.get("name"),
        unique=bool(item.get("unique")),
        expression=", ".join(map(str, expressions)) if expressions else None,
        where=options.get("postgresql_where"),
        method=options.get("postgresql_using"),
        descending=tuple(column for column, how in sorting.items() if "desc" in how),
        included=included,
    )

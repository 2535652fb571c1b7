"""Choose types for PostgreSQL columns: in SQLite, and in another PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from sensei.server.engine.catalog import Column
from sensei.server.engine.kinds import Kind, parse_type, postgresql_kind
from sensei.server.engine.plan import Risk
from sensei.server.engine.planning.choice import Choice

_BUILT_IN = {
    *(
        "bit",
        "bit varying",
        "box",
        "cidr",
        "circle",
        "inet",
        "interval",
        "line",
        "lseg",
        "macaddr",
        "macaddr8",
        "money",
    ),
    *("path", "point", "polygon", "tsquery", "tsvector", "xml", "time with time zone", "oid", "pg_lsn", "name"),
    *("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"),
    *("int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange"),
    *("jsonpath", '"char"', "txid_snapshot", "pg_snapshot"),
}


def in_sqlite(column: Column, place: str, *, has_nan: bool) -> Choice:
    """The SQLite type for a PostgreSQL column."""
    type_ = column.base_type or column.type
    kind = postgresql_kind(type_)
    base = parse_type(type_).base
    match kind:
        case Kind.INTEGER:
            choice = Choice(base.upper(), 0.99, "SQLite's integers are 64 bits wide")
        case Kind.FLOAT:
            choice = Choice("REAL" if base == "real" else "DOUBLE PRECISION", 0.99, "SQLite's REAL is a 64-bit number")
            if has_nan:
                choice = choice.doubt(
                    0.85,
                    "nan_as_text",
                    Risk(
                        severity="medium",
                        type="semantic_ambiguity",
                        description=f"{place} holds NaN, which SQLite has no number for; it is kept as the text 'NaN'",
                        affected=(place,),
                    ),
                )
        case Kind.DECIMAL:
            choice = Choice(
                "TEXT",
                0.95,
                "kept as text with every digit, as SQLite's own numbers are binary floating point",
                "type_conversion",
                flags=("decimal_as_text",),
            )
        case Kind.BOOLEAN:
            choice = Choice("BOOLEAN", 0.97, "1 for true and 0 for false, as SQLite has no booleans", "type_conversion")
        case Kind.BINARY:
            choice = Choice("BLOB", 0.99, "the same bytes")
        case Kind.TEXT:
            length = f"({column.length})" if column.length else ""
            name = {"character varying": "VARCHAR", "character": "CHAR"}.get(base, "TEXT")
            choice = Choice(name + (length if name != "TEXT" else ""), 0.99, "the same text")
            if base == "citext":
                choice = choice.doubt(
                    0.9,
                    "case_insensitive",
                    Risk(
                        severity="medium",
                        type="semantic_ambiguity",
                        description=f"{place} ignores case in PostgreSQL; in SQLite it compares exactly",
                        affected=(place,),
                    ),
                )
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            name = {
                Kind.DATE: "DATE",
                Kind.TIME: "TIME",
                Kind.TIMESTAMP: "TIMESTAMP",
                Kind.TIMESTAMPTZ: "TIMESTAMP WITH TIME ZONE",
            }[kind]
            form = "ISO 8601 text in UTC" if kind is Kind.TIMESTAMPTZ else "ISO 8601 text"
            choice = Choice(name, 0.97, f"kept as {form}; SQLite has no type for it", "type_conversion")
        case Kind.UUID:
            choice = Choice("UUID", 0.97, "kept as text in the usual form", "type_conversion")
        case Kind.JSON:
            choice = Choice("TEXT", 0.95, "kept as its text; SQLite's JSON functions read it", "type_conversion")
        case _:
            sure = 0.95 if column.choices else 0.9
            choice = Choice(
                "TEXT",
                sure,
                f"SQLite has no {column.type}; kept as the exact text PostgreSQL shows",
                "type_conversion",
                choices=column.choices,
            )
    return _domain(column, choice, place)


def in_postgresql(column: Column, place: str, exists: Callable[[str], bool]) -> Choice:
    """The type in another PostgreSQL; `exists` tells whether a type is known there."""
    type_ = column.type
    if postgresql_kind(type_) is not Kind.OTHER and parse_type(type_).base != "citext":
        return Choice(type_, 0.99, "the same type")
    base = parse_type(type_).base
    if base in _BUILT_IN or exists(type_):
        return Choice(type_, 0.98, "the same type")
    if column.base_type:
        return _domain(column, in_postgresql_base(column, place, exists), place)
    if column.choices:
        return Choice(
            "TEXT",
            0.9,
            f"the target has no type {type_}; text with a check takes its place",
            "type_conversion",
            choices=column.choices,
        )
    return Choice(
        "TEXT",
        0.8,
        f"the target has no type {type_}; kept as the exact text",
        "type_conversion",
        flags=("type_missing",),
        risks=(
            Risk(
                severity="medium",
                type="semantic_ambiguity",
                description=f"the target has no type {type_} for {place}; it becomes TEXT",
                affected=(place,),
                mitigation="Install the extension or make the type on the target, then plan again.",
            ),
        ),
    )


def in_postgresql_base(column: Column, place: str, exists: Callable[[str], bool]) -> Choice:
    """The type in another PostgreSQL for what lies under a domain."""
    return in_postgresql(Column(name=column.name, type=str(column.base_type)), place, exists)


def _domain(column: Column, choice: Choice, place: str) -> Choice:
    if not column.base_type:
        return choice
    return choice.doubt(
        0.9,
        "domain",
        Risk(
            severity="low",
            type="semantic_ambiguity",
            description=f"{place} is of the domain {column.type}; its values are carried, its checks are not",
            affected=(place,),
        ),
    )

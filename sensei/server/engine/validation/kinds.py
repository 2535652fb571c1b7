"""What columns are compared as, and how they are read for it."""

from __future__ import annotations

import enum
import re

from sensei.server.engine.catalog import Column
from sensei.server.engine.kinds import MYSQL_SHAPES, affinity


class Kind(enum.Enum):
    """What two values are compared as."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    DECIMAL_TEXT = "decimal_text"
    """A decimal kept as text, where the number of digits behind the point is part of the value."""
    FLOAT = "float"
    FLOAT32 = "float32"
    BOOLEAN = "boolean"
    TEXT = "text"
    CHAR = "char"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    JSON = "json"
    BINARY = "binary"
    DURATION = "duration"
    """Hours, minutes and seconds, maybe more than a day of them."""
    OTHER = "other"
    """Compared by the text the database writes."""
    ANY = "any"
    """Between two SQLite databases, a declared type that says nothing."""

    @property
    def is_number(self) -> bool:
        """Whether sums and means make sense."""
        return self in _NUMBERS

    @property
    def is_moment(self) -> bool:
        """Whether values are dates or times."""
        return self in _MOMENTS


_NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.DECIMAL_TEXT, Kind.FLOAT, Kind.FLOAT32})
_MOMENTS = frozenset({Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ})

_TEXTS = (Kind.TEXT, Kind.CHAR)

_NAMES = {
    Kind.INTEGER: "smallint integer int bigint int2 int4 int8 tinyint mediumint smallserial serial bigserial year",
    Kind.DECIMAL: "numeric decimal number dec fixed",
    Kind.FLOAT: "double float float8",
    Kind.FLOAT32: "real float4",
    Kind.BOOLEAN: "boolean bool",
    Kind.TEXT: "text varchar tinytext mediumtext longtext citext name clob enum set nvarchar",
    Kind.CHAR: "character char bpchar nchar",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamp datetime",
    Kind.TIMESTAMPTZ: "timestamptz",
    Kind.UUID: "uuid",
    Kind.JSON: "json jsonb",
    Kind.BINARY: "bytea blob binary varbinary tinyblob mediumblob longblob",
}
_FAMILIES: dict[str, Kind] = {
    **{name: kind for kind, names in _NAMES.items() for name in names.split()},
    "double precision": Kind.FLOAT,
    "character varying": Kind.TEXT,
    "time without time zone": Kind.TIME,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.TIMESTAMPTZ,
}

_LENGTH = re.compile(r"\s*\([^)]*\)")
# Doubles hold every decimal of so many digits apart, so that a cast loses nothing.
_DIGITS_IN_A_DOUBLE = 15


def family(system: str, type_: str) -> Kind:
    """The kind of a column type in that system's own notation."""
    name = " ".join(_LENGTH.sub("", type_.lower()).split()).removesuffix(" zerofill")
    name = name.removesuffix(" unsigned")
    if system == "mysql":
        if name == "timestamp":
            return Kind.TIMESTAMPTZ
        if name == "float":
            return Kind.FLOAT32
        if name == "real":
            return Kind.FLOAT
        if name == "bit":
            return Kind.INTEGER
        if name in MYSQL_SHAPES:
            return Kind.BINARY
    if system == "sqlite" and name == "real":
        return Kind.FLOAT
    if name.endswith("[]"):
        return Kind.OTHER
    return _FAMILIES.get(name, Kind.OTHER)


def compared_as(source_system: str, source: Column, target_system: str, target: Column) -> Kind:
    """What the values of two columns are compared as.

    The side whose types bind decides: SQLite's do not. Where a typed column became text, the values keep the meaning
    of the typed side.
    """
    from_source = family(source_system, source.base_type or source.type)
    from_target = family(target_system, target.base_type or target.type)
    if source_system == target_system == "sqlite":
        return Kind.ANY if from_target is Kind.OTHER else from_target
    if source_system == "sqlite":
        return from_target
    if target_system == "sqlite":
        if from_source in (Kind.DECIMAL, Kind.INTEGER) and affinity(target.type) == "text":
            return Kind.DECIMAL_TEXT
        # Texts that became something else by decision have its meaning now.
        return from_source if from_source not in _TEXTS or from_target in (*_TEXTS, Kind.OTHER) else from_target
    if from_source is Kind.TIME and from_target is Kind.OTHER:
        return Kind.DURATION
    return from_source if from_target in _TEXTS and from_source is not Kind.CHAR else from_target


def counts_as_number(system: str, column: Column) -> bool:
    """Whether the database itself takes the column's values for numbers, when it sorts and compares them."""
    if system == "sqlite":
        return affinity(column.type) != "text"
    return family(system, column.base_type or column.type).is_number


def fits_a_double(column: Column) -> bool:
    """Whether two different values of a decimal column are always different doubles."""
    precision = column.precision
    if precision is None:
        found = re.search(r"\(\s*(\d+)", column.type)
        precision = int(found[1]) if found else None
    return precision is not None and precision <= _DIGITS_IN_A_DOUBLE


def select_expression(
    system: str, kind: Kind, expression: str, *, declared: Kind | None, as_double: bool = False
) -> str:
    """SQL that gives `expression` in the raw form for comparing as `kind`.

    Parameters:
        declared: The kind of the column itself; None for what an expression gives, which is taken for what it becomes.
        as_double: The decimals of this column are all different as doubles, on both sides.
    """
    is_number = declared is None or declared.is_number
    if system == "postgresql":
        if kind in (Kind.INTEGER, Kind.FLOAT, Kind.FLOAT32, Kind.TEXT, Kind.BINARY):
            return expression
        if kind is Kind.BOOLEAN and declared is Kind.BOOLEAN:
            return f"({expression})::int"
        if as_double and is_number:
            return f"({expression})::float8"
        return f"({expression})::text"
    if system == "mysql":
        # Not of texts, as MySQL finds the number 12 in '12 or so'.
        if kind in (Kind.INTEGER, Kind.BOOLEAN) and (is_number or declared is Kind.BOOLEAN):
            return f"({expression}) + 0"
        if as_double and is_number:
            return f"({expression}) * 1e0"
        if kind is Kind.TIMESTAMPTZ:
            return f"CONCAT({expression}, '+00')"
        if kind in (Kind.FLOAT, Kind.FLOAT32, Kind.TEXT, Kind.BINARY):
            return expression
        return f"CAST({expression} AS CHAR)"
    return expression

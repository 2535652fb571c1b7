"""Column types: taken apart, and sorted into kinds that behave alike when values move."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What sort of values a column holds."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    FLOAT = "float"
    DECIMAL = "decimal"
    TEXT = "text"
    BINARY = "binary"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    JSON = "json"
    OTHER = "other"
    """Anything else: carried as the text that the database shows."""


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type in parts: ``timestamp(3) with time zone`` is base ``timestamp with time zone`` and arguments (3,)."""

    base: str
    arguments: tuple[int, ...] = ()
    array: bool = False


_PARTS = re.compile(
    r"^\s*(?P<head>[^(\[]*?)\s*(?:\((?P<arguments>[^)]*)\))?\s*(?P<tail>[^\[\]()]*?)\s*(?P<array>(?:\[\d*\]\s*)*)$"
)

_ALIASES = {
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "bigserial": "bigint",
    "smallserial": "smallint",
    "bool": "boolean",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "double": "double precision",
    "decimal": "numeric",
    "dec": "numeric",
    "varchar": "character varying",
    "char": "character",
    "bpchar": "character",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
}

_POSTGRESQL_KINDS = {
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "boolean": Kind.BOOLEAN,
    "real": Kind.FLOAT,
    "double precision": Kind.FLOAT,
    "numeric": Kind.DECIMAL,
    "text": Kind.TEXT,
    "character varying": Kind.TEXT,
    "character": Kind.TEXT,
    "citext": Kind.TEXT,
    "name": Kind.TEXT,
    "bytea": Kind.BINARY,
    "date": Kind.DATE,
    "time without time zone": Kind.TIME,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.TIMESTAMPTZ,
    "uuid": Kind.UUID,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
}

_MYSQL_NAMES = {
    Kind.INTEGER: "tinyint smallint mediumint int bigint year",
    Kind.FLOAT: "float double",
    Kind.DECIMAL: "decimal",
    Kind.TEXT: "char varchar tinytext text mediumtext longtext enum set",
    Kind.BINARY: "binary varbinary tinyblob blob mediumblob longblob",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "datetime",
    Kind.TIMESTAMPTZ: "timestamp",
    Kind.UUID: "uuid",
    Kind.JSON: "json",
}
MYSQL_SHAPES = frozenset(
    {
        *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
        *("geometrycollection", "geomcollection"),
    }
)
_MYSQL_KINDS = {name: kind for kind, names in _MYSQL_NAMES.items() for name in names.split()}

_SQLITE_NAMES: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"bool", Kind.BOOLEAN),
        (r"uuid|guid|uniqueidentifier", Kind.UUID),
        (r"json", Kind.JSON),
        (r"timestamp.*with time zone|timestamptz|datetimeoffset", Kind.TIMESTAMPTZ),
        (r"timestamp|datetime", Kind.TIMESTAMP),
        (r"^date$", Kind.DATE),
        (r"^time( without time zone)?$", Kind.TIME),
        (r"interval|point", Kind.OTHER),
        (r"int|serial", Kind.INTEGER),
        (r"char|clob|text|string|enum", Kind.TEXT),
        (r"blob|binary|bytea", Kind.BINARY),
        (r"real|floa|doub", Kind.FLOAT),
        (r"dec|num|money|currency", Kind.DECIMAL),
    )
)


def parse_type(text: str) -> TypeName:
    """Take a type apart. Names are folded to lower case and to their long form."""
    match = _PARTS.match(text.strip())
    if match is None:
        return TypeName(text.strip().lower())
    base = " ".join(f"{match['head']} {match['tail']}".lower().split())
    arguments = tuple(int(part) for part in (match["arguments"] or "").split(",") if part.strip().lstrip("-").isdigit())
    return TypeName(_ALIASES.get(base, base), arguments, bool(match["array"]))


def postgresql_kind(type_: str) -> Kind:
    """The kind of a PostgreSQL type; domains by what lies under them."""
    parsed = parse_type(type_)
    return Kind.OTHER if parsed.array else _POSTGRESQL_KINDS.get(parsed.base, Kind.OTHER)


def sqlite_kind(type_: str) -> Kind | None:
    """The kind that a declared SQLite type suggests; None where it suggests nothing."""
    base = parse_type(type_).base
    return next((kind for pattern, kind in _SQLITE_NAMES if pattern.search(base)), None)


@dataclass(frozen=True, slots=True)
class MysqlType:
    """A MySQL type in parts: ``bigint(20) unsigned`` is base ``bigint``, arguments (20,), unsigned."""

    base: str
    arguments: tuple[int, ...] = ()
    unsigned: bool = False
    zerofill: bool = False

    @property
    def digits(self) -> int:
        """The digits of a second that a type of moments keeps."""
        return self.arguments[0] if self.arguments else 0


def mysql_type(text: str) -> MysqlType:
    """Take a MySQL type apart, spelled as the server reports it."""
    name, _, rest = text.strip().lower().partition("(")
    arguments, _, tail = rest.partition(")") if rest else ("", "", "")
    words = f"{name} {tail}".split()
    return MysqlType(
        words[0] if words else "",
        tuple(int(part) for part in arguments.split(",") if part.strip().isdigit()),
        "unsigned" in words,
        "zerofill" in words,
    )


def mysql_kind(type_: str) -> Kind:
    """The kind of a MySQL type."""
    return _MYSQL_KINDS.get(mysql_type(type_).base, Kind.OTHER)


def kind_of(system: str, type_: str) -> Kind:
    """The kind of a type of any system."""
    match system:
        case "postgresql":
            return postgresql_kind(type_)
        case "mysql":
            return mysql_kind(type_)
        case _:
            return sqlite_kind(type_) or Kind.OTHER


def affinity(type_: str) -> str:
    """SQLite's affinity of a declared type: ``integer``, ``text``, ``blob``, ``real`` or ``numeric``."""
    name = type_.upper()
    if "INT" in name:
        return "integer"
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in name or not name.strip():
        return "blob"
    return "real" if any(word in name for word in ("REAL", "FLOA", "DOUB")) else "numeric"

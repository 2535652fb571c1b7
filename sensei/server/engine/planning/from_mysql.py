"""Choose types for MySQL and MariaDB columns: in PostgreSQL, and in SQLite."""

from __future__ import annotations

from dataclasses import replace

from sensei.server.engine.catalog import Column
from sensei.server.engine.errors import PlanningError
from sensei.server.engine.kinds import MYSQL_SHAPES, Kind, MysqlType, mysql_kind, mysql_type
from sensei.server.engine.plan import Risk
from sensei.server.engine.planning.choice import Choice
from sensei.server.engine.planning.profile import ColumnProfile
from sensei.server.engine.wording import counted

_LARGEST = 2**63 - 1
_ADDRESSES = {"inet4", "inet6"}
_ZERO_DATES = "Mend them at the source, map the column to TEXT, or make them null by the transformation {advice}."


def in_postgresql(column: Column, profile: ColumnProfile, place: str) -> Choice:
    """The PostgreSQL type for a MySQL column.

    Raises:
        PlanningError: The column is of a type that cannot be carried.
    """
    type_ = mysql_type(column.type)
    choice = _in_postgresql(column, type_, profile, place)
    if unreal := profile.facts.get("unreal"):
        choice = _lossy(
            choice,
            0.6,
            "zero_dates",
            f"{counted(unreal, 'value', 'values')} {_are(unreal)} no day of the calendar",
            f"{counted(unreal, 'value', 'values')} of {place} {_are(unreal)} no day of the calendar, such as "
            "0000-00-00, which PostgreSQL cannot store; rows with such are left out and recorded as errors",
            place,
            _ZERO_DATES.format(advice=f"NULLIF({_written(column.name)}, 0)"),
        )
    if profile.with_nul:
        choice = _lossy(
            choice,
            0.75,
            "nul_in_text",
            f"{counted(profile.with_nul, 'text holds', 'texts hold')} a NUL character",
            f"{counted(profile.with_nul, 'text', 'texts')} of {place} with a NUL character, which PostgreSQL cannot "
            "store; rows with such are left out and recorded as errors",
            place,
            "Remove the NUL characters at the source, or map the column to BYTEA.",
        )
    return choice


def in_sqlite(column: Column, profile: ColumnProfile, place: str) -> Choice:
    """The SQLite type for a MySQL column.

    Raises:
        PlanningError: The column is of a type that cannot be carried.
    """
    type_ = mysql_type(column.type)
    choice = _in_sqlite(column, type_, profile, place)
    if unreal := profile.facts.get("unreal"):
        choice = choice.doubt(
            0.9,
            "zero_dates",
            _ambiguous(
                "low",
                f"{counted(unreal, 'value', 'values')} of {place} {_are(unreal)} no day of the calendar; kept as text",
                place,
            ),
        )
    return choice


def _in_postgresql(column: Column, type_: MysqlType, profile: ColumnProfile, place: str) -> Choice:
    match mysql_kind(column.type):
        case Kind.INTEGER:
            return _integer(type_, profile, "NUMERIC(20, 0)")
        case Kind.FLOAT:
            return (
                Choice("REAL", 0.99, "the same 32-bit number")
                if type_.base == "float"
                else Choice("DOUBLE PRECISION", 0.99, "the same 64-bit number")
            )
        case Kind.DECIMAL:
            return Choice(f"NUMERIC({column.precision}, {column.scale})", 0.99, "the same digits")
        case Kind.TEXT:
            return _text(column, type_)
        case Kind.BINARY:
            return Choice("BYTEA", 0.99, "the same bytes")
        case Kind.DATE:
            return Choice("DATE", 0.99, "the same days")
        case Kind.TIME if profile.facts.get("outside"):
            return Choice(
                "INTERVAL",
                0.85,
                f"{counted(profile.facts['outside'], 'value is', 'values are')} negative or longer than a day; "
                "INTERVAL holds them all",
                "type_conversion",
                flags=("times_beyond_a_day",),
                risks=(
                    _ambiguous(
                        "medium",
                        f"{place} holds times beyond a day, which PostgreSQL's TIME cannot; it becomes INTERVAL",
                        place,
                    ),
                ),
            )
        case Kind.TIME:
            return Choice("TIME" + _digits(type_), 0.97, "every value is a time of day")
        case Kind.TIMESTAMP:
            return Choice("TIMESTAMP" + _digits(type_), 0.99, "date and time without a zone, as written")
        case Kind.TIMESTAMPTZ:
            digits = _digits(type_)
            return Choice(f"TIMESTAMP{digits} WITH TIME ZONE", 0.98, "the same instants", "type_conversion")
        case Kind.UUID:
            return Choice("UUID", 0.99, "the same UUIDs")
        case Kind.JSON:
            if column.collation is None:
                return Choice("JSONB", 0.97, "the same documents; both systems keep them taken apart")
            return Choice("JSON", 0.97, "the same documents; JSON keeps their text as it is")
        case _:
            return _other(column, type_, place, bits=f"BIT({_bits(type_)})", binary="BYTEA")


def _in_sqlite(column: Column, type_: MysqlType, profile: ColumnProfile, place: str) -> Choice:
    match mysql_kind(column.type):
        case Kind.INTEGER:
            choice = _integer(type_, profile, "TEXT")
            return (
                replace(choice, type=type_.base.upper()) if choice.type.endswith("INT") and _has_int(type_) else choice
            )
        case Kind.FLOAT:
            return Choice(
                "REAL" if type_.base == "float" else "DOUBLE PRECISION", 0.99, "SQLite's REAL is a 64-bit number"
            )
        case Kind.DECIMAL:
            return Choice(
                "TEXT",
                0.95,
                "kept as text with every digit, as SQLite's own numbers are binary floating point",
                "type_conversion",
                flags=("decimal_as_text",),
            )
        case Kind.TEXT:
            return _text(column, type_)
        case Kind.BINARY:
            return Choice("BLOB", 0.99, "the same bytes")
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP:
            name = "TIMESTAMP" if type_.base == "datetime" else type_.base.upper()
            return Choice(name, 0.97, "kept as ISO 8601 text; SQLite has no type for it", "type_conversion")
        case Kind.TIMESTAMPTZ:
            return Choice("TIMESTAMP WITH TIME ZONE", 0.97, "kept as ISO 8601 text in UTC", "type_conversion")
        case Kind.UUID:
            return Choice("UUID", 0.97, "kept as text in the usual form", "type_conversion")
        case Kind.JSON:
            return Choice("TEXT", 0.95, "kept as its text; SQLite's JSON functions read it", "type_conversion")
        case _:
            wide = profile.greatest is not None and profile.greatest > _LARGEST
            return _other(column, type_, place, bits="TEXT" if wide else "BIGINT", binary="BLOB")


def _has_int(type_: MysqlType) -> bool:
    return "int" in type_.base and not (type_.base == "bigint" and type_.unsigned)


def _integer(type_: MysqlType, profile: ColumnProfile, widest: str) -> Choice:
    """The narrowest signed type for an integer column; `widest` is for what no signed 64 bits hold."""
    if type_.base == "year":
        return Choice("SMALLINT", 0.98, "years are small integers")
    if type_.base == "tinyint" and type_.arguments == (1,) and not type_.unsigned:
        if not profile.values:
            return Choice("BOOLEAN", 0.85, "TINYINT(1) without values yet, which is how MySQL spells BOOLEAN")
        if profile.least >= 0 and profile.greatest <= 1:
            return Choice(
                "BOOLEAN", 0.95, "TINYINT(1) is how MySQL spells BOOLEAN, and every value is 0 or 1", "type_conversion"
            )
        return Choice(
            "SMALLINT",
            0.9,
            f"TINYINT(1), but with integers from {profile.least} to {profile.greatest}, so no boolean",
            flags=("not_boolean",),
        )
    if type_.base == "bigint" and type_.unsigned:
        if profile.values and profile.greatest > _LARGEST:
            return Choice(
                widest,
                0.95,
                f"integers up to {profile.greatest}, beyond what a signed 64-bit integer holds",
                "type_conversion",
                flags=("unsigned_64_bit",),
            )
        return Choice("BIGINT", 0.95, "unsigned, and every value is below 2^63", flags=("unsigned",))
    names = ("smallint", "integer", "bigint")
    width = {"tinyint": 0, "smallint": 0, "mediumint": 1, "int": 1, "bigint": 2}[type_.base]
    # An unsigned integer needs a bit more; of a TINYINT and a MEDIUMINT the next type has it anyway.
    wider = type_.unsigned and type_.base in {"smallint", "int"}
    name = names[width + wider].upper()
    return Choice(name, 0.99, f"every {'unsigned ' if type_.unsigned else ''}{type_.base} fits {name}")


def _text(column: Column, type_: MysqlType) -> Choice:
    match type_.base:
        case "enum":
            return Choice(
                "TEXT", 0.95, "the labels as text, with a check for them", "type_conversion", choices=column.choices
            )
        case "set":
            return Choice(
                "TEXT",
                0.9,
                "the members as text with commas between, with a check for them where the target can have one",
                "type_conversion",
                members=column.choices,
            )
        case "char" | "varchar" if column.length:
            return Choice(f"{type_.base.upper()}({column.length})", 0.99, "the same text")
        case _:
            return Choice("TEXT", 0.99, "the same text")


def _other(column: Column, type_: MysqlType, place: str, *, bits: str, binary: str) -> Choice:
    if type_.base == "bit":
        if _bits(type_) == 1:
            return Choice("BOOLEAN", 0.95, "one bit is true or false", "type_conversion")
        return Choice(bits, 0.95, "the same bits", "type_conversion")
    if type_.base in _ADDRESSES:
        return Choice("TEXT", 0.95, "the address as MariaDB writes it", "type_conversion")
    if type_.base in MYSQL_SHAPES:
        return Choice(
            binary,
            0.8,
            "the bytes that MySQL keeps: four of the spatial reference, then well-known binary",
            "type_conversion",
            flags=("geometry_as_binary",),
            risks=(
                _ambiguous(
                    "medium",
                    f"{place} is a geometry; it is kept as its bytes, four of the spatial reference and then WKB",
                    place,
                    "Make a geometry of it on the target, e.g. by PostGIS from the bytes after the fourth.",
                ),
            ),
        )
    raise PlanningError(
        f"{place} is of the type {column.type[:60]}, which cannot be carried; exclude its table, or change the column",
        reason_code="E2003",
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _written(name: str) -> str:
    """A column's name as it may be written in a transformation."""
    return name if name.isidentifier() else "`" + name.replace("`", "``") + "`"


def _bits(type_: MysqlType) -> int:
    return type_.arguments[0] if type_.arguments else 1


def _digits(type_: MysqlType) -> str:
    return f"({type_.digits})" if 0 < type_.digits < 6 else ""


def _lossy(
    choice: Choice, confidence: float, flag: str, doubt: str, description: str, place: str, mitigation: str
) -> Choice:
    risk = Risk(severity="high", type="data_loss", description=description, affected=(place,), mitigation=mitigation)
    return replace(
        choice.doubt(confidence, flag, risk), reasoning=f"{choice.reasoning}; {doubt}", compatible=False, loss=True
    )


def _ambiguous(severity: str, description: str, place: str, mitigation: str | None = None) -> Risk:
    return Risk(
        severity=severity,
        type="semantic_ambiguity",
        description=description,
        affected=(place,),
        mitigation=mitigation,
    )

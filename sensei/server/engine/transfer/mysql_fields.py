"""MySQL columns as fields of COPY's text format, mostly written by the server itself.

So a row comes as one value, which costs the driver a fraction of what its columns would, and goes into PostgreSQL as
it is. Values too large for the server's functions come as they are and are written here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sensei.server.engine.connectors.mysql import quote
from sensei.server.engine.kinds import Kind, kind_of, mysql_kind, mysql_type, parse_type
from sensei.server.engine.transfer.work import ColumnWork, TableWork

_TAB = "0x09"
_NULL = b"\\N"
_NULL_SQL = "0x5C4E"
_HEX_SQL = "0x5C5C78"
_UNBOUNDED = {"mediumtext", "longtext", "json", "mediumblob", "longblob"}
_LONG = 2_000
_SHORT = 100
"""More bytes than any value has that is no text and no bytes."""
_ESCAPES = ((b"\\", b"\\\\"), (b"\t", b"\\t"), (b"\n", b"\\n"), (b"\r", b"\\r"))
_ESCAPES_SQL = (("0x5C", "0x5C5C"), (_TAB, "0x5C74"), ("0x0A", "0x5C6E"), ("0x0D", "0x5C72"))
_PLAIN_TEXTS = {"uuid", "inet4", "inet6"}
_WIDTHS = {"smallint": 16, "integer": 32, "bigint": 64}

Write = Callable[[bytes | None], bytes]


@dataclass(frozen=True, slots=True)
class Piece:
    """One value of the query that reads a table: some fields with tabs between, or one column as it is."""

    sql: str
    write: Write | None = None
    """Makes the field of a column as it is."""


def pieces(work: TableWork, most_bytes: int) -> list[Piece]:
    """What to ask of a table for the fields of its columns, in order.

    Args:
        work: The table.
        most_bytes: What the server's functions can give at most.
    """
    long_rows = _bytes_per_row(work) > _LONG
    found: list[Piece] = []
    fields: list[str] = []
    left = most_bytes
    for column in work.columns:
        size = _most_bytes(column, long_rows=long_rows)
        if size is None or size > left:
            if fields:
                found.append(_together(fields))
                fields, left = [], most_bytes
            if size is None or size > left:
                found.append(_as_it_is(column, work.target_system))
                continue
        fields.append(field_sql(column, work.target_system))
        left -= size
    return [*found, _together(fields)] if fields else found


def _together(fields: list[str]) -> Piece:
    return Piece(f"CONCAT_WS({_TAB}, {', '.join(fields)})")


def _bytes_per_row(work: TableWork) -> int:
    """What a row takes on the average, roughly and rather too much."""
    source = work.source
    return source.size_bytes // source.row_estimate if source.size_bytes and source.row_estimate else _LONG + 1


def _most_bytes(work: ColumnWork, *, long_rows: bool) -> int | None:
    """The bytes of a column's longest field; None where there is no telling, or too many."""
    column = work.source
    base, kind = mysql_type(column.type).base, mysql_kind(column.type)
    if work.expression is not None:
        return _SHORT * 1_000
    if base in _UNBOUNDED:
        return None
    if kind is Kind.TEXT and long_rows and (column.length or 0) > _LONG:
        # What the server's REPLACE takes grows with the square of the length.
        return None
    if kind is Kind.TEXT:
        # Four bytes a character, each of which may be escaped.
        return (column.length or 0) * 8 + _SHORT
    if kind is Kind.BINARY:
        return (column.length or 0) * 2 + _SHORT
    return None if kind is Kind.OTHER and base not in {"bit", *_PLAIN_TEXTS} else _SHORT


def _as_it_is(work: ColumnWork, target_system: str) -> Piece:
    binary = _goes_as_bytes(work, target_system) or mysql_kind(work.source.type) is Kind.OTHER
    return Piece(quote(work.source.name), _hex if binary else _text)


def _hex(value: bytes | None) -> bytes:
    return _NULL if value is None else b"\\\\x" + value.hex().encode()


def _text(value: bytes | None) -> bytes:
    if value is None:
        return _NULL
    for character, escape in _ESCAPES:
        value = value.replace(character, escape)
    return value


def _goes_as_bytes(work: ColumnWork, target_system: str) -> bool:
    source, target = mysql_kind(work.source.type), kind_of(target_system, work.target.type)
    return source is Kind.BINARY or (target is Kind.BINARY and target_system == "postgresql")


def field_sql(work: ColumnWork, target_system: str) -> str:
    """SQL for a column's field; never null."""
    value = _value_sql(work, target_system)
    return f"IFNULL({value}, {_NULL_SQL})" if work.source.nullable or work.expression is not None else value


def _value_sql(work: ColumnWork, target_system: str) -> str:
    value = work.expression or quote(work.source.name)
    if _goes_as_bytes(work, target_system):
        return f"CONCAT({_HEX_SQL}, HEX({value}))"
    if work.expression is not None:
        return _escaped(f"({value})")
    type_, kind = mysql_type(work.source.type), mysql_kind(work.source.type)
    if type_.base == "bit":
        bits = parse_type(work.target.type).base == "bit" and target_system == "postgresql"
        return (
            f"LPAD(BIN({value} + 0), {type_.arguments[0] if type_.arguments else 1:d}, '0')" if bits else f"{value} + 0"
        )
    if type_.base in _PLAIN_TEXTS:
        return f"CAST({value} AS CHAR)"
    match kind:
        case Kind.INTEGER | Kind.DECIMAL:
            return f"{value} + 0" if type_.zerofill else value
        case Kind.FLOAT:
            # As it is, a FLOAT would be written with fewer digits than it has.
            return f"{value} * 1e0"
        case Kind.DATE | Kind.TIME | Kind.TIMESTAMP:
            return value
        case Kind.TIMESTAMPTZ:
            return f"CONCAT({value}, '+00')"
        case _:
            return _escaped(value)


def _escaped(value: str) -> str:
    # As bytes, so that no collation has a say in what is replaced.
    sql = f"CAST(CONVERT({value} USING utf8mb4) AS BINARY)"
    for character, escape in _ESCAPES_SQL:
        sql = f"REPLACE({sql}, {character}, {escape})"
    return sql


def is_exact(work: ColumnWork) -> bool:
    """Whether PostgreSQL, reading the field, either keeps the value exactly or refuses it.

    Its parsing is lenient: too many digits behind the point are rounded, and blanks at the end of a text may go. Where
    a column was mapped to a type that its own does not fit, values are looked at one by one.
    """
    if work.expression is not None:
        return True
    source, type_, target = mysql_kind(work.source.type), mysql_type(work.source.type), parse_type(work.target.type)
    if target.base == "text" and not target.array:
        return source is not Kind.BINARY
    if type_.base == "bit":
        return target.base in {"boolean", "bit", *_WIDTHS}
    match source:
        case Kind.INTEGER:
            return target.base in {"boolean", *_WIDTHS} or (target.base == "numeric" and _scale(target.arguments) >= 0)
        case Kind.DECIMAL:
            return target.base == "numeric" and (
                not target.arguments or _scale(target.arguments) >= (work.source.scale or 0)
            )
        case Kind.FLOAT:
            return target.base == "double precision" or (target.base == "real" and type_.base == "float")
        case Kind.TEXT:
            length = target.arguments[0] if target.arguments else None
            return target.base in {"character varying", "character"} and (
                (length is None and target.base != "character")
                or (length is not None and work.source.length is not None and length >= work.source.length)
            )
        case Kind.DATE | Kind.UUID | Kind.JSON | Kind.BINARY:
            return kind_of("postgresql", work.target.type) is source or (
                target.base == "bytea" and source is Kind.BINARY
            )
        case Kind.TIME | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            digits = target.arguments[0] if target.arguments else 6
            same = kind_of("postgresql", work.target.type) is source or (
                target.base == "interval" and source is Kind.TIME
            )
            return same and digits >= type_.digits
        case _:
            return target.base == "bytea"


def _scale(arguments: tuple[int, ...]) -> int:
    return arguments[1] if len(arguments) > 1 else 0

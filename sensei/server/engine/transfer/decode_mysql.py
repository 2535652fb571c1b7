"""Fields that MySQL wrote, as values: for SQLite, and for PostgreSQL where each has to be looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sensei.server.engine.kinds import Kind, affinity, kind_of, mysql_kind, mysql_type
from sensei.server.engine.transfer.decode import Decoder, unescape
from sensei.server.engine.transfer.work import ColumnWork, TableWork

_NULL = r"\N"
_INTEGER = re.compile(r"-?\d+")
_UTC = re.compile(r"\+00$")


def decode(work: TableWork, text: bytes) -> list[tuple[Any, ...]]:
    """The rows of some lines."""
    # Stray bytes of a text that is no UTF-8 come as surrogates; whoever writes decides about them.
    lines = text.decode("utf-8", "surrogateescape").split("\n")[:-1]
    fields = zip(*[line.split("\t") for line in lines], strict=True)
    system = work.target_system
    return list(zip(*[_decoder(c, system)(f) for c, f in zip(work.columns, fields, strict=True)], strict=True))


def _decoder(work: ColumnWork, target_system: str) -> Decoder:
    """How the fields of a column become values."""
    to_sqlite = target_system == "sqlite"
    if work.expression is not None:
        return _each(unescape) if to_sqlite else _each(_guessed(kind_of(target_system, work.target.type)))
    type_, kind = mysql_type(work.source.type), mysql_kind(work.source.type)
    if type_.base == "bit" or kind is Kind.INTEGER:
        if to_sqlite and (affinity(work.target.type) not in {"integer", "numeric"} or not _may_be_huge(work)):
            # A column of SQLite's INTEGER affinity makes an exact integer of the digits itself.
            return _plain
        return _each(int if to_sqlite else _integer_or_text)
    match kind:
        case Kind.FLOAT:
            return _each(float)
        case Kind.BINARY:
            return _each(_bytes)
        case Kind.OTHER if kind_of(target_system, work.target.type) is Kind.BINARY:
            return _each(_bytes)
        case Kind.DECIMAL | Kind.TIME | Kind.TIMESTAMP if not to_sqlite:
            return _each(_without_zeroes)
        case Kind.TIMESTAMPTZ:
            return _each(lambda field: _UTC.sub("+00:00", field))
        case Kind.DECIMAL | Kind.DATE | Kind.TIME | Kind.TIMESTAMP | Kind.UUID:
            return _plain
        case _:
            return _each(unescape)


def _may_be_huge(work: ColumnWork) -> bool:
    """Whether a value may be beyond SQLite's integers, which would make a rounded number of it."""
    type_ = mysql_type(work.source.type)
    return (type_.base == "bigint" and type_.unsigned) or type_.arguments == (64,)


def _plain(fields: Sequence[str]) -> Sequence[Any]:
    if _NULL in fields:
        return [None if field == _NULL else field for field in fields]
    return fields


def _each(one: Callable[[str], Any]) -> Decoder:
    return lambda fields: [None if field == _NULL else one(field) for field in fields]


def _bytes(field: str) -> bytes:
    return bytes.fromhex(field[3:])


def _without_zeroes(field: str) -> str:
    """Noughts at the end of a fraction say nothing where a column has fewer digits."""
    return field.rstrip("0").removesuffix(".") if "." in field else field


def _integer_or_text(field: str) -> int | str:
    # The bits of a BIT column, where it stays one, are a text of noughts and ones.
    return int(field) if _INTEGER.fullmatch(field) else field


def _guessed(kind: Kind) -> Callable[[str], Any]:
    """What a transformation gave, as a value of the column it goes to; the column decides whether it fits."""

    def one(field: str) -> Any:
        text = unescape(field)
        if kind in {Kind.INTEGER, Kind.BOOLEAN} and _INTEGER.fullmatch(text):
            return int(text)
        if kind is Kind.FLOAT:
            try:
                return float(text)
            except ValueError:
                return text
        return _bytes(field) if kind is Kind.BINARY else text

    return one

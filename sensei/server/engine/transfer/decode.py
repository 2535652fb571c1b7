"""COPY's text format as values for SQLite, column by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sensei.server.engine.catalog import Column
from sensei.server.engine.kinds import Kind, affinity, postgresql_kind
from sensei.server.engine.transfer.work import ColumnWork

_NULL = r"\N"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

Decoder = Callable[[Sequence[str]], Sequence[Any]]


def unescape(text: str) -> str:
    """A COPY field that is not null, as the text it stands for."""
    return _ESCAPE.sub(lambda match: _LETTERS.get(match[1], match[1]), text) if "\\" in text else text


def decoder(work: ColumnWork) -> Decoder:
    """How the COPY fields of a column become values for its SQLite column."""
    if work.expression is not None:
        return _texts
    target = affinity(work.target.type)
    match _source_kind(work.source):
        case Kind.INTEGER:
            # A column of SQLite's INTEGER affinity makes an exact integer of the digits itself.
            return _plain
        case Kind.BOOLEAN:
            return _booleans if target != "text" else _plain
        case Kind.FLOAT if target in {"real", "numeric", "integer"}:
            return _floats
        case Kind.BINARY:
            return _bytes
        case Kind.TIMESTAMPTZ:
            return _moments
        case Kind.DECIMAL | Kind.UUID | Kind.DATE | Kind.TIME | Kind.TIMESTAMP | Kind.FLOAT:
            return _plain
        case _:
            return _texts


def _source_kind(column: Column) -> Kind:
    return postgresql_kind(column.base_type or column.type)


def _plain(fields: Sequence[str]) -> Sequence[Any]:
    if _NULL in fields:
        return [None if field == _NULL else field for field in fields]
    return fields


def _texts(fields: Sequence[str]) -> Sequence[Any]:
    if "\\" not in "".join(fields):
        return fields
    return [None if field == _NULL else unescape(field) for field in fields]


def _booleans(fields: Sequence[str]) -> Sequence[Any]:
    return [{"t": 1, "f": 0}.get(field) for field in fields]


def _floats(fields: Sequence[str]) -> Sequence[Any]:
    # SQLite turns NaN into null; as a text it survives.
    return [None if field == _NULL else (field if field == "NaN" else float(field)) for field in fields]


def _bytes(fields: Sequence[str]) -> Sequence[Any]:
    return [None if field == _NULL else bytes.fromhex(field[3:]) for field in fields]


def _moments(fields: Sequence[str]) -> Sequence[Any]:
    # The session is in UTC, so every offset reads +00, which SQLite's date functions want as +00:00.
    return [None if field == _NULL else field.replace("+00", "+00:00") for field in fields]

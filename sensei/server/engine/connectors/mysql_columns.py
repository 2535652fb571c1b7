"""One column of MySQL or MariaDB, from what information_schema tells of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sensei.server.engine.catalog import Column
from sensei.server.engine.kinds import Kind, mysql_kind, mysql_type

_LABEL = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPED = re.compile(r"''|\\(.)", re.DOTALL)
_ESCAPES = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "b": "\b"}
_NUMBERS = {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}
_PLAIN_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
_NOW = re.compile(r"(?:current_timestamp|now|localtime(?:stamp)?)(?:\(\d*\))?", re.IGNORECASE)


def is_json(described: tuple[Any, ...], checks: Iterable[tuple[Any, ...]]) -> bool:
    """Whether a column is JSON: a type in MySQL; in MariaDB a long text with a check of the column's name."""
    name, _, data_type = described[:3]
    if data_type == "json":
        return True
    return data_type == "longtext" and any(
        called == name and re.fullmatch(rf"json_valid\(`{re.escape(str(name))}`\)", str(clause), re.IGNORECASE)
        for called, clause in checks
    )


def column_of(described: tuple[Any, ...], position: int, *, document: bool, maria: bool) -> Column:
    """A column from its line of information_schema."""
    (name, written, data_type, nullable, default, extra, length, precision, scale, collation, comment, formula) = (
        described[:12]
    )
    base = str(data_type).lower()
    type_ = "json" if document else base if base in {"enum", "set"} else str(written)
    facts = str(extra).lower()
    kind = mysql_kind(type_)
    computed = str(formula) if formula else None
    textual = kind in {Kind.TEXT, Kind.BINARY, Kind.JSON}
    return Column(
        name=str(name),
        type=type_,
        nullable=str(nullable).upper() == "YES",
        default=None if computed is not None else _default(default, type_, kind, facts, maria=maria),
        position=position,
        length=int(length) if textual and length is not None else None,
        precision=int(precision) if precision is not None and kind in _NUMBERS else None,
        scale=int(scale) if scale is not None and kind is Kind.DECIMAL else None,
        autoincrement="auto_increment" in facts,
        computed=computed,
        collation=str(collation) if collation else None,
        comment=str(comment) if comment else None,
        choices=tuple(labels(str(written))) if base in {"enum", "set"} else (),
    )


def labels(written: str) -> list[str]:
    """The labels of ``enum('a','it''s')``, in order."""

    def plain(match: re.Match[str]) -> str:
        return "'" if match[1] is None else _ESCAPES.get(match[1], match[1])

    inside = written[written.index("(") + 1 : written.rindex(")")]
    return [_ESCAPED.sub(plain, found) for found in _LABEL.findall(inside)]


def _default(default: Any, type_: str, kind: Kind, facts: str, *, maria: bool) -> str | None:
    """The default as an expression: MariaDB tells it so, MySQL tells bare values."""
    if default is None:
        return None
    text = str(default)
    if kind in _NUMBERS:
        # With ZEROFILL, defaults have leading zeroes too.
        text = re.sub(r"^(-?)0+(?=\d)", r"\1", text)
    if maria:
        return None if text.upper() == "NULL" else text
    if "default_generated" in facts or (kind in {Kind.TIMESTAMP, Kind.TIMESTAMPTZ} and _NOW.fullmatch(text)):
        return text
    if mysql_type(type_).base == "bit" or (kind in _NUMBERS and _PLAIN_NUMBER.fullmatch(text)):
        return text
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

"""Defaults, checks and conditions from one dialect to the other, where the meaning surely stays the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time

import sqlglot
from sqlglot import expressions as e
from sqlglot.errors import SqlglotError

from sensei.server.engine.kinds import Kind

_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}

# Operators that both systems understand alike. LIKE is not among them: SQLite's ignores case.
_PLAIN: tuple[type[e.Expr], ...] = (
    e.And, e.Or, e.Not, e.Paren, e.EQ, e.NEQ, e.GT, e.GTE, e.LT, e.LTE, e.Is, e.In, e.Between,
    e.Neg, e.Add, e.Sub, e.Mul, e.Literal, e.Null, e.Column, e.Identifier, e.Tuple, e.Boolean,
)  # fmt: skip

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

_COMPARED: tuple[type[e.Expr], ...] = (e.EQ, e.NEQ, e.GT, e.GTE, e.LT, e.LTE, e.In, e.Between)


def _parse(text: str, system: str) -> e.Expr | None:
    try:
        return sqlglot.parse_one(text, read=_DIALECTS[system])
    except (SqlglotError, RecursionError):
        return None


def _without_casts(node: e.Expr) -> e.Expr:
    """PostgreSQL prints a cast around most literals; around a plain literal it says nothing."""

    def strip(part: e.Expr) -> e.Expr:
        if isinstance(part, e.Cast):
            return _bare(part)
        if isinstance(part, e.EQ) and isinstance(part.expression, e.Any):
            listed = part.expression.this
            while isinstance(listed, e.Paren | e.Cast):
                listed = listed.this
            if isinstance(listed, e.Array):
                return e.In(this=strip(part.this), expressions=[strip(item) for item in listed.expressions])
        return part

    return node.transform(strip)


def _bare(cast: e.Cast) -> e.Expr:
    inner = cast.this
    while isinstance(inner, e.Paren):
        inner = inner.this
    to = cast.to
    if isinstance(inner, e.Column):
        return inner if to.is_type(*e.DataType.TEXT_TYPES) else cast
    if isinstance(inner, e.Literal) and inner.is_string and to.is_type(*e.DataType.NUMERIC_TYPES):
        return e.Literal.number(inner.name) if _NUMBER.fullmatch(inner.name) else cast
    if isinstance(inner, e.Literal | e.Null) or (isinstance(inner, e.Neg) and isinstance(inner.this, e.Literal)):
        return inner
    return cast


def translate_condition(
    text: str,
    source: str,
    target: str,
    kinds: Mapping[str, tuple[Kind, Kind]],
    rename: Callable[[str], str],
) -> str | None:
    """A check or a partial index's condition in the target's SQL; None where its meaning is not surely the same.

    Args:
        text: The condition in the source's SQL.
        source: The source's system.
        target: The target's system.
        kinds: Column → (kind at the source, kind at the target).
        rename: Source column → target column.
    """
    parsed = _parse(text, source)
    if parsed is None:
        return None
    parsed = _without_casts(parsed)
    if source != target and not all(_same_meaning(node, kinds) for node in parsed.walk()):
        return None
    names = {name.lower(): name for name in kinds}
    for column in parsed.find_all(e.Column):
        # SQLite takes a quoted word that is no column for a string, so an unknown name is not carried over.
        name = column.name if column.name in kinds else names.get(column.name.lower())
        if name is None or column.table:
            return None
        column.set("this", e.Identifier(this=rename(name), quoted=True))
    return parsed.sql(dialect=_DIALECTS[target], identify=True)


def _same_meaning(node: e.Expr, kinds: Mapping[str, tuple[Kind, Kind]]) -> bool:
    if not isinstance(node, _PLAIN):
        return False
    if isinstance(node, _COMPARED):
        text = any(part.is_string for part in node.find_all(e.Literal))
        number = any(not part.is_string for part in node.find_all(e.Literal))
        for column in node.find_all(e.Column):
            pair = kinds.get(column.name)
            if pair is None or pair[0] is Kind.BOOLEAN or pair[1] is Kind.BOOLEAN:
                return False
            numeric = pair[1] in {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}
            was_numeric = pair[0] in {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}
            # A number kept as text no longer compares as a number; text beside a number differs between the two.
            if numeric != was_numeric or (text and numeric) or (number and not numeric):
                return False
    return True


def translate_default(text: str, source: str, target: str, kind: Kind) -> str | None:
    """A column's default in the target's SQL; None where there is no sure counterpart."""
    parsed = _parse(text, source)
    if parsed is None:
        return None
    if source == "postgresql":
        parsed = _without_casts(parsed)
    while isinstance(parsed, e.Paren):
        parsed = parsed.this
    if isinstance(parsed, e.Null):
        return "NULL"
    if isinstance(parsed, e.CurrentTimestamp | e.CurrentDate | e.CurrentTime):
        return _now_of_mysql(parsed, target, kind) if source == "mysql" else _now(parsed, target, kind)
    if isinstance(parsed, e.BitString):
        parsed = e.Literal.number(int(str(parsed.this), 2))
    value = parsed.this if isinstance(parsed, e.Neg) else parsed
    if isinstance(value, e.Boolean | e.Literal):
        return _constant(parsed, value, source, target, kind)
    return None


def _now(parsed: e.Expr, target: str, kind: Kind) -> str | None:
    wanted = Kind.DATE if isinstance(parsed, e.CurrentDate) else Kind.TIME
    if isinstance(parsed, e.CurrentTimestamp):
        if kind is Kind.TIMESTAMP:
            # SQLite's CURRENT_TIMESTAMP is the time in UTC.
            return "(now() AT TIME ZONE 'UTC')" if target == "postgresql" else "CURRENT_TIMESTAMP"
        if kind is Kind.TIMESTAMPTZ:
            return "CURRENT_TIMESTAMP" if target == "postgresql" else "(strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'))"
        return None
    if kind is not wanted:
        return None
    name = "CURRENT_DATE" if wanted is Kind.DATE else "CURRENT_TIME"
    if target == "sqlite":
        return name
    return f"((now() AT TIME ZONE 'UTC')::{wanted.value})"


def _now_of_mysql(parsed: e.Expr, target: str, kind: Kind) -> str | None:
    """What is now in the session's time zone; SQLite knows only UTC."""
    if kind is Kind.TIMESTAMPTZ and isinstance(parsed, e.CurrentTimestamp):
        return _now(parsed, target, kind)
    if target != "postgresql":
        return None
    wanted = Kind.DATE if isinstance(parsed, e.CurrentDate) else Kind.TIME
    if isinstance(parsed, e.CurrentTimestamp):
        return "LOCALTIMESTAMP" if kind is Kind.TIMESTAMP else None
    names = {Kind.DATE: "CURRENT_DATE", Kind.TIME: "LOCALTIME"}
    return names[wanted] if kind is wanted else None


_MOMENTS: dict[Kind, Callable[[str], object]] = {
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.TIMESTAMP: datetime.fromisoformat,
    Kind.TIMESTAMPTZ: datetime.fromisoformat,
}


def _is_moment(text: str, kind: Kind) -> bool:
    try:
        _MOMENTS[kind](text)
    except ValueError:
        return False
    return True


def _constant(parsed: e.Expr, value: e.Boolean | e.Literal, source: str, target: str, kind: Kind) -> str | None:
    if kind is Kind.BOOLEAN:
        truth = {"true": True, "false": False, "1": True, "0": False, "t": True, "f": False}.get(
            str(value.this).lower()
        )
        if truth is None or isinstance(parsed, e.Neg):
            return None
        return str(truth).upper() if target == "postgresql" else str(int(truth))
    if isinstance(value, e.Boolean):
        return str(int(bool(value.this))) if kind is Kind.INTEGER else None
    numeric = kind in {Kind.INTEGER, Kind.FLOAT, Kind.DECIMAL}
    if value.is_string and numeric:
        return str(value.this) if _NUMBER.fullmatch(str(value.this)) else None
    # Catalogs tell bytes as a text in a notation of their own, or lossily; and no system takes a NUL in its SQL.
    if kind is Kind.BINARY or "\0" in str(value.this) or (kind is Kind.OTHER and target == "postgresql"):
        return None
    if source == "mysql" and kind in _MOMENTS:
        # A date of zeroes is none elsewhere; the default of an instant is in the zone of whoever inserts.
        text = str(value.this)
        return f"'{text}'" if kind is not Kind.TIMESTAMPTZ and _is_moment(text, kind) else None
    if not value.is_string and not numeric:
        # Text defaults written as numbers are the text of the number.
        sign = "-" if isinstance(parsed, e.Neg) else ""
        return "'" + sign + str(value.this) + "'"
    return parsed.sql(dialect=_DIALECTS[target])

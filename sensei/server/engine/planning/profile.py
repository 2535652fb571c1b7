"""Look at what a SQLite table really holds: its types are advice, its values are facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.kinds import Kind, parse_type, sqlite_kind

_CLASSES = ("integer", "real", "text", "blob")
_COLUMNS_AT_A_TIME = 20
"""SQLite allows 2,000 result columns; few columns at a time keep the statements small."""


@dataclass(slots=True)
class ColumnProfile:
    """What one column holds."""

    classes: dict[str, int] = field(default_factory=dict[str, int])
    """Storage class → number of values, without nulls; for a column of one class only, that class → all values."""
    least: Any = None
    greatest: Any = None
    """Of integers and reals."""
    longest: int = 0
    """Characters of the longest text."""
    with_nul: int = 0
    """Texts that hold a NUL character."""
    facts: dict[str, int] = field(default_factory=dict[str, int])
    """How many values fail a test that the declared type calls for, by the test's name."""

    @property
    def values(self) -> int:
        """How many there are, without nulls."""
        return sum(self.classes.values())

    def only(self, *classes: str) -> bool:
        """Whether there are values, all of the given storage classes."""
        return bool(self.classes) and set(self.classes) <= set(classes)


@dataclass(slots=True)
class TableProfile:
    """What one table holds."""

    rows: int
    columns: dict[str, ColumnProfile]
    orphans: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])
    """Foreign key columns → rows that refer to nothing."""


def profile_table(connector: Connector, table: Table) -> TableProfile:
    """Look at every value of a SQLite table: one scan, and one more for each column that is not as declared."""
    name = connector.qualify(table.schema, table.name)
    profiles: dict[str, ColumnProfile] = {}
    rows = 0
    for start in range(0, max(len(table.columns), 1), _COLUMNS_AT_A_TIME):
        part = table.columns[start : start + _COLUMNS_AT_A_TIME]
        looks = [_look(column, connector.quote(column.name)) for column in part]
        found = iter(
            _row(connector, f"SELECT {', '.join(['count(*)', *(sql for look in looks for sql in look)])} FROM {name}")
        )
        rows = int(next(found))
        for column, look in zip(part, looks, strict=True):
            profile = _expected({sql: next(found) for sql in look}, column, connector.quote(column.name))
            profiles[column.name] = profile or _exact(connector, name, column)
    return TableProfile(rows=rows, columns=profiles)


def _row(connector: Connector, sql: str) -> tuple[Any, ...]:
    return next(iter(connector.stream(sql, 1)))[0]


_NUMBERS = {Kind.INTEGER, Kind.BOOLEAN, Kind.FLOAT, Kind.DECIMAL}
_TEXTS = {Kind.TEXT, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.UUID, Kind.JSON}


def _look(column: Column, quoted: str) -> list[str]:
    """What to ask of a column in the first scan.

    SQLite sorts null, numbers, texts, blobs in this order, so least and greatest tell which of them there are.
    """
    kind = sqlite_kind(column.type)
    if kind in _NUMBERS:
        asked = [f"count({quoted})", f"min({quoted})", f"max({quoted})", f"total(typeof({quoted}) = 'real')"]
        return [*asked, *_failures(_tests(column, quoted, "number"), quoted)]
    if kind in _TEXTS:
        asked = [f"count({quoted})", f"typeof(min({quoted}))", f"typeof(max({quoted}))", *_text_sizes(quoted)]
        return [*asked, *_failures(_tests(column, quoted, "text"), quoted)]
    class_ = f"nullif(typeof({quoted}), 'null')"
    return [f"count({quoted})", f"min({class_})", f"max({class_})"]


def _text_sizes(quoted: str) -> list[str]:
    # NUL ends a text for length(), but not for instr(), which looks into blobs as well.
    return [f"max(length({quoted}))", f"total(instr({quoted}, char(0)) > 0)"]


def _failures(tests: dict[str, str], quoted: str) -> list[str]:
    """How many values fail each test."""
    return [f"total(NOT coalesce({sql}, 0)) - total({quoted} IS NULL)" for sql in tests.values()]


def _expected(found: dict[str, Any], column: Column, quoted: str) -> ColumnProfile | None:
    """The profile of a column that is as declared; None where it must be looked at more closely."""
    kind = sqlite_kind(column.type)
    count, least, greatest, *rest = found.values()
    profile = ColumnProfile()
    if not count:
        return profile
    if kind in _NUMBERS:
        if not isinstance(least, int | float) or not isinstance(greatest, int | float):
            return None
        reals = int(rest[0])
        counts = {"integer": int(count) - reals, "real": reals}
        profile.classes = {class_: number for class_, number in counts.items() if number}
        profile.least, profile.greatest = least, greatest
        profile.facts = dict(zip(_tests(column, quoted, "number"), map(int, rest[1:]), strict=True))
        return profile
    if kind in _TEXTS:
        if least != "text" or greatest != "text":
            return None
        profile.classes = {"text": int(count)}
        profile.longest, profile.with_nul = int(rest[0] or 0), int(rest[1])
        profile.facts = dict(zip(_tests(column, quoted, "text"), map(int, rest[2:]), strict=True))
        if kind in _FIRST_TESTS and profile.facts[_FIRST_TESTS[kind][0]]:
            return None
        return profile
    if least == greatest == "blob":
        profile.classes = {"blob": int(count)}
        return profile
    return None


def _exact(connector: Connector, name: str, column: Column) -> ColumnProfile:
    """The profile of a column that may hold anything."""
    quoted = connector.quote(column.name)
    sums = ", ".join(f"total(typeof({quoted}) = '{class_}')" for class_ in _CLASSES)
    number = f"CASE WHEN typeof({quoted}) IN ('integer', 'real') THEN {quoted} END"
    text = f"CASE WHEN typeof({quoted}) = 'text' THEN {quoted} END"
    longest, with_nul = _text_sizes(quoted)[0], _text_sizes(text)[1]
    found = _row(connector, f"SELECT {sums}, min({number}), max({number}), {longest}, {with_nul} FROM {name}")
    profile = ColumnProfile(least=found[4], greatest=found[5], longest=int(found[6] or 0))
    profile.classes = {class_: int(count) for class_, count in zip(_CLASSES, found[:4], strict=True) if count}
    profile.with_nul = int(found[7])
    numbers = profile.only("integer", "real")
    held = "text" if profile.only("text") else "number" if numbers else "mixed"
    if tests := _tests(column, quoted, held, closely=True):
        failed = _row(connector, f"SELECT {', '.join(_failures(tests, quoted))} FROM {name}")
        profile.facts = dict(zip(tests, map(int, failed), strict=True))
    return profile


_FIRST_TESTS = {Kind.DATE: ("date",), Kind.TIMESTAMP: ("naive",), Kind.TIMESTAMPTZ: ("zoned", "utc")}
"""What a moment declared like this most likely is; only where it is not, the other forms are tried as well."""


def _tests(column: Column, quoted: str, held: str, *, closely: bool = False) -> dict[str, str]:
    """The tests that the declared type calls for where `held` is held, as SQL that is true for a value that passes."""
    kind = sqlite_kind(column.type)
    if kind is Kind.DECIMAL and held == "number":
        arguments = parse_type(column.type).arguments
        if not arguments:
            return {}
        precision, scale = arguments[0], arguments[1] if len(arguments) > 1 else 0
        return {"fits": f"({_has_scale(quoted, precision, scale)} AND abs({quoted}) < 1e{precision - scale:d})"}
    if kind is Kind.FLOAT and held != "number":
        # SQLite has no NaN; the text is how it survives there.
        return {"number": f"(typeof({quoted}) IN ('integer', 'real') OR {quoted} = 'NaN')"}
    if held != "text":
        return {}
    match kind:
        case Kind.DATE | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            tests = {
                "date": _day(quoted),
                "naive": _timestamp(quoted, zoned=False),
                "zoned": _timestamp(quoted, zoned=True),
                "utc": f"(substr({quoted}, -1) = 'Z' OR substr({quoted}, -6) = '+00:00')",
            }
            return tests if closely else {test: tests[test] for test in _FIRST_TESTS[kind]}
        case Kind.TIME:
            clock = f"substr({quoted}, 1, 8)"
            return {"time": f"({_clock(clock)} AND {_fraction(quoted, 9)})"}
        case Kind.UUID:
            hexes = "-".join("[0-9a-f]" * n for n in (8, 4, 4, 4, 12))
            return {"uuid": f"({quoted} GLOB '{hexes}')"}
        case Kind.JSON:
            return {"json": f"json_valid({quoted})"}
        case _:
            return {}


_EXACT_DIGITS = 15
"""Decimal digits that a float holds whatever they are."""


def _has_scale(quoted: str, precision: int, scale: int) -> str:
    """True for a number with no more decimal places than that."""
    if not 0 <= scale <= precision <= _EXACT_DIGITS:
        return f"{quoted} = round({quoted}, {scale:d})"
    # The nearest such number, by a division that is exact to the last bit; round() prints and parses instead.
    half = f"CASE WHEN {quoted} < 0 THEN -0.5 ELSE 0.5 END"
    return f"{quoted} = CAST({quoted} * 1e{scale:d} + {half} AS INTEGER) / 1e{scale:d}"


def _fraction(text: str, start: int) -> str:
    rest = f"substr({text}, {start:d})"
    digits = " OR ".join(f"{rest} GLOB '.{'[0-9]' * n}'" for n in range(1, 7))
    return f"({rest} = '' OR {digits})"


def _day(text: str) -> str:
    # Without the modifier SQLite takes 30 February as it is.
    # The year is compared as a text of its own, as a bare column may turn the other side into a number.
    return f"(date({text}, '+0 days') = {text} AND substr({text}, 1, 4) > '0000')"


def _clock(text: str) -> str:
    return f"{text} GLOB '[0-2][0-9]:[0-5][0-9]:[0-5][0-9]' AND {text} < '24'"


def _timestamp(quoted: str, *, zoned: bool) -> str:
    """True for a valid date, a blank or T, a valid time, at most six digits of a second, and a zone if wanted."""
    day, clock = f"substr({quoted}, 1, 10)", f"substr({quoted}, 12, 8)"
    body = quoted
    zone = "1"
    if zoned:
        offset = f"substr({quoted}, -6)"
        is_z = f"substr({quoted}, -1) = 'Z'"
        body = f"substr({quoted}, 1, length({quoted}) - CASE WHEN {is_z} THEN 1 ELSE 6 END)"
        # PostgreSQL takes offsets below 16 hours.
        zone = f"({is_z} OR {offset} GLOB '[+-]0[0-9]:[0-5][0-9]' OR {offset} GLOB '[+-]1[0-5]:[0-5][0-9]')"
    closely = (
        f"({zone} AND {_day(day)} AND substr({quoted}, 11, 1) IN (' ', 'T')"
        f" AND {_clock(clock)} AND {_fraction(body, 20)})"
    )
    if zoned:
        return closely
    # The usual form is what SQLite itself writes: one call tells, and only other forms are taken apart.
    usual = f"(datetime({quoted}, '+0 days') = {quoted} AND substr({quoted}, 1, 4) > '0000')"
    return f"CASE WHEN {usual} THEN 1 ELSE {closely} END"

"""Look at what a SQLite table really holds: its types are advice, its values are facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """Look at every value of a SQLite table, in a few scans."""
    name = connector.qualify(table.schema, table.name)
    columns = [column for column in table.columns]
    profiles = {column.name: ColumnProfile() for column in columns}
    rows = 0
    for start in range(0, max(len(columns), 1), _COLUMNS_AT_A_TIME):
        part = columns[start : start + _COLUMNS_AT_A_TIME]
        rows = _classes(connector, name, part, profiles)
    for column in columns:
        profile = profiles[column.name]
        if profile.values:
            _details(connector, name, column, profile)
    return TableProfile(rows=rows, columns=profiles)


def _row(connector: Connector, sql: str) -> tuple[Any, ...]:
    return next(iter(connector.stream(sql, 1)))[0]


def _classes(connector: Connector, name: str, columns: Sequence[Column], profiles: dict[str, ColumnProfile]) -> int:
    parts = ["count(*)"]
    for column in columns:
        quoted = connector.quote(column.name)
        class_ = f"nullif(typeof({quoted}), 'null')"
        parts += [f"count({quoted})", f"min({class_})", f"max({class_})"]
    row = _row(connector, f"SELECT {', '.join(parts)} FROM {name}")
    for at, column in enumerate(columns):
        count, first, last = row[1 + at * 3 : 4 + at * 3]
        if first is None:
            continue
        if first == last:
            profiles[column.name].classes = {first: count}
        else:
            quoted = connector.quote(column.name)
            sums = ", ".join(f"total(typeof({quoted}) = '{class_}')" for class_ in _CLASSES)
            found = _row(connector, f"SELECT {sums} FROM {name}")
            profiles[column.name].classes = {
                class_: int(number) for class_, number in zip(_CLASSES, found, strict=True) if number
            }
    return int(row[0])


def _details(connector: Connector, name: str, column: Column, profile: ColumnProfile) -> None:
    quoted = connector.quote(column.name)
    wanted: list[tuple[str, Callable[[Any], None]]] = []

    def least(value: Any) -> None:
        profile.least = value

    def greatest(value: Any) -> None:
        profile.greatest = value

    def longest(value: Any) -> None:
        profile.longest = int(value or 0)

    def with_nul(value: Any) -> None:
        profile.with_nul = int(value or 0)

    if {"integer", "real"} & set(profile.classes):
        numeric = f"CASE WHEN typeof({quoted}) IN ('integer', 'real') THEN {quoted} END"
        number = quoted if profile.only("integer", "real") else numeric
        wanted += [(f"min({number})", least), (f"max({number})", greatest)]
    if "text" in profile.classes:
        # NUL ends a text for length(), but not for instr().
        wanted += [(f"max(length({quoted}))", longest), (f"total(instr({quoted}, char(0)) > 0)", with_nul)]
    for test, sql in _tests(column, quoted, profile).items():
        wanted.append((f"total(NOT coalesce({sql}, 0)) - total({quoted} IS NULL)", _keep(profile.facts, test)))
    if not wanted:
        return
    row = _row(connector, f"SELECT {', '.join(sql for sql, _ in wanted)} FROM {name}")
    for (_, keep), value in zip(wanted, row, strict=True):
        keep(value)


def _keep(facts: dict[str, int], test: str) -> Callable[[Any], None]:
    def keep(value: Any) -> None:
        facts[test] = int(value or 0)

    return keep


def _tests(column: Column, quoted: str, profile: ColumnProfile) -> dict[str, str]:
    """The tests that the declared type calls for, as SQL that is true for a value that passes."""
    kind = sqlite_kind(column.type)
    if kind is Kind.DECIMAL and profile.only("integer", "real"):
        arguments = parse_type(column.type).arguments
        if not arguments:
            return {}
        precision, scale = arguments[0], arguments[1] if len(arguments) > 1 else 0
        return {"fits": f"({quoted} = round({quoted}, {scale:d}) AND abs({quoted}) < 1e{precision - scale:d})"}
    if kind is Kind.FLOAT and "text" in profile.classes and "blob" not in profile.classes:
        # SQLite has no NaN; the text is how it survives there.
        return {"number": f"(typeof({quoted}) <> 'text' OR {quoted} = 'NaN')"}
    if not profile.only("text"):
        return {}
    match kind:
        case Kind.DATE | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return {
                "date": f"(date({quoted}) = {quoted} AND {quoted} >= '0001')",
                "naive": _timestamp(quoted, zoned=False),
                "zoned": _timestamp(quoted, zoned=True),
                "utc": f"(substr({quoted}, -1) = 'Z' OR substr({quoted}, -6) = '+00:00')",
            }
        case Kind.TIME:
            clock = f"substr({quoted}, 1, 8)"
            return {"time": f"(time({clock}) = {clock} AND {clock} < '24' AND {_fraction(quoted, 9)})"}
        case Kind.UUID:
            hexes = "-".join("[0-9a-f]" * n for n in (8, 4, 4, 4, 12))
            return {"uuid": f"({quoted} GLOB '{hexes}')"}
        case Kind.JSON:
            return {"json": f"json_valid({quoted})"}
        case _:
            return {}


def _fraction(text: str, start: int) -> str:
    rest = f"substr({text}, {start:d})"
    digits = " OR ".join(f"{rest} GLOB '.{'[0-9]' * n}'" for n in range(1, 7))
    return f"({rest} = '' OR {digits})"


def _timestamp(quoted: str, *, zoned: bool) -> str:
    """True for a valid date, a blank or T, a valid time to the second, at most six digits more, and a zone if wanted."""
    day, clock = f"substr({quoted}, 1, 10)", f"substr({quoted}, 12, 8)"
    body = quoted
    zone = "1"
    if zoned:
        offset = f"substr({quoted}, -6)"
        is_z = f"substr({quoted}, -1) = 'Z'"
        body = f"substr({quoted}, 1, length({quoted}) - CASE WHEN {is_z} THEN 1 ELSE 6 END)"
        # PostgreSQL takes offsets below 16 hours.
        zone = f"({is_z} OR {offset} GLOB '[+-]0[0-9]:[0-5][0-9]' OR {offset} GLOB '[+-]1[0-5]:[0-5][0-9]')"
    return (
        f"({zone} AND date({day}) = {day} AND {quoted} >= '0001' AND substr({quoted}, 11, 1) IN (' ', 'T')"
        f" AND time({clock}) = {clock} AND {clock} < '24' AND {_fraction(body, 20)})"
    )

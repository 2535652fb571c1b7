"""Look at what a MySQL table holds, as far as its types do not tell: one scan."""

from __future__ import annotations

from typing import Any

from sensei.server.engine.catalog import Column, ForeignKey, Table
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.kinds import Kind, mysql_kind, mysql_type
from sensei.server.engine.planning.profile import ColumnProfile, TableProfile

_COLUMNS_AT_A_TIME = 200
_DAYS = {Kind.DATE, Kind.TIMESTAMP, Kind.TIMESTAMPTZ}


def profile_mysql_table(connector: Connector, table: Table, *, nul_counts: bool) -> TableProfile:
    """Look at every value that may not fit the target.

    Args:
        connector: Of the source.
        table: What to look at.
        nul_counts: Whether a text with a NUL character is something to know of.
    """
    name = connector.qualify(table.schema, table.name)
    profiles: dict[str, ColumnProfile] = {}
    rows = 0
    for start in range(0, max(len(table.columns), 1), _COLUMNS_AT_A_TIME):
        part = table.columns[start : start + _COLUMNS_AT_A_TIME]
        looks = [_look(column, connector.quote(column.name), nul_counts=nul_counts) for column in part]
        asked = ", ".join(["count(*)", *(sql for look in looks for sql in look.values())])
        found = iter(_row(connector, f"SELECT {asked} FROM {name}"))
        rows = int(next(found))
        for column, look in zip(part, looks, strict=True):
            profiles[column.name] = _profile({fact: next(found) for fact in look})
    return TableProfile(rows=rows, columns=profiles)


def _row(connector: Connector, sql: str) -> tuple[Any, ...]:
    return next(iter(connector.stream(sql, 1)))[0]


def _look(column: Column, quoted: str, *, nul_counts: bool) -> dict[str, str]:
    """What to ask of a column."""
    kind, type_ = mysql_kind(column.type), mysql_type(column.type)
    if kind in _DAYS:
        # A day that is counted and comes back as another is none: zeroes, and the 30th of February.
        day = f"date({quoted})"
        return {"unreal": f"sum({quoted} IS NOT NULL AND NOT (from_days(to_days({day})) <=> {day}))"}
    if kind is Kind.TIME:
        return {"outside": f"sum({quoted} < '00:00:00' OR {quoted} >= '24:00:00')"}
    if (type_.base, type_.arguments, type_.unsigned) == ("tinyint", (1,), False) or (
        type_.base == "bigint" and type_.unsigned
    ):
        return {"count": f"count({quoted})", "least": f"min({quoted})", "greatest": f"max({quoted})"}
    if type_.base == "bit":
        return {"count": f"count({quoted})", "greatest": f"max({quoted} + 0)"}
    if nul_counts and kind is Kind.TEXT and type_.base not in {"enum", "set"}:
        return {"nul": f"sum(locate(0x00, CAST(CONVERT({quoted} USING utf8mb4) AS BINARY)) > 0)"}
    return {}


def _profile(found: dict[str, Any]) -> ColumnProfile:
    profile = ColumnProfile(
        least=_number(found.get("least")), greatest=_number(found.get("greatest")), with_nul=int(found.get("nul") or 0)
    )
    if count := int(found.get("count") or 0):
        profile.classes = {"value": count}
    profile.facts = {fact: int(found[fact] or 0) for fact in ("unreal", "outside") if fact in found}
    return profile


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def count_mysql_orphans(connector: Connector, table: Table, key: ForeignKey, parent: Table) -> int:
    """The rows that refer to nothing.

    MySQL mostly sees to it that there are none, but not while its checks are off; and keys that differ in case are the
    same to it, though not to the target.
    """
    name, quote = connector.qualify(table.schema, table.name), connector.quote
    whole = " AND ".join(f"{quote(column)} IS NOT NULL" for column in key.columns)
    parts = [f"{quote(column)} AS k{number}" for number, column in enumerate(key.columns)]
    pairs = [f"p.{quote(theirs)} = c.k{number}" for number, theirs in enumerate(key.referenced_columns)]
    texts = [n for n, column in enumerate(key.columns) if mysql_kind(table.column(column).type) is Kind.TEXT]
    pairs += [f"CAST(p.{quote(key.referenced_columns[n])} AS BINARY) = CAST(c.k{n} AS BINARY)" for n in texts]
    # So many keys are looked up, not so many rows; unless that would put different keys together.
    number, group = ("1", "") if texts else ("count(*)", f" GROUP BY {', '.join(map(quote, key.columns))}")
    # As a join: in a subquery, MariaDB remembers what it found for a key of another case.
    found = connector.scalar(
        f"SELECT sum(c.n) FROM (SELECT {', '.join(parts)}, {number} AS n FROM {name} WHERE {whole}{group}) AS c "
        f"LEFT JOIN {connector.qualify(parent.schema, parent.name)} AS p ON {' AND '.join(pairs)} "
        f"WHERE p.{quote(key.referenced_columns[0])} IS NULL"
    )
    return int(found or 0)

"""Leaves rows out of the comparison that were left out of the migration with a recorded error.

Such rows are known by number, not by name. So their keys are found first, by reading the keys of both sides; when
there are no more missing keys than recorded errors, the source is looked at without those rows from then on, and
everything else must agree to the last value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.validation.cells import Columns, NotInKeyOrderError, Row, compare_in_key_order
from sensei.server.engine.validation.kinds import Kind
from sensei.server.engine.validation.pairs import TablePair, bytewise, key_order

_AT_MOST = 2_000
_ALIAS = "carried"


def without_left_out_rows(pair: TablePair, source: Connector, target: Connector, left_out: int) -> TablePair:
    """The pair with its source reduced to the rows that were carried; marked where that cannot be told."""
    if not left_out:
        return pair
    untold = dataclasses.replace(pair, comparable=False)
    if left_out > _AT_MOST or not pair.can_be_walked:
        return untold
    if any(pair.columns[position].kind is Kind.ANY for position in pair.key):
        return untold
    keys = _missing_keys(pair, source, target)
    if keys is None:
        return untold
    if not keys or len(keys) > left_out:
        return pair
    listed = ", ".join(f"({', '.join(map(_literal, key))})" for key in keys)
    values = [(pair.columns[position].kind, pair.columns[position].source_value) for position in pair.key]
    if source.system == "mysql":
        # By the bytes, as a key may ignore case; and without the word that MySQL knows only in its newest form.
        columns = ", ".join(bytewise("mysql", kind, value) for kind, value in values)
        condition = f"({columns}) NOT IN ({listed})"
    else:
        columns = ", ".join(value for _, value in values)
        condition = f"({columns}) NOT IN (VALUES {listed})" if len(pair.key) > 1 else f"{columns} NOT IN ({listed})"
    return dataclasses.replace(
        pair,
        source_name=f"(SELECT * FROM {pair.source_name} WHERE {condition}) AS {_ALIAS}",
        left_out=len(keys),
    )


def _missing_keys(pair: TablePair, source: Connector, target: Connector) -> list[Row] | None:
    """Keys that only the source has; None if there are more than a few or the sides cannot be read alike."""
    collector = _Collector()
    columns = [pair.columns[position] for position in pair.key]

    def read(connector: Connector, side: str) -> Iterator[list[Row]]:
        raw = ", ".join(c.source_raw if side == "source" else c.target_raw for c in columns)
        name = pair.source_name if side == "source" else pair.target_name
        return connector.stream(f"SELECT {raw} FROM {name} ORDER BY {key_order(pair, side, connector.system)}")

    try:
        compare_in_key_order(
            read(source, "source"),
            read(target, "target"),
            key=range(len(columns)),
            normalizers=[column.normalize for column in columns],
            observer=collector,
        )
    except NotInKeyOrderError:
        return None
    return collector.missing()


class _Collector:
    """Keeps the keys of batches that differ."""

    def __init__(self) -> None:
        self._lone: tuple[set[Row], set[Row]] = (set(), set())

    def both(self, columns: Columns) -> None: ...

    def source(self, columns: Columns) -> None:
        self._settle(set(zip(*columns, strict=True)), 0)

    def target(self, columns: Columns) -> None:
        self._settle(set(zip(*columns, strict=True)), 1)

    def _settle(self, keys: set[Row], side: int) -> None:
        mine, others = self._lone[side], self._lone[1 - side]
        paired = keys & others
        others -= paired
        mine |= keys - paired

    def missing(self) -> list[Row]:
        return sorted(self._lone[0], key=repr)


def _literal(value: object) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"

"""Which table and column of the target holds what of the source, and how both are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.expressions import render_expression
from sensei.server.engine.job import Job
from sensei.server.engine.plan import DecidedMapping, TablePlan
from sensei.server.engine.validation.forms import (
    Kind,
    Normalize,
    compared_as,
    fits_a_double,
    normalizer,
    select_expression,
)

# Kinds whose values both systems sort alike, once text is told to sort by its bytes.
_SORTED_ALIKE = (Kind.INTEGER, Kind.TEXT, Kind.UUID, Kind.ANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPair:
    """One column on both sides."""

    source: Column
    target: Column
    kind: Kind
    source_value: str
    """SQL for the value as it was transferred, in the source's language."""
    target_value: str
    source_raw: str
    """SQL for the value in the raw form for comparing."""
    target_raw: str
    is_transformed: bool
    as_stored: bool
    """Both sides store values alike: the same bytes are expected."""

    @property
    def normalize(self) -> Normalize:
        """Gives a value's normal form."""
        return normalizer(self.kind, as_stored=self.as_stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePair:
    """One table on both sides."""

    source: Table
    target: Table
    """As planned and decided."""
    source_name: str
    """Ready for SQL."""
    target_name: str
    columns: tuple[ColumnPair, ...]
    key: tuple[int, ...]
    """Positions in `columns` of the primary key, if all of it was carried over and cannot be null; else empty."""
    left_out: int = 0
    """Rows that were left out of the migration and that `source_name` does not show."""
    comparable: bool = True
    """Whether both names stand for the same rows if the migration was faithful."""

    @property
    def label(self) -> str:
        """The table's name for people and progress."""
        return self.source.qualified_name

    def position(self, source_column: str) -> int | None:
        """Where a source column is in `columns`; None if it was left out."""
        for position, pair in enumerate(self.columns):
            if pair.source.name == source_column:
                return position
        return None

    @property
    def can_be_walked(self) -> bool:
        """Whether both sides can be asked for the rows in the same order."""
        return bool(self.key) and all(self.columns[position].kind in _SORTED_ALIKE for position in self.key)


def table_pairs(job: Job, source: Connector, target: Connector) -> tuple[TablePair, ...]:
    """The tables that a migration carries over, with what was decided about their columns."""
    return tuple(_pair(plan, job.mappings, source, target) for plan in job.plan.tables if plan.source.type == "table")


def decided_target(plan: TablePlan, mappings: Sequence[DecidedMapping]) -> Table:
    """The target table as it is to be after review: columns renamed, retyped and left out as decided."""
    chosen = {m.source.column: m for m in mappings if _is_of(m, plan.source) and not m.rejected}
    if not chosen:
        return plan.target
    first = next(iter(chosen.values()))
    names = _planned_names(plan)
    renamed = {names[column]: m.target.column for column, m in chosen.items() if column in names}
    columns = tuple(
        dataclasses.replace(column, name=renamed[column.name], type=_decided_type(column, chosen, renamed))
        for column in plan.target.columns
        if column.name in renamed
    )
    kept = set(renamed)

    def still(names: Sequence[str]) -> bool:
        return set(names) <= kept

    def new(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(renamed[name] for name in names)

    target = plan.target
    return dataclasses.replace(
        target,
        schema=first.target.schema,
        name=first.target.table,
        columns=columns,
        primary_key=new(target.primary_key) if still(target.primary_key) else (),
        foreign_keys=tuple(
            dataclasses.replace(key, columns=new(key.columns)) for key in target.foreign_keys if still(key.columns)
        ),
        indexes=tuple(
            dataclasses.replace(index, columns=new(index.columns)) for index in target.indexes if still(index.columns)
        ),
        unique_constraints=tuple(
            dataclasses.replace(unique, columns=new(unique.columns))
            for unique in target.unique_constraints
            if still(unique.columns)
        ),
    )


def _planned_names(plan: TablePlan) -> dict[str, str]:
    """Target column by source column, as first planned: both lists are in the same order, generated columns aside."""
    carried = [column.name for column in plan.source.columns if column.computed is None]
    if len(carried) != len(plan.target.columns):
        known = {column.name for column in plan.target.columns}
        return {name: name for name in carried if name in known}
    return dict(zip(carried, (column.name for column in plan.target.columns), strict=True))


def _decided_type(column: Column, chosen: dict[str, DecidedMapping], renamed: dict[str, str]) -> str:
    for mapping in chosen.values():
        if mapping.target.column == renamed[column.name]:
            return mapping.target.type
    return column.type


def _is_of(mapping: DecidedMapping, table: Table) -> bool:
    return mapping.source.table == table.name and mapping.source.schema == table.schema


def _pair(plan: TablePlan, mappings: Sequence[DecidedMapping], source: Connector, target: Connector) -> TablePair:
    decided = decided_target(plan, mappings)
    columns = tuple(
        _column_pair(plan.source, decided.column(m.target.column), m, source, target)
        for m in mappings
        if _is_of(m, plan.source) and not m.rejected
    )
    positions = {pair.source.name: position for position, pair in enumerate(columns)}
    key = tuple(positions[name] for name in plan.source.primary_key if name in positions)
    whole = len(key) == len(plan.source.primary_key)
    # SQLite admits nulls in primary keys that are not declared NOT NULL, but for a rowid.
    sure = all(not columns[p].target.nullable or columns[p].target.name in decided.primary_key for p in key)
    return TablePair(
        source=plan.source,
        target=decided,
        source_name=source.qualify(plan.source.schema, plan.source.name),
        target_name=target.qualify(decided.schema, decided.name),
        columns=columns,
        key=key if whole and sure and not any(columns[p].is_transformed for p in key) else (),
    )


def _column_pair(
    table: Table, planned: Column, mapping: DecidedMapping, source: Connector, target: Connector
) -> ColumnPair:
    column = table.column(mapping.source.column)
    transformed = mapping.transformation is not None
    from_source = (
        source.quote(column.name)
        if mapping.transformation is None
        else render_expression(mapping.transformation, table, source.system)
    )
    from_target = target.quote(planned.name)
    kind = (
        compared_as(source.system, column, target.system, planned)
        if not transformed or "sqlite" in (source.system, target.system)
        # What an expression gives has no declared type; the column it went into has.
        else compared_as("sqlite", column, target.system, planned)
    )
    as_double = kind is Kind.DECIMAL and fits_a_double(planned if target.system != "sqlite" else column)
    return ColumnPair(
        source=column,
        target=planned,
        kind=kind,
        source_value=from_source,
        target_value=from_target,
        source_raw=select_expression(source.system, kind, from_source, as_double=as_double),
        target_raw=select_expression(target.system, kind, from_target, as_double=as_double),
        is_transformed=transformed,
        as_stored=source.system == target.system == "sqlite" and not transformed,
    )


def rows_query(pair: TablePair, side: str, system: str, *, ordered: bool, descending: bool = False) -> str:
    """SQL for all rows of one side in raw form.

    Parameters:
        side: ``source`` or ``target``.
        ordered: By the key, text by its bytes.
    """
    values = ", ".join(c.source_raw if side == "source" else c.target_raw for c in pair.columns)
    name = pair.source_name if side == "source" else pair.target_name
    query = f"SELECT {values} FROM {name}"
    return f"{query} ORDER BY {key_order(pair, side, system, descending=descending)}" if ordered else query


def key_order(pair: TablePair, side: str, system: str, *, descending: bool = False) -> str:
    """The ORDER BY that sorts both sides alike."""
    parts: list[str] = []
    for position in pair.key:
        column = pair.columns[position]
        value = column.source_value if side == "source" else column.target_value
        parts.append(bytewise(system, column.kind, value) + (" DESC" if descending else ""))
    return ", ".join(parts)


def bytewise(system: str, kind: Kind, value: str) -> str:
    """`value` so that it sorts by its bytes."""
    if kind not in (Kind.TEXT, Kind.CHAR, Kind.UUID, Kind.ANY, Kind.OTHER):
        return value
    match system:
        case "postgresql":
            return f'({value})::text COLLATE "C"'
        case "mysql":
            return f"CAST({value} AS BINARY)"
        case _:
            return f"{value} COLLATE BINARY"

"""Which table and column of the target holds what of the source, and how both are read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.connectors.base import Connector
from sensei.server.engine.job import Job
from sensei.server.engine.kinds import affinity, mysql_type, parse_type
from sensei.server.engine.transfer.work import ColumnWork, TableWork, works
from sensei.server.engine.validation.forms import Normalize, normalizer
from sensei.server.engine.validation.kinds import (
    Kind,
    compared_as,
    counts_as_number,
    family,
    fits_a_double,
    select_expression,
)

_SORTED_ALIKE = (Kind.INTEGER, Kind.TEXT, Kind.UUID, Kind.ANY)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPair:
    """One column on both sides."""

    source: Column
    target: Column
    kind: Kind
    source_name: str
    """The column itself, ready for SQL."""
    target_name: str
    source_value: str
    """SQL for the value as it was transferred, in the source's language."""
    target_value: str
    source_raw: str
    """SQL for the value in the raw form for comparing."""
    target_raw: str
    is_transformed: bool
    as_stored: bool
    """Both sides store values alike: the same bytes are expected."""
    source_is_number: bool
    """The source itself takes the values for numbers, and not for the texts that spell them."""
    target_is_number: bool
    is_respelled: bool = False
    """Numbers of SQLite became texts, which no query of SQLite spells or sorts as the target does."""

    @property
    def is_number(self) -> bool:
        """Whether both databases take the values for numbers."""
        return self.kind.is_number and self.source_is_number and self.target_is_number

    @property
    def is_sorted_alike(self) -> bool:
        """Whether both databases sort the values alike, once text is told to sort by its bytes."""
        return self.kind in _SORTED_ALIKE and not self.is_respelled and (self.is_number or not self.kind.is_number)

    @property
    def normalize(self) -> Normalize:
        """Gives a value's normal form."""
        return normalizer(self.kind, as_stored=self.as_stored)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a table cannot be compared."""

    side: str
    message: str


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
    unreadable: Unreadable | None = None
    """Set where one of the tables cannot be read as the plan says."""

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
        return bool(self.key) and all(self.columns[position].is_sorted_alike for position in self.key)


def table_pairs(job: Job, source: Connector, target: Connector) -> tuple[TablePair, ...]:
    """The tables that a migration carries over, with what was decided about their columns.

    Raises:
        ExecutionError: The mappings contradict each other.
        ExpressionError: A transformation is not a usable expression.
    """
    return tuple(_pair(work, source, target) for work in works(job) if work.source.type == "table")


def _pair(work: TableWork, source: Connector, target: Connector) -> TablePair:
    columns = tuple(_column_pair(column, source, target) for column in work.columns)
    positions = {pair.source.name: position for position, pair in enumerate(columns)}
    key = tuple(positions[name] for name in work.source.primary_key if name in positions)
    whole = len(key) == len(work.source.primary_key)
    # SQLite admits nulls in most primary keys; whatever the target forbids cannot be there.
    sure = all(not columns[p].target.nullable or columns[p].target.name in work.target.primary_key for p in key)
    # The rows of children by inheritance belong to the children's own tables.
    only = "ONLY " if work.source.extra.get("inherited") else ""
    return TablePair(
        source=work.source,
        target=work.target,
        source_name=only + source.qualify(work.source.schema, work.source.name),
        target_name=target.qualify(work.target.schema, work.target.name),
        columns=columns,
        key=key if whole and sure and not any(columns[p].is_transformed for p in key) else (),
    )


def _column_pair(work: ColumnWork, source: Connector, target: Connector) -> ColumnPair:
    transformed = work.expression is not None
    column, from_source = _of_postgresql(work.source, source, work.expression or source.quote(work.source.name))
    planned, from_target = _of_postgresql(work.target, target, target.quote(work.target.name))
    # What an expression gives has no declared type; the column it went into has.
    kind = compared_as("sqlite" if transformed else source.system, column, target.system, planned)
    if source.system == "mysql" and not transformed:
        from_source = _of_mysql(column, kind, from_source)
    as_stored = (
        source.system == target.system == "sqlite"
        and not transformed
        and affinity(work.source.type) == affinity(work.target.type)
    )
    declared = None if transformed else family(source.system, column.base_type or column.type)
    becomes = family(target.system, planned.base_type or planned.type)
    as_double = kind is Kind.DECIMAL and fits_a_double(planned if target.system != "sqlite" else column)
    return ColumnPair(
        source=work.source,
        target=work.target,
        kind=kind,
        source_name=source.quote(work.source.name),
        target_name=target.quote(work.target.name),
        source_value=from_source,
        target_value=from_target,
        source_raw=select_expression(source.system, kind, from_source, declared=declared, as_double=as_double),
        target_raw=select_expression(target.system, kind, from_target, declared=becomes, as_double=as_double),
        is_transformed=transformed,
        as_stored=as_stored,
        # What an expression gives is taken for what it becomes.
        source_is_number=counts_as_number(source.system, column) or transformed,
        target_is_number=counts_as_number(target.system, planned),
    )


def with_respelled_columns(pair: TablePair, source: Connector) -> TablePair:
    """The pair with a mark at the columns whose numbers became texts; SQLite keeps numbers in columns of most types."""
    if source.system != "sqlite":
        return pair
    suspects = [
        position
        for position, column in enumerate(pair.columns)
        if column.kind in (Kind.TEXT, Kind.CHAR)
        and not column.as_stored
        and (column.is_transformed or affinity(column.source.type) != "text")
    ]
    if not suspects:
        return pair
    asked = ", ".join(f"max(typeof({pair.columns[p].source_value}) IN ('integer', 'real'))" for p in suspects)
    [[answer]] = source.stream(f"SELECT {asked} FROM {pair.source_name}")
    respelled = {position for position, holds_numbers in zip(suspects, answer, strict=True) if holds_numbers}
    columns = tuple(
        dataclasses.replace(column, is_respelled=position in respelled) for position, column in enumerate(pair.columns)
    )
    return dataclasses.replace(pair, columns=columns)


def _of_mysql(column: Column, kind: Kind, value: str) -> str:
    """A value as it was carried, where MySQL by itself would compare or show something else of it."""
    type_ = mysql_type(column.type)
    match type_.base:
        case "bit" if kind is Kind.OTHER:
            return f"LPAD(BIN({value} + 0), {type_.arguments[0] if type_.arguments else 1:d}, '0')"
        case "bit" | "year":
            # A YEAR would take 50 for 2050.
            return f"({value} + 0)"
        case "float":
            return f"({value} * 1e0)"
        case "enum" | "set" | "uuid" | "inet4" | "inet6":
            return f"CAST({value} AS CHAR)"
        case _:
            return value


def _of_postgresql(column: Column, connector: Connector, value: str) -> tuple[Column, str]:
    """A column and its value as it was carried, where PostgreSQL's cast to text says something else."""
    if connector.system != "postgresql":
        return column, value
    match parse_type(column.base_type or column.type).base:
        case "money":
            # As text it is rounded and carries the server's currency sign.
            return dataclasses.replace(column, type="numeric", base_type=None), f"({value})::numeric"
        case "inet":
            # As text a single address gets a mask.
            return column, f"(CASE WHEN {value} IS NOT NULL THEN format('%s', {value}) END)"
        case _:
            return column, value


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
            return f"CAST(CONVERT({value} USING utf8mb4) AS BINARY)"
        case _:
            return f"{value} COLLATE BINARY"

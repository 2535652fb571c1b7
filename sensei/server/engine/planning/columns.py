"""What becomes of the columns of one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sensei.server.engine.catalog import Column, Table
from sensei.server.engine.kinds import Kind, kind_of, parse_type
from sensei.server.engine.plan import ColumnRef, MappingProposal, Risk
from sensei.server.engine.planning import from_mysql, from_postgresql, in_sqlite, to_postgresql
from sensei.server.engine.planning.choice import Choice
from sensei.server.engine.planning.naming import Names
from sensei.server.engine.planning.personal import looks_personal
from sensei.server.engine.planning.profile import ColumnProfile, TableProfile
from sensei.server.engine.planning.target import Target, check_type
from sensei.server.engine.planning.translate import translate_default

_SURE_DEFAULTS = ("now()", "current_timestamp", "current_date", "current_time", "gen_random_uuid()", "localtimestamp")


_PLAIN_DEFAULT = re.compile(r"'(?:[^']|'')*'::[\w .\"()\[\],]+")
"""A literal with its type, as PostgreSQL prints it."""


@dataclass(slots=True)
class PlannedColumns:
    """The columns of one target table, and how they are filled."""

    columns: list[Column] = field(default_factory=list[Column])
    mappings: list[MappingProposal] = field(default_factory=list[MappingProposal])
    risks: list[Risk] = field(default_factory=list[Risk])
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Source column → target column."""
    kinds: dict[str, tuple[Kind, Kind]] = field(default_factory=dict[str, tuple[Kind, Kind]])
    checks: list[tuple[str, tuple[str, ...]]] = field(default_factory=list[tuple[str, tuple[str, ...]]])
    """(target column, labels) where a check takes the place of an enumerated type."""
    lists: list[tuple[str, tuple[str, ...]]] = field(default_factory=list[tuple[str, tuple[str, ...]]])
    """(target column, members) where values are lists of some of them."""


class ColumnPlanner:
    """Plans the columns of tables that go from one system to another."""

    def __init__(self, system: str, target: Target, overrides: Sequence[tuple[str, str]]) -> None:
        self._system = system
        self._target = target
        self._overrides = [(parse_type(source), source.strip().lower(), check_type(to)) for source, to in overrides]

    def plan(
        self, table: Table, target_name: str, profile: TableProfile | None, nan: frozenset[str], reused: Table | None
    ) -> PlannedColumns:
        """The target's columns for a table.

        Args:
            table: The source table.
            target_name: What it is called on the target.
            profile: What it holds, for SQLite and MySQL.
            nan: Its columns that hold NaN, for PostgreSQL.
            reused: The table that is already there and stays, if any.
        """
        planned = PlannedColumns()
        names = Names(self._target.system, columns=True)
        keyed = {*table.primary_key, *(c for u in table.unique_constraints for c in u.columns)}
        keyed |= {c for index in table.indexes for c in index.columns}
        keyed |= {c for key in table.foreign_keys for c in key.columns}
        same_system = self._system == self._target.system
        for column in table.columns:
            place = f"{table.qualified_name}.{column.name}"
            found = None if profile is None else profile.columns[column.name]
            choice = self._choose(table, column, place, found, keyed=column.name in keyed, has_nan=column.name in nan)
            name = names.give(column.name)
            if name != column.name:
                choice = choice.doubt(0.9, "renamed", _renamed(place, name))
            there = _find(reused, name, self._target) if reused is not None else None
            if there is not None:
                choice = _as_it_is(choice, there, self._target.system)
            target = self._column(column, choice, name, table, planned, place, same_system=same_system)
            planned.columns.append(target)
            planned.names[column.name] = name
            planned.kinds[column.name] = (
                kind_of(self._system, column.base_type or column.type),
                kind_of(self._target.system, choice.type),
            )
            if choice.choices and choice.type.upper().startswith(("TEXT", "VARCHAR")):
                planned.checks.append((name, choice.choices))
            if choice.members and choice.type.upper() == "TEXT":
                planned.lists.append((name, choice.members))
            planned.risks += choice.risks
            if target.computed is None:
                planned.mappings.append(self._mapping(table, column, choice, target_name, name))
        return planned

    def _choose(
        self,
        table: Table,
        column: Column,
        place: str,
        profile: ColumnProfile | None,
        *,
        keyed: bool,
        has_nan: bool,
    ) -> Choice:
        natural = self._natural(table, column, place, profile, keyed=keyed, has_nan=has_nan)
        parsed, written = parse_type(column.type), column.type.strip().lower()
        for source, raw, to in self._overrides:
            fits = raw == written or source == parsed or (not source.arguments and source.base == parsed.base)
            if not fits or parsed.array != source.array:
                continue
            if parse_type(to) == parse_type(natural.type):
                return replace(natural, type=to, reasoning=f"asked for by type_mappings; {natural.reasoning}")
            return Choice(
                to,
                0.95,
                f"asked for by type_mappings; without it {natural.type} would have been chosen",
                "type_conversion",
                compatible=False,
                loss=True,
                flags=("type_mapping",),
                risks=(
                    Risk(
                        severity="medium",
                        type="data_loss",
                        description=f"{place} is mapped to {to} as asked; rows with values that do not fit exactly "
                        "are left out and recorded as errors",
                        affected=(place,),
                    ),
                ),
            )
        return natural

    def _natural(
        self,
        table: Table,
        column: Column,
        place: str,
        profile: ColumnProfile | None,
        *,
        keyed: bool,
        has_nan: bool,
    ) -> Choice:
        match self._system, self._target.system:
            case "sqlite", "postgresql":
                return to_postgresql.choose(column, profile or ColumnProfile(), place, keyed=keyed)
            case "postgresql", "sqlite":
                choice = from_postgresql.in_sqlite(column, place, has_nan=has_nan)
                alone = table.primary_key == (column.name,)
                if alone and kind_of("sqlite", choice.type) is Kind.INTEGER:
                    # Only this exact name makes the key the rowid.
                    return replace(choice, type="INTEGER")
                return choice
            case "postgresql", _:
                return from_postgresql.in_postgresql(column, place, self._target.knows_type)
            case "sqlite", "sqlite":
                return in_sqlite.choose(column, profile, place)
            case "mysql", "postgresql":
                return from_mysql.in_postgresql(column, profile or ColumnProfile(), place)
            case "mysql", _:
                choice = from_mysql.in_sqlite(column, profile or ColumnProfile(), place)
                alone = table.primary_key == (column.name,) and kind_of("sqlite", choice.type) is Kind.INTEGER
                return replace(choice, type="INTEGER") if alone else choice
            case _:
                return Choice(column.type, 0.99, "the same type, every value as it is stored")

    def _column(
        self,
        column: Column,
        choice: Choice,
        name: str,
        table: Table,
        planned: PlannedColumns,
        place: str,
        *,
        same_system: bool,
    ) -> Column:
        kind = kind_of(self._target.system, choice.type)
        computed = column.computed if same_system else None
        if column.computed is not None and computed is None:
            planned.risks.append(
                _risk("medium", f"{place} is computed at the source; its values are carried, the formula is not", place)
            )
        default = (
            None
            if computed is not None
            else self._default(
                column, kind, planned, place, same_system=same_system, keyed_alone=table.primary_key == (column.name,)
            )
        )
        parsed = parse_type(choice.type)
        textual = kind in {Kind.TEXT, Kind.BINARY}
        return Column(
            name=name,
            type=choice.type,
            nullable=column.nullable and not (self._target.system == "postgresql" and column.name in table.primary_key),
            default=default,
            position=column.position,
            length=parsed.arguments[0] if textual and parsed.arguments else None,
            precision=parsed.arguments[0] if parsed.arguments and not textual else None,
            scale=parsed.arguments[1] if len(parsed.arguments) > 1 else None,
            autoincrement=column.autoincrement and kind is Kind.INTEGER,
            computed=computed,
            collation=column.collation if same_system else None,
            comment=column.comment,
        )

    def _default(
        self,
        column: Column,
        kind: Kind,
        planned: PlannedColumns,
        place: str,
        *,
        same_system: bool,
        keyed_alone: bool,
    ) -> str | None:
        if column.autoincrement and self._target.system == "sqlite" and not keyed_alone:
            planned.risks.append(_risk("low", f"{place} is filled from a sequence; SQLite cannot do that here", place))
        if column.default is None or column.autoincrement:
            return None
        if same_system and self._system == "sqlite":
            return column.default
        if same_system and column.default.lower() in _SURE_DEFAULTS:
            return column.default
        translated = translate_default(column.default, self._system, self._target.system, kind)
        plain = _PLAIN_DEFAULT.fullmatch(column.default) is not None
        if same_system and (translated is not None or (plain and kind_of(self._system, column.type) is kind)):
            return column.default
        if translated is None:
            planned.risks.append(
                _risk(
                    "low", f"the default of {place}, {column.default[:80]}, has no sure counterpart; none is set", place
                )
            )
        return None if translated == "NULL" else translated

    def _mapping(self, table: Table, column: Column, choice: Choice, target_name: str, name: str) -> MappingProposal:
        return MappingProposal(
            source=ColumnRef(schema=table.schema, table=table.name, column=column.name, type=column.type),
            target=ColumnRef(schema=self._target.schema, table=target_name, column=name, type=choice.type),
            transformation=None,
            transformation_type=choice.how,
            confidence=choice.confidence,
            reasoning=choice.reasoning,
            type_compatible=choice.compatible,
            has_data_loss_risk=choice.loss,
            is_pii=looks_personal(column.name),
            flags=choice.flags,
        )


def _find(table: Table, name: str, target: Target) -> Column | None:
    return next((column for column in table.columns if target.fold(column.name) == target.fold(name)), None)


def _as_it_is(choice: Choice, there: Column, system: str) -> Choice:
    """The column exists and stays: its own type is what values must fit."""
    if parse_type(there.type) == parse_type(choice.type):
        return replace(choice, type=there.type)
    known: Callable[[str], Kind] = lambda type_: kind_of(system, type_)  # noqa: E731
    return replace(
        choice.doubt(0.85, "existing_type"),
        type=there.type,
        reasoning=f"the existing column is {there.type}; a new one would have been {choice.type}",
        compatible=known(there.type) is known(choice.type),
        loss=True,
    )


def _renamed(place: str, name: str) -> Risk:
    return _risk("low", f"the target cannot use the name of {place}; it becomes {name!r}", place)


def _risk(severity: str, description: str, place: str) -> Risk:
    return Risk(severity=severity, type="semantic_ambiguity", description=description, affected=(place,))

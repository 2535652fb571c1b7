"""Make a plan: what becomes of every table and column, how sure that is, and what may be lost."""

from __future__ import annotations

import queue
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

from sensei.server.engine.catalog import ForeignKey, Table
from sensei.server.engine.connectors import Connector, open_connector
from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.errors import PlanningError
from sensei.server.engine.job import Endpoint, Selection
from sensei.server.engine.kinds import Kind, postgresql_kind
from sensei.server.engine.plan import PhasePlan, Plan, PlanOptions, Risk, TablePlan
from sensei.server.engine.planning.columns import ColumnPlanner, PlannedColumns
from sensei.server.engine.planning.in_the_way import in_the_way
from sensei.server.engine.planning.left_behind import left_behind
from sensei.server.engine.planning.naming import Names
from sensei.server.engine.planning.order import in_dependency_order
from sensei.server.engine.planning.profile import TableProfile, profile_table
from sensei.server.engine.planning.profile_mysql import count_mysql_orphans, profile_mysql_table
from sensei.server.engine.planning.structure import StructurePlanner
from sensei.server.engine.planning.target import Target, look_at_target, refuse_same_place

_ROWS_PER_SECOND = 200_000
_ROWS_FOR_TWO = 50_000
"""Rows from which on a second connection pays."""
_SECONDS_PER_TABLE = 0.05
_MOST_COLUMNS = {"postgresql": 1_600, "sqlite": 2_000}

_Key = tuple[str | None, str]


def make_plan(
    source: Endpoint, target: Endpoint, selection: Selection, target_schema: str | None, options: PlanOptions
) -> Plan:
    """Read both ends, look at the data, and propose how to move it.

    Args:
        source: The database to read.
        target: The database to write; looked at, never changed.
        selection: Which tables are meant.
        target_schema: Where to write; the target's default when None.
        options: What the user asked for.

    Raises:
        EndpointError: One of the ends cannot be used.
        ConnectorUnavailableError: There is no driver for one of the ends.
        TableNotFoundError: A table or schema named in the selection does not exist.
        PlanningError: Nothing is selected, or the two ends do not admit a plan.
    """
    if target.type == "mysql":
        raise PlanningError(
            "MySQL and MariaDB can be the source of a migration here, not yet its target", reason_code="E2004"
        )
    with (
        open_connector(source) as reader,
        open_connector(target) as writer,
        reader.snapshot(),
        reader.companion() if isinstance(reader, SqliteConnector) else nullcontext() as other,
    ):
        return _Planner(reader, other, look_at_target(writer, target_schema), selection, options).plan()


class _Planner:
    def __init__(
        self,
        reader: Connector,
        other: Connector | None,
        target: Target,
        selection: Selection,
        options: PlanOptions,
    ) -> None:
        self._reader = reader
        self._other = other
        """A second connection to the source that sees the same, for a second thread."""
        self._target = target
        self._options = options
        self._catalog = reader.read_catalog(selection)
        self._tables = [table for table in self._catalog.tables if table.type == "table"]
        self._risks: list[Risk] = []

    def plan(self) -> Plan:
        if not self._tables:
            raise PlanningError("the source has no tables to migrate, or none is selected", reason_code="E2001")
        refuse_same_place(self._reader, self._target, {table.schema for table in self._tables})
        self._check_width()
        names = self._reserved_names()
        targets = self._target_names(names)
        profiles = self._profiles()
        columns = self._columns(targets, profiles)
        structure = StructurePlanner(
            self._reader.system, self._target, names, targets, columns, {_key(t): t for t in self._tables}
        )
        built = {_key(table): structure.build(table, profiles.get(_key(table))) for table in self._tables}
        ordered = self._ordered()
        self._risks += structure.risks
        self._risks += left_behind(self._reader, self._catalog.tables, self._target)
        self._risks += in_the_way(self._tables, targets, columns, self._target, self._options)
        counts = {_key(t): self._rows(t, profiles.get(_key(t))) for t in self._tables}
        known = [count for count in counts.values() if count is not None]
        total = sum(known) if known else None
        return Plan(
            source=replace(self._catalog, tables=tuple(self._tables)),
            target_system=self._target.system,
            target_schema=self._target.schema,
            tables=tuple(
                TablePlan(source=table, target=built[_key(table)], estimated_rows=counts[_key(table)])
                for table in ordered
            ),
            mappings=tuple(mapping for table in ordered for mapping in columns[_key(table)].mappings),
            risks=tuple(sorted(self._risks, key=lambda risk: _SEVERITIES.index(risk.severity))),
            phases=_phases([table.qualified_name for table in ordered], total or 0),
            relationships=sum(len(table.foreign_keys) for table in self._tables),
            generated_at=datetime.now(UTC),
            estimated_records=total,
            estimated_duration_seconds=round(sum(_durations(len(ordered), total or 0)), 1),
        )

    def _check_width(self) -> None:
        most = _MOST_COLUMNS[self._target.system]
        for table in self._tables:
            if len(table.columns) > most:
                raise PlanningError(
                    f"{table.qualified_name} has {len(table.columns)} columns; the target allows {most}",
                    reason_code="E2004",
                    table=table.qualified_name,
                )

    def _reserved_names(self) -> Names:
        """One namespace for tables and indexes of the target, with what stays there taken."""
        names = Names(self._target.system)
        options = self._options
        keeps = options.truncate_existing_tables or options.append_to_existing
        ours = {self._target.fold(table.name) for table in self._tables}
        for name, table in self._target.tables.items():
            # Tables that are dropped or filled keep their name for us; their indexes go or stay with them.
            if name not in ours:
                names.reserve(table.name)
        going = [table for name, table in self._target.tables.items() if name in ours and not keeps]
        dropped = {index.name for table in going for index in table.indexes}
        dropped |= {unique.name for table in going for unique in table.unique_constraints}
        dropped |= {str(table.extra.get("primary_key_name")) for table in going}
        for name in self._target.other_names:
            if name not in dropped and not name.startswith("sqlite_autoindex_"):
                names.reserve(name)
        return names

    def _target_names(self, names: Names) -> dict[_Key, str]:
        targets: dict[_Key, str] = {}
        for table in self._tables:
            name = targets[_key(table)] = names.give(table.name)
            if name != table.name:
                self._risks.append(
                    Risk(
                        severity="low",
                        type="semantic_ambiguity",
                        description=f"the target cannot use the name of {table.qualified_name}; it becomes {name!r}",
                        affected=(table.qualified_name,),
                    )
                )
        return targets

    def _profiles(self) -> dict[_Key, TableProfile]:
        """What the tables really hold; of a SQLite file two at a time where there is much to look at."""
        if self._reader.system == "postgresql":
            return {}
        rows = sum(table.row_estimate or 0 for table in self._tables)
        if self._other is None or len(self._tables) < 2 or rows < _ROWS_FOR_TWO:
            return {_key(table): self._profile(table, self._reader) for table in self._tables}
        readers = queue.SimpleQueue[Connector]()
        readers.put(self._reader)
        readers.put(self._other)

        def look(table: Table) -> TableProfile:
            reader = readers.get()
            try:
                return self._profile(table, reader)
            finally:
                readers.put(reader)

        # SQLite scans without the interpreter's lock. The largest first, so that none is left for the end.
        by_size = sorted(self._tables, key=lambda table: -(table.row_estimate or 0))
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="sensei-look") as executor:
            return {_key(t): found for t, found in zip(by_size, executor.map(look, by_size), strict=True)}

    def _profile(self, table: Table, reader: Connector) -> TableProfile:
        if reader.system == "mysql":
            profile = profile_mysql_table(reader, table, nul_counts=self._target.system == "postgresql")
        else:
            profile = profile_table(reader, table)
        if table.foreign_keys:
            self._count_orphans(table, profile, reader)
        return profile

    def _count_orphans(self, table: Table, profile: TableProfile, reader: Connector) -> None:
        known = {_key(t): t for t in self._tables}
        for key in table.foreign_keys:
            parent = known.get((self._schema_of(key), key.referenced_table))
            if parent is None or not set(key.referenced_columns) <= {c.name for c in parent.columns}:
                continue
            if reader.system == "mysql":
                if orphans := count_mysql_orphans(reader, table, key, parent):
                    profile.orphans[key.columns] = orphans
                continue
            quote = reader.quote
            pairs = " AND ".join(
                f"p.{quote(theirs)} = c.{quote(ours)}"
                for ours, theirs in zip(key.columns, key.referenced_columns, strict=True)
            )
            whole = " AND ".join(f"c.{quote(column)} IS NOT NULL" for column in key.columns)
            orphans = reader.scalar(
                f"SELECT count(*) FROM {reader.qualify(None, table.name)} AS c WHERE {whole} AND NOT EXISTS "
                f"(SELECT 1 FROM {reader.qualify(None, parent.name)} AS p WHERE {pairs})"
            )
            if orphans:
                profile.orphans[key.columns] = int(orphans)

    def _columns(self, targets: dict[_Key, str], profiles: dict[_Key, TableProfile]) -> dict[_Key, PlannedColumns]:
        planner = ColumnPlanner(self._reader.system, self._target, self._options.type_mappings)
        planned: dict[_Key, PlannedColumns] = {}
        for table in self._tables:
            name = targets[_key(table)]
            reused = self._target.existing(name) if self._options.fills_existing_tables else None
            nan = self._nan_columns(table) if self._target.system == "sqlite" else frozenset[str]()
            found = planner.plan(table, name, profiles.get(_key(table)), nan, reused)
            planned[_key(table)] = found
            self._risks += found.risks
        return planned

    def _nan_columns(self, table: Table) -> frozenset[str]:
        if self._reader.system != "postgresql":
            return frozenset()
        floats = [c.name for c in table.columns if postgresql_kind(c.base_type or c.type) is Kind.FLOAT]
        if not floats:
            return frozenset()
        tests = ", ".join(f"coalesce(bool_or({self._reader.quote(name)} = 'NaN'), false)" for name in floats)
        sql = f"SELECT {tests} FROM {self._reader.qualify(table.schema, table.name)}"
        row = next(iter(self._reader.stream(sql, 1)))[0]
        return frozenset(name for name, found in zip(floats, row, strict=True) if found)

    def _schema_of(self, key: ForeignKey) -> str | None:
        return key.referenced_schema if self._reader.system != "sqlite" else None

    def _rows(self, table: Table, profile: TableProfile | None) -> int | None:
        return table.row_estimate if profile is None else profile.rows

    def _ordered(self) -> list[Table]:
        by_name = {table.qualified_name: table for table in self._tables}
        keys = {_key(table): table.qualified_name for table in self._tables}
        parents: dict[str, set[str]] = {}
        for table in self._tables:
            for key in table.foreign_keys:
                parent = keys.get((self._schema_of(key), key.referenced_table))
                if parent is not None:
                    parents.setdefault(table.qualified_name, set()).add(parent)
        ordered, broken = in_dependency_order(list(by_name), parents)
        if broken:
            self._risks.append(
                Risk(
                    severity="low",
                    type="performance",
                    description="tables refer to each other in a circle; references are made after all data is in",
                    affected=tuple(broken),
                )
            )
        return [by_name[name] for name in ordered]


_SEVERITIES = ("critical", "high", "medium", "low")


def _key(table: Table) -> _Key:
    return table.schema, table.name


def _durations(tables: int, rows: int) -> tuple[float, float, float, float]:
    """Seconds of schema_migration, data_transfer, validation and cutover; rough on purpose."""
    moving = rows / _ROWS_PER_SECOND
    return tables * _SECONDS_PER_TABLE, moving + 0.1, moving * 0.8 + 0.1, moving * 0.3 + tables * _SECONDS_PER_TABLE


def _phases(tables: Iterable[str], rows: int) -> tuple[PhasePlan, ...]:
    names = tuple(tables)
    phases = ("schema_migration", "data_transfer", "validation", "cutover")
    return tuple(
        PhasePlan(
            name=name,
            order=order,
            tables=names,
            parallel=name == "data_transfer",
            depends_on=(phases[order - 3],) if order > 2 else (),
            estimated_duration_seconds=round(seconds, 1),
        )
        for order, (name, seconds) in enumerate(zip(phases, _durations(len(names), rows), strict=True), 2)
    )

"""Take back what a migration wrote."""

from __future__ import annotations

from dataclasses import dataclass

from sensei.server.engine.errors import ExecutionError
from sensei.server.engine.job import Control, Job, Journal, MigrationState, TableProgress, Wanted
from sensei.server.engine.phases.context import Context, open_target
from sensei.server.engine.transfer.target import TargetDatabase
from sensei.server.engine.transfer.work import TableWork

_PHASE = "cutover"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReport:
    """What a rollback did; names are qualified target names."""

    dropped_tables: tuple[str, ...] = ()
    dropped_schemas: tuple[str, ...] = ()
    emptied_tables: tuple[str, ...] = ()
    """Tables that were there before: rows written by this migration are gone, the tables stay."""
    removed_rows: int = 0
    kept: tuple[str, ...] = ()
    """What could not be taken back, one sentence each."""


class _GoOn(Control):
    def wanted(self) -> Wanted:
        return Wanted.RUN


def roll_back(
    job: Job, state: MigrationState, journal: Journal, *, tables: frozenset[str] | None = None
) -> RollbackReport:
    """Remove what this migration wrote; `state` is set back accordingly. Safe to repeat.

    Args:
        job: The migration.
        state: Its state, changed in place.
        journal: Told what is done.
        tables: Only these, by qualified source name; they can be transferred again afterwards. All when None.

    Raises:
        EndpointError: The target cannot be used.
        ExecutionError: Something cannot be removed.
    """
    context = Context(_PHASE, job, state, journal, _GoOn())
    if tables is not None and (unknown := tables - {work.name for work in context.works}):
        raise ExecutionError(f"the migration has no table {min(unknown)!r}", reason_code="E2001")
    with open_target(job) as target:
        return _Rollback(context, target, tables).run()


class _Rollback:
    def __init__(self, context: Context, target: TargetDatabase, tables: frozenset[str] | None) -> None:
        self._context = context
        self._target = target
        self._all = tables is None
        self._works = [work for work in context.works if tables is None or work.name in tables]
        self._kept: list[str] = []
        self._removed = 0

    def run(self) -> RollbackReport:
        context, target = self._context, self._target
        context.follow_ledger(target)
        state = context.state
        ours = [work for work in self._works if work.target.qualified_name in state.created_tables]
        reused = [work for work in self._works if work not in ours and state.tables[work.name].status != "pending"]
        rows = sum(state.tables[work.name].rows_done for work in ours)
        dropped = self._drop(ours)
        emptied = [name for work in reused if (name := self._take_out(work))]
        schemas = self._drop_schemas() if self._all else []
        self._reset()
        context.save()
        return RollbackReport(
            dropped_tables=tuple(dropped),
            dropped_schemas=tuple(schemas),
            emptied_tables=tuple(emptied),
            removed_rows=self._removed + (rows if dropped else 0),
            kept=tuple(self._kept),
        )

    def _drop(self, works: list[TableWork]) -> list[str]:
        target, ddl = self._target, self._target.ddl
        there = [work for work in works if target.table_exists(work.target.schema, work.target.name)]
        if not there:
            return []
        going = {work.target.name for work in there}
        with target.transaction():
            if target.system == "postgresql":
                for work in self._context.works:
                    for key in work.target.foreign_keys:
                        if key.referenced_table in going and work.target.name not in going:
                            self._drop_reference(work, str(key.name))
                target.execute(f"DROP TABLE {', '.join(ddl.name(work.target) for work in there)}")
            else:
                for work in reversed(there):
                    target.execute(f"DROP TABLE {ddl.name(work.target)}")
        names = [work.target.qualified_name for work in there]
        self._context.log("info", f"dropped {len(names)} tables that this migration had made")
        return names

    def _drop_reference(self, work: TableWork, name: str) -> None:
        if self._target.table_exists(work.target.schema, work.target.name):
            ddl = self._target.ddl
            self._target.execute(f"ALTER TABLE {ddl.name(work.target)} DROP CONSTRAINT IF EXISTS {ddl.quote(name)}")
        step = f"reference {name} of {work.target.qualified_name}"
        if step in self._context.state.done_steps:
            self._context.state.done_steps.remove(step)
            if self._target.has_ledger():
                self._target.strike(self._context.job.migration_id, "step", step)

    def _take_out(self, work: TableWork) -> str | None:
        """Remove our rows from a table that was there before; its name, if it could be done."""
        target, options = self._target, self._context.job.options
        name = work.target.qualified_name
        if not target.table_exists(work.target.schema, work.target.name):
            return None
        if options.truncate_existing_tables and not options.append_to_existing:
            with target.transaction():
                self._removed += target.execute(f"DELETE FROM {target.ddl.name(work.target)}")
            self._kept.append(f"{name} is empty now; its rows from before were removed at the start, as asked")
            return name
        removed = target.take_out_appended(self._context.job.migration_id, work)
        if removed is None:
            self._kept.append(f"{name} keeps the rows that were added, as they cannot be told from the others")
            return None
        self._removed += removed
        return name

    def _drop_schemas(self) -> list[str]:
        target, state = self._target, self._context.state
        target.forget(self._context.job.migration_id)
        dropped: list[str] = []
        for schema in state.created_schemas:
            if not target.schema_exists(schema):
                continue
            if target.rows(
                "SELECT 1 FROM pg_class WHERE relnamespace = to_regnamespace(%s) LIMIT 1", [target.ddl.quote(schema)]
            ):
                self._kept.append(f"the schema {schema} stays, as something else is in it now")
                continue
            target.execute(f"DROP SCHEMA {target.ddl.quote(schema)}")
            dropped.append(schema)
        return dropped

    def _reset(self) -> None:
        state = self._context.state
        for work in self._works:
            state.tables[work.name] = TableProgress()
        if self._all:
            state.created_schemas.clear()
            state.created_tables.clear()
            state.done_steps.clear()
            return
        names = [work.target.qualified_name for work in self._works]
        state.created_tables[:] = [name for name in state.created_tables if name not in names]
        gone = [
            step
            for step in state.done_steps
            if any(step.endswith((f" of {name}", f" {name}")) or f" of {name}." in step for name in names)
        ]
        state.done_steps[:] = [step for step in state.done_steps if step not in gone]
        lines = [("table", work.name) for work in self._works] + [("step", step) for step in gone]
        self._target.forget(self._context.job.migration_id, lines)

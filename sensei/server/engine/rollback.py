"""Take back what a migration wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sensei.server.engine.backup import Kept, keeper_for, kept_from_json
from sensei.server.engine.connectors import open_connector
from sensei.server.engine.errors import EngineError, ExecutionError
from sensei.server.engine.job import Control, Job, Journal, MigrationState, TableProgress, Wanted, backup_id
from sensei.server.engine.phases.context import Context, open_target
from sensei.server.engine.transfer.target import TargetDatabase
from sensei.server.engine.transfer.work import TableWork
from sensei.server.engine.wording import counted

_PHASE = "cutover"


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReport:
    """What a rollback did; names are qualified target names."""

    dropped_tables: tuple[str, ...] = ()
    dropped_schemas: tuple[str, ...] = ()
    emptied_tables: tuple[str, ...] = ()
    """Tables that were there before: rows written by this migration are gone, the tables stay."""
    removed_rows: int = 0
    restored_tables: tuple[str, ...] = ()
    """Tables that hold again what they held before."""
    restored_to: str | None = None
    """The moment that those tables are back at, as ISO 8601."""
    kept: tuple[str, ...] = ()
    """What could not be taken back, one sentence each."""
    verification: Verification | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look at both ends afterwards showed: ``passed``, ``failed``, or ``skipped`` with nothing to look at."""

    source: str
    """Whether the source still has every row that was read from it."""
    counts_match: bool
    """Whether every table of the target has as many rows as before the migration, or as few as were to be left."""
    contents: str
    """Whether the rows that were there before are exactly those that are there now."""


class _GoOn(Control):
    def wanted(self) -> Wanted:
        return Wanted.RUN


def roll_back(
    job: Job,
    state: MigrationState,
    journal: Journal,
    *,
    tables: frozenset[str] | None = None,
    restore: bool = False,
    verify: bool = False,
) -> RollbackReport:
    """Remove what this migration wrote; `state` is set back accordingly. Safe to repeat.

    Args:
        job: The migration.
        state: Its state, changed in place.
        journal: Told what is done.
        tables: Only these, by qualified source name; they can be transferred again afterwards. All when None.
        restore: Bring back what was on the target before, where it was kept.
        verify: Look at both ends afterwards.

    Raises:
        EndpointError: The target cannot be used.
        ExecutionError: Something cannot be removed.
    """
    context = Context(_PHASE, job, state, journal, _GoOn())
    if tables is not None and (unknown := tables - {work.name for work in context.works}):
        raise ExecutionError(f"the migration has no table {min(unknown)!r}", reason_code="E2001")
    with open_target(job) as target:
        return _Rollback(context, target, tables, restore=restore).run(verify=verify)


def discard_backup(job: Job, state: MigrationState) -> None:
    """Remove from the target what was kept there for a rollback.

    Raises:
        EndpointError: The target cannot be used.
        ExecutionError: Something cannot be removed.
    """
    if not state.backups:
        return
    with open_target(job) as target:
        keeper = keeper_for(target, job.migration_id)
        if keeper is not None:
            with target.transaction():
                keeper.discard()
        target.forget(job.migration_id)


class _Rollback:
    def __init__(
        self, context: Context, target: TargetDatabase, tables: frozenset[str] | None, *, restore: bool
    ) -> None:
        self._context = context
        self._target = target
        self._all = tables is None
        self._works = [work for work in context.works if tables is None or work.name in tables]
        self._restore = restore
        self._keeper = keeper_for(target, context.job.migration_id)
        self._said: list[str] = []
        self._removed = 0

    def run(self, *, verify: bool) -> RollbackReport:
        context, target = self._context, self._target
        context.follow_ledger(target)
        state = context.state
        before = {name: kept_from_json(data) for name, data in state.backups.items()}
        read = {work.name: state.tables[work.name].rows_done + state.tables[work.name].errors for work in self._works}
        restored = self._bring_back(before) if self._restore else []
        others = [work for work in self._works if work not in restored]
        ours = [work for work in others if work.target.qualified_name in state.created_tables]
        reused = [work for work in others if work not in ours and state.tables[work.name].status != "pending"]
        rows = sum(state.tables[work.name].rows_done for work in ours)
        with target.transaction():
            dropped = self._drop(ours)
        emptied = [name for work in reversed(reused) if (name := self._take_out(work))]
        schemas = self._drop_schemas() if self._all else []
        verification = self._verify(before, restored, read) if verify else None
        if self._all and not self._restore and any(self._is_kept(kept) for kept in before.values()):
            name = backup_id(context.job.migration_id)
            self._said.append(f"the backup {name} stays on the target until the migration is deleted")
        self._reset()
        context.save()
        return RollbackReport(
            dropped_tables=tuple(dropped),
            dropped_schemas=tuple(schemas),
            emptied_tables=tuple(emptied),
            removed_rows=self._removed + (rows if dropped else 0),
            restored_tables=tuple(work.target.qualified_name for work in restored),
            restored_to=min((before[work.name].taken_at for work in restored), default=None),
            kept=tuple(self._said),
            verification=verification,
        )

    def _is_kept(self, kept: Kept) -> bool:
        return self._keeper is not None and self._keeper.has(kept)

    def _bring_back(self, before: dict[str, Kept]) -> list[TableWork]:
        """Tables that were put aside as a whole, all or none; those that are back already are left alone."""
        whole = [work for work in self._works if work.name in before and before[work.name].place is not None]
        with self._target.transaction():
            todo = [(work, before[work.name]) for work in whole if self._is_kept(before[work.name])]
            if todo and self._keeper is not None:
                self._drop([work for work, kept in todo if kept.how == "moved"])
                self._keeper.bring_back([(work.target, kept) for work, kept in todo])
        if todo:
            self._context.log("info", f"brought back {counted(len(todo), 'table', 'tables')} as before the migration")
        return whole

    def _drop(self, works: Sequence[TableWork]) -> list[str]:
        """Drop those that are there, within the open transaction."""
        target, ddl = self._target, self._target.ddl
        there = [work for work in works if target.table_exists(work.target.schema, work.target.name)]
        if not there:
            return []
        going = {work.target.name for work in there}
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
        self._context.log("info", f"dropped {counted(len(names), 'table', 'tables')} that this migration had made")
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
            self._said.append(f"{name} is empty now; its rows from before were removed at the start, as asked")
            return name
        removed = target.take_out_appended(self._context.job.migration_id, work)
        if removed is None:
            self._said.append(f"{name} keeps the rows that were added, as they cannot be told from the others")
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
                self._said.append(f"the schema {schema} stays, as something else is in it now")
                continue
            target.execute(f"DROP SCHEMA {target.ddl.quote(schema)}")
            dropped.append(schema)
        return dropped

    def _verify(self, before: dict[str, Kept], restored: Sequence[TableWork], read: dict[str, int]) -> Verification:
        counts, contents = True, set[bool]()
        for work in self._works:
            kept = before.get(work.name)
            there = self._target.table_exists(work.target.schema, work.target.name)
            if work in restored or (kept is not None and kept.place is None):
                rows, digest = self._measure(work) if there else (-1, "")
                counts = counts and kept is not None and rows == kept.rows
                contents.add(kept is not None and digest == kept.digest)
            elif there:
                # It was there before, and what it held was not kept or is not wanted back.
                emptied = self._context.job.options.truncate_existing_tables
                counts = counts and emptied and self._measure(work)[0] == 0
        verification = Verification(
            source=self._look_at_source(read),
            counts_match=counts,
            contents="skipped" if not contents else "passed" if all(contents) else "failed",
        )
        if verification.source == "failed" or verification.contents == "failed" or not counts:
            self._said.append(
                "what is there after the rollback is not what was expected: "
                f"source {verification.source}, row counts {'equal' if counts else 'differ'}, "
                f"contents {verification.contents}"
            )
        return verification

    def _measure(self, work: TableWork) -> tuple[int, str]:
        if self._keeper is None or not self._keeper.is_table(work.target):
            return -1, ""
        return self._keeper.measure(work.target)

    def _look_at_source(self, read: dict[str, int]) -> str:
        job = self._context.job
        try:
            with open_connector(job.source) as source:
                for work in self._works:
                    name = source.qualify(work.source.schema, work.source.name)
                    if int(source.scalar(f"SELECT count(*) FROM {name}")) < read[work.name]:
                        return "failed"
        except EngineError as error:
            self._said.append(f"the source could not be looked at: {error.message}")
            return "skipped"
        return "passed"

    def _reset(self) -> None:
        state = self._context.state
        for work in self._works:
            state.tables[work.name] = TableProgress()
        for work in self._works if self._restore else ():
            state.backups.pop(work.name, None)
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
        lines += [("backup", work.name) for work in self._works if self._restore]
        self._target.forget(self._context.job.migration_id, lines)

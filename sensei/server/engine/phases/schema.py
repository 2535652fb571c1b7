"""schema_migration: make what is missing on the target, and refuse what must not be touched."""

from __future__ import annotations

from sensei.server.engine.backup import Kept, keeper_for, kept_from_json
from sensei.server.engine.errors import ExecutionError
from sensei.server.engine.job import backup_id
from sensei.server.engine.phases.context import Context, open_target
from sensei.server.engine.transfer.target import TargetDatabase
from sensei.server.engine.transfer.work import TableWork


def migrate_schema(context: Context) -> None:
    """Make schema, ledger and tables."""
    with open_target(context.job) as target:
        prepare_target(context, target)
    context.tell(100.0, message="tables are made", now=True)


def prepare_target(context: Context, target: TargetDatabase) -> None:
    """Make whatever is not there yet; nothing is done twice."""
    _make_schema(context, target)
    context.follow_ledger(target)
    known = {entry.name for entry in target.entries(context.job.migration_id) if entry.kind == "table"}
    known |= _finished_earlier(context, target, known)
    missing = [work for work in context.works if work.name not in known]
    if not missing:
        return
    existing = [work for work in missing if target.table_exists(work.target.schema, work.target.name)]
    options = context.job.options
    reuses = not options.drop_existing_tables and (options.truncate_existing_tables or options.append_to_existing)
    if existing and not (options.drop_existing_tables or reuses):
        raise ExecutionError(
            f"the target already has {_named(existing)}; choose another schema, or set drop_existing_tables, "
            "truncate_existing_tables or append_to_existing",
            reason_code="E2004",
            table=existing[0].name,
        )
    with target.transaction():
        target.open_ledger()
    if existing:
        _make_room(context, target, existing)
    there = {work.name for work in existing} if reuses else set[str]()
    for number, work in enumerate(missing, 1):
        context.check()
        created = work.name not in there
        with target.transaction():
            if created:
                target.execute(target.ddl.create_table(work.target))
            target.put(context.job.migration_id, "table", work.name, context.entry(work, created=created))
        if created:
            if work.target.qualified_name not in context.state.created_tables:
                context.state.created_tables.append(work.target.qualified_name)
            context.log("info", f"made the table {work.target.qualified_name}", table=work.name)
        context.tell(100.0 * number / len(missing), table=work.name)


def _finished_earlier(context: Context, target: TargetDatabase, known: set[str]) -> set[str]:
    """Tables that are ours by the state alone: the ledger went at the end, and part of the work is done again since."""
    state = context.state
    ours = [
        work
        for work in context.works
        if work.name not in known
        and (work.target.qualified_name in state.created_tables or state.tables[work.name].status == "completed")
        and target.table_exists(work.target.schema, work.target.name)
    ]
    if ours:
        with target.transaction():
            target.open_ledger()
            for work in ours:
                created = work.target.qualified_name in state.created_tables
                target.put(context.job.migration_id, "table", work.name, context.entry(work, created=created))
    return {work.name for work in ours}


def _named(existing: list[TableWork]) -> str:
    names = [work.target.qualified_name for work in existing]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"the table {shown}" if len(names) == 1 else f"the tables {shown}"


def _make_schema(context: Context, target: TargetDatabase) -> None:
    schema = target.schema
    if schema is None or target.schema_exists(schema):
        return
    if not context.job.options.create_schema_if_missing:
        raise ExecutionError(
            f"the target has no schema {schema!r}; make it, or set create_schema_if_missing", reason_code="E2001"
        )
    with target.transaction():
        target.execute(f"CREATE SCHEMA {target.ddl.quote(schema)}")
        target.open_ledger()
        target.put(context.job.migration_id, "schema", schema, {})
    context.state.created_schemas.append(schema)
    context.log("info", f"made the schema {schema}")


def _make_room(context: Context, target: TargetDatabase, existing: list[TableWork]) -> None:
    """Keep what is there if that is wanted, and drop or empty it if that is wanted; both or nothing."""
    options = context.job.options
    drop, empty = options.drop_existing_tables, options.truncate_existing_tables
    kept: dict[str, Kept] = {}
    with target.transaction():
        if options.generate_rollback:
            kept = _keep(context, target, existing)
        there = [work for work in existing if work.name not in kept or not drop]
        if there and (drop or empty):
            # All of them at once, as they may refer to each other.
            names = [target.ddl.name(work.target) for work in there]
            if target.system == "postgresql":
                target.execute(f"{'DROP' if drop else 'TRUNCATE'} TABLE {', '.join(names)}")
            else:
                for name in names:
                    target.execute(f"DROP TABLE {name}" if drop else f"DELETE FROM {name}")
    if drop or empty:
        context.log("warning", f"{'dropped' if drop else 'emptied'} {_named(existing)} of the target, as asked")
    if kept:
        _note(context, [work for work in existing if work.name in kept], kept)


def _keep(context: Context, target: TargetDatabase, existing: list[TableWork]) -> dict[str, Kept]:
    """Put aside what a rollback would need, within the open transaction; where all is dropped they are gone by it."""
    job, options = context.job, context.job.options
    keeper = keeper_for(target, job.migration_id)
    if keeper is None:
        return {}
    known = {name: kept_from_json(data) for name, data in context.state.backups.items()}
    held = {name for name, kept in known.items() if kept.place is None or keeper.has(kept)}
    todo = [work for work in existing if work.name not in held and keeper.is_table(work.target)]
    dropping = options.drop_existing_tables
    wholly = [work for work in todo if dropping or options.truncate_existing_tables or not target.can_track(work)]
    found = dict(
        zip(
            (work.name for work in wholly),
            keeper.set_aside([work.target for work in wholly], dropping=dropping) if wholly else (),
            strict=True,
        )
    )
    found |= {work.name: keeper.count(work.target) for work in todo if work not in wholly}
    for name, kept in found.items():
        target.put(job.migration_id, "backup", name, kept.to_json())
    return found


def _note(context: Context, works: list[TableWork], kept: dict[str, Kept]) -> None:
    """Tell of a backup once it is there for good."""
    context.state.backups.update({name: one.to_json() for name, one in kept.items()})
    context.save()
    wholly = [work for work in works if kept[work.name].place is not None]
    if wholly:
        name = backup_id(context.job.migration_id)
        context.journal.log(
            "info",
            f"the backup {name} keeps {_named(wholly)} as before; a rollback by backup_restore brings them back",
            phase=context.phase,
            records=sum(kept[work.name].rows for work in wholly),
            data={"backup_id": name},
        )

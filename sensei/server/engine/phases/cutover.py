"""cutover: indexes, references, sequences, comments and statistics; then the ledger goes."""

from __future__ import annotations

from sensei.server.engine.connectors import Connector, open_connector
from sensei.server.engine.connectors.sqlite import SqliteConnector
from sensei.server.engine.ddl import literal
from sensei.server.engine.errors import ExecutionError
from sensei.server.engine.job import DataErrorRecord
from sensei.server.engine.phases.context import Context, open_target
from sensei.server.engine.transfer.target import TargetDatabase
from sensei.server.engine.transfer.work import TableWork
from sensei.server.engine.wording import counted


def cut_over(context: Context) -> None:
    """Finish the target."""
    with open_target(context.job) as target:
        context.follow_ledger(target)
        # Structure that was there before stays as its owner made it.
        made = [work for work in context.works if work.target.qualified_name in context.state.created_tables]
        total = max(1, len(made) * 2 + len(context.works) + 1)
        done = 0
        for work in made:
            _indexes(context, target, work)
            done += 1
            context.tell(100.0 * done / total, table=work.name, message="indexes")
        for work in made:
            _references(context, target, work)
            done += 1
            context.tell(100.0 * done / total, table=work.name, message="references")
        with open_connector(context.job.source) as source:
            for work in context.works:
                _sequences(context, target, source, work)
                done += 1
                context.tell(100.0 * done / total, table=work.name, message="sequences")
        for work in made:
            _comments(target, work)
        _statistics(context, target)
        # The state is safe before the ledger goes, so that a death in between loses nothing.
        context.save("phase_boundary")
        target.forget(context.job.migration_id, added=not context.job.options.generate_rollback)
    context.tell(100.0, message="the target is finished", now=True)


def _indexes(context: Context, target: TargetDatabase, work: TableWork) -> None:
    for index in work.target.indexes:
        step = f"index {index.name} of {work.target.qualified_name}"
        if step in context.state.done_steps:
            continue
        context.check()
        with target.transaction():
            if not target.relation_exists(work.target, index.name or ""):
                _run(target, work, target.ddl.create_index(work.target, index), "E2008")
            context.step(target, step)
        context.log("info", f"made the index {index.name}", table=work.name)


def _run(target: TargetDatabase, work: TableWork, sql: str, reason_code: str) -> None:
    try:
        target.execute(sql)
    except ExecutionError as error:
        error.table = work.name
        if error.reason_code in {"E5005", "E2007"}:
            error.reason_code = reason_code
        raise


def _references(context: Context, target: TargetDatabase, work: TableWork) -> None:
    if target.system == "sqlite":
        _check_references(context, target, work)
        return
    for key in work.target.foreign_keys:
        step = f"reference {key.name} of {work.target.qualified_name}"
        if step in context.state.done_steps:
            continue
        context.check()
        ours = " AND ".join(
            f"p.{target.ddl.quote(theirs)} = c.{target.ddl.quote(column)}"
            for column, theirs in zip(key.columns, key.referenced_columns, strict=True)
        )
        whole = " AND ".join(f"c.{target.ddl.quote(column)} IS NOT NULL" for column in key.columns)
        parent = target.ddl.qualify(key.referenced_schema, key.referenced_table)
        orphans = 0
        with target.transaction():
            if not target.relation_exists(work.target, key.name or "") and not target.attempt(
                target.ddl.add_foreign_key(work.target, key, validated=True)
            ):
                orphans = target.rows(
                    f"SELECT count(*) FROM {target.ddl.name(work.target)} c WHERE {whole} "
                    f"AND NOT EXISTS (SELECT FROM {parent} p WHERE {ours})"
                )[0][0]
                _run(target, work, target.ddl.add_foreign_key(work.target, key, validated=False), "E2007")
            context.step(target, step)
        if orphans:
            _tell_orphans(context, work, key.columns, key.referenced_table, int(orphans), made="made NOT VALID")


def _check_references(context: Context, target: TargetDatabase, work: TableWork) -> None:
    step = f"references of {work.target.qualified_name}"
    if not work.target.foreign_keys or step in context.state.done_steps:
        return
    found = target.rows(
        "SELECT parent, fkid, count(*) FROM pragma_foreign_key_check(?) GROUP BY parent, fkid", [work.target.name]
    )
    with target.transaction():
        context.step(target, step)
    for parent, number, orphans in found:
        columns = target.rows(
            'SELECT "from" FROM pragma_foreign_key_list(?) WHERE id = ? ORDER BY seq', [work.target.name, number]
        )
        _tell_orphans(context, work, tuple(str(c[0]) for c in columns), str(parent), int(orphans), made="kept")


def _tell_orphans(
    context: Context, work: TableWork, columns: tuple[str, ...], parent: str, orphans: int, *, made: str
) -> None:
    context.journal.data_error(
        DataErrorRecord(
            type="constraint_violation",
            status="escalated",
            message=f"{counted(orphans, 'row refers', 'rows refer')} to rows of {parent} that are not there; "
            f"the reference is {made}",
            reason_code="E2006",
            phase=context.phase,
            table=work.name,
            column=", ".join(columns),
            affected_records=orphans,
        )
    )


def _sequences(context: Context, target: TargetDatabase, source: Connector, work: TableWork) -> None:
    for column in work.columns:
        if not column.target.autoincrement or not target.ddl.is_integer(column.target):
            continue
        step = f"sequence of {work.target.qualified_name}.{column.target.name}"
        if step in context.state.done_steps:
            continue
        last = _last_given(source, work, column.source.name)
        name = target.ddl.name(work.target)
        quoted = target.ddl.quote(column.target.name)
        with target.transaction():
            highest = target.rows(f"SELECT max({quoted}) FROM {name}")[0][0]
            value = max([number for number in (highest, last) if number is not None], default=None)
            if target.system == "postgresql":
                sequence = target.rows(
                    f"SELECT pg_get_serial_sequence({literal(name)}, {literal(column.target.name)})"
                )[0][0]
                if sequence is not None:
                    given = value is not None and value >= 1
                    target.rows(f"SELECT setval({literal(sequence)}::regclass, {value if given else 1}, {given})")
            elif work.target.extra.get("autoincrement") and value is not None:
                target.execute("DELETE FROM sqlite_sequence WHERE name = ?", [work.target.name])
                target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", [work.target.name, value])
            context.step(target, step)


def _last_given(source: Connector, work: TableWork, column: str) -> int | None:
    """The last number that the source gave out, which may be beyond the largest that is left."""
    if isinstance(source, SqliteConnector):
        if not work.source.extra.get("autoincrement"):
            return None
        found = source.scalar(f"SELECT seq FROM sqlite_sequence WHERE name = {literal(work.source.name)}")
        return None if found is None else int(found)
    if source.system == "mysql":
        following = source.scalar(
            "SELECT auto_increment FROM information_schema.tables "
            f"WHERE table_schema = {literal(str(work.source.schema))} AND table_name = {literal(work.source.name)}"
        )
        return None if following is None else int(following) - 1
    name = source.qualify(work.source.schema, work.source.name)
    sequence = source.scalar(f"SELECT pg_get_serial_sequence({literal(name)}, {literal(column)})")
    if sequence is None:
        return None
    found = source.scalar(f"SELECT CASE WHEN is_called THEN last_value END FROM {sequence}")
    return None if found is None else int(found)


def _comments(target: TargetDatabase, work: TableWork) -> None:
    if target.system != "postgresql":
        return
    for sql in target.ddl.comments(work.target):
        target.execute(sql)


def _statistics(context: Context, target: TargetDatabase) -> None:
    for work in context.works:
        context.check()
        target.execute(f"ANALYZE {target.ddl.name(work.target)}")

"""data_transfer: copy the rows, batch by batch, and give each table its keys, unique constraints and checks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from itertools import chain, count

from sensei.server.engine.errors import DataError, EndpointError, EngineError, ExecutionError
from sensei.server.engine.job import DataErrorRecord, Wanted
from sensei.server.engine.phases.context import Context, Halted, Source, open_source, open_target
from sensei.server.engine.phases.schema import prepare_target
from sensei.server.engine.transfer.read_postgresql import PostgresqlSource
from sensei.server.engine.transfer.rows import BadRow, Batch, Part, RowsUnreadableError, reached
from sensei.server.engine.transfer.target import TargetDatabase
from sensei.server.engine.transfer.work import TableWork
from sensei.server.engine.wording import counted

_SAVE_ROWS = {"safe": 20_000, "balanced": 100_000, "speed": 500_000}
"""Rows between two checkpoints, by strategy."""
_SAVE_SECONDS = 900.0
_MOST_ERRORS = 0.10
_EARLIEST_VERDICT = 1_000
"""Rows after which the error rate counts before the end."""
_SAMPLES = 5
_SHRINK = 10
_SHARE = 8
"""A transaction takes at most this part of the time that its table has taken so far."""
_PAUSES = (1, 2, 4, 8)
"""Seconds to wait for an end that went away, the first time, the second, …"""
_PASSING = {"E1001", "E1004"}

_ERROR_TYPES = {
    "E3001": "type_mismatch",
    "E3002": "null_constraint_violation",
    "E3003": "truncation_warning",
    "E3004": "type_mismatch",
    "E3005": "type_mismatch",
    "E3006": "encoding_mismatch",
    "E3007": "logic",
}


def transfer_data(context: Context) -> None:
    """Copy all tables; an end that goes away is waited for a few times, as long as it comes back in between."""
    pauses = iter(_PAUSES)
    while True:
        processed = context.processed
        context.failed.clear()
        try:
            return _transfer(context)
        except EndpointError as error:
            if context.processed > processed:
                pauses = iter(_PAUSES)
            seconds = next(pauses, None)
            if error.reason_code not in _PASSING or seconds is None:
                raise
            context.log("warning", f"{error.message}; going on in {seconds} s", table=error.table)
            context.rest(seconds)


def _transfer(context: Context) -> None:
    """One try at it.

    Tables are copied side by side where both ends serve several connections well, which is PostgreSQL to PostgreSQL;
    SQLite has one writer, and what comes from it is turned into text by one interpreter anyway.
    """
    source = open_source(context.job.source, for_sqlite=context.job.target.type == "sqlite")
    try:
        with open_target(context.job) as target:
            prepare_target(context, target)
            created = {
                entry.name: bool(entry.data.get("created"))
                for entry in target.entries(context.job.migration_id)
                if entry.kind == "table"
            }
            todo = [work for work in context.works if context.state.tables[work.name].status != "completed"]
            workers = min(context.job.options.parallelism, len(todo))
            if workers > 1 and isinstance(source, PostgresqlSource) and target.system == "postgresql":
                _side_by_side(context, todo, created, source.share(), workers)
            else:
                for work in todo:
                    _Copy(context, source, target, work, created=created[work.name]).run()
    finally:
        source.close()
    _judge(context, at_end=True)
    context.tell(100.0, message="all rows are copied", now=True)


def _side_by_side(
    context: Context, todo: list[TableWork], created: dict[str, bool], snapshot: str, workers: int
) -> None:
    executor: Executor
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="sensei-copy") as executor:
        # The largest first, so that no worker is left with it at the end.
        by_size = sorted(todo, key=lambda work: -(work.source.row_estimate or 0))
        futures = [executor.submit(_copy_alone, context, work, snapshot, created[work.name]) for work in by_size]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        # Where the caller wants a halt, each table asks for itself, and knows a pause from a stop.
        if any(not isinstance(future.exception(), Halted | None) for future in done):
            context.failed.set()
        for future in futures:
            future.cancel()
    failures = [future.exception() for future in futures if not future.cancelled() and future.exception()]
    # A real failure says more than that another table was halted.
    for failure in sorted(failures, key=lambda error: isinstance(error, Halted)):
        if failure is not None:
            raise failure


def _copy_alone(context: Context, work: TableWork, snapshot: str, created: bool) -> None:
    context.check()
    source = open_source(context.job.source, snapshot)
    try:
        with open_target(context.job) as target:
            _Copy(context, source, target, work, created=created).run()
    finally:
        source.close()


class _Copy:
    """Copies one table."""

    def __init__(
        self, context: Context, source: Source, target: TargetDatabase, work: TableWork, *, created: bool
    ) -> None:
        self._context = context
        self._source = source
        self._target = target
        self._work = work
        self._created = created
        self._progress = context.state.tables[work.name]
        self._saved_rows = context.processed
        self._saved_at = self._began = time.monotonic()

    def run(self) -> None:
        context, progress = self._context, self._progress
        if progress.status == "pending":
            context.log(
                "info", f"copying {self._work.name} to {self._work.target.qualified_name}", table=self._work.name
            )
        progress.status = "running"
        try:
            options = context.job.options
            if not self._created and options.append_to_existing and options.generate_rollback:
                self._target.track(context.job.migration_id, self._work)
            if not self._done:
                self._copy_rows()
                self._finish_rows()
            if self._created:
                finish_table(context, self._target, self._work)
            progress.status = "completed"
            with self._target.transaction():
                self._put()
        except Halted:
            raise
        except EngineError as error:
            if not isinstance(error, DataError) or error.table is None:
                error.table = error.table or self._work.name
            progress.status = "failed"
            raise
        context.log("info", f"copied {progress.rows_done} rows", table=self._work.name, records=progress.rows_done)
        self._tell(now=True)

    @property
    def _done(self) -> bool:
        return bool(reached(self._progress.position, "done"))

    def _copy_rows(self) -> None:
        """All batches; ever smaller ones around rows that the source cannot give, until such a row is alone."""
        most = size = self._context.job.options.batch_size
        while not self._done:
            try:
                batches = iter(self._source.batches(self._work, self._progress.position, size))
                for batch in batches:
                    self._context.check()
                    self._store(chain((batch,), batches), self._together() if size == most else 0.0)
                    if size < most:
                        break
                else:
                    return
                size = min(most, size * _SHRINK)
            except RowsUnreadableError as error:
                if size == 1:
                    self._skip(error)
                size = max(1, size // _SHRINK)

    def _skip(self, error: RowsUnreadableError) -> None:
        skipped = self._source.skip(self._work, self._progress.position)
        if skipped is None:
            raise error
        with self._target.transaction():
            self._progress.position, key = skipped
            self._progress.errors += 1
            self._put()
        self._escalate([BadRow(error.reason_code, error.message, key)])

    def _finish_rows(self) -> None:
        self._progress.position = {"done": True}
        self._progress.rows_total = self._progress.rows_done + self._progress.errors

    def _put(self) -> None:
        entry = self._context.entry(self._work, created=self._created)
        self._target.put(self._context.job.migration_id, "table", self._work.name, dict(entry))

    def _store(self, batches: Iterator[Batch], seconds: float) -> None:
        """Write a batch, and those that follow within so many seconds, in one transaction."""
        context, progress = self._context, self._progress
        until = time.monotonic() + seconds
        before = (progress.rows_done, progress.bytes_done, progress.errors, progress.position)
        bad: list[BadRow] = []
        failure: EngineError | None = None
        try:
            with self._target.transaction(durable=False):
                for number in count():
                    try:
                        batch, parts = _begun(batches)
                    except EngineError as error:
                        # Whatever keeps the next batch from coming, those before it are whole.
                        if not number:
                            raise
                        failure = error
                        break
                    if batch is None:
                        break
                    for part in parts:
                        refused = self._target.write(self._work, part)
                        bad += refused
                        progress.rows_done += part.count - len(refused)
                        progress.bytes_done += part.size
                        progress.errors += len(refused)
                        context.check_stop()
                        self._tell()
                    progress.position = batch.position
                    if time.monotonic() >= until or self._save_is_due or context.control.wanted() is not Wanted.RUN:
                        break
                self._put()
        except BaseException:
            progress.rows_done, progress.bytes_done, progress.errors, progress.position = before
            raise
        if bad:
            self._escalate(bad)
        if (progress.rows_total or 0) < progress.rows_done + progress.errors:
            progress.rows_total = progress.rows_done + progress.errors
        self._save_now_and_then()
        if failure is not None:
            raise failure

    def _escalate(self, bad: Iterable[BadRow]) -> None:
        groups: dict[tuple[str, str | None], list[BadRow]] = {}
        for row in bad:
            groups.setdefault((row.reason_code, row.column), []).append(row)
        for (code, column), rows in groups.items():
            with self._context.lock:
                self._context.journal.data_error(
                    DataErrorRecord(
                        type=_ERROR_TYPES.get(code, "constraint_violation"),
                        status="escalated",
                        message=rows[0].message,
                        reason_code=code,
                        phase=self._context.phase,
                        table=self._work.name,
                        column=column,
                        affected_records=len(rows),
                        sample=tuple(row.key for row in rows[:_SAMPLES]),
                    )
                )
        with self._context.lock:
            _judge(self._context, at_end=False)

    def _together(self) -> float:
        """Seconds for which batches share a transaction: little at first, so that little is lost by a failure."""
        return min(self._target.commit_seconds, (time.monotonic() - self._began) / _SHARE)

    @property
    def _save_is_due(self) -> bool:
        rows = _SAVE_ROWS[self._context.job.options.strategy]
        return self._context.processed - self._saved_rows >= rows or time.monotonic() - self._saved_at >= _SAVE_SECONDS

    def _save_now_and_then(self) -> None:
        if self._save_is_due:
            self._saved_rows, self._saved_at = self._context.processed, time.monotonic()
            self._context.save(table=self._work.name)

    def _tell(self, *, now: bool = False) -> None:
        tables = self._context.state.tables.values()
        total = sum(table.rows_total or 0 for table in tables)
        percent = 100.0 * self._context.processed / total if total else 0.0
        running = sum(table.status == "running" for table in tables)
        self._context.tell(percent, table=self._work.name, workers=running, now=now)


def _begun(batches: Iterator[Batch]) -> tuple[Batch | None, Iterable[Part]]:
    """The next batch, its first part read; None where there is none."""
    batch = next(batches, None)
    if batch is None:
        return None, ()
    first = next(batch.parts, None)
    return batch, () if first is None else chain((first,), batch.parts)


def _judge(context: Context, *, at_end: bool) -> None:
    """End the phase where too many rows cannot be carried: of all rows, so that no order of tables decides it."""
    errors = sum(table.errors for table in context.state.tables.values())
    processed = context.processed
    expected = sum(table.rows_total or 0 for table in context.state.tables.values())
    most = _MOST_ERRORS * (processed if at_end else max(processed, expected))
    if errors > most and (at_end or processed >= _EARLIEST_VERDICT):
        raise DataError(
            f"{errors:,} of {processed:,} rows cannot be carried, more than {_MOST_ERRORS:.0%}; "
            "see the recorded errors, mend the source or the mappings, then resume",
            reason_code="E5005",
        )


def finish_table(context: Context, target: TargetDatabase, work: TableWork) -> None:
    """Primary key, unique constraints and checks of a filled table; SQLite's came with the table."""
    if target.system != "postgresql":
        return
    table, ddl = work.target, target.ddl
    steps: list[tuple[str, str, str]] = []
    if table.primary_key:
        name = str(table.extra.get("primary_key_name") or f"{table.name}_pkey")
        steps.append((f"primary key of {table.qualified_name}", name, ddl.add_primary_key(table)))
    for unique in table.unique_constraints:
        name = unique.name or ""
        steps.append((f"unique {name} of {table.qualified_name}", name, ddl.add_unique(table, unique)))
    for step, name, sql in steps:
        if step in context.state.done_steps:
            continue
        context.check()
        with target.transaction():
            if not target.relation_exists(table, name):
                try:
                    target.execute(sql)
                except ExecutionError as error:
                    error.table = work.name
                    raise
            context.step(target, step)
    for number, check in enumerate(table.check_constraints):
        step = f"check {check.name or number} of {table.qualified_name}"
        if step not in context.state.done_steps:
            add_check(context, target, work, step, check.name, check.expression)


def add_check(
    context: Context, target: TargetDatabase, work: TableWork, step: str, name: str | None, expression: str
) -> None:
    """Make a check; where rows already break it, it holds for new rows only, and that is recorded."""
    table = work.target
    broken = 0
    with target.transaction():
        if not target.attempt(target.ddl.add_check(table, name, expression, validated=True)):
            broken = target.rows(f"SELECT count(*) FROM {target.ddl.name(table)} WHERE NOT ({expression})")[0][0]
            target.execute(target.ddl.add_check(table, name, expression, validated=False))
        context.step(target, step)
    if broken:
        context.journal.data_error(
            DataErrorRecord(
                type="constraint_violation",
                status="escalated",
                message=f"{counted(int(broken), 'row breaks', 'rows break')} the check ({expression[:200]}); "
                "it is made NOT VALID",
                reason_code="E4007",
                phase=context.phase,
                table=work.name,
                affected_records=int(broken),
            )
        )

"""What the phases share: the ends, the state that follows the ledger, and what is wanted."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from sensei.server.engine.connectors import need_mysql_driver
from sensei.server.engine.errors import ConnectorUnavailableError
from sensei.server.engine.job import (
    Control,
    Endpoint,
    Job,
    Journal,
    MigrationState,
    PhaseOutcome,
    Progress,
    TableProgress,
    Wanted,
)
from sensei.server.engine.transfer.read_postgresql import PostgresqlSource
from sensei.server.engine.transfer.read_sqlite import SqliteSource
from sensei.server.engine.transfer.target import TargetDatabase
from sensei.server.engine.transfer.work import TableWork, works
from sensei.server.engine.transfer.write_postgresql import PostgresqlTarget
from sensei.server.engine.transfer.write_sqlite import SqliteTarget

_TOLD_EVERY_SECONDS = 0.5
_ASKED_EVERY_SECONDS = 0.2

if TYPE_CHECKING:
    from sensei.server.engine.transfer.read_mysql import MysqlSource

Source: TypeAlias = "SqliteSource | PostgresqlSource | MysqlSource"


class Halted(Exception):  # noqa: N818  # the caller asked for it
    """The caller wants the phase to stop."""

    def __init__(self, outcome: PhaseOutcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


def open_source(endpoint: Endpoint, snapshot: str | None = None, *, for_sqlite: bool = False) -> Source:
    """Open a database for reading at one moment; `for_sqlite` where its rows may come as values that SQLite takes."""
    if endpoint.type == "sqlite":
        return SqliteSource(endpoint)
    if endpoint.type == "postgresql":
        return PostgresqlSource(endpoint, snapshot, for_sqlite=for_sqlite)
    if endpoint.type == "mysql":
        need_mysql_driver()
        from sensei.server.engine.transfer.read_mysql import MysqlSource

        return MysqlSource(endpoint)
    raise ConnectorUnavailableError(f"there is no driver for {endpoint.type[:40]!r} databases on this server")


def open_target(job: Job) -> TargetDatabase:
    """Open a job's target for writing."""
    if job.target.type == "sqlite":
        return SqliteTarget(job.target)
    if job.target.type == "postgresql":
        return PostgresqlTarget(job.target, job.plan.target_schema)
    raise ConnectorUnavailableError(f"there is no driver for {job.target.type[:40]!r} databases on this server")


@dataclass(slots=True)
class Context:
    """One phase of one job."""

    phase: str
    job: Job
    state: MigrationState
    journal: Journal
    control: Control
    works: list[TableWork] = field(init=False)
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Guards the state and the journal where several tables are copied at a time."""
    failed: threading.Event = field(default_factory=threading.Event)
    """Set when one of several tables failed, so that the others stop as well."""
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0
    _processed_before: int = 0

    def __post_init__(self) -> None:
        self.works = works(self.job)
        estimates = {plan.source.qualified_name: plan.estimated_rows for plan in self.job.plan.tables}
        for work in self.works:
            progress = self.state.tables.setdefault(work.name, TableProgress())
            if progress.rows_total is None:
                progress.rows_total = estimates.get(work.name)
        self._processed_before = self.processed

    @property
    def processed(self) -> int:
        """Rows dealt with so far, stored or left out."""
        return sum(table.rows_done + table.errors for table in self.state.tables.values())

    def check(self) -> None:
        """Go on, or end the phase here.

        Raises:
            Halted: The caller does not want it to go on.
        """
        wanted = Wanted.STOP if self.failed.is_set() else self.control.wanted()
        if wanted is Wanted.PAUSE:
            raise Halted(PhaseOutcome.PAUSED)
        if wanted is Wanted.STOP:
            raise Halted(PhaseOutcome.STOPPED)

    def check_stop(self) -> None:
        """Like `check`, but a pause waits for the batch in flight."""
        if self.failed.is_set() or self.control.wanted() is Wanted.STOP:
            raise Halted(PhaseOutcome.STOPPED)

    def rest(self, seconds: float) -> None:
        """Wait, unless the caller wants something else meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, _ASKED_EVERY_SECONDS))

    def follow_ledger(self, target: TargetDatabase) -> None:
        """Bring the state up to what the target itself knows; the target is right."""
        for entry in target.entries(self.job.migration_id):
            match entry.kind:
                case "schema":
                    _add(self.state.created_schemas, entry.name)
                case "step":
                    _add(self.state.done_steps, entry.name)
                case "backup":
                    self.state.backups[entry.name] = entry.data
                case _:
                    if entry.data.get("created"):
                        _add(self.state.created_tables, entry.data["target"])
                    progress = self.state.tables.setdefault(entry.name, TableProgress())
                    for name in ("rows_done", "bytes_done", "errors", "status", "position"):
                        setattr(progress, name, entry.data[name])

    def entry(self, work: TableWork, *, created: bool) -> dict[str, object]:
        """A table's line of the ledger."""
        progress = self.state.tables[work.name]
        return {
            "target": work.target.qualified_name,
            "created": created,
            "rows_done": progress.rows_done,
            "bytes_done": progress.bytes_done,
            "errors": progress.errors,
            "status": progress.status,
            "position": progress.position,
        }

    def step(self, target: TargetDatabase, name: str) -> None:
        """Note a step as done, within the target's open transaction."""
        target.put(self.job.migration_id, "step", name, {})
        with self.lock:
            _add(self.state.done_steps, name)

    def log(self, level: str, message: str, *, table: str | None = None, records: int | None = None) -> None:
        """Tell the journal."""
        with self.lock:
            self.journal.log(level, message, phase=self.phase, table=table, records=records)

    def save(self, kind: str = "automatic", table: str | None = None) -> None:
        """Have the state stored."""
        with self.lock:
            self.journal.checkpoint(self.state, kind=kind, table=table)

    def tell(
        self, percent: float, *, table: str | None = None, message: str = "", workers: int = 0, now: bool = False
    ) -> None:
        """Tell how far the phase is; at most twice a second unless `now`."""
        moment = time.monotonic()
        with self.lock:
            if not now and moment - self._told < _TOLD_EVERY_SECONDS:
                return
            self._told = moment
            tables = self.state.tables.values()
            totals = [table.rows_total for table in tables]
            processed = self.processed
            seconds = max(moment - self._began, 1e-6)
            self.journal.progress(
                Progress(
                    phase=self.phase,
                    phase_percent=round(min(percent, 100.0), 2),
                    records_processed=processed,
                    records_total=None if None in totals else sum(total or 0 for total in totals),
                    bytes_processed=sum(table.bytes_done for table in tables),
                    records_per_second=round((processed - self._processed_before) / seconds, 1),
                    errors=sum(table.errors for table in tables),
                    active_workers=workers,
                    table=table,
                    message=message,
                )
            )


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)

"""What the engine tells, brought into the store: logs, figures, data errors, checkpoints."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json
from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.engine.job import DataErrorRecord, MigrationState, Progress
from sensei.server.ids import new_id
from sensei.server.migrations import event_log, lifecycle, progress
from sensei.server.migrations.lease import LeaseHolder, LeaseLostError, lock_owned
from sensei.server.runtime import Runtime
from sensei.server.store.migration_tables import CheckpointRow, ErrorRow, Migration

log: logging.Logger = logging.getLogger("sensei.server")

_FLUSH_SECONDS = 0.1
_PROGRESS_SECONDS = 1.0
_KEPT_FOR = timedelta(hours=168)
_KEPT_AUTOMATIC = 5

Entry = Callable[[Session, Migration], None]


class StoreJournal:
    """A journal that writes in small batches from a thread of its own; checkpoints are stored when they return."""

    def __init__(self, runtime: Runtime, holder: LeaseHolder) -> None:
        self._runtime = runtime
        self._holder = holder
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._entries: list[Entry] = []
        self._progress: tuple[Progress, datetime] | None = None
        self._told_at: datetime | None = None
        self._wake = threading.Event()
        self._closing = threading.Event()
        self.lost: bool = False
        """Set when the lease was lost; the engine is then told to stop."""
        self._thread = threading.Thread(target=self._run, name="sensei-journal", daemon=True)
        self._thread.start()

    def log(
        self,
        level: str,
        message: str,
        *,
        phase: str,
        table: str | None = None,
        records: int | None = None,
        component: str = "engine",
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """An entry for the log."""
        now = self._now()
        more = dict(data) if data else None

        def write(session: Session, row: Migration) -> None:
            event_log.append_log(
                session,
                row,
                level,
                message,
                now,
                phase=phase,
                component=component,
                table=table,
                records=records,
                data=more,
            )

        self._add(write)

    def progress(self, progress: Progress) -> None:
        """Running figures; the newest ones are written, at most once a second."""
        with self._lock:
            self._progress = (progress, self._now())
        self._wake.set()

    def data_error(self, record: DataErrorRecord) -> None:
        """Rows that could not be carried as they were."""
        now = self._now()
        self._add(lambda session, row: write_error(session, row, record, now))

    def checkpoint(self, state: MigrationState, *, kind: str = "automatic", table: str | None = None) -> None:
        """Store a position, with everything told before it; the boundary of a phase survives a power cut as well.

        What lies between boundaries the target's own ledger knows better. At the last one the ledger goes.
        """
        now = self._now()
        stored = state.to_json()
        self._add(lambda session, row: _write_checkpoint(session, row, stored, kind, table, now))
        self.flush(with_progress=True)
        if kind == "phase_boundary":
            self._runtime.store.make_durable()

    def flush(self, *, with_progress: bool = False) -> None:
        """Write everything told so far.

        Raises:
            LeaseLostError: The work was taken over.
        """
        with self._writing:
            with self._lock:
                entries, self._entries = self._entries, []
                progress = self._take_progress(always=with_progress)
            if not entries and progress is None:
                return
            if self.lost:
                raise LeaseLostError
            try:
                with self._runtime.store.write() as session:
                    row = lock_owned(session, self._holder)
                    for entry in entries:
                        entry(session, row)
                    if progress is not None:
                        _write_progress(session, row, *progress)
            except LeaseLostError:
                self.lost = True
                raise
        self._runtime.hub.notify(self._holder.migration_id)

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self.flush(with_progress=True)

    def _add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)
        self._wake.set()

    def _take_progress(self, *, always: bool) -> tuple[Progress, datetime] | None:
        if self._progress is None:
            return None
        told = self._progress[1]
        if not always and self._told_at is not None and (told - self._told_at).total_seconds() < _PROGRESS_SECONDS:
            return None
        self._told_at = told
        taken, self._progress = self._progress, None
        return taken

    def _now(self) -> datetime:
        return self._runtime.settings.clock.now()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            try:
                self.flush()
            except LeaseLostError:
                return
            except Exception:
                log.exception("the journal could not be written; what the engine does next reports it")
                return
            # Gathers what comes in meanwhile, so that a chatty engine costs few transactions.
            self._closing.wait(_FLUSH_SECONDS)


def _write_progress(session: Session, row: Migration, told: Progress, now: datetime) -> None:
    if told.phase == "data_transfer":
        row.records_processed = told.records_processed
        row.records_total = told.records_total if told.records_total is not None else row.records_total
        row.bytes_processed = told.bytes_processed
        row.throughput = told.records_per_second
        row.peak_throughput = max(row.peak_throughput, told.records_per_second)
    row.active_workers = told.active_workers
    progress.set_percent(row, told.phase, max(0.0, min(100.0, told.phase_percent)))
    lifecycle.progress_event(session, row, told.phase, now, told.message, told.table)


def write_error(session: Session, row: Migration, record: DataErrorRecord, now: datetime) -> None:
    """Keep a data error and tell everybody."""
    error = ErrorRow(
        id=new_id("err"),
        migration_id=row.id,
        timestamp=now,
        status=record.status,
        phase=record.phase,
        type=record.type,
        message=record.message,
        reason_code=record.reason_code,
        table=record.table,
        column=record.column,
        affected_records=record.affected_records,
        # Through JSON once: a sample may hold any value of a driver.
        sample=_json_ready(record.sample),
        attempted_fixes=1 if record.status == "recovered" else 0,
    )
    session.add(error)
    if record.status == "recovered":
        row.errors_recovered += record.affected_records
    else:
        row.errors_escalated += record.affected_records
    for action in ("occurred", record.status):
        publish_error(session, row, error, action, now)


def publish_error(
    session: Session, row: Migration, error: ErrorRow, action: str, now: datetime, resolution: str | None = None
) -> None:
    """Tell streams and webhooks what became of a data error."""
    event_log.append(
        session,
        row,
        "error",
        {
            "action": action,
            "error_id": error.id,
            "error_type": error.type,
            "reason_code": error.reason_code,
            "phase": error.phase,
            "table": error.table,
            "column_name": error.column,
            "affected_records": error.affected_records,
            "message": error.message,
        },
        now,
        phase=error.phase,
    )
    data: dict[str, Any] = {
        "error_id": error.id,
        "error_type": error.type,
        "error_message": error.message,
        "reason_code": error.reason_code,
        "phase": error.phase,
        "table_name": error.table,
        "column_name": error.column,
        "affected_records": error.affected_records,
    }
    if resolution is not None:
        data["resolution"] = resolution
    lifecycle.emit(session, row, f"error.{action}", now, data)


def _write_checkpoint(
    session: Session, row: Migration, state: dict[str, Any], kind: str, table: str | None, now: datetime
) -> None:
    row.state = state
    # At the boundary of a phase the worker adds one that knows the phase is done.
    if kind != "phase_boundary":
        add_checkpoint(session, row, kind, now, table=table)


def add_checkpoint(
    session: Session,
    row: Migration,
    kind: str,
    now: datetime,
    *,
    table: str | None = None,
    reason: str | None = None,
) -> CheckpointRow:
    """Keep the present position of a migration as a checkpoint, and forget automatic ones beyond the last five."""
    state: dict[str, Any] = row.state or {}
    done = sum(int(progress.get("rows_done", 0)) for progress in state.get("tables", {}).values())
    checkpoint = CheckpointRow(
        id=new_id("chk"),
        migration_id=row.id,
        timestamp=now,
        type=kind,
        phase=row.phase or "planning",
        table=table,
        records_completed=done,
        size_bytes=len(to_json(state)),
        reason=reason,
        expires_at=now + _KEPT_FOR,
        state=state,
        phases=row.phases,
    )
    session.add(checkpoint)
    row.last_checkpoint_id = checkpoint.id
    event_log.append_log(
        session,
        row,
        "info" if kind != "automatic" else "debug",
        f"Checkpoint stored at {done} records",
        now,
        phase=row.phase,
        table=table,
        records=done,
        checkpoint_id=checkpoint.id,
    )
    if kind == "automatic":
        old = session.scalars(
            select(CheckpointRow)
            .where(CheckpointRow.migration_id == row.id, CheckpointRow.type == "automatic")
            .order_by(CheckpointRow.timestamp.desc(), CheckpointRow.id.desc())
            .offset(_KEPT_AUTOMATIC)
        )
        for one in old:
            session.delete(one)
    return checkpoint


def _json_ready(sample: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    decoded: list[dict[str, Any]] = json.loads(to_json(list(sample), fallback=str, bytes_mode="base64"))
    return decoded

"""Rollbacks: of a cancellation, and on request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from sensei.server.engine.errors import EngineError
from sensei.server.engine.job import MigrationState
from sensei.server.engine.wording import counted
from sensei.server.errors import ApiError
from sensei.server.migrations import engine_jobs, event_log, lifecycle, record_retries
from sensei.server.migrations.journal import StoreJournal, add_checkpoint
from sensei.server.migrations.lease import LeaseHolder, lock_owned
from sensei.server.runtime import Runtime
from sensei.server.schemas.base import wire_time
from sensei.server.store.migration_tables import CheckpointRow, Migration

if TYPE_CHECKING:
    from sensei.server.engine.rollback import RollbackReport

log: logging.Logger = logging.getLogger("sensei.server")

BRINGING_BACK = "backup_restore"
"""The strategy that makes the target what it was."""


def has_written(row: Migration) -> bool:
    """Whether there is anything of this migration on the target that was not undone."""
    state = row.state or {}
    return bool(
        state.get("created_tables")
        or state.get("created_schemas")
        or any(table.get("rows_done") for table in state.get("tables", {}).values())
        or has_backup(row)
    )


def has_backup(row: Migration) -> bool:
    """Whether tables that were on the target before are put aside there."""
    return any(kept["place"] is not None for kept in (row.state or {}).get("backups", {}).values())


def skipped_rows(session: Session, migration_id: str) -> dict[str, int]:
    """Rows by qualified source table that were left out with a recorded error, as the engine counts them."""
    state = session.get_one(Migration, migration_id).state or {}
    return {name: int(table["errors"]) for name, table in state.get("tables", {}).items() if table.get("errors")}


def begin(row: Migration, spec: dict[str, Any], now: datetime) -> None:
    """Note that a rollback was asked for."""
    row.rollback_status = "initiated"
    row.rollback = {**spec, "started_at": wire_time(now)}


def undo(runtime: Runtime, holder: LeaseHolder, tables: frozenset[str] | None) -> bool:
    """Let the engine take back what was written; whether it worked. Safe to repeat.

    By the strategy that was asked for; a cancellation brings back what was there before where that was kept.
    """
    from sensei.server.engine.rollback import roll_back

    now = runtime.settings.clock.now()
    with runtime.store.write() as session:
        row = lock_owned(session, holder)
        if not has_written(row):
            row.rollback_status = "not_required"
            return True
        row.rollback_status = "in_progress"
        spec: dict[str, Any] = row.rollback or {}
        job = engine_jobs.load_job(runtime.store, session, row)
        state = MigrationState.from_json(row.state or {})
    runtime.hub.notify(holder.migration_id)
    journal = StoreJournal(runtime, holder)
    try:
        report = roll_back(
            job,
            state,
            journal,
            tables=tables,
            restore=spec.get("strategy", BRINGING_BACK) == BRINGING_BACK,
            verify=spec.get("verify_after", True),
        )
    except EngineError as error:
        journal.close()
        with runtime.store.write() as session:
            note_failure(
                session, lock_owned(session, holder), error.message, error.reason_code, runtime.settings.clock.now()
            )
        runtime.hub.notify(holder.migration_id)
        return False
    except BaseException:
        journal.close()
        raise
    journal.close()
    now = runtime.settings.clock.now()
    with runtime.store.write() as session:
        row = lock_owned(session, holder)
        row.state = state.to_json()
        row.rollback_status = "completed"
        found: dict[str, Any] = {
            "strategy": spec.get("strategy") or (BRINGING_BACK if report.restored_tables else "truncate"),
            "restored_to": report.restored_to and wire_time(datetime.fromisoformat(report.restored_to)),
            "verification": _shown(report),
            "completed_at": wire_time(now),
        }
        row.rollback = {**(row.rollback or {}), **found}
        _log_report(session, row, report, now)
    return True


def carry_out(runtime: Runtime, holder: LeaseHolder) -> None:
    """Do the rollback that a row in `rolling_back` asks for."""
    with runtime.store.read() as session:
        row = session.get_one(Migration, holder.migration_id)
        spec: dict[str, Any] = dict(row.rollback or {})
        known = sorted((row.state or {}).get("tables", {}))
    scope = spec.get("scope", "full")
    tables: frozenset[str] | None = None
    if scope == "tables":
        tables = frozenset(spec["tables"])
    elif scope == "phase" and spec["phase"] not in ("planning", "schema_migration"):
        tables = frozenset(known)
    if not undo(runtime, holder, tables):
        return
    now = runtime.settings.clock.now()
    with runtime.store.write() as session:
        row = lock_owned(session, holder)
        if row.status != "rolling_back":
            return
        if scope == "full":
            reset_phases(row)
            lifecycle.move(session, row, "rolled_back", now, "Everything this migration wrote was taken back")
        else:
            reset_phases(row)
            record_retries.queue(session, row.id, known if tables is None else tables)
            # Earlier checkpoints tell of tables that are gone, or are not ours any more.
            session.execute(delete(CheckpointRow).where(CheckpointRow.migration_id == row.id))
            add_checkpoint(session, row, "phase_boundary", now)
            lifecycle.move(session, row, "paused", now, "The rollback is done; resume transfers these tables again")


def note_failure(session: Session, row: Migration, message: str, reason_code: str | None, now: datetime) -> None:
    """A rollback failed: the migration ends with `rollback_failed`."""
    problem = {
        "code": "rollback_failed",
        "message": message,
        "reason_code": reason_code or "E6010",
        "occurred_at": wire_time(now),
    }
    row.rollback_status = "failed"
    row.rollback = {**(row.rollback or {}), "error": problem, "completed_at": wire_time(now)}
    lifecycle.fail(session, row, now, "rollback_failed", message, reason_code=reason_code or "E6010")


def reset_phases(row: Migration) -> None:
    """Take everything after planning back to the beginning; what is done already the engine knows and skips."""
    row.phases = {name: phase for name, phase in row.phases.items() if name == "planning"}
    row.records_processed = sum(
        int(table.get("rows_done", 0)) for table in (row.state or {}).get("tables", {}).values()
    )


def _shown(report: RollbackReport) -> dict[str, Any] | None:
    """`RollbackStatus.verification`."""
    if report.verification is None:
        return None
    return {
        "source_comparison": report.verification.source,
        "record_counts_match": report.verification.counts_match,
        "sample_verification": report.verification.contents,
    }


def discard_backup_later(runtime: Runtime, session: Session, row: Migration) -> Callable[[], None] | None:
    """What removes the backup of a migration that is about to be deleted; None where there is none."""
    state = MigrationState.from_json(row.state or {})
    if not state.backups:
        return None
    try:
        job = engine_jobs.load_job(runtime.store, session, row)
    except ApiError as error:
        # Its connections may have been deleted before it.
        log.warning("the backup of %s stays on its target: %s", row.id, error.message)
        return None

    def discard() -> None:
        from sensei.server.engine.rollback import discard_backup

        try:
            discard_backup(job, state)
        except EngineError as error:
            log.warning("the backup of %s stays on its target: %s", job.migration_id, error.message)

    return lambda: threading.Thread(target=discard, name="sensei-discard", daemon=True).start()


def _log_report(session: Session, row: Migration, report: RollbackReport, now: datetime) -> None:
    text = (
        f"Rollback: {counted(len(report.dropped_tables), 'table', 'tables')} dropped, "
        f"{len(report.emptied_tables)} emptied, {len(report.restored_tables)} brought back, "
        f"{counted(report.removed_rows, 'row', 'rows')} removed"
    )
    event_log.append_log(session, row, "info", text, now, phase=row.phase)
    for sentence in report.kept:
        event_log.append_log(session, row, "warning", sentence, now, phase=row.phase)

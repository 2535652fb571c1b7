"""Every change of a migration's status goes through `move`: it obeys the table and tells everybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sensei.server.migrations import event_log, progress
from sensei.server.migrations.state_machine import EXECUTING, FINISHED, PHASES, can_move
from sensei.server.notifications import queue as notifications
from sensei.server.schemas.base import wire_time
from sensei.server.store.migration_tables import MappingRow, Migration, ScheduleRow
from sensei.server.validations import runs
from sensei.server.webhooks import outbox

_EVENT_BY_STATUS = {
    "paused": "migration.paused",
    "completed": "migration.completed",
    "failed": "migration.failed",
    "cancelled": "migration.cancelled",
}


def move(
    session: Session,
    row: Migration,
    status: str,
    now: datetime,
    message: str,
    *,
    reason: str | None = None,
) -> None:
    """Take a migration, whose row is locked, to another status, with everything that follows from it.

    Parameters:
        message: One sentence for a person.
        reason: What the user said, if this is a user's wish.
    """
    before = row.status
    if not can_move(before, status):
        raise AssertionError(f"no transition from {before} to {status}")
    row.status = status
    if status == "running":
        row.phase = _running_phase(row)
    row.updated_at = now
    _keep_times(row, before, status, now)
    event_log.append(
        session,
        row,
        "status",
        {"status": status, "previous_status": before, "phase": row.phase, "reason": reason, "message": message},
        now,
        phase=row.phase,
    )
    _publish_to_webhooks(session, row, before, now, reason)
    if status in FINISHED:
        _finish(session, row, now, message)


def created(session: Session, row: Migration, now: datetime) -> None:
    """Tell that a migration was made."""
    event_log.append(
        session,
        row,
        "status",
        {"status": row.status, "previous_status": None, "phase": None, "reason": None, "message": "Migration created"},
        now,
    )
    emit(session, row, "migration.created", now)


def begin_phase(session: Session, row: Migration, name: str, now: datetime, message: str) -> None:
    """Note that a phase starts, or goes on after a pause."""
    row.phase = name
    fresh = row.phases.get(name, {}).get("status") != "running"
    progress.set_phase(row, name, "running", now)
    if fresh:
        _phase_event(session, row, name, "started", now, message)
        emit(session, row, "migration.phase.started", now, phase_data(row, name, now))


def complete_phase(session: Session, row: Migration, name: str, now: datetime, message: str) -> None:
    """Note that a phase is done."""
    progress.set_phase(row, name, "completed", now, percent=100.0)
    progress_event(session, row, name, now, message)
    _phase_event(session, row, name, "completed", now, message)
    emit(session, row, "migration.phase.completed", now, phase_data(row, name, now))


def fail_phase(session: Session, row: Migration, name: str, now: datetime, message: str) -> None:
    """Note that a phase failed."""
    progress.set_phase(row, name, "failed", now)
    _phase_event(session, row, name, "failed", now, message)
    emit(session, row, "migration.phase.failed", now, {**phase_data(row, name, now), "error_message": message})


def skip_phase(session: Session, row: Migration, name: str, now: datetime) -> None:
    """Note that a phase is left out."""
    progress.set_phase(row, name, "skipped", now)
    _phase_event(session, row, name, "skipped", now, "Skipped")


def progress_event(
    session: Session, row: Migration, phase: str, now: datetime, message: str, table: str | None = None
) -> None:
    """Add a `progress` event with the figures of the row."""
    eta = progress.estimated_completion(row, now)
    event_log.append(
        session,
        row,
        "progress",
        {
            "phase": phase,
            "percent": progress.overall_percent(row),
            "phase_percent": round(float(row.phases.get(phase, {}).get("percent", 0.0)), 2),
            "records_processed": row.records_processed,
            "records_total": row.records_total,
            "throughput_records_per_second": round(row.throughput, 1),
            "errors": row.errors_recovered + row.errors_escalated,
            "table": table,
            "eta": wire_time(eta) if eta is not None else None,
            "message": message,
        },
        now,
        phase=phase,
    )


def fail(
    session: Session,
    row: Migration,
    now: datetime,
    code: str,
    message: str,
    *,
    reason_code: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """End a migration with an error."""
    problem: dict[str, Any] = {"code": code, "message": message, "occurred_at": wire_time(now)}
    if reason_code is not None:
        problem["reason_code"] = reason_code
    if details:
        problem["details"] = dict(details)
    row.error = problem
    if row.phase is not None and row.phases.get(row.phase, {}).get("status") == "running":
        fail_phase(session, row, row.phase, now, message)
    event_log.append_log(session, row, "error", message, now, phase=row.phase)
    if row.status == "planning":
        row.plan_status = "failed"
    move(session, row, "failed", now, message)


def pending_mappings(session: Session, migration_id: str) -> int:
    """How many mappings are in review."""
    return (
        session.scalar(
            select(func.count())
            .select_from(MappingRow)
            .where(MappingRow.migration_id == migration_id, MappingRow.status == "pending_review")
        )
        or 0
    )


def settle_review(session: Session, row: Migration, now: datetime, decided_by: str | None) -> None:
    """Bring status and plan in line with what is (not) in review after a decision."""
    pending = pending_mappings(session, row.id)
    if row.status == "plan_ready" and pending == 0:
        row.plan_status = "approved"
        move(session, row, "approved", now, "No mapping is in review")
        emit(
            session,
            row,
            "approval.granted",
            now,
            {"mapping_id": None, "pending_mappings": 0, "decided_by": decided_by},
        )
    elif row.status == "approved" and pending > 0:
        row.plan_status = "ready"
        move(session, row, "plan_ready", now, "A mapping was put back into review")


def emit(session: Session, row: Migration, type_: str, now: datetime, data: Mapping[str, Any] | None = None) -> None:
    """Emit a webhook event about a migration, and tell whoever its notifications name.

    The data are by default those of `migration.*`.
    """
    body = {"migration_id": row.id, "migration_name": row.name, **(migration_data(row, now) if data is None else data)}
    event = outbox.emit(
        session,
        organization_id=row.organization_id,
        environment=row.environment,
        type=type_,
        data=body,
        now=now,
    )
    notifications.enqueue(session, row, type_, event.id, body, now)


def migration_data(row: Migration, now: datetime) -> dict[str, Any]:
    """`data` of `migration.*` events."""
    data: dict[str, Any] = {
        "status": row.status,
        "phase": row.phase,
        "records_processed": row.records_processed,
        "duration_seconds": progress.elapsed_seconds(row, now),
        "checkpoint_id": row.last_checkpoint_id,
    }
    if row.status == "failed" and row.error is not None:
        data["error_code"] = row.error["code"]
        data["error_message"] = row.error["message"]
    return data


def phase_data(row: Migration, name: str, now: datetime) -> dict[str, Any]:
    """`data` of `migration.phase.*` events."""
    return {
        "phase": name,
        "phase_number": progress.phase_number(name),
        "total_phases": len(PHASES),
        "duration_seconds": progress.phase_seconds(row, name, now) or 0.0,
        "records_processed": row.records_processed,
        "errors_recovered": row.errors_recovered,
        "errors_escalated": row.errors_escalated,
    }


def _phase_event(session: Session, row: Migration, name: str, action: str, now: datetime, message: str) -> None:
    data: dict[str, Any] = {
        "phase": name,
        "action": action,
        "phase_number": progress.phase_number(name),
        "total_phases": len(PHASES),
        "message": message,
    }
    seconds = progress.phase_seconds(row, name, now)
    if action in ("completed", "failed") and seconds is not None:
        data["duration_seconds"] = seconds
    event_log.append(session, row, "phase", data, now, phase=name)


def _running_phase(row: Migration) -> str | None:
    """The phase that a running migration is in: the next one to do, unless that is a matter of `validating`."""
    undone = (name for name in PHASES if row.phases.get(name, {}).get("status") not in ("completed", "skipped"))
    name = next(undone, row.phase)
    return row.phase if name == "validation" else name


def _keep_times(row: Migration, before: str, status: str, now: datetime) -> None:
    was_executing = before in ("running", "pausing", "validating")
    is_executing = status in ("running", "pausing", "validating")
    if is_executing and row.executing_since is None:
        row.executing_since = now
    if was_executing and not is_executing and row.executing_since is not None:
        row.executed_seconds = progress.elapsed_seconds(row, now)
        row.executing_since = None
    if status not in EXECUTING:
        row.active_workers = 0
        row.throughput = 0.0
    if status == "running" and row.started_at is None:
        row.started_at = now
    row.paused_at = now if status == "paused" else None
    row.completed_at = now if status in FINISHED else None
    if before == "failed":
        row.error = None
    if before in FINISHED:
        row.end_event_id = None


def _publish_to_webhooks(session: Session, row: Migration, before: str, now: datetime, reason: str | None) -> None:
    data = {**migration_data(row, now), "reason": reason}
    if row.status == "running" and before == "paused":
        emit(session, row, "migration.resumed", now, data)
    elif row.status == "running" and before in ("plan_ready", "approved"):
        emit(session, row, "migration.started", now, data)
    elif row.status in _EVENT_BY_STATUS:
        emit(session, row, _EVENT_BY_STATUS[row.status], now, data)
    elif row.status == "plan_ready":
        pending = pending_mappings(session, row.id)
        if pending:
            emit(session, row, "approval.required", now, {"mapping_id": None, "pending_mappings": pending})


def _finish(session: Session, row: Migration, now: datetime, message: str) -> None:
    runs.end_with_migration(session, row.id, now)
    schedule = session.get(ScheduleRow, row.id)
    if schedule is not None and schedule.status not in ("done", "missed"):
        schedule.status = "done" if row.started_at is not None else "missed"
        schedule.updated_at = now
    session.flush()
    row.end_event_id = event_log.append(
        session,
        row,
        "end",
        {
            "status": row.status,
            "phase": row.phase,
            "records_processed": row.records_processed,
            "error": row.error,
            "message": message,
        },
        now,
        phase=row.phase,
    )

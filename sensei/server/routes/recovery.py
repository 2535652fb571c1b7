"""Going back: checkpoints, restore, rollback."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from sensei.server.engine.job import backup_id
from sensei.server.errors import ApiError, invalid, not_found
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.migrations import answers, lifecycle, progress, rollbacks, state_machine
from sensei.server.migrations.journal import add_checkpoint
from sensei.server.migrations.lookup import find_migration
from sensei.server.migrations.state_machine import PHASES
from sensei.server.schemas.base import PageQuery, wire_time, wire_time_or_none
from sensei.server.schemas.recovery import (
    CheckpointAnswer,
    CheckpointCreate,
    RestoreAnswer,
    RestoreRequest,
    RollbackAnswer,
    RollbackRequest,
    RollbackStatusAnswer,
)
from sensei.server.store.migration_tables import CheckpointRow, Migration, PlanRow
from sensei.server.validations import certificates

router: Router = Router("/migrations/{id}")

_WAIT_SECONDS = 10.0
_OLD = timedelta(hours=1)
_NEVER = {
    "reverse_migration": "Nothing was moved away from the source, so that there is nothing to move back",
    "point_in_time": "This server does not steer the recovery of databases",
}
"""Strategies of the contract that cannot be carried out here, and why."""


@router.get(
    "/checkpoints", operation="migrations.checkpoints.list", scope="migrations:read", errors=("migration_not_found",)
)
def list_checkpoints(ctx: Context, id: str, query: PageQuery) -> Page[CheckpointAnswer]:
    """Newest first."""
    statement = (
        select(CheckpointRow)
        .where(CheckpointRow.migration_id == id, CheckpointRow.expires_at > ctx.now)
        .order_by(CheckpointRow.timestamp.desc(), CheckpointRow.id.desc())
    )
    with ctx.store.read() as session:
        find_migration(ctx, session, id)
        return page_of(session, statement, query, _show)


@router.post(
    "/checkpoints",
    operation="migrations.checkpoints.create",
    scope="migrations:write",
    status=201,
    errors=("migration_not_found", "invalid_state"),
)
def create_checkpoint(ctx: Context, id: str, body: CheckpointCreate | None = None) -> Answer[CheckpointAnswer]:
    """Make a checkpoint once the batches in flight are through."""
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        state_machine.check("checkpoint", row.status)
    _await_batches(ctx, row)
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("checkpoint", row.status)
    reason = body.reason if body is not None else None
    checkpoint = add_checkpoint(ctx.tx, row, "manual", ctx.runtime.settings.clock.now(), reason=reason)
    ctx.after_commit(lambda: ctx.runtime.hub.notify(id))
    return Answer(_show(checkpoint), resource=id)


@router.post(
    "/restore",
    operation="migrations.restore",
    scope="migrations:write",
    status=202,
    errors=("migration_not_found", "checkpoint_not_found", "invalid_state"),
)
def restore(ctx: Context, id: str, body: RestoreRequest) -> RestoreAnswer:
    """Go back to a checkpoint; the migration is paused afterwards."""
    row = find_migration(ctx, ctx.tx, id)
    checkpoint = ctx.tx.get(CheckpointRow, body.checkpoint_id)
    if (
        checkpoint is None
        or checkpoint.migration_id != id
        or (checkpoint.expires_at is not None and checkpoint.expires_at <= ctx.now)
    ):
        raise not_found("checkpoint", body.checkpoint_id)
    state_machine.check("restore", row.status)
    if row.status == "failed" and ctx.tx.get(PlanRow, id) is None:
        raise ApiError(
            "invalid_state",
            "The migration failed without a plan; there is nothing to resume.",
            details={"current_status": row.status, "action": "restore"},
        )
    # What is put aside on the target now is not what was at the time of the checkpoint.
    row.state = {**(checkpoint.state or {}), "backups": (row.state or {}).get("backups", {})}
    row.phases = checkpoint.phases
    row.phase = checkpoint.phase
    row.last_checkpoint_id = checkpoint.id
    row.records_processed = checkpoint.records_completed
    row.wanted = "run"
    row.paused_by_window = False
    if row.status == "failed":
        lifecycle.move(ctx.tx, row, "paused", ctx.now, "Restored to a checkpoint")
    row.updated_at = ctx.now
    ctx.after_commit(lambda: ctx.runtime.hub.notify(id))
    warnings: list[str] = []
    if ctx.now - checkpoint.timestamp > _OLD:
        warnings.append("The checkpoint is more than an hour old; the source may have moved on.")
    answer = answers.action_answer(row, "The migration is back at the checkpoint; resume goes on from there.")
    return {**answer, "checkpoint_id": checkpoint.id, "restored_at": wire_time(ctx.now), "warnings": warnings}


@router.post(
    "/rollback",
    operation="migrations.rollback.create",
    scope="migrations:write",
    status=202,
    errors=("migration_not_found", "invalid_state", "rollback_not_available"),
)
def rollback(ctx: Context, id: str, body: RollbackRequest) -> RollbackAnswer:
    """Undo what was written."""
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("rollback", row.status)
    spec = _rollback_spec(ctx, row, body)
    if body.strategy in _NEVER:
        raise _not_available(row, f"{_NEVER[body.strategy]}; the strategies truncate and backup_restore are possible.")
    if not rollbacks.has_written(row):
        raise _not_available(row, "Nothing of this migration is on the target, or it was undone already.")
    if body.strategy == rollbacks.BRINGING_BACK:
        _check_backup(row, body.backup_id or "")
    rollbacks.begin(row, spec, ctx.now)
    # What is certified of the target is about to go.
    certificates.revoke_of_migration(ctx.tx, ctx.store.vault, row.id, ctx.now)
    lifecycle.move(ctx.tx, row, "rolling_back", ctx.now, f"Rolling back: {body.scope}")
    ctx.after_commit(ctx.runtime.supervisor.wake)
    ctx.after_commit(lambda: ctx.runtime.hub.notify(id))
    answer = answers.action_answer(row, "The rollback has begun.")
    return {**answer, "rollback_status": row.rollback_status, "strategy": body.strategy}


@router.get(
    "/rollback/status", operation="migrations.rollback.get", scope="migrations:read", errors=("migration_not_found",)
)
def rollback_status(ctx: Context, id: str) -> RollbackStatusAnswer:
    """How far the newest rollback is, also one that belongs to a cancellation."""
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
    spec: dict[str, Any] = row.rollback or {}
    shown: RollbackStatusAnswer = {
        "migration_id": id,
        "rollback_status": row.rollback_status,
        "strategy_used": spec.get("strategy"),
        "restored_to": spec.get("restored_to"),
        "verification": spec.get("verification"),
        "started_at": spec.get("started_at"),
        "completed_at": spec.get("completed_at"),
        "duration_seconds": _seconds(spec, ctx.now),
        "error": spec.get("error"),
    }
    if "scope" in spec:
        shown["scope"] = spec["scope"]
    return shown


def _show(row: CheckpointRow) -> CheckpointAnswer:
    return {
        "id": row.id,
        "migration_id": row.migration_id,
        "timestamp": wire_time(row.timestamp),
        "type": row.type,
        "phase": progress.phase_number(row.phase),
        "phase_name": row.phase,
        "table": row.table,
        "records_completed": row.records_completed,
        "size_bytes": row.size_bytes,
        "reason": row.reason,
        "expires_at": wire_time_or_none(row.expires_at),
    }


def _await_batches(ctx: Context, row: Migration) -> None:
    """While rows are being copied, wait for the engine's next stored position (or for the copying to end)."""
    before = row.last_checkpoint_id
    deadline = time.monotonic() + _WAIT_SECONDS
    while row.status in ("running", "pausing") and row.phase == "data_transfer" and time.monotonic() < deadline:
        if row.last_checkpoint_id != before:
            return
        time.sleep(0.05)
        with ctx.store.read() as session:
            row = find_migration(ctx, session, row.id)


def _rollback_spec(ctx: Context, row: Migration, body: RollbackRequest) -> dict[str, Any]:
    if row.status == "cancelled" and body.scope != "full":
        raise invalid("scope", "unsupported", "a cancelled migration can only be rolled back in full")
    spec: dict[str, Any] = {"strategy": body.strategy, "scope": body.scope, "verify_after": body.verify_after}
    if body.scope == "phase" and body.phase is not None:
        spec["phase"] = PHASES[body.phase - 1] if isinstance(body.phase, int) else body.phase
    if body.scope == "tables":
        spec["tables"] = _known_tables(ctx, row, body.tables or [])
    return spec


def _known_tables(ctx: Context, row: Migration, named: list[str]) -> list[str]:
    """Qualified source names of the tables named, with or without their schema."""
    stored = ctx.tx.get(PlanRow, row.id)
    known: dict[str, str] = {}
    for planned in stored.plan["tables"] if stored is not None else ():
        source = planned["source"]
        qualified = f"{source['schema']}.{source['name']}" if source["schema"] else source["name"]
        known[qualified] = qualified
        known.setdefault(source["name"], qualified)
    for position, name in enumerate(named):
        if name not in known:
            raise invalid(f"tables.{position}", "enum", "is no table of this migration")
    return sorted({known[name] for name in named})


def _check_backup(row: Migration, wanted: str) -> None:
    known = backup_id(row.id)
    if not rollbacks.has_backup(row):
        raise _not_available(
            row,
            "There is no backup: none of the tables was on the target before, or options.generate_rollback was off; "
            "truncate removes what was written.",
        )
    if wanted != known:
        raise _not_available(row, f"There is no backup {wanted[:100]!r} of this migration; its backup is {known}.")


def _not_available(row: Migration, message: str) -> ApiError:
    return ApiError("rollback_not_available", message, details={"current_status": row.status, "action": "rollback"})


def _seconds(spec: dict[str, Any], now: datetime) -> float | None:
    if "started_at" not in spec:
        return None
    end = datetime.fromisoformat(spec["completed_at"]) if "completed_at" in spec else now
    return max(0.0, round((end - datetime.fromisoformat(spec["started_at"])).total_seconds(), 3))

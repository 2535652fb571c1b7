"""Actions on a migration: start, pause, resume, cancel."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from sensei.server.connections import gateway
from sensei.server.engine.wording import counted
from sensei.server.errors import ApiError, invalid
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.migrations import action_checks, answers, engine_jobs, event_log, lifecycle, rollbacks, state_machine
from sensei.server.migrations.lookup import find_migration
from sensei.server.migrations.state_machine import PHASES
from sensei.server.schemas.base import wire_time, wire_time_or_none
from sensei.server.schemas.migration_answers import CancelAnswer, PauseAnswer, ResumeAnswer, StartAnswer
from sensei.server.schemas.migrations import MigrationCancel, MigrationPause, MigrationStart
from sensei.server.store.migration_tables import MappingRow, Migration

router: Router = Router("/migrations/{id}")

_USUAL_BATCH = timedelta(seconds=5)


@router.post(
    "/start",
    operation="migrations.start",
    scope="migrations:write",
    status=202,
    other_statuses=(200,),
    errors=(
        "migration_not_found",
        "plan_not_ready",
        "approval_required",
        "invalid_state",
        "concurrent_limit_exceeded",
        "source_unreachable",
        "target_unreachable",
        "upstream_timeout",
    ),
)
def start(ctx: Context, id: str, body: MigrationStart | None = None) -> Answer[StartAnswer]:
    """Start the execution, or check that it would work."""
    wish = body or MigrationStart()
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        _check_start(ctx, session, row, wish)
    _check_ends(ctx, row)
    if wish.start_from_phase is not None:
        _check_ground(ctx, row, wish.start_from_phase)
    if wish.dry_run:
        answer = answers.action_answer(row, "A start would work; nothing was changed.")
        return Answer({**answer, "started_at": None, "dry_run": True}, status=200)
    row = find_migration(ctx, ctx.tx, id)
    # Looked at again: something may have happened while the databases were asked.
    _check_start(ctx, ctx.tx, row, wish)
    undecided = _take_as_proposed(ctx, row)
    for name in PHASES[1:]:
        if name == wish.start_from_phase or wish.start_from_phase is None:
            break
        lifecycle.skip_phase(ctx.tx, row, name, ctx.now)
    row.start_from_phase = wish.start_from_phase
    row.wanted = "run"
    row.plan_status = "approved"
    lifecycle.move(ctx.tx, row, "running", ctx.now, "Execution started")
    _after(ctx, row)
    answer = answers.action_answer(row, "The execution has begun.")
    skipped = {"skip_approval": True, "undecided_mappings": undecided} if undecided else {}
    return Answer({**answer, "started_at": wire_time_or_none(row.started_at), "dry_run": False}, audit=skipped)


@router.post(
    "/pause",
    operation="migrations.pause",
    scope="migrations:write",
    status=202,
    errors=("migration_not_found", "invalid_state"),
)
def pause(ctx: Context, id: str, body: MigrationPause | None = None) -> PauseAnswer:
    """Pause at the next checkpoint."""
    wish = body or MigrationPause()
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("pause", row.status)
    if row.status == "running":
        row.wanted = "pause"
        row.reason = wish.reason
        row.paused_by_window = False
        lifecycle.move(ctx.tx, row, "pausing", ctx.now, "Pausing at the next checkpoint", reason=wish.reason)
    if wish.immediate:
        row.wanted = "stop"
    _after(ctx, row)
    answer = answers.action_answer(row, "The migration stops at the next checkpoint.")
    return {**answer, "checkpoint_eta": wire_time(ctx.now if wish.immediate else ctx.now + _USUAL_BATCH)}


@router.post(
    "/resume",
    operation="migrations.resume",
    scope="migrations:write",
    status=202,
    errors=(
        "migration_not_found",
        "invalid_state",
        "concurrent_limit_exceeded",
        "source_unreachable",
        "target_unreachable",
        "upstream_timeout",
    ),
)
def resume(ctx: Context, id: str) -> ResumeAnswer:
    """Go on from the last checkpoint."""
    limit = ctx.runtime.settings.quotas.concurrent_migrations
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        state_machine.check("resume", row.status)
        action_checks.check_room(session, row, limit)
    _check_ends(ctx, row)
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("resume", row.status)
    action_checks.check_room(ctx.tx, row, limit)
    row.wanted = "run"
    row.reason = None
    row.paused_by_window = False
    lifecycle.move(ctx.tx, row, "running", ctx.now, "Resumed")
    _after(ctx, row)
    answer = answers.action_answer(row, "The migration goes on.")
    return {**answer, "resumed_at": wire_time(ctx.now), "resumed_from_checkpoint": row.last_checkpoint_id}


@router.post(
    "/cancel",
    operation="migrations.cancel",
    scope="migrations:write",
    status=202,
    other_statuses=(200,),
    errors=("migration_not_found", "invalid_state", "rollback_not_available"),
)
def cancel(ctx: Context, id: str, body: MigrationCancel | None = None) -> Answer[CancelAnswer]:
    """Cancel, with or without undoing."""
    wish = body or MigrationCancel()
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("cancel", row.status)
    prepared = bool(engine_jobs.effective_options(row)["generate_rollback"])
    if row.status == "cancelling":
        if wish.force:
            row.wanted = "stop"
        _after(ctx, row)
        return _cancelled(row, "The cancellation is under way.", 202)
    if row.status in ("pending", "planning", "plan_ready", "approved"):
        row.rollback_status = "not_required"
        row.reason = wish.reason
        lifecycle.move(ctx.tx, row, "cancelled", ctx.now, "Cancelled before the start", reason=wish.reason)
        _after(ctx, row)
        return _cancelled(row, "The migration was cancelled before anything was done.", 200)
    if wish.rollback and not prepared:
        raise ApiError(
            "rollback_not_available",
            "options.generate_rollback was off: nothing was prepared that could be undone.",
            details={"current_status": row.status, "action": "cancel"},
        )
    row.cancel_rollback = prepared if wish.rollback is None else wish.rollback
    row.wanted = "stop" if wish.force else "pause"
    row.reason = wish.reason
    if row.cancel_rollback:
        # By which strategy depends on what is put aside, which the engine knows once it has stopped.
        rollbacks.begin(row, {"scope": "full"}, ctx.now)
    lifecycle.move(ctx.tx, row, "cancelling", ctx.now, "Cancelling", reason=wish.reason)
    _after(ctx, row)
    return _cancelled(row, "Work is being stopped.", 202)


def _cancelled(row: Migration, message: str, status: int) -> Answer[CancelAnswer]:
    return Answer({**answers.action_answer(row, message), "rollback_status": row.rollback_status}, status=status)


def _check_start(ctx: Context, session: Session, row: Migration, wish: MigrationStart) -> None:
    """State, approval, limit: in this order; reachability comes after them."""
    state_machine.check("start", row.status)
    if not wish.skip_approval:
        action_checks.check_approvals(session, row)
    action_checks.check_room(session, row, ctx.runtime.settings.quotas.concurrent_migrations)


def _check_ends(ctx: Context, row: Migration) -> None:
    """Both databases must answer now."""
    with ctx.store.read() as session:
        source = engine_jobs.endpoint_of(ctx.store, session, row, "source")
        target = engine_jobs.endpoint_of(ctx.store, session, row, "target")
    for side, where in (("source", source), ("target", target)):
        with gateway.failures(f"{side}_unreachable"):
            gateway.reach(where)


def _check_ground(ctx: Context, row: Migration, phase: str) -> None:
    """What a later phase builds on must be on the target: the tables, and for what follows the transfer its rows."""
    if phase == "schema_migration":
        return
    with ctx.store.read() as session:
        target = engine_jobs.endpoint_of(ctx.store, session, row, "target")
        plan = engine_jobs.plan_of(session, row.id)
    with gateway.failures("target_unreachable"):
        present_tables = {(table.schema, table.name) for table in gateway.read_catalog(target).tables}
    wanted = {(t.target.schema, t.target.name) for t in plan.tables}
    missing = sorted(".".join(part for part in name if part) for name in wanted - present_tables)
    if missing:
        raise invalid(
            "start_from_phase",
            "unsupported",
            f"{phase} builds on tables that are not on the target: {', '.join(missing[:5])}",
        )


def _take_as_proposed(ctx: Context, row: Migration) -> list[str]:
    """What is still in review becomes approved by the start; gives the ids of those that needed a decision."""
    blocking = list(action_checks.blocking_mappings(ctx.tx, row.id))
    ctx.tx.execute(
        update(MappingRow)
        .where(MappingRow.migration_id == row.id, MappingRow.status == "pending_review")
        .values(status="approved", decided_by=ctx.principal.id, decided_at=ctx.now)
    )
    if blocking:
        event_log.append_log(
            ctx.tx,
            row,
            "warning",
            f"taken as proposed, as {ctx.principal.id} asked: "
            + counted(len(blocking), "mapping that needs approval", "mappings that need approval"),
            ctx.now,
            phase=row.phase,
        )
    return blocking


def _after(ctx: Context, row: Migration) -> None:
    ctx.after_commit(ctx.runtime.supervisor.wake)
    ctx.after_commit(lambda: ctx.runtime.hub.notify(row.id))

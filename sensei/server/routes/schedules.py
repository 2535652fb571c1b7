"""Schedules of migrations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from sensei.server.errors import ApiError, invalid
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.migrations import schedule_windows, state_machine
from sensei.server.migrations.lookup import find_migration
from sensei.server.schemas.base import Closed
from sensei.server.schemas.schedules import ScheduleAnswer, ScheduleInput, ScheduleUpdate
from sensei.server.store.migration_tables import Migration, ScheduleRow

router: Router = Router("/migrations/{id}/schedule")


@router.get(
    "",
    operation="migrations.schedule.get",
    scope="migrations:read",
    errors=("migration_not_found", "schedule_not_found"),
)
def get(ctx: Context, id: str) -> ScheduleAnswer:
    """The schedule."""
    with ctx.store.read() as session:
        find_migration(ctx, session, id)
        return schedule_windows.show(_find(session, id), ctx.now)


@router.post(
    "",
    operation="migrations.schedule.create",
    scope="migrations:write",
    status=201,
    errors=("migration_not_found", "invalid_state"),
)
def create(ctx: Context, id: str, body: ScheduleInput) -> Answer[ScheduleAnswer]:
    """Set the schedule, in place of one that is there."""
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("schedule", row.status)
    schedule = new_schedule(id, body, ctx.now)
    before = ctx.tx.get(ScheduleRow, id)
    if before is not None:
        schedule.created_at = before.created_at
    schedule = ctx.tx.merge(schedule)
    _adapt(row, schedule)
    ctx.after_commit(ctx.runtime.supervisor.wake)
    return Answer(schedule_windows.show(schedule, ctx.now), location=f"/v1/migrations/{id}/schedule")


@router.patch(
    "",
    operation="migrations.schedule.update",
    scope="migrations:write",
    errors=("migration_not_found", "schedule_not_found", "invalid_state"),
)
def update(ctx: Context, id: str, body: ScheduleUpdate) -> ScheduleAnswer:
    """Change the schedule."""
    row = find_migration(ctx, ctx.tx, id)
    schedule = _find(ctx.tx, id)
    state_machine.check("schedule", row.status)
    given = body.model_fields_set
    if "start_at" in given:
        _refuse_past(body.start_at, ctx.now)
        schedule.start_at = body.start_at
    if "timezone" in given:
        schedule.timezone = body.timezone
    if given & {"maintenance_window", "maintenance_windows"}:
        one = schedule.windows[:1] if schedule.single else []
        several = schedule.windows[1:] if schedule.single else schedule.windows
        if "maintenance_window" in given:
            one = [_dump(body.maintenance_window)] if body.maintenance_window is not None else []
        if "maintenance_windows" in given:
            several = [_dump(window) for window in body.maintenance_windows or ()]
        schedule.windows = [*one, *several]
        schedule.single = bool(one)
    if body.behavior is not None:
        schedule.behavior = {**schedule.behavior, **body.behavior.model_dump(exclude_unset=True)}
    if schedule.start_at is None and not schedule.windows:
        raise invalid("start_at", "required", "neither start_at nor a maintenance window would be left")
    schedule.updated_at = ctx.now
    _adapt(row, schedule)
    ctx.after_commit(ctx.runtime.supervisor.wake)
    return schedule_windows.show(schedule, ctx.now)


@router.delete(
    "",
    operation="migrations.schedule.delete",
    scope="migrations:write",
    errors=("migration_not_found", "schedule_not_found", "invalid_state"),
)
def delete(ctx: Context, id: str) -> None:
    """Remove the schedule."""
    row = find_migration(ctx, ctx.tx, id)
    schedule = _find(ctx.tx, id)
    state_machine.check("schedule", row.status)
    ctx.tx.delete(schedule)


def new_schedule(migration_id: str, body: ScheduleInput, now: datetime) -> ScheduleRow:
    """A schedule as asked for.

    Raises:
        ApiError: 422 when the start time is past.
    """
    _refuse_past(body.start_at, now)
    one = [_dump(body.maintenance_window)] if body.maintenance_window is not None else []
    several = [_dump(window) for window in body.maintenance_windows or ()]
    return ScheduleRow(
        migration_id=migration_id,
        status="scheduled",
        start_at=body.start_at,
        timezone=body.timezone,
        windows=[*one, *several],
        single=bool(one),
        behavior=_dump(body.behavior) if body.behavior is not None else {},
        created_at=now,
        updated_at=now,
    )


def _adapt(row: Migration, schedule: ScheduleRow) -> None:
    """What is started already only has windows to observe."""
    if row.started_at is not None:
        schedule.status = "active" if schedule.windows else "done"
    else:
        schedule.status = "scheduled"


def _find(session: Session, id: str) -> ScheduleRow:
    schedule = session.get(ScheduleRow, id)
    if schedule is None:
        raise ApiError("schedule_not_found", "The migration has no schedule.")
    return schedule


def _refuse_past(start_at: datetime | None, now: datetime) -> None:
    if start_at is not None and start_at <= now:
        raise invalid("start_at", "in_the_past", "must be in the future")


def _dump(model: Closed) -> dict[str, Any]:
    return model.model_dump(exclude_unset=True)

"""Migrations: made, listed, changed, deleted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select

from sensei.server.connections import gateway, secret_destinations
from sensei.server.engine.wording import counted
from sensei.server.errors import ApiError, invalid, not_found
from sensei.server.http.operation import Answer, Context, Router
from sensei.server.http.pagination import Page, make_page
from sensei.server.ids import new_id
from sensei.server.migrations import answers, event_log, lifecycle, rollbacks, state_machine
from sensei.server.migrations.lookup import find_migration, my_migrations
from sensei.server.notifications.queue import recipients
from sensei.server.routes.schedules import new_schedule
from sensei.server.schemas.migration_answers import MigrationAnswer, MigrationDeleted, MigrationSummary
from sensei.server.schemas.migrations import (
    MigrationCreate,
    MigrationDeleteQuery,
    MigrationListQuery,
    MigrationUpdate,
    SourceByConnection,
    SourceInline,
    TargetByConnection,
    TargetInline,
)
from sensei.server.store.migration_tables import (
    CheckpointRow,
    ErrorRow,
    EventRow,
    MappingRow,
    Migration,
    PlanRow,
    ScheduleRow,
)
from sensei.server.store.tables import Connection

router: Router = Router("/migrations")

_CHANGEABLE_WITH_PLAN = {"parallelism", "batch_size", "generate_rollback", "validation_type"}


@router.get("", operation="migrations.list", scope="migrations:read")
def list_migrations(ctx: Context, query: MigrationListQuery) -> Page[MigrationSummary]:
    """By default newest first."""
    statement = my_migrations(ctx)
    if query.status is not None:
        statement = statement.where(Migration.status == query.status)
    if query.source_id is not None:
        statement = statement.where(Migration.source_connection_id == query.source_id)
    if query.target_id is not None:
        statement = statement.where(Migration.target_connection_id == query.target_id)
    if query.created_after is not None:
        statement = statement.where(Migration.created_at > query.created_after)
    if query.created_before is not None:
        statement = statement.where(Migration.created_at < query.created_before)
    column: Any = getattr(Migration, query.sort)
    order = query.order or ("asc" if query.sort == "name" else "desc")
    by = (column.asc(), Migration.id.asc()) if order == "asc" else (column.desc(), Migration.id.desc())
    # What was never started comes last in either direction, on every database.
    ordered = statement.order_by(column.is_(None), *by)
    with ctx.store.read() as session:
        total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
        rows = list(session.scalars(ordered.limit(query.limit).offset(query.offset)))
        names = answers.connection_names(session, rows)
        return make_page([answers.show_summary(row, names) for row in rows], total, query)


@router.post(
    "",
    operation="migrations.create",
    scope="migrations:write",
    status=201,
    errors=("quota_exceeded", "connection_not_found", "connector_unavailable"),
)
def create(ctx: Context, body: MigrationCreate) -> Answer[MigrationAnswer]:
    """Make a migration; planning begins by itself."""
    source = _end(ctx, body.source, "source")
    target = _end(ctx, body.target, "target")
    options = body.options.model_dump(exclude_unset=True) if body.options is not None else {}
    if options.get("mode") == "incremental":
        raise invalid("options.mode", "unsupported", "this server copies everything; incremental is not possible")
    row = Migration(
        id=new_id("mig"),
        organization_id=ctx.principal.organization_id,
        environment=ctx.principal.environment,
        name=body.name,
        description=body.description,
        status="pending",
        strategy=body.strategy or "balanced",
        options=options,
        source=source,
        target=target,
        source_connection_id=source.get("connection_id"),
        target_connection_id=target.get("connection_id"),
        source_secret=_seal(ctx, body.source),
        target_secret=_seal(ctx, body.target),
        notifications=_notifications(body),
        created_at=ctx.now,
        created_by=ctx.principal.id,
        updated_at=ctx.now,
    )
    ctx.tx.add(row)
    ctx.tx.flush()
    if body.schedule is not None:
        ctx.tx.add(new_schedule(row.id, body.schedule, ctx.now))
    lifecycle.created(ctx.tx, row, ctx.now)
    _warn_of_missing_channels(ctx, row)
    ctx.after_commit(ctx.runtime.supervisor.wake)
    ctx.tx.flush()
    return Answer(answers.show_migration(ctx.tx, row, ctx.now), location=f"/v1/migrations/{row.id}", resource=row.id)


@router.get("/{id}", operation="migrations.get", scope="migrations:read", errors=("migration_not_found",))
def get(ctx: Context, id: str) -> MigrationAnswer:
    """One migration."""
    with ctx.store.read() as session:
        return answers.show_migration(session, find_migration(ctx, session, id), ctx.now)


@router.patch(
    "/{id}",
    operation="migrations.update",
    scope="migrations:write",
    errors=("migration_not_found", "invalid_state"),
)
def update(ctx: Context, id: str, body: MigrationUpdate) -> MigrationAnswer:
    """Change a migration."""
    row = find_migration(ctx, ctx.tx, id)
    given = body.model_fields_set
    if given & {"options", "strategy"}:
        state_machine.check("change options", row.status)
    if body.options is not None:
        change = body.options.model_dump(exclude_unset=True)
        if row.status != "pending":
            for name in change:
                if name not in _CHANGEABLE_WITH_PLAN:
                    raise invalid(f"options.{name}", "immutable", "cannot be changed once there is a plan")
        if change.get("mode") == "incremental":
            raise invalid("options.mode", "unsupported", "this server copies everything; incremental is not possible")
        row.options = {**row.options, **change}
    if body.strategy is not None:
        row.strategy = body.strategy
    if body.name is not None:
        row.name = body.name
    if "description" in given:
        row.description = body.description
    if "notifications" in given:
        row.notifications = (
            body.notifications.model_dump(exclude_unset=True) if body.notifications is not None else None
        )
        _warn_of_missing_channels(ctx, row)
    row.updated_at = ctx.now
    return answers.show_migration(ctx.tx, row, ctx.now)


@router.delete(
    "/{id}",
    operation="migrations.delete",
    scope="migrations:write",
    status=200,
    errors=("migration_not_found", "invalid_state"),
)
def delete(ctx: Context, id: str, query: MigrationDeleteQuery) -> MigrationDeleted:
    """Delete a finished migration. Logs and figures may be kept for audits."""
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("delete", row.status)
    discard = rollbacks.discard_backup_later(ctx.runtime, ctx.tx, row)
    if discard is not None:
        ctx.after_commit(discard)
    for table in (MappingRow, ErrorRow, CheckpointRow, PlanRow, ScheduleRow):
        ctx.tx.execute(sql_delete(table).where(table.migration_id == id))
    if not query.keep_logs:
        ctx.tx.execute(sql_delete(EventRow).where(EventRow.migration_id == id))
    row.source_secret = None
    row.target_secret = None
    row.state = None
    if query.keep_logs or query.keep_metrics:
        row.deleted_at = ctx.now
        if not query.keep_metrics:
            row.records_processed = row.bytes_processed = row.errors_recovered = row.errors_escalated = 0
            row.records_total = None
            row.phases = {}
    else:
        ctx.tx.delete(row)
    return {
        "id": id,
        "deleted": True,
        "logs_retained": query.keep_logs,
        "metrics_retained": query.keep_metrics,
    }


def _end(
    ctx: Context, given: SourceByConnection | SourceInline | TargetByConnection | TargetInline, side: str
) -> dict[str, Any]:
    """An end as it is kept, after a look at the connection behind it."""
    spec = given.model_dump(by_alias=True, exclude_unset=True, exclude={"connection_string"})
    if isinstance(given, SourceByConnection | TargetByConnection):
        connection = ctx.tx.get(Connection, given.connection_id)
        if (
            connection is None
            or connection.organization_id != ctx.principal.organization_id
            or connection.environment != ctx.principal.environment
        ):
            raise not_found("connection", given.connection_id)
        if connection.role not in (side, "both"):
            raise invalid(
                f"{side}.connection_id", "role_mismatch", f"the connection's role is {connection.role}, not {side}"
            )
        for name in secret_destinations.PROTECTING:
            # Whoever may use a connection's password need not be who may have it sent in the clear.
            if name in (spec.get("options") or {}):
                raise invalid(
                    f"{side}.options.{name}", "unsupported", "a saved connection has this among its own options"
                )
        spec["type"] = connection.type
    if spec["type"] not in gateway.WITH_CONNECTOR:
        raise ApiError(
            "connector_unavailable",
            f"This server has no connector for {spec['type']}; it has {', '.join(sorted(gateway.WITH_CONNECTOR))}.",
            details={"field": f"{side}.type", "reason_code": "E6005"},
        )
    if side == "target" and spec["type"] not in gateway.AS_TARGET:
        raise ApiError(
            "connector_unavailable",
            f"This server can read {spec['type']} databases, not write them.",
            details={"field": "target.type", "reason_code": "E6005"},
        )
    return spec


def _seal(ctx: Context, given: Any) -> bytes | None:
    if isinstance(given, SourceInline | TargetInline):
        return ctx.store.vault.seal({"connection_string": given.connection_string})
    return None


def _warn_of_missing_channels(ctx: Context, row: Migration) -> None:
    """Say in the log, once for each change, who will not be told anything and what would mend that."""
    # Behind the `end` of a finished migration nothing is added: whoever follows it has gone.
    if row.status in state_machine.FINISHED:
        return
    named = Counter(channel for channel, _ in recipients(row.notifications or {}))
    for channel, number in named.items():
        problem = ctx.runtime.courier.missing(channel)
        if problem is not None:
            whom = counted(number, "address", "addresses") if channel == "email" else "the Slack channel"
            text = f"Notifications to {whom} are not sent: {problem}"
            event_log.append_log(ctx.tx, row, "warning", text, ctx.now, phase=row.phase)


def _notifications(body: MigrationCreate) -> dict[str, Any] | None:
    if body.notifications is not None:
        return body.notifications.model_dump(exclude_unset=True)
    older = body.options.notify_on_completion if body.options is not None else None
    return {"email": older, "on_events": ["completed"]} if older else None

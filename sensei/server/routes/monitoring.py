"""Watching a migration: report, logs, events, figures."""

from __future__ import annotations

import json
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sensei.server.http.operation import Context, Router, Stream
from sensei.server.http.pagination import Page, make_page
from sensei.server.migrations import event_log, event_streams, progress
from sensei.server.migrations.lookup import find_migration
from sensei.server.migrations.state_machine import PHASES
from sensei.server.schemas.base import wire_time, wire_time_or_none
from sensei.server.schemas.migration_answers import StatusReport
from sensei.server.schemas.monitoring import EventQuery, LogEntry, LogQuery, MetricsAnswer, TableMetrics
from sensei.server.store.migration_tables import EventRow, Migration, PlanRow

router: Router = Router("/migrations/{id}")


@router.get("/status", operation="migrations.status.get", scope="migrations:read", errors=("migration_not_found",))
def status(ctx: Context, id: str) -> StatusReport:
    """The compact report for polling."""
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
    errors = row.errors_recovered + row.errors_escalated
    report: StatusReport = {
        "id": row.id,
        "status": row.status,
        "phase": None,
        "progress": {
            "percent": progress.overall_percent(row),
            "records_processed": row.records_processed,
            "records_total": row.records_total,
            "throughput_per_hour": round(row.throughput * 3600, 1),
        },
        "timing": {
            "started_at": wire_time_or_none(row.started_at),
            "elapsed_hours": round(progress.elapsed_seconds(row, ctx.now) / 3600, 6),
            "eta_completion": wire_time_or_none(progress.estimated_completion(row, ctx.now)),
        },
        "errors": {
            "total": errors,
            "recovered": row.errors_recovered,
            "escalated": row.errors_escalated,
            "recovery_rate": round(row.errors_recovered / errors, 4) if errors else 1.0,
        },
    }
    if row.phase is not None:
        report["phase"] = {"current": progress.phase_number(row.phase), "total": len(PHASES), "name": row.phase}
    return report


@router.get("/logs", operation="migrations.logs.list", scope="migrations:read", errors=("migration_not_found",))
def logs(ctx: Context, id: str, query: LogQuery) -> Page[LogEntry] | Stream:
    """A page of log entries, oldest first, or a stream of them."""
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        if query.follow and _admits_stream(ctx.request.headers.get("accept")):
            return Stream(_log_stream(ctx, session, row, query))
        statement = _log_statement(id, query)
        total = session.scalar(select(func.count()).select_from(statement.subquery())) or 0
        rows = session.scalars(statement.order_by(EventRow.id).limit(query.limit).offset(query.offset))
        return make_page([cast("LogEntry", json.loads(event.data)) for event in rows], total, query)


@router.get("/events", operation="migrations.events.stream", scope="migrations:read", errors=("migration_not_found",))
def events(ctx: Context, id: str, query: EventQuery) -> Stream:
    """Everything that happens, from the oldest event kept."""
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        after = _resume_point(ctx, row)
        if after is None:
            after = _before(session, id, query) if query.since is not None else 0
    info = event_log.LEVELS["info"]
    return Stream(event_streams.follow(ctx.runtime, id, after, lambda e: e.kind != "log" or e.level >= info))


@router.get("/metrics", operation="migrations.metrics.get", scope="migrations:read", errors=("migration_not_found",))
def metrics(ctx: Context, id: str) -> MetricsAnswer:
    """A snapshot of the figures."""
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        stored = session.get(PlanRow, id)
        tables = _table_metrics(row, stored.plan if stored is not None else None)
        quality = _quality(session, row)
    seconds = progress.phase_seconds(row, "data_transfer", ctx.now)
    per_record = row.bytes_processed / row.records_processed if row.records_processed else 0.0
    bytes_per_second = round(row.throughput * per_record)
    return {
        "migration_id": id,
        "snapshot_at": wire_time(ctx.now),
        "throughput": {
            "current_records_per_second": round(row.throughput, 1),
            "average_records_per_second": round(row.records_processed / seconds, 1) if seconds else 0.0,
            "peak_records_per_second": round(row.peak_throughput, 1),
            "current_bytes_per_second": progress.people_bytes(bytes_per_second),
            "current_bytes_per_second_bytes": bytes_per_second,
        },
        "resources": {"active_workers": row.active_workers},
        "quality": quality,
        "by_table": tables,
    }


def _admits_stream(accept: str | None) -> bool:
    if accept is None:
        return True
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return bool(kinds & {"text/event-stream", "text/*", "*/*"})


def _log_statement(id: str, query: LogQuery) -> Any:
    statement = select(EventRow).where(EventRow.migration_id == id, EventRow.kind == "log")
    if query.level is not None:
        statement = statement.where(EventRow.level >= event_log.LEVELS[query.level])
    if query.phase is not None:
        statement = statement.where(EventRow.phase == query.phase)
    if query.since is not None:
        statement = statement.where(EventRow.timestamp > query.since)
    return statement


def _log_stream(ctx: Context, session: Session, row: Migration, query: LogQuery) -> Any:
    """The newest `limit` entries that match, then what follows; or, resumed, what follows the last one seen."""
    level = event_log.LEVELS[query.level] if query.level is not None else 0
    after = _resume_point(ctx, row)
    first_progress = 0
    if after is None:
        newest = session.scalars(
            _log_statement(row.id, query).with_only_columns(EventRow.id).order_by(EventRow.id.desc()).limit(query.limit)
        ).all()
        after = newest[-1] - 1 if newest else row.last_event_id
        # Of what is past only log entries are shown; figures begin with the present.
        first_progress = row.last_event_id
        if row.end_event_id is not None:
            after = min(after, row.end_event_id - 1)

    def wants(event: EventRow) -> bool:
        if event.kind == "progress":
            return event.id > first_progress and (query.phase is None or event.phase == query.phase)
        return (
            event.kind == "log"
            and event.level >= level
            and (query.phase is None or event.phase == query.phase)
            and (query.since is None or event.timestamp > query.since)
        )

    return event_streams.follow(ctx.runtime, row.id, after, wants)


def _resume_point(ctx: Context, row: Migration) -> int | None:
    """The id in ``Last-Event-ID``, or None when there is none of this migration."""
    sent = ctx.request.headers.get("last-event-id", "")
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 18):
        return None
    id_ = int(sent)
    return id_ if 0 < id_ <= row.last_event_id else None


def _before(session: Session, id: str, query: EventQuery) -> int:
    newest = session.scalar(
        select(func.max(EventRow.id)).where(EventRow.migration_id == id, EventRow.timestamp <= query.since)
    )
    return newest or 0


def _table_metrics(row: Migration, plan: dict[str, Any] | None) -> list[TableMetrics]:
    known: dict[str, Any] = (row.state or {}).get("tables", {})
    shown: list[TableMetrics] = []
    for planned in (plan or {}).get("tables", ()):
        source = planned["source"]
        name = f"{source['schema']}.{source['name']}" if source["schema"] else source["name"]
        table = known.get(name, {})
        shown.append(
            {
                "schema": source["schema"],
                "table": source["name"],
                "status": _table_status(row, table.get("status", "pending")),
                "records_total": table.get("rows_total", planned["estimated_rows"]),
                "records_processed": table.get("rows_done", 0),
                "errors": table.get("errors", 0),
            }
        )
    return shown


def _table_status(row: Migration, status: str) -> str:
    """A table's status, which cannot go on after the end of its migration."""
    if row.status not in ("failed", "cancelled"):
        return status
    return {"running": "failed" if row.status == "failed" else "skipped", "pending": "skipped"}.get(status, status)


def _quality(session: Session, row: Migration) -> Any:
    from sensei.server.store.validation_tables import Validation

    errors = row.errors_recovered + row.errors_escalated
    seen = max(row.records_processed + row.errors_escalated, 1)
    quality: dict[str, float] = {
        "error_rate_percent": round(min(100.0, 100 * errors / seen), 4),
        "recovery_success_rate_percent": round(100 * row.errors_recovered / errors, 2) if errors else 100.0,
    }
    validation = session.get(Validation, row.validation_id) if row.validation_id else None
    if validation is not None and validation.confidence_score is not None:
        quality["validation_pass_rate_percent"] = round(100 * validation.confidence_score, 2)
    return quality

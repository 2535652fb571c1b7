"""Migrations as the wire has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.migrations import engine_jobs, progress, schedule_windows
from sensei.server.schemas.base import wire_time, wire_time_or_none
from sensei.server.schemas.migration_answers import (
    ActionAnswer,
    MigrationAnswer,
    MigrationSummary,
    PlanReference,
    SourceAnswer,
    TargetAnswer,
)
from sensei.server.store.migration_tables import Migration, ScheduleRow
from sensei.server.store.tables import Connection


class Ends(TypedDict):
    """The two ends of a migration."""

    source: SourceAnswer
    target: TargetAnswer


def show_ends(row: Migration, names: dict[str, tuple[str, str]]) -> Ends:
    """Both ends; `names` gives (name, type) of connections by id."""
    end = _end(row.source, names)
    source: SourceAnswer = {
        "connection_id": end["connection_id"],
        "connection_name": end["connection_name"],
        "type": end["type"],
        "schemas": engine_jobs.schemas_of(row),
        "tables": row.source.get("tables"),
        "exclude_tables": list(row.source.get("exclude_tables", [])),
        "tables_count": row.tables_count,
        "estimated_rows": row.estimated_rows,
    }
    if "schema" in row.source:
        source["schema"] = row.source["schema"]
    target: TargetAnswer = {**_end(row.target, names), "schema": row.target.get("schema")}
    return {"source": source, "target": target}


def connection_names(session: Session, rows: list[Migration]) -> dict[str, tuple[str, str]]:
    """(name, type) by id of the connections that these migrations use."""
    ids = {i for row in rows for i in (row.source_connection_id, row.target_connection_id) if i is not None}
    if not ids:
        return {}
    found = session.execute(select(Connection.id, Connection.name, Connection.type).where(Connection.id.in_(ids)))
    return {id_: (name, type_) for id_, name, type_ in found}


def show_migration(session: Session, row: Migration, now: datetime) -> MigrationAnswer:
    """The whole of a migration."""
    ends = show_ends(row, connection_names(session, [row]))
    schedule = session.get(ScheduleRow, row.id)
    base = f"/v1/migrations/{row.id}"
    shown: MigrationAnswer = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "status": row.status,
        "phase": row.phase,
        "created_at": wire_time(row.created_at),
        "created_by": row.created_by,
        "updated_at": wire_time(row.updated_at),
        "source": ends["source"],
        "target": ends["target"],
        "strategy": row.strategy,
        "options": engine_jobs.effective_options(row),
        "schedule": schedule_windows.show(schedule, now) if schedule is not None else None,
        "plan": show_plan_reference(row),
        "progress": {
            "overall_percent": progress.overall_percent(row),
            "current_phase": row.phase,
            "phases": progress.show_phases(row, now),
        },
        "metrics": {
            "records_processed": row.records_processed,
            "records_total": row.records_total,
            "bytes_transferred": progress.people_bytes(row.bytes_processed),
            "bytes_transferred_bytes": row.bytes_processed,
            "throughput_records_per_second": round(row.throughput, 1),
            "errors_recovered": row.errors_recovered,
            "errors_escalated": row.errors_escalated,
        },
        "timing": {
            "created_at": wire_time(row.created_at),
            "started_at": wire_time_or_none(row.started_at),
            "paused_at": wire_time_or_none(row.paused_at),
            "completed_at": wire_time_or_none(row.completed_at),
            "estimated_completion": wire_time_or_none(progress.estimated_completion(row, now)),
            "elapsed_seconds": progress.elapsed_seconds(row, now),
        },
        "rollback_status": row.rollback_status,
        "validation_id": row.validation_id,
        "error": row.error,  # type: ignore[typeddict-item]  # stored as it is shown
        "links": {
            "self": base,
            "plan": f"{base}/plan",
            "start": f"{base}/start",
            "status": f"{base}/status",
            "logs": f"{base}/logs",
        },
    }
    if row.notifications is not None:
        shown["notifications"] = row.notifications
    return shown


def show_summary(row: Migration, names: dict[str, tuple[str, str]]) -> MigrationSummary:
    """The short form of a migration."""
    ends = show_ends(row, names)
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "phase": row.phase,
        "progress_percent": progress.overall_percent(row),
        "created_at": wire_time(row.created_at),
        "started_at": wire_time_or_none(row.started_at),
        "completed_at": wire_time_or_none(row.completed_at),
        "source": ends["source"],
        "target": ends["target"],
    }


def show_plan_reference(row: Migration) -> PlanReference:
    """How far the plan is. When it will be done nobody can know."""
    return {"status": row.plan_status, "estimated_completion": None}


def action_answer(row: Migration, message: str) -> ActionAnswer:
    """What every action answers."""
    return {
        "id": row.id,
        "status": row.status,
        "phase": row.phase,
        "message": message,
        "status_url": f"/v1/migrations/{row.id}/status",
    }


class _End(TypedDict):
    connection_id: str | None
    connection_name: str | None
    type: str


def _end(spec: dict[str, Any], names: dict[str, tuple[str, str]]) -> _End:
    id_ = spec.get("connection_id")
    name, type_ = names.get(id_, (None, spec["type"])) if id_ is not None else (None, spec["type"])
    return {"connection_id": id_, "connection_name": name, "type": type_}

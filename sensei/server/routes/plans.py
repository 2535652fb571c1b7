"""Plans and mappings: what will be done, and what people decide about it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.connections import gateway
from sensei.server.errors import ApiError, invalid, not_found
from sensei.server.http.operation import Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.migrations import engine_jobs, lifecycle, state_machine
from sensei.server.migrations.lookup import find_migration
from sensei.server.migrations.transformations import check_transformation
from sensei.server.schemas.base import wire_time, wire_time_or_none
from sensei.server.schemas.connections import Problem
from sensei.server.schemas.database_schemas import DatabaseSchema
from sensei.server.schemas.plans import (
    ColumnRef,
    MappingAnswer,
    MappingApproval,
    MappingBulkItem,
    MappingBulkItemResult,
    MappingBulkResult,
    MappingBulkUpdate,
    MappingChange,
    MappingListQuery,
    MappingUpdate,
    PlanAnswer,
    PlanRisk,
)
from sensei.server.store.migration_tables import MappingRow, Migration, PlanRow

router: Router = Router("/migrations/{id}")


@router.get("/plan", operation="migrations.plan.get", scope="migrations:read", errors=("migration_not_found",))
def plan(ctx: Context, id: str) -> PlanAnswer:
    """The plan; while it is being made its lists are empty."""
    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        stored = session.get(PlanRow, id)
        if stored is None:
            return _no_plan(row)
        made: dict[str, Any] = stored.plan
        mappings = list(
            session.scalars(select(MappingRow).where(MappingRow.migration_id == id).order_by(MappingRow.position))
        )
    return {
        "migration_id": id,
        "status": row.plan_status,
        "generated_at": wire_time(stored.generated_at),
        "estimated_completion": None,
        "summary": {
            "tables": len(made["tables"]),
            "columns": len(mappings),
            "relationships": made["relationships"],
            "transformations": sum(
                m.transformation is not None or m.transformation_type != "identity" for m in mappings
            ),
            "estimated_duration_seconds": made["estimated_duration_seconds"],
            "estimated_records": made["estimated_records"],
        },
        "mappings": [show(mapping) for mapping in mappings],
        "phases": [
            {
                "name": phase["name"],
                "order": phase["order"],
                "tables": list(phase["tables"]),
                "parallel": phase["parallel"],
                "depends_on": list(phase["depends_on"]),
                "estimated_duration_seconds": phase["estimated_duration_seconds"],
            }
            for phase in made["phases"]
        ],
        "risks": [_show_risk(risk) for risk in made["risks"]],
        "error": None,
    }


@router.post(
    "/plan/mappings/{mapping_id}/approve",
    operation="mappings.approve",
    scope="migrations:write",
    errors=("migration_not_found", "mapping_not_found", "plan_not_ready", "invalid_state"),
)
def approve(ctx: Context, id: str, mapping_id: str, body: MappingApproval) -> MappingAnswer:
    """Approve or reject a mapping."""
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("decide mapping", row.status)
    mapping = _find(ctx.tx, id, mapping_id)
    given = body.model_fields_set
    if "override_transformation" in given:
        _set_transformation(ctx, mapping, body.override_transformation, None, "override_transformation")
    _decide(ctx, row, mapping, "approved" if body.approved else "rejected")
    if body.comment is not None:
        mapping.comment = body.comment
    _settle(ctx, row)
    return show(mapping)


@router.get("/mappings", operation="mappings.list", scope="migrations:read", errors=("migration_not_found",))
def list_mappings(ctx: Context, id: str, query: MappingListQuery) -> Page[MappingAnswer]:
    """In the order of the plan."""
    statement = select(MappingRow).where(MappingRow.migration_id == id)
    if query.status is not None:
        statement = statement.where(MappingRow.status == query.status)
    if query.min_confidence is not None:
        statement = statement.where(MappingRow.confidence >= query.min_confidence)
    if query.max_confidence is not None:
        statement = statement.where(MappingRow.confidence <= query.max_confidence)
    if query.table is not None:
        statement = statement.where(MappingRow.source_table == query.table)
    with ctx.store.read() as session:
        find_migration(ctx, session, id)
        return page_of(session, statement.order_by(MappingRow.position), query, show)


@router.patch(
    "/mappings/bulk",
    operation="mappings.bulk_update",
    scope="migrations:write",
    errors=("migration_not_found", "plan_not_ready", "invalid_state"),
)
def bulk_update(ctx: Context, id: str, body: MappingBulkUpdate) -> MappingBulkResult:
    """Change many mappings, item by item."""
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("decide mapping", row.status)
    results = [_apply_item(ctx, row, item) for item in body.updates]
    _settle(ctx, row)
    succeeded = sum(result["success"] for result in results)
    return {
        "summary": {"total": len(results), "succeeded": succeeded, "failed": len(results) - succeeded},
        "results": results,
    }


@router.get(
    "/mappings/{mapping_id}",
    operation="mappings.get",
    scope="migrations:read",
    errors=("migration_not_found", "mapping_not_found"),
)
def get_mapping(ctx: Context, id: str, mapping_id: str) -> MappingAnswer:
    """One mapping."""
    with ctx.store.read() as session:
        find_migration(ctx, session, id)
        return show(_find(session, id, mapping_id))


@router.patch(
    "/mappings/{mapping_id}",
    operation="mappings.update",
    scope="migrations:write",
    errors=("migration_not_found", "mapping_not_found", "plan_not_ready", "invalid_state"),
)
def update(ctx: Context, id: str, mapping_id: str, body: MappingUpdate) -> MappingAnswer:
    """Change a mapping."""
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("decide mapping", row.status)
    mapping = _find(ctx.tx, id, mapping_id)
    _apply(ctx, row, mapping, body)
    _settle(ctx, row)
    return show(mapping)


@router.get(
    "/schema/source",
    operation="migrations.source_schema.get",
    scope="migrations:read",
    errors=("migration_not_found", "plan_not_ready"),
)
def source_schema(ctx: Context, id: str) -> DatabaseSchema:
    """What planning found at the source, limited to the tables of the migration."""
    return _schema(ctx, id, "source")


@router.get(
    "/schema/target",
    operation="migrations.target_schema.get",
    scope="migrations:read",
    errors=("migration_not_found", "plan_not_ready"),
)
def target_schema(ctx: Context, id: str) -> DatabaseSchema:
    """What the target will look like, as planned."""
    return _schema(ctx, id, "target")


def show(mapping: MappingRow) -> MappingAnswer:
    """A mapping as the wire has it."""
    return {
        "id": mapping.id,
        "migration_id": mapping.migration_id,
        "source": _show_column(mapping.source),
        "target": _show_column(mapping.target),
        "transformation": mapping.transformation,
        "transformation_type": mapping.transformation_type,
        "confidence": mapping.confidence,
        "status": mapping.status,
        "requires_approval": mapping.requires_approval,
        "reasoning": mapping.reasoning,
        "type_compatible": mapping.type_compatible,
        "has_data_loss_risk": mapping.has_data_loss_risk,
        "is_pii": mapping.is_pii,
        "flags": mapping.flags,
        "decided_by": mapping.decided_by,
        "decided_at": wire_time_or_none(mapping.decided_at),
        "comment": mapping.comment,
    }


def _show_column(column: dict[str, Any]) -> ColumnRef:
    return {"schema": column["schema"], "table": column["table"], "column": column["column"], "type": column["type"]}


def _show_risk(risk: dict[str, Any]) -> PlanRisk:
    shown: PlanRisk = {
        "severity": risk["severity"],
        "type": risk["type"],
        "description": risk["description"],
        "affected": list(risk["affected"]),
    }
    if risk["mitigation"] is not None:
        shown["mitigation"] = risk["mitigation"]
    return shown


def _no_plan(row: Migration) -> PlanAnswer:
    failed: Any = row.error if row.plan_status == "failed" else None
    return {
        "migration_id": row.id,
        "status": row.plan_status,
        "generated_at": None,
        "estimated_completion": None,
        "summary": None,
        "mappings": [],
        "phases": [],
        "risks": [],
        "error": failed,
    }


def _find(session: Session, migration_id: str, mapping_id: str) -> MappingRow:
    mapping = session.get(MappingRow, mapping_id)
    if mapping is None or mapping.migration_id != migration_id:
        raise not_found("mapping", mapping_id)
    return mapping


def _apply_item(ctx: Context, row: Migration, item: MappingBulkItem) -> MappingBulkItemResult:
    try:
        mapping = _find(ctx.tx, row.id, item.id)
        _apply(ctx, row, mapping, item)
    except ApiError as error:
        problem: Problem = {"code": error.code, "message": error.message, "details": error.details}
        return {"id": item.id, "success": False, "error": problem}
    return {"id": item.id, "success": True, "mapping": show(mapping)}


def _apply(ctx: Context, row: Migration, mapping: MappingRow, change: MappingChange) -> None:
    """Change a mapping. Everything is checked before anything is changed, for a bulk change goes on after a failure."""
    given = change.model_fields_set
    target = _checked_target(mapping, change)
    if "transformation" in given:
        _set_transformation(ctx, mapping, change.transformation, change.transformation_type)
    elif change.transformation_type is not None:
        mapping.transformation_type = change.transformation_type
    if target is not None:
        mapping.target = target
    if change.comment is not None:
        mapping.comment = change.comment
    if change.approved is not None:
        _decide(ctx, row, mapping, "approved" if change.approved else "rejected")
    elif change.status == "pending_review":
        mapping.status = "pending_review"
        mapping.decided_by = None
        mapping.decided_at = None
    elif change.status is not None:
        _decide(ctx, row, mapping, change.status)


def _checked_target(mapping: MappingRow, change: MappingChange) -> dict[str, Any] | None:
    if change.target is None:
        return None
    if change.target.table != mapping.target["table"]:
        raise invalid("target.table", "unsupported", "a column cannot be sent to another table")
    schema = change.target.schema_
    if schema is not None and schema != mapping.target["schema"]:
        raise invalid("target.schema", "unsupported", "a column cannot be sent to another schema")
    if not change.target.column:
        raise invalid("target.column", "min_length", "must have a name")
    return {
        **mapping.target,
        "column": change.target.column,
        "type": change.target.type or mapping.target["type"],
    }


def _set_transformation(
    ctx: Context, mapping: MappingRow, expression: str | None, type_: str | None, field: str = "transformation"
) -> None:
    if expression is not None:
        check_transformation(ctx.tx, mapping, expression, field)
    mapping.transformation = expression
    mapping.transformation_type = type_ or ("custom" if expression is not None else "identity")


def _decide(ctx: Context, row: Migration, mapping: MappingRow, status: str) -> None:
    fresh = mapping.status != status
    mapping.status = status
    mapping.decided_by = ctx.principal.id
    mapping.decided_at = ctx.now
    if status == "rejected" and fresh:
        ctx.tx.flush()
        lifecycle.emit(
            ctx.tx,
            row,
            "approval.denied",
            ctx.now,
            {
                "mapping_id": mapping.id,
                "pending_mappings": lifecycle.pending_mappings(ctx.tx, row.id),
                "decided_by": ctx.principal.id,
                "comment": mapping.comment,
            },
        )


def _settle(ctx: Context, row: Migration) -> None:
    ctx.tx.flush()
    lifecycle.settle_review(ctx.tx, row, ctx.now, ctx.principal.id)
    # A schedule may have waited for the approval.
    ctx.after_commit(ctx.runtime.supervisor.wake)
    ctx.after_commit(lambda: ctx.runtime.hub.notify(row.id))


def _schema(ctx: Context, id: str, side: str) -> DatabaseSchema:
    from dataclasses import replace

    with ctx.store.read() as session:
        row = find_migration(ctx, session, id)
        if session.get(PlanRow, id) is None:
            raise ApiError(
                "plan_not_ready",
                "There is nothing to show before the plan is made.",
                details={"current_status": row.status},
            )
        made = engine_jobs.plan_of(session, id)
    if side == "source":
        catalog, connection = made.source, row.source_connection_id
    else:
        planned = tuple(table.target for table in made.tables)
        catalog = replace(made.source, system=made.target_system, tables=planned, default_schema=made.target_schema)
        connection = row.target_connection_id
    return {**gateway.show_catalog(catalog, connection), "migration_id": id, "side": side}

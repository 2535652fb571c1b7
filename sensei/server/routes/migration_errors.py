"""Data errors of a migration and what becomes of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sensei.server.errors import ApiError, invalid, not_found
from sensei.server.http.operation import Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.migrations import state_machine
from sensei.server.migrations.journal import publish_error
from sensei.server.migrations.lookup import find_migration
from sensei.server.migrations.transformations import check_transformation
from sensei.server.schemas.base import wire_time
from sensei.server.schemas.connections import Problem
from sensei.server.schemas.monitoring import (
    SHORT_NAMES,
    ErrorAnswer,
    ErrorBulkItemResult,
    ErrorBulkResolveRequest,
    ErrorBulkResult,
    ErrorListQuery,
    ErrorResolveRequest,
    ErrorRetryRequest,
    ResolutionInput,
)
from sensei.server.store.migration_tables import ErrorRow, MappingRow, Migration, PlanRow

router: Router = Router("/migrations/{id}/errors")

_SETTLED = ("resolved", "recovered")


@router.get("", operation="errors.list", scope="migrations:read", errors=("migration_not_found",))
def list_errors(ctx: Context, id: str, query: ErrorListQuery) -> Page[ErrorAnswer]:
    """Newest first."""
    statement = select(ErrorRow).where(ErrorRow.migration_id == id)
    if query.status is not None:
        statement = statement.where(ErrorRow.status == query.status)
    if query.type is not None:
        statement = statement.where(ErrorRow.type == query.type)
    if query.table is not None:
        # With or without its schema, as people name a table.
        statement = statement.where(
            (ErrorRow.table == query.table) | ErrorRow.table.endswith(f".{query.table}", autoescape=True)
        )
    with ctx.store.read() as session:
        find_migration(ctx, session, id)
        downstream = _downstream(session, id)
        ordered = statement.order_by(ErrorRow.timestamp.desc(), ErrorRow.id.desc())
        return page_of(session, ordered, query, lambda row: show(row, downstream))


@router.post(
    "/bulk-resolve",
    operation="errors.bulk_resolve",
    scope="migrations:write",
    errors=("migration_not_found", "invalid_state"),
)
def bulk_resolve(ctx: Context, id: str, body: ErrorBulkResolveRequest) -> ErrorBulkResult:
    """Resolve many errors alike, item by item."""
    wish = _wish(body)
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("resolve error", row.status)
    downstream = _downstream(ctx.tx, id)
    results: list[ErrorBulkItemResult] = []
    for error_id in body.error_ids:
        try:
            error = _find(ctx.tx, id, error_id)
            _resolve(ctx, row, error, wish)
        except ApiError as failure:
            problem: Problem = {"code": failure.code, "message": failure.message, "details": failure.details}
            results.append({"id": error_id, "success": False, "error": problem})
        else:
            results.append({"id": error_id, "success": True, "migration_error": show(error, downstream)})
    succeeded = sum(result["success"] for result in results)
    return {
        "summary": {"total": len(results), "succeeded": succeeded, "failed": len(results) - succeeded},
        "results": results,
    }


@router.get(
    "/{error_id}",
    operation="errors.get",
    scope="migrations:read",
    errors=("migration_not_found", "error_not_found"),
)
def get(ctx: Context, id: str, error_id: str) -> ErrorAnswer:
    """One error."""
    with ctx.store.read() as session:
        find_migration(ctx, session, id)
        return show(_find(session, id, error_id), _downstream(session, id))


@router.post(
    "/{error_id}/resolve",
    operation="errors.resolve",
    scope="migrations:write",
    errors=("migration_not_found", "error_not_found", "invalid_state"),
)
def resolve(ctx: Context, id: str, error_id: str, body: ErrorResolveRequest) -> ErrorAnswer:
    """Decide what becomes of the records."""
    wish = _wish(body)
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("resolve error", row.status)
    error = _find(ctx.tx, id, error_id)
    _resolve(ctx, row, error, wish)
    return show(error, _downstream(ctx.tx, id))


@router.post(
    "/{error_id}/retry",
    operation="errors.retry",
    scope="migrations:write",
    status=202,
    errors=("migration_not_found", "error_not_found", "invalid_state"),
)
def retry(ctx: Context, id: str, error_id: str, body: ErrorRetryRequest | None = None) -> ErrorAnswer:
    """Try the records again, once the batches in flight are through."""
    row = find_migration(ctx, ctx.tx, id)
    state_machine.check("retry error", row.status)
    error = _find(ctx.tx, id, error_id)
    _refuse_settled(error)
    wish: dict[str, Any] = {"type": "retry"}
    if body is not None and body.fix_applied is not None:
        wish["fix_applied"] = body.fix_applied
    _queue_retry(ctx, row, error, wish)
    return show(error, _downstream(ctx.tx, id))


def show(row: ErrorRow, downstream: dict[str, list[str]]) -> ErrorAnswer:
    """A data error as the wire has it."""
    settled = row.status in _SETTLED
    return {
        "id": row.id,
        "migration_id": row.migration_id,
        "timestamp": wire_time(row.timestamp),
        "status": row.status,
        "phase": row.phase,
        "error": {
            "type": row.type,
            "message": row.message,
            "reason_code": row.reason_code,
            "table": row.table,
            "column": row.column,
            "record_id": _record_id(row),
            "sample": None,
        },
        "context": {
            "affected_records": row.affected_records,
            "attempted_fixes": row.attempted_fixes,
            "last_fix_attempt": row.last_fix_attempt,
        },
        "recommended_actions": [] if settled else _ADVICE.get(row.type, _ADVICE["logic"]),
        "impact": {
            "blocked_records": 0 if settled else row.affected_records,
            "downstream_tables": [] if settled else downstream.get(row.table or "", []),
        },
        "resolution": row.resolution,
    }


_ADVICE = {
    "encoding_mismatch": [
        "Give the column's encoding in the source options",
        "Resolve with transform",
        "Skip the rows",
    ],
    "type_mismatch": ["Map the column to a wider type", "Correct the values in the source and retry", "Skip the rows"],
    "constraint_violation": [
        "Look for the referenced row in the source",
        "Correct the rows in the source and retry",
        "Skip the rows if they are obsolete",
    ],
    "null_constraint_violation": ["Give a default value", "Make the target column nullable", "Skip the rows"],
    "truncation_warning": ["Widen the target column", "Accept the truncation", "Skip the rows"],
    "network": ["Check that both ends answer, then retry"],
    "resource": ["Free space or memory on the target, then retry"],
    "logic": ["Correct the rows in the source and retry", "Skip the rows"],
}


def _record_id(row: ErrorRow) -> str | int | None:
    if not row.sample:
        return None
    key = next(iter(row.sample[0].values()), None)
    return key if isinstance(key, str | int) or key is None else str(key)


def _downstream(session: Session, migration_id: str) -> dict[str, list[str]]:
    """Tables whose foreign keys point to a table, by its qualified name."""
    stored = session.get(PlanRow, migration_id)
    if stored is None:
        return {}
    found: dict[str, list[str]] = {}
    for planned in stored.plan["tables"]:
        source = planned["source"]
        name = _qualified(source["schema"], source["name"])
        for key in source["foreign_keys"]:
            parent = _qualified(key["referenced_schema"], key["referenced_table"])
            if name not in found.setdefault(parent, []) and parent != name:
                found[parent].append(name)
    return found


def _qualified(schema: str | None, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def _find(session: Session, migration_id: str, error_id: str) -> ErrorRow:
    error = session.get(ErrorRow, error_id)
    if error is None or error.migration_id != migration_id:
        raise not_found("error", error_id)
    return error


def _refuse_settled(error: ErrorRow) -> None:
    if error.status in _SETTLED:
        raise ApiError(
            "invalid_state",
            f"The error is {error.status} already.",
            details={"current_status": error.status},
        )


def _wish(body: ErrorResolveRequest) -> dict[str, Any]:
    """The resolution in its long form; what stands inside the object wins over what stands beside it.

    Raises:
        ApiError: 422 when a parameter is missing.
    """
    names = {"reason", "transformation", "default_value", "retry"} & body.model_fields_set
    wish = body.model_dump(include=names)
    if isinstance(body.resolution, ResolutionInput):
        wish.update(body.resolution.model_dump(exclude_unset=True))
    else:
        wish["type"] = body.resolution
    wish["type"] = SHORT_NAMES.get(wish["type"], wish["type"])
    for type_, needed in (("transform", "transformation"), ("default", "default_value")):
        if wish["type"] == type_ and needed not in wish:
            raise invalid(needed, "required", f"is needed by {type_}")
    return wish


def _resolve(ctx: Context, row: Migration, error: ErrorRow, wish: dict[str, Any]) -> None:
    _refuse_settled(error)
    again = wish["type"] == "retry" or bool(wish.get("retry"))
    if again:
        state_machine.check("retry error", row.status)
    if wish["type"] in ("default", "transform", "accept_truncation"):
        _mend_mapping(ctx, error, wish)
    if again:
        _queue_retry(ctx, row, error, wish)
        return
    error.resolution = {
        **wish,
        "resolved_by": ctx.principal.id,
        "resolved_at": wire_time(ctx.now),
    }
    if wish["type"] == "escalate":
        error.status = "escalated"
        publish_error(ctx.tx, row, error, "escalated", ctx.now)
    else:
        error.status = "resolved"
        publish_error(ctx.tx, row, error, "resolved", ctx.now, resolution=wish["type"])
    ctx.after_commit(lambda: ctx.runtime.hub.notify(row.id))


def _mend_mapping(ctx: Context, error: ErrorRow, wish: dict[str, Any]) -> None:
    """Give the column's mapping the expression that the resolution means; it is used when the records are tried again.

    Raises:
        ApiError: 422 when the resolution does not fit the error.
    """
    mapping = _mapping_of(ctx.tx, error)
    if mapping is None:
        raise invalid("resolution", "unsupported", f"{wish['type']} needs an error of a single column")
    quoted = '"' + mapping.source["column"].replace('"', '""') + '"'
    field = "transformation"
    if wish["type"] == "transform":
        expression = str(wish["transformation"])
    elif wish["type"] == "default":
        field = "default_value"
        expression = f"COALESCE({quoted}, {_sql_value(wish['default_value'])})"
    else:
        length = _target_length(ctx.tx, mapping)
        if length is None:
            raise invalid("resolution", "unsupported", "the target column has no length that values could be cut to")
        expression = f"SUBSTR({quoted}, 1, {length})"
    check_transformation(ctx.tx, mapping, expression, field)
    mapping.transformation = expression
    mapping.transformation_type = "custom"
    mapping.decided_by = ctx.principal.id
    mapping.decided_at = ctx.now


def _mapping_of(session: Session, error: ErrorRow) -> MappingRow | None:
    if error.column is None or error.table is None:
        return None
    rows = session.scalars(select(MappingRow).where(MappingRow.migration_id == error.migration_id))
    return next(
        (
            m
            for m in rows
            if m.source["column"] == error.column and _qualified(m.source["schema"], m.source["table"]) == error.table
        ),
        None,
    )


def _sql_value(value: Any) -> str:
    """A default as SQL: a string is an expression already, anything else a literal."""
    if isinstance(value, str):
        return f"({value})"
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return repr(value)
    raise invalid("default_value", "type", "must be a string with an SQL expression, a number, true, false or null")


def _target_length(session: Session, mapping: MappingRow) -> int | None:
    stored = session.get_one(PlanRow, mapping.migration_id)
    for planned in stored.plan["tables"]:
        table = planned["target"]
        if (table["schema"], table["name"]) == (mapping.target["schema"], mapping.target["table"]):
            for column in table["columns"]:
                if column["name"] == mapping.target["column"]:
                    length: int | None = column["length"]
                    return length
    return None


def _queue_retry(ctx: Context, row: Migration, error: ErrorRow, wish: dict[str, Any]) -> None:
    error.status = "retrying"
    error.resolution = {**wish, "resolved_by": ctx.principal.id, "resolved_at": wire_time(ctx.now)}
    ctx.after_commit(ctx.runtime.supervisor.wake)
    ctx.after_commit(lambda: ctx.runtime.hub.notify(row.id))

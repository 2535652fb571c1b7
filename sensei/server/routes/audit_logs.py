"""The audit log."""

from __future__ import annotations

from sqlalchemy import select

from sensei.server.http.operation import Context, Router
from sensei.server.http.pagination import Page, page_of
from sensei.server.schemas.audit_logs import AuditLogOut, AuditLogQuery
from sensei.server.schemas.base import wire_time
from sensei.server.store.tables import AuditRecord

router: Router = Router("/audit-logs")


@router.get("", operation="audit_logs.list", scope="admin:read")
def list_records(ctx: Context, query: AuditLogQuery) -> Page[AuditLogOut]:
    """Newest first."""
    statement = select(AuditRecord).where(
        AuditRecord.organization_id == ctx.principal.organization_id,
        AuditRecord.environment == ctx.principal.environment,
    )
    if query.type is not None:
        statement = statement.where(AuditRecord.type == query.type)
    if query.actor_id is not None:
        statement = statement.where(AuditRecord.actor_id == query.actor_id)
    if query.action is not None:
        statement = statement.where(AuditRecord.action == query.action)
    if query.result is not None:
        statement = statement.where(AuditRecord.result == query.result)
    if query.created_after is not None:
        statement = statement.where(AuditRecord.timestamp > query.created_after)
    if query.created_before is not None:
        statement = statement.where(AuditRecord.timestamp < query.created_before)
    ordered = statement.order_by(AuditRecord.timestamp.desc(), AuditRecord.id.desc())
    with ctx.store.read() as session:
        return page_of(session, ordered, query, show)


def show(row: AuditRecord) -> AuditLogOut:
    """A record as the wire has it."""
    return {
        "id": row.id,
        "timestamp": wire_time(row.timestamp),
        "type": row.type,
        "actor": {"type": row.actor_type, "id": row.actor_id, "name": row.actor_name},
        "action": row.action,
        "resource": row.resource,
        "ip_address": row.ip_address,
        "user_agent": row.user_agent,
        "result": row.result,
        "request_id": row.request_id,
        "details": row.details,
    }

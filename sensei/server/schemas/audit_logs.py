"""Wire forms of audit records."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from sensei.server.schemas.base import InstantOrDate, PageQuery


class AuditLogQuery(PageQuery):
    """Query of `audit_logs.list`."""

    type: Literal["api", "authentication"] | None = None
    actor_id: str | None = None
    action: str | None = None
    result: Literal["success", "failure", "denied"] | None = None
    created_after: InstantOrDate | None = None
    created_before: InstantOrDate | None = None


class ActorOut(TypedDict):
    """Who acted."""

    type: str
    id: str
    name: str | None


class AuditLogOut(TypedDict):
    """`AuditLog`."""

    id: str
    timestamp: str
    type: str
    actor: ActorOut
    action: str
    resource: str | None
    ip_address: str | None
    user_agent: str | None
    result: str
    request_id: str | None
    details: dict[str, Any]

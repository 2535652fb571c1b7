"""The audit log: who did what. One record per changing call, in the transaction of the change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from sensei.server.auth.access_control import Principal
from sensei.server.ids import new_id
from sensei.server.store.tables import AuditRecord

_ABOUT_CREDENTIALS = ("api_keys.", "service_accounts.", "oauth.")


def record(
    session: Session,
    *,
    principal: Principal,
    now: datetime,
    action: str,
    resource: str | None,
    result: str,
    request_id: str | None = None,
    ip_address: str | None = None,
    user_agent: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add one record; `details` must hold no secrets."""
    session.add(
        AuditRecord(
            id=new_id("audit"),
            organization_id=principal.organization_id,
            environment=principal.environment,
            timestamp=now,
            type="authentication" if action.startswith(_ABOUT_CREDENTIALS) else "api",
            actor_type=principal.kind,
            actor_id=principal.id,
            actor_name=principal.name,
            action=action,
            resource=resource,
            ip_address=ip_address,
            user_agent=user_agent[:500] if user_agent else None,
            result=result,
            request_id=request_id,
            details=details or {},
        )
    )

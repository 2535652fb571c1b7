# Generated from sensei/_async/resources/audit_logs.py by scripts/generate_sync.py: change that file and run the script.
"""The audit log: who did what, and when."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sensei._request import UNSET, HeaderTypes, TimeoutTypes
from sensei._sync.resources._base import Resource
from sensei.models.audit_logs import AuditLog
from sensei.models.enums import AuditLogTypeParam, AuditResultParam

if TYPE_CHECKING:
    from sensei._sync.pagination import Page


class AuditLogs(Resource):
    """`client.audit_logs`: what was done in the organization. Needs the scope `admin:read`."""

    def list(
        self,
        *,
        type: AuditLogTypeParam | None = None,
        actor_id: str | None = None,
        action: str | None = None,
        result: AuditResultParam | None = None,
        created_after: datetime | date | str | None = None,
        created_before: datetime | date | str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        token: str | None = None,
        prefetch: int = 0,
        timeout: TimeoutTypes = UNSET,
        headers: HeaderTypes = None,
    ) -> Page[AuditLog]:
        """List the records of the audit log, newest first. `GET /audit-logs`

        Args:
            type: only this kind: `api` or `authentication`.
            actor_id: only what this key, user or account did.
            action: only this action, such as `migrations.start`.
            result: only what ended so: `success`, `failure` or `denied`.
            created_after: only records after this time; a bare date means its first instant in UTC.
            created_before: only records before this time; a bare date means its first instant in UTC.
            limit: items in one page, 1 to 100.
            offset: items to skip.
            token: the `token` of a page, to go on after it.
            prefetch: 1 to fetch the next page while this one is worked on.
            timeout: seconds for one attempt.
            headers: headers for these calls only.

        Returns:
            The first page; iterating it goes through every item of every page.

        Examples:
            >>> for record in client.audit_logs.list(result="denied"):
            ...     print(record.timestamp, record.actor.id, record.action)
        """
        return self._pages(
            AuditLog,
            "/audit-logs",
            params={
                "type": type,
                "actor_id": actor_id,
                "action": action,
                "result": result,
                "created_after": created_after,
                "created_before": created_before,
                "limit": limit,
                "offset": offset,
            },
            token=token,
            prefetch=prefetch,
            timeout=timeout,
            headers=headers,
        )

"""Records of who did what."""

from typing import Annotated, ClassVar, Literal

from sensei.models.base import JsonObject, Model, OpenEnum, Timestamp
from sensei.models.enums import AuditLogType, AuditResult

__all__ = ["AuditActor", "AuditLog", "AuditLogType", "AuditResult"]


class AuditActor(Model):
    """Who acted.

    Attributes:
        type: `api_key`, `user`, `service_account`, `oauth_client` or `system`.
        id: Id of the actor.
        name: Its name.
    """

    type: Annotated[Literal["api_key", "user", "service_account", "oauth_client", "system"] | str, OpenEnum]
    id: str
    name: str | None = None


class AuditLog(Model):
    """One record of the audit log.

    Attributes:
        id: Id of the record.
        timestamp: When it happened.
        type: Kind of record; always sent.
        actor: Who acted.
        action: What was done; for API calls the operation, such as `migrations.start`.
        resource: Id of what was acted on; always sent.
        ip_address: Where the call came from; always sent.
        user_agent: What the caller called itself; always sent.
        result: `success`, `failure` or `denied`.
        request_id: The request; always sent.
        details: Further facts, as the server sent them.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "timestamp", "actor", "action", "result")

    id: str
    timestamp: Timestamp
    type: AuditLogType | None = None
    actor: AuditActor
    action: str
    resource: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    result: AuditResult
    request_id: str | None = None
    details: JsonObject | None = None

"""What webhooks, API keys and service accounts take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict

from sensei.models.enums import EnvironmentParam, ScopeParam, WebhookEventPattern, WebhookEventTypeParam
from sensei.models.params.base import STRICT, Description, Instant, IpList, Name

__all__ = [
    "ApiKeyCreateBody",
    "ApiKeyUpdateBody",
    "ServiceAccountCreateBody",
    "WebhookBulkBody",
    "WebhookCreateParam",
    "WebhookTestBody",
    "WebhookUpdateBody",
]

Url = Annotated[str, Field(min_length=1, max_length=2048)]
Pattern = Annotated[WebhookEventPattern, Field(pattern=r"^(\*|[a-z_]+(\.[a-z_]+)*(\.\*)?)$")]
Patterns = Annotated[Sequence[Pattern], Field(min_length=1, max_length=50)]
Secret = Annotated[str, Field(min_length=8, max_length=255)]
Scopes = Annotated[Sequence[ScopeParam], Field(min_length=1)]


@with_config(STRICT)
class WebhookCreateParam(TypedDict, total=False):
    """An endpoint to be made.

    Attributes:
        url: Where events go: https, in the sandbox also http on localhost.
        events: Names of events, `prefix.*` for all below a prefix, or `*` for all; up to 50.
        secret: Your own signing secret, 8 to 255 characters; made by the server if not given.
        description: For people, up to 2,000 characters.
        enabled: False to deliver nothing yet.
    """

    url: Required[Url]
    events: Required[Patterns]
    secret: Secret
    description: Description
    enabled: bool


@with_config(STRICT)
class WebhookUpdateBody(TypedDict, total=False):
    """The body of `webhooks.update`."""

    url: Url
    events: Patterns
    secret: Secret
    description: Description | None
    enabled: bool


@with_config(STRICT)
class WebhookBulkBody(TypedDict):
    """The body of `webhooks.bulk_create`."""

    webhooks: Annotated[Sequence[WebhookCreateParam], Field(min_length=1, max_length=100)]


@with_config(STRICT)
class WebhookTestBody(TypedDict, total=False):
    """The body of `webhooks.test`."""

    event_type: WebhookEventTypeParam


@with_config(STRICT)
class ApiKeyCreateBody(TypedDict, total=False):
    """The body of `api_keys.create`."""

    name: Required[Name]
    scopes: Required[Scopes]
    environment: EnvironmentParam
    expires_at: Instant | None
    ip_whitelist: IpList


@with_config(STRICT)
class ApiKeyUpdateBody(TypedDict, total=False):
    """The body of `api_keys.update`."""

    name: Name
    scopes: Scopes
    ip_whitelist: IpList
    expires_at: Instant | None


@with_config(STRICT)
class ServiceAccountCreateBody(TypedDict, total=False):
    """The body of `service_accounts.create`."""

    name: Required[Name]
    description: Description
    scopes: Required[Scopes]
    ip_whitelist: IpList

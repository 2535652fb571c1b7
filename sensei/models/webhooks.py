"""Webhook endpoints, their deliveries, and the events that arrive."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from sensei.models.base import Model, SecretsModel, Timestamp
from sensei.models.enums import WebhookDeliveryStatus, WebhookEventType

if TYPE_CHECKING:
    from sensei.models.webhook_events import WebhookEvent, parse_webhook_event
else:

    def __getattr__(name: str) -> object:
        # The events are needed by those who receive them, not by those who look after endpoints.
        if name in ("WebhookEvent", "parse_webhook_event"):
            from sensei.models import webhook_events

            return getattr(webhook_events, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "WebhookEvent",
    "parse_webhook_event",
    "WebhookEventType",
    "WebhookDeliveryStatus",
    "WebhookData",
    "WebhookCreatedData",
    "WebhookAttempt",
    "WebhookDelivery",
]


class WebhookData(Model):
    """An endpoint of yours to which events are delivered.

    Attributes:
        id: Id, `wh_…`.
        url: Where events go.
        events: Names and patterns of the events it gets: `migration.completed`, `migration.*`, `*`.
        description: For people; always sent.
        enabled: False while nothing is delivered; always sent.
        created_at: When it was made; always sent.
        updated_at: When it was last changed; always sent.
        last_delivery_at: When something was last delivered; always sent, None before.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "url", "events", "enabled")

    id: str
    url: str
    events: list[str]
    description: str | None = None
    enabled: bool | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    last_delivery_at: Timestamp | None = None


class WebhookCreatedData(SecretsModel, WebhookData):
    """A new endpoint, with its signing secret: the only answer that shows it. Store it now.

    Attributes:
        secret: The signing secret, `whsec_` included. Masked in print and absent from pickles.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "url", "events", "enabled", "secret")
    _masked: ClassVar[frozenset[str]] = frozenset({"secret"})

    secret: str


class WebhookAttempt(Model):
    """One attempt to deliver.

    Attributes:
        attempt: Number of the attempt, from 1.
        attempted_at: When it was made.
        response_status: HTTP status; None when no answer came.
        duration_ms: Milliseconds until the answer.
        error: Why it failed.
    """

    attempt: int
    attempted_at: Timestamp
    response_status: int | None = None
    duration_ms: float | None = None
    error: str | None = None


class WebhookDelivery(Model):
    """One event on its way to one endpoint.

    Attributes:
        id: Id, `dlv_…`; the `X-Sensei-Delivery-Id` of every attempt.
        webhook_id: The endpoint.
        event_id: The event; the `X-Sensei-Event-Id` of every attempt.
        event_type: Name of the event.
        status: `pending`, `delivered` or `failed`.
        attempt_count: Attempts so far; always sent.
        attempts: The attempts, oldest first; always sent.
        next_attempt_at: When the next attempt is due; always sent, None when there is none.
        response_status: HTTP status of the newest attempt; always sent.
        created_at: When the delivery was made; always sent.
        delivered_at: When it succeeded; always sent.
        test: True when the test operation made it, which is tried once; always sent.
    """

    _shown: ClassVar[tuple[str, ...]] = ("id", "event_type", "status", "attempt_count")

    id: str
    webhook_id: str
    event_id: str
    event_type: WebhookEventType
    status: WebhookDeliveryStatus
    attempt_count: int | None = None
    attempts: list[WebhookAttempt] = Field(default_factory=list[WebhookAttempt])
    next_attempt_at: Timestamp | None = None
    response_status: int | None = None
    created_at: Timestamp | None = None
    delivered_at: Timestamp | None = None
    test: bool | None = None

"""Tables of webhooks and of the deliveries on their way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from sensei.server.store.tables import Base


class Webhook(Base):
    """An endpoint that wants to be told; its signing secret is sealed."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True)
    organization_id: Mapped[str]
    environment: Mapped[str]
    url: Mapped[str]
    events: Mapped[list[str]]
    secret: Mapped[bytes]
    description: Mapped[str | None]
    enabled: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    last_delivery_at: Mapped[datetime | None] = mapped_column(default=None)


Index("webhooks_by_owner", Webhook.organization_id, Webhook.environment, Webhook.created_at)


class WebhookDelivery(Base):
    """One event on its way to one endpoint, with the very bytes that every attempt sends."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[str] = mapped_column(primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[str]
    event_type: Mapped[str]
    body: Mapped[bytes]
    status: Mapped[str]
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    test: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(default_factory=list)
    series_attempts: Mapped[int] = mapped_column(default=0)
    """Attempts of the running series; a manual retry begins a new one."""
    delivered_at: Mapped[datetime | None] = mapped_column(default=None)
    owner: Mapped[str | None] = mapped_column(default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)


Index("delivery_once", WebhookDelivery.webhook_id, WebhookDelivery.event_id, unique=True)
Index("deliveries_due", WebhookDelivery.status, WebhookDelivery.next_attempt_at)

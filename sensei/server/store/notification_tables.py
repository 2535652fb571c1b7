"""The table of notifications: messages to people on their way by e-mail or into Slack."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from sensei.server.store.tables import Base


class Notification(Base):
    """One thing that happened to a migration, on its way to one address."""

    __tablename__ = "notifications"

    id: Mapped[str] = mapped_column(primary_key=True)
    migration_id: Mapped[str]
    event_id: Mapped[str]
    """The webhook event about the same thing."""
    event: Mapped[str]
    """As `on_events` calls it."""
    channel: Mapped[str]
    """``email`` or ``slack``."""
    address: Mapped[str]
    """An e-mail address, or a channel of Slack."""
    data: Mapped[dict[str, Any]]
    status: Mapped[str]
    """``pending``, ``delivered``, ``failed`` or ``unsent`` (the server has no way to send)."""
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]
    count: Mapped[int] = mapped_column(default=1)
    """How many happenings this one message tells about."""
    attempts: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(default=None)
    delivered_at: Mapped[datetime | None] = mapped_column(default=None)
    owner: Mapped[str | None] = mapped_column(default=None)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)


Index("notification_once", Notification.event_id, Notification.channel, Notification.address, unique=True)
Index("notifications_due", Notification.status, Notification.next_attempt_at)
Index("notifications_by_migration", Notification.migration_id, Notification.event)

"""Webhook events: written with the change they tell about, fanned out to endpoints afterwards.

`emit` adds a row to the outbox in the caller's transaction. The delivery queue picks up rows whose `fanned_out_at`
is null, makes one delivery per endpoint that wants the type, and sets `fanned_out_at`, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from sensei.server.ids import new_id
from sensei.server.store.tables import OutboxEvent

EVENT_TYPES = (
    "migration.created",
    "migration.started",
    "migration.paused",
    "migration.resumed",
    "migration.completed",
    "migration.failed",
    "migration.cancelled",
    "migration.phase.started",
    "migration.phase.completed",
    "migration.phase.failed",
    "approval.required",
    "approval.granted",
    "approval.denied",
    "approval.timeout",
    "error.occurred",
    "error.recovered",
    "error.escalated",
    "error.resolved",
    "validation.started",
    "validation.completed",
    "validation.failed",
    "certificate.generated",
)


def emit(
    session: Session,
    *,
    organization_id: str,
    environment: str,
    type: str,
    data: Mapping[str, Any],
    now: datetime,
) -> OutboxEvent:
    """Add a webhook event to the outbox. `data` is JSON in the contract's form for the type."""
    row = OutboxEvent(
        id=new_id("evt"),
        organization_id=organization_id,
        environment=environment,
        type=type,
        created_at=now,
        data=dict(data),
    )
    session.add(row)
    return row

"""The durable part: events become deliveries, deliveries are claimed, attempts are recorded.

Every function works in the caller's transaction. What is claimed carries a lease, so that several processes can work
off one queue and a delivery whose process died is taken up by another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from sensei.server import leases
from sensei.server.crypto.vault import Vault
from sensei.server.errors import ApiError
from sensei.server.ids import new_id
from sensei.server.schemas.base import wire_time
from sensei.server.store.tables import OutboxEvent
from sensei.server.store.webhook_tables import Webhook, WebhookDelivery
from sensei.server.webhooks import signing
from sensei.server.webhooks.patterns import wants
from sensei.server.webhooks.schedule import next_attempt

if TYPE_CHECKING:
    from sensei.server.webhooks.sender import AttemptOutcome

KEPT_FOR = timedelta(days=30)
_EVENTS_AT_A_TIME = 200
_CANDIDATES = 500
_LEASE_MARGIN_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt that is to be made."""

    delivery_id: str
    webhook_id: str
    event_id: str
    url: str
    secret: str = field(repr=False)
    body: bytes = field(repr=False)


def envelope(
    *,
    event_id: str,
    type: str,
    created_at: datetime,
    data: Mapping[str, Any],
    organization_id: str,
    environment: str,
    test: bool = False,
) -> dict[str, Any]:
    """An event as receivers get it."""
    metadata: dict[str, Any] = {"organization_id": organization_id, "environment": environment}
    if test:
        metadata["test"] = True
    return {
        "id": event_id,
        "type": type,
        "created_at": wire_time(created_at),
        "data": dict(data),
        "metadata": metadata,
    }


def has_work(session: Session, now: datetime) -> bool:
    """Whether there is an event without deliveries or a delivery to attempt; cheap, and locks nothing.

    Deliveries whose process died are not seen until their lease is over; `claim_due` finds them at once.
    """
    event = select(OutboxEvent.id).where(OutboxEvent.fanned_out_at.is_(None)).limit(1)
    due = (
        select(WebhookDelivery.id)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(
            WebhookDelivery.status == "pending",
            WebhookDelivery.next_attempt_at <= now,
            or_(WebhookDelivery.lease_until.is_(None), WebhookDelivery.lease_until <= leases.end_of_lease(0)),
            Webhook.enabled,
        )
        .limit(1)
    )
    return session.scalar(event) is not None or session.scalar(due) is not None


def fan_out(session: Session, now: datetime) -> int:
    """Make the deliveries of events that have none yet; gives how many events that were."""
    pending = session.scalars(
        select(OutboxEvent)
        .where(OutboxEvent.fanned_out_at.is_(None))
        .order_by(OutboxEvent.created_at, OutboxEvent.id)
        .limit(_EVENTS_AT_A_TIME)
        .with_for_update(skip_locked=True)
    ).all()
    for event in pending:
        for webhook in _endpoints_for(session, event):
            session.add(_delivery(webhook, event, now))
        event.fanned_out_at = now
    return len(pending)


def _endpoints_for(session: Session, event: OutboxEvent) -> list[Webhook]:
    rows = session.scalars(
        select(Webhook).where(
            Webhook.organization_id == event.organization_id,
            Webhook.environment == event.environment,
            Webhook.enabled,
            # An endpoint is not told of what happened before it was there.
            Webhook.created_at <= event.created_at,
        )
    )
    return [row for row in rows if wants(row.events, event.type)]


def _delivery(webhook: Webhook, event: OutboxEvent, now: datetime) -> WebhookDelivery:
    body = signing.encode_body(
        envelope(
            event_id=event.id,
            type=event.type,
            created_at=event.created_at,
            data=event.data,
            organization_id=event.organization_id,
            environment=event.environment,
        )
    )
    return WebhookDelivery(
        id=new_id("dlv"),
        webhook_id=webhook.id,
        event_id=event.id,
        event_type=event.type,
        body=body,
        status="pending",
        created_at=now,
        next_attempt_at=now,
    )


def claim_due(
    session: Session,
    vault: Vault,
    now: datetime,
    *,
    limit: int,
    per_endpoint: int,
    busy: Mapping[str, int],
    timeout_seconds: float,
) -> list[Attempt]:
    """Take deliveries whose time has come, the longest waiting first.

    Parameters:
        limit: At most this many.
        per_endpoint: At most this many at a time to one webhook, so that a slow one does not hold up the others.
        busy: How many are under way to each webhook already.
    """
    claimed: list[Attempt] = []
    load = Counter(busy)
    full = [webhook_id for webhook_id, count in load.items() if count >= per_endpoint]
    due = session.execute(
        select(WebhookDelivery, Webhook)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(
            WebhookDelivery.status == "pending",
            WebhookDelivery.next_attempt_at <= now,
            Webhook.enabled,
            Webhook.id.not_in(full),
        )
        .order_by(WebhookDelivery.next_attempt_at, WebhookDelivery.id)
        .limit(_CANDIDATES)
        .with_for_update(skip_locked=True, of=WebhookDelivery)
    )
    for delivery, webhook in due:
        if len(claimed) >= limit:
            break
        if load[webhook.id] >= per_endpoint or not leases.is_free(delivery.owner, delivery.lease_until):
            continue
        load[webhook.id] += 1
        delivery.owner = leases.this_owner()
        delivery.lease_until = leases.end_of_lease(timeout_seconds + _LEASE_MARGIN_SECONDS)
        claimed.append(
            Attempt(
                delivery_id=delivery.id,
                webhook_id=webhook.id,
                event_id=delivery.event_id,
                url=webhook.url,
                secret=vault.open(webhook.secret),
                body=delivery.body,
            )
        )
    return claimed


def record(
    session: Session,
    attempt: Attempt,
    outcome: AttemptOutcome,
    *,
    attempted_at: datetime,
    now: datetime,
    delays: Sequence[float],
) -> None:
    """Note how an attempt went and when the next one is due."""
    webhook = None
    if outcome.delivered:
        # Before the delivery, in the order in which deleting a webhook locks them.
        webhook = session.get(Webhook, attempt.webhook_id, with_for_update={"key_share": True})
    row = session.get(WebhookDelivery, attempt.delivery_id, with_for_update=True)
    if row is None or row.status != "pending" or row.owner != leases.this_owner():
        # Deleted with its webhook, or taken over after this process was believed dead.
        return
    row.attempts = [*row.attempts, attempt_entry(len(row.attempts) + 1, outcome, attempted_at)]
    row.series_attempts += 1
    row.owner = None
    row.lease_until = None
    row.next_attempt_at = None
    if webhook is not None:
        row.status = "delivered"
        row.delivered_at = now
        webhook.last_delivery_at = now
        return
    # A test is tried once, also by hand.
    row.next_attempt_at = next_attempt(row.series_attempts, now, () if row.test else delays)
    if row.next_attempt_at is None:
        row.status = "failed"


def attempt_entry(number: int, outcome: AttemptOutcome, attempted_at: datetime) -> dict[str, Any]:
    """`WebhookAttempt`."""
    return {
        "attempt": number,
        "attempted_at": wire_time(attempted_at),
        "response_status": outcome.response_status,
        "duration_ms": outcome.duration_ms,
        "error": outcome.error,
    }


def release(session: Session, delivery_ids: Sequence[str]) -> None:
    """Give back what was claimed and not attempted to its end; it is due at once."""
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(delivery_ids), WebhookDelivery.owner == leases.this_owner())
        .values(owner=None, lease_until=None)
    )


def retry(row: WebhookDelivery, now: datetime) -> None:
    """Begin a new series of attempts by a user's wish.

    Raises:
        ApiError: 409 `invalid_state` unless the delivery has failed.
    """
    if row.status != "failed":
        raise ApiError(
            "invalid_state",
            f"The delivery is {row.status}; only a failed one can be retried.",
            details={"current_status": row.status, "action": "retry"},
        )
    row.status = "pending"
    row.series_attempts = 0
    row.next_attempt_at = now


def forget_old(session: Session, now: datetime) -> None:
    """Drop deliveries and events that have been done with for 30 days."""
    session.execute(
        delete(WebhookDelivery).where(WebhookDelivery.status != "pending", WebhookDelivery.created_at <= now - KEPT_FOR)
    )
    session.execute(delete(OutboxEvent).where(OutboxEvent.fanned_out_at <= now - KEPT_FOR))

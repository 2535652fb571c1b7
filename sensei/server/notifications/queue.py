"""The durable part: events become messages in the transaction of the change, messages are claimed and settled.

What is claimed carries a lease, so that several processes can work off one queue and a message whose process died is
taken up by another. A message is sent once as far as can be: only a process that dies between the other side's
acceptance and the next commit leaves one that is sent again, with the same `Message-ID`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from sensei.server import leases
from sensei.server.ids import new_id
from sensei.server.store.migration_tables import Migration
from sensei.server.store.notification_tables import Notification
from sensei.server.webhooks.schedule import next_attempt

EVENTS: dict[str, str] = {
    "migration.started": "started",
    "migration.paused": "paused",
    "migration.resumed": "resumed",
    "migration.completed": "completed",
    "migration.failed": "failed",
    "migration.cancelled": "cancelled",
    "approval.required": "approval_required",
    "error.escalated": "error_escalated",
    "validation.failed": "validation_failed",
}
"""Names in `on_events` by the type of the webhook event about the same thing."""

DEFAULT_EVENTS = ("completed", "failed", "approval_required")
"""What is told where `on_events` does not say."""

KEPT_FOR = timedelta(days=30)
_GATHERED_FOR = timedelta(minutes=10)
"""Errors come in swarms: within this time of the last message about one, later ones wait for one message."""
_LEASE_SECONDS = 300.0

Result = Literal["delivered", "later", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went: `later` is tried again, `refused` is not."""

    result: Result
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that is to be sent."""

    id: str
    migration_id: str
    event: str
    channel: str
    address: str
    count: int
    happened_at: datetime
    data: dict[str, Any] = field(repr=False)


def recipients(wanted: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(channel, address) of everybody that a migration's `notifications` name."""
    found = [("email", str(address)) for address in dict.fromkeys(wanted.get("email") or ())]
    if wanted.get("slack_channel"):
        found.append(("slack", str(wanted["slack_channel"])))
    return found


def enqueue(
    session: Session, row: Migration, event_type: str, event_id: str, data: Mapping[str, Any], now: datetime
) -> None:
    """Make the messages about a webhook event, if the migration asks to tell anybody about such."""
    event = EVENTS.get(event_type)
    wanted = row.notifications
    if event is None or not wanted or event not in wanted.get("on_events", DEFAULT_EVENTS):
        return
    for channel, address in recipients(wanted):
        due = now
        if event == "error_escalated":
            last = _last(session, row.id, event, channel, address)
            if last is not None and last.status == "pending" and last.attempts == 0 and last.owner is None:
                last.count += 1
                last.data = dict(data)
                continue
            due = max(now, last.created_at + _GATHERED_FOR) if last is not None else now
        session.add(
            Notification(
                id=new_id("ntf"),
                migration_id=row.id,
                event_id=event_id,
                event=event,
                channel=channel,
                address=address,
                data=dict(data),
                status="pending",
                created_at=now,
                next_attempt_at=due,
            )
        )


def _last(session: Session, migration_id: str, event: str, channel: str, address: str) -> Notification | None:
    session.flush()
    return session.scalar(
        select(Notification)
        .where(
            Notification.migration_id == migration_id,
            Notification.event == event,
            Notification.channel == channel,
            Notification.address == address,
        )
        .order_by(Notification.created_at.desc(), Notification.id.desc())
        .limit(1)
        .with_for_update()
    )


def has_work(session: Session, now: datetime) -> bool:
    """Whether there is a message to send; cheap, and locks nothing."""
    free = or_(Notification.lease_until.is_(None), Notification.lease_until <= leases.end_of_lease(0))
    due = (
        select(Notification.id)
        .where(Notification.status == "pending", Notification.next_attempt_at <= now, free)
        .limit(1)
    )
    return session.scalar(due) is not None


def claim_due(session: Session, now: datetime, *, limit: int, busy: Collection[tuple[str, str]] = ()) -> list[Message]:
    """Take messages whose time has come, the longest waiting first.

    Parameters:
        limit: At most this many.
        busy: (channel, address) of those under way; nobody gets two at a time, so that they come in their order.
    """
    taken = set(busy)
    due = session.scalars(
        select(Notification)
        .where(Notification.status == "pending", Notification.next_attempt_at <= now)
        .order_by(Notification.next_attempt_at, Notification.id)
        .limit(10 * limit)
        .with_for_update(skip_locked=True)
    )
    claimed: list[Message] = []
    for row in due:
        if len(claimed) >= limit:
            break
        if (row.channel, row.address) in taken or not leases.is_free(row.owner, row.lease_until):
            continue
        taken.add((row.channel, row.address))
        row.owner = leases.this_owner()
        row.lease_until = leases.end_of_lease(_LEASE_SECONDS)
        claimed.append(
            Message(
                id=row.id,
                migration_id=row.migration_id,
                event=row.event,
                channel=row.channel,
                address=row.address,
                count=row.count,
                happened_at=row.created_at,
                data=row.data,
            )
        )
    return claimed


def settle(session: Session, message_id: str, outcome: Outcome, now: datetime, delays: Sequence[float]) -> str | None:
    """Note how an attempt went; gives the new status, None when the message is somebody else's by now."""
    row = session.get(Notification, message_id, with_for_update=True)
    if row is None or row.status != "pending" or row.owner != leases.this_owner():
        return None
    row.attempts += 1
    row.owner = None
    row.lease_until = None
    row.problem = outcome.problem
    row.next_attempt_at = next_attempt(row.attempts, now, delays) if outcome.result == "later" else None
    if outcome.result == "delivered":
        row.status = "delivered"
        row.delivered_at = now
    elif row.next_attempt_at is None:
        row.status = "failed"
    return row.status


def give_up(session: Session, message_id: str, problem: str) -> None:
    """Note that a message is not sent, since the server has no way to."""
    session.execute(
        update(Notification)
        .where(Notification.id == message_id, Notification.owner == leases.this_owner())
        .values(status="unsent", problem=problem, owner=None, lease_until=None, next_attempt_at=None)
    )


def release(session: Session, message_ids: Sequence[str]) -> None:
    """Give back what was claimed and not attempted to its end; it is due at once."""
    session.execute(
        update(Notification)
        .where(Notification.id.in_(message_ids), Notification.owner == leases.this_owner())
        .values(owner=None, lease_until=None)
    )


def forget_old(session: Session, now: datetime) -> None:
    """Drop messages that have been done with for 30 days."""
    session.execute(
        delete(Notification).where(Notification.status != "pending", Notification.created_at <= now - KEPT_FOR)
    )

"""What a notification says: a line, and a few more for those who read on."""

from __future__ import annotations

from sensei.server.notifications.queue import Message
from sensei.server.schemas.base import wire_time

_LINES = {
    "started": "has started",
    "paused": "is paused",
    "resumed": "goes on",
    "completed": "is completed",
    "failed": "has failed",
    "cancelled": "is cancelled",
    "approval_required": "waits for mappings to be approved",
    "error_escalated": "met errors that need a decision",
    "validation_failed": "did not pass its validation",
}
_FACTS = {
    "phase": "Phase",
    "records_processed": "Records processed",
    "duration_seconds": "Seconds",
    "reason": "Reason",
    "pending_mappings": "Mappings in review",
    "error_message": "Error",
    "table_name": "Table",
    "column_name": "Column",
    "affected_records": "Records affected",
    "validation_id": "Validation",
    "overall_result": "Result",
    "issues_count": "Issues",
}


def headline(message: Message) -> str:
    """One line, without line breaks or control characters whatever the migration is called."""
    name = one_line(str(message.data.get("migration_name") or message.migration_id), 150)
    return f"Migration {name} {_LINES.get(message.event, message.event)}"


def facts(message: Message) -> list[tuple[str, str]]:
    """What else is known, as (label, value)."""
    known = [
        (label, one_line(str(message.data[name]), 500))
        for name, label in _FACTS.items()
        if message.data.get(name) is not None
    ]
    if message.count > 1:
        known.append(("Happened", f"{message.count} times; this is the last"))
    return [*known, ("Time", wire_time(message.happened_at)), ("Id", message.migration_id)]


def one_line(text: str, limit: int) -> str:
    """`text` without anything that could begin a new line or a header, at most `limit` characters."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= limit else plain[: limit - 1] + "…"

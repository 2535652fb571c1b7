"""Event names and the patterns that choose among them."""

from __future__ import annotations

from collections.abc import Iterable

from sensei.server.webhooks.outbox import EVENT_TYPES


def matches(pattern: str, event_type: str) -> bool:
    """Whether `pattern` (a name, ``prefix.*`` or ``*``) stands for `event_type`, at any depth."""
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


def wants(patterns: Iterable[str], event_type: str) -> bool:
    """Whether any of the patterns stands for the event."""
    return any(matches(pattern, event_type) for pattern in patterns)


def is_known(pattern: str) -> bool:
    """Whether the pattern stands for at least one documented event."""
    return any(matches(pattern, event_type) for event_type in EVENT_TYPES)

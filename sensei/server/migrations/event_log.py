"""The append-only log of a migration: what its event streams and its log pages are read from.

Ids grow by one within a migration. They are given out under the lock of the migration's row, in the transaction of
whatever the event tells about, so a reader that has seen id n has seen everything before it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sensei.server.schemas.base import wire_time
from sensei.server.store.migration_tables import EventRow, Migration

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_KEPT = 10_000
_PRUNED_EVERY = 2_000


def append(
    session: Session,
    row: Migration,
    kind: str,
    data: Mapping[str, Any],
    now: datetime,
    *,
    phase: str | None = None,
    level: int = 0,
) -> int:
    """Add an event to the log of a migration whose row is locked; gives its id.

    Parameters:
        kind: ``log``, ``progress``, ``phase``, ``status``, ``error`` or ``end``.
        data: The event's JSON object without the timestamp.
        level: Rank of a log entry.
    """
    row.last_event_id += 1
    session.add(
        EventRow(
            migration_id=row.id,
            id=row.last_event_id,
            kind=kind,
            timestamp=now,
            level=level,
            phase=phase,
            # ASCII alone, because some clients take U+2028 and its like for the end of a line.
            data=json.dumps({"timestamp": wire_time(now), **data}, separators=(",", ":")),
        )
    )
    if row.last_event_id % _PRUNED_EVERY == 0:
        session.execute(
            delete(EventRow).where(EventRow.migration_id == row.id, EventRow.id <= row.last_event_id - _KEPT)
        )
    return row.last_event_id


def append_log(
    session: Session,
    row: Migration,
    level: str,
    message: str,
    now: datetime,
    *,
    phase: str | None,
    component: str = "server",
    **more: Any,
) -> int:
    """Add a log entry; `more` are its other members, those that are None left out."""
    data = {"level": level, "message": message, "phase": phase, "component": component}
    data.update({name: value for name, value in more.items() if value is not None})
    return append(session, row, "log", data, now, phase=phase, level=LEVELS.get(level, LEVELS["info"]))


def read_after(session: Session, migration_id: str, after: int, limit: int) -> list[EventRow]:
    """The next events after an id, oldest first."""
    return list(
        session.scalars(
            select(EventRow)
            .where(EventRow.migration_id == migration_id, EventRow.id > after)
            .order_by(EventRow.id)
            .limit(limit)
        )
    )


class Hub:
    """Wakes the streams of a migration in this process when something was added; other processes look now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Callable[[], None]]] = {}

    def listen(self, migration_id: str, wake: Callable[[], None]) -> None:
        """Call `wake` (from any thread) after each addition, until `leave`."""
        with self._lock:
            self._listeners.setdefault(migration_id, set()).add(wake)

    def leave(self, migration_id: str, wake: Callable[[], None]) -> None:
        """Stop calling `wake`."""
        with self._lock:
            listeners = self._listeners.get(migration_id, set())
            listeners.discard(wake)
            if not listeners:
                self._listeners.pop(migration_id, None)

    @property
    def listeners(self) -> int:
        """How many streams listen in this process."""
        with self._lock:
            return sum(len(group) for group in self._listeners.values())

    def notify(self, migration_id: str) -> None:
        """Something was added and committed."""
        with self._lock:
            listeners = list(self._listeners.get(migration_id, ()))
        for wake in listeners:
            wake()

    def notify_all(self) -> None:
        """Wake every stream, e.g. because the server stops."""
        with self._lock:
            listeners = [wake for group in self._listeners.values() for wake in group]
        for wake in listeners:
            wake()

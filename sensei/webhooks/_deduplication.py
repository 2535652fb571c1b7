"""Dropping events that arrive twice: Sensei delivers at least once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Protocol


class SeenEvents(Protocol):
    """What remembers the ids of events, so that each is handled once.

    Asking claims: the answer and the note that the event is now being handled are one step, so that of two
    deliveries at the same moment only one is handled. Back it with whatever your processes share, for
    instance a unique key in your database or ``SET … NX EX`` in Redis.
    """

    def __call__(self, event_id: str, /) -> bool:
        """Claim an event.

        Args:
            event_id: The ``id`` of the event, the same in every delivery of it.

        Returns:
            True when the event was claimed before, False when it is new and claimed by this call. When it raises,
            nobody knows whether it claimed: receivers call `forget` then, and the event is handled at the next
            attempt.
        """
        ...

    def forget(self, event_id: str, /) -> None:
        """Give a claim back because the handler failed, so that the next attempt is handled.

        Args:
            event_id: The ``id`` that was claimed.
        """
        ...


class AsyncSeenEvents(Protocol):
    """The same as `SeenEvents` for stores that are awaited, such as an asynchronous database."""

    async def __call__(self, event_id: str, /) -> bool:
        """Claim an event; True when it was claimed before."""
        ...

    async def forget(self, event_id: str, /) -> None:
        """Give a claim back because the handler failed, so that the next attempt is handled.

        Args:
            event_id: The ``id`` that was claimed.
        """
        ...


class RecentEvents:
    """A `SeenEvents` in the memory of one process, safe to share between threads.

    Args:
        capacity: How many ids to keep; the oldest go first.
        ttl: How long to keep an id, in seconds. The default of 48 hours covers the seven attempts of a delivery,
            which end about 35 hours after the first.

    Raises:
        ValueError: `capacity` or `ttl` is not above zero.

    Examples:
        >>> from sensei.webhooks import RecentEvents
        >>> seen = RecentEvents()
        >>> seen("evt_1"), seen("evt_1")
        (False, True)
        >>> seen.forget("evt_1")
        >>> seen("evt_1")
        False
    """

    def __init__(self, capacity: int = 100_000, ttl: float = 48 * 3600.0) -> None:
        if not (capacity >= 1 and ttl > 0):  # NaN is neither
            raise ValueError("capacity and ttl must be above zero")
        self._capacity = capacity
        self._ttl = ttl
        self._claimed: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, event_id: str, /) -> bool:
        """Claim an event; see `SeenEvents`."""
        now = time.monotonic()
        with self._lock:
            claimed_at = self._claimed.get(event_id)
            if claimed_at is not None and now - claimed_at < self._ttl:
                return True
            self._claimed[event_id] = now
            self._claimed.move_to_end(event_id)
            self._drop_old(now)
            return False

    def forget(self, event_id: str, /) -> None:
        """Give a claim back; see `SeenEvents`. An id that is not known is no error.

        Args:
            event_id: The ``id`` that was claimed.

        Examples:
            >>> seen = RecentEvents()
            >>> seen("evt_1"), seen("evt_1")
            (False, True)
            >>> seen.forget("evt_1")
            >>> seen("evt_1")
            False
        """
        with self._lock:
            self._claimed.pop(event_id, None)

    def __len__(self) -> int:
        """How many ids are kept."""
        return len(self._claimed)

    def _drop_old(self, now: float) -> None:
        while self._claimed:
            oldest, claimed_at = next(iter(self._claimed.items()))
            if len(self._claimed) <= self._capacity and now - claimed_at < self._ttl:
                return
            del self._claimed[oldest]

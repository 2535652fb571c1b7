"""The server's idea of now, replaceable where tests must not wait."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where times come from. Waiting is not its business: a timer asks `now` again and again."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        return datetime.now(UTC)


class ControllableClock:
    """A clock that runs with the machine's and can be moved on by hand, so that an hour passes at once.

    Examples:
        >>> clock = ControllableClock()
        >>> before = clock.now()
        >>> clock.advance(3600)
        >>> (clock.now() - before).total_seconds() >= 3600
        True
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The present instant as this clock sees it, aware and in UTC."""
        with self._lock:
            return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock on by that many seconds; it never goes back.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("a clock cannot be moved back")
        with self._lock:
            self._offset += timedelta(seconds=seconds)


def monotonic() -> float:
    """Seconds for measuring spans; untouched by any controllable clock."""
    return time.monotonic()

"""How much an organization may call, and the three headers that say how much is left."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import datetime

from sensei.server.errors import ApiError
from sensei.server.settings import RateLimits

UNLIMITED = 2**53 - 1
_SECOND, _MINUTE, _DAY = 1, 60, 86_400
_UNTOLD_SECONDS = 10
"""How long at most a process keeps to itself what it counted."""
_MANY_PER_SECOND = 1_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one window still allows."""

    window: str
    limit: int
    remaining: int
    reset: int
    """Unix time in whole seconds."""

    def headers(self) -> dict[str, str]:
        """The three headers of every answer."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class RateLimiter:
    """Counts calls per subject (an organization, or an address where none is known) in fixed windows.

    The counts of the day can be seeded and read, so that they survive a restart.
    """

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._processes = 1
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}
        self._unsaved: dict[tuple[str, str], int] = {}

    def take(self, subject: str, operation: str | None, now: datetime) -> Allowance:
        """Count one call.

        Raises:
            RateLimitedError: A window is used up; the call does not count then.
        """
        seconds = now.timestamp()
        windows: list[tuple[str, str, int | None, int]] = [
            ("second", "second", self._share(self._limits.per_second), _SECOND),
            ("day", "day", self._limits.per_day, _DAY),
        ]
        extra = self._share(self._limits.endpoints.get(operation)) if operation else None
        if extra is not None:
            windows.append(("endpoint", f"endpoint:{operation}", extra, _MINUTE))
        with self._lock:
            seen: list[Allowance] = []
            for name, key, limit, length in windows:
                start = int(seconds // length) * length
                began, used = self._counts.get((subject, key), (start, 0))
                used = used if began == start else 0
                seen.append(Allowance(name, UNLIMITED if limit is None else limit, used, start + length))
            for allowance in seen:
                if allowance.remaining >= allowance.limit:
                    full = Allowance(allowance.window, allowance.limit, 0, allowance.reset)
                    raise RateLimitedError(full, max(1, math.ceil(allowance.reset - seconds)))
            for (_, key, _, length), allowance in zip(windows, seen, strict=True):
                self._counts[(subject, key)] = (allowance.reset - length, allowance.remaining + 1)
            day = now.date().isoformat()
            self._unsaved[(subject, day)] = self._unsaved.get((subject, day), 0) + 1
            if len(self._counts) > 50_000:
                self._forget(seconds)
        left = [Allowance(a.window, a.limit, a.limit - a.remaining - 1, a.reset) for a in seen[:2]]
        return min(left, key=lambda a: a.remaining)

    def share_among(self, processes: int) -> None:
        """Let this process have its part of what is counted here alone, the windows shorter than a day."""
        self._processes = max(1, processes)

    def _share(self, limit: int | None) -> int | None:
        return None if limit is None else max(1, limit // self._processes)

    def counts_exactly(self, subject: str) -> bool:
        """Whether the calls of other processes may have used up the day, so that each call has to be told at once."""
        limit = self._limits.per_day
        if limit is None or self._processes == 1:
            return False
        most = (self._limits.per_second or _MANY_PER_SECOND) * _UNTOLD_SECONDS
        with self._lock:
            return limit - self._counts.get((subject, "day"), (0, 0))[1] <= most

    def check_day(self, subject: str, now: datetime) -> None:
        """Refuse a call that was counted and is beyond the allowance of the day, as the store knows it by now.

        Raises:
            RateLimitedError: It is.
        """
        limit = self._limits.per_day
        with self._lock:
            began, used = self._counts.get((subject, "day"), (0, 0))
        if limit is not None and used > limit:
            reset = began + _DAY
            raise RateLimitedError(Allowance("day", limit, 0, reset), max(1, math.ceil(reset - now.timestamp())))

    def drain(self) -> dict[tuple[str, str], int]:
        """Calls per (subject, day) since the last drain, for the store to add up."""
        with self._lock:
            unsaved, self._unsaved = self._unsaved, {}
            return unsaved

    def take_back(self, counted: dict[tuple[str, str], int]) -> None:
        """What was drained could not be stored; it comes with the next drain."""
        with self._lock:
            for key, calls in counted.items():
                self._unsaved[key] = self._unsaved.get(key, 0) + calls

    def seed_day(self, subject: str, used: int, now: datetime) -> None:
        """Take up the day's count as the store knows it (other processes included)."""
        start = int(now.timestamp() // _DAY) * _DAY
        with self._lock:
            began, here = self._counts.get((subject, "day"), (start, 0))
            self._counts[(subject, "day")] = (start, max(used, here if began == start else 0))

    def _forget(self, seconds: float) -> None:
        self._counts = {key: entry for key, entry in self._counts.items() if entry[0] > seconds - _DAY}


class RateLimitedError(ApiError):
    """429 with the allowance that is used up."""

    def __init__(self, allowance: Allowance, wait: int) -> None:
        super().__init__(
            "rate_limited",
            f"The allowance of {allowance.limit} calls per {_SPAN[allowance.window]} is used up; wait {wait} s.",
            details={"window": allowance.window, "limit": allowance.limit},
            retry_after=wait,
        )
        self.allowance = allowance


_SPAN = {"second": "second", "day": "day", "endpoint": "minute for this operation"}

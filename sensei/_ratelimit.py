"""Pacing by what the server says in X-RateLimit-*, shared by all threads and tasks of a client."""

from __future__ import annotations

import threading
import time

from sensei._arguments import check_kind, is_number
from sensei._concurrency import call_after_fork
from sensei._response import instant, whole
from sensei.errors import ConfigurationError
from sensei.models.response import RateLimit

FIRST_BURST = 10
"""Calls that may be under way before the first answer tells the limit: what the smallest plan allows in a second."""

FIRST_WAIT = 0.02
"""Seconds between looks while the first answer is awaited."""

FIRST_PATIENCE = 2.0
"""Seconds after which a call goes out even though no answer has told the limit."""

MARGIN = 0.03
"""Seconds after the announced reset, for clocks that differ a little."""


class RateLimiter:
    """Holds calls back when the server's allowance is used up, instead of running into 429.

    One limiter may be given to several clients that share an organization's allowance.

    Args:
        block: True to wait for the next window, False to raise `RateLimitError` at once.
        max_wait: seconds; a call that would have to wait longer is sent all the same, and the server decides.

    Raises:
        ConfigurationError: `block` is neither True nor False, or `max_wait` no number of seconds.

    Examples:
        >>> from sensei import Client, RateLimiter
        >>> limiter = RateLimiter()
        >>> one, two = Client("sk_test_1", rate_limiter=limiter), Client("sk_test_1", rate_limiter=limiter)
    """

    def __init__(self, *, block: bool = True, max_wait: float = 60.0) -> None:
        check_kind("block", block, bool, "True or False")
        if not (is_number(max_wait) and max_wait >= 0):
            raise ConfigurationError("max_wait must be seconds, zero or more")
        self.block = block
        self.max_wait = max_wait
        self._announced: bool | None = None  # None until an answer came
        self._limit = 0
        self._tokens = 0
        self._reset = 0.0  # unix seconds, by the clock of this machine
        self._server_reset = 0.0
        self._queued = 0
        self._in_flight = 0
        self._start()
        call_after_fork(self)

    def _start(self) -> None:
        self._lock = threading.Lock()

    def _after_fork(self) -> None:
        self._start()
        self._in_flight = 0

    def __repr__(self) -> str:
        return f"RateLimiter(block={self.block}, max_wait={self.max_wait})"

    def admit(self, waited: float = 0.0) -> float:
        """Take one call out of the allowance.

        Args:
            waited: seconds that this call has waited already.

        Returns:
            0 when it may be sent now; else the seconds after which to ask again.
        """
        if self._announced is False:
            return 0.0
        with self._lock:
            if self._announced is None:
                if self._in_flight < FIRST_BURST or waited >= FIRST_PATIENCE:
                    self._in_flight += 1
                    return 0.0
                return FIRST_WAIT
            now = time.time()
            if now >= self._reset:
                # A new window, of which nothing is known yet but that it holds as many as the last one.
                self._tokens = self._limit
                self._queued = 0
                self._reset = now + 1.0
            if self._tokens > 0:
                self._tokens -= 1
                return 0.0
            delay = self._reset - now
            if delay > self.max_wait:
                return 0.0
            # Those who wait come back one by one over the windows ahead, not all at once.
            windows, place = divmod(self._queued, max(self._limit, 1))
            self._queued += 1
            return delay + MARGIN + windows + 0.9 * place / max(self._limit, 1)

    def forget(self) -> None:
        """Give back the leave of a call that got no answer, while the first answer is awaited."""
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)

    def observe(self, seen: RateLimit | None, *, refused_for: float | None = None) -> None:
        """Learn from an answer.

        Args:
            seen: what its headers said, or None when they said nothing.
            refused_for: seconds to keep quiet, when the answer was a 429.
        """
        if seen is None or seen.remaining is None or seen.reset_at is None:
            if self._announced is None:
                self._announced = False
            return
        with self._lock:
            now = time.time()
            reset = seen.reset_at.timestamp()
            self._announced = True
            self._limit = max(seen.limit or 0, seen.remaining, 1)
            if reset > self._server_reset:
                self._server_reset = reset
                self._tokens = seen.remaining
                self._queued = 0
                # By the local clock the reset may seem to be long past: then the clocks differ.
                self._reset = now + 1.0 if reset <= now - 1.0 else reset
            elif reset == self._server_reset:
                self._tokens = min(self._tokens, seen.remaining)
            if refused_for is not None:
                self._tokens = 0
                self._reset = max(self._reset, now + min(refused_for, self.max_wait))


def read_rate_limit(headers: dict[bytes, bytes]) -> RateLimit | None:
    """What an answer says about the allowance, or None when it says nothing.

    Args:
        headers: of the answer, names in lower case.
    """
    limit = headers.get(b"x-ratelimit-limit")
    remaining = headers.get(b"x-ratelimit-remaining")
    reset = headers.get(b"x-ratelimit-reset")
    if limit is None and remaining is None and reset is None:
        return None
    return RateLimit(whole(limit), whole(remaining), instant(whole(reset)))

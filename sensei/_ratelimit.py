"""Pacing by what the server says in X-RateLimit-*, shared by all threads and tasks of a client."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from time import monotonic

from sensei._arguments import check_kind, is_number
from sensei._concurrency import call_after_fork
from sensei._response import http_date, instant, whole
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


@dataclass(slots=True)
class Turn:
    """A call that waits.

    Attributes:
        began: when it began to, on the monotonic clock.
        in_line: True while it has a place among those who wait for a window.
    """

    began: float = field(default_factory=monotonic)
    in_line: bool = False


class RateLimiter:
    """Holds calls back when the server's allowance is used up, instead of running into 429.

    One limiter may be given to several clients that share an organization's allowance.

    Args:
        block: True to wait for the next window, False to raise `RateLimitError` at once.
        max_wait: seconds; when the next window opens later than that, calls are sent all the same, and the server
            decides. A long line of calls may well wait longer, over many windows.

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
        self._reset = 0.0  # on the monotonic clock
        self._server_reset = 0.0  # unix seconds, by the clock of the server
        self._ahead = 0.0  # seconds that the server's clock is ahead of this one, at least
        self._guessed = False  # True while the window is one that no answer has told of yet
        self._waiting = 0
        self._in_vain = 0
        self._in_flight = 0
        self._start()
        call_after_fork(self)

    def _start(self) -> None:
        self._lock = threading.Lock()

    def _after_fork(self) -> None:
        self._start()
        self._in_flight = self._waiting = 0

    def __repr__(self) -> str:
        return f"RateLimiter(block={self.block}, max_wait={self.max_wait})"

    def admit(self, turn: Turn | None = None, patience: float = math.inf) -> float:
        """Take one call out of the allowance.

        Args:
            turn: of a call that has waited already.
            patience: seconds that it can wait at most.

        Returns:
            0 when it may be sent now; else the seconds after which to ask again. From `patience` on it is not to wait.
        """
        if turn is None and self._announced is False:
            return 0.0
        with self._lock:
            if turn is not None and turn.in_line:
                self._waiting -= 1
            delay = self._delay(turn, patience)
            if turn is not None:
                turn.in_line = self._announced is True and 0.0 < delay < patience
                self._waiting += turn.in_line
            return delay

    def _delay(self, turn: Turn | None, patience: float) -> float:
        if self._announced is False:
            return 0.0
        if self._announced is None:
            waited = 0.0 if turn is None else monotonic() - turn.began
            if self._in_flight < FIRST_BURST or waited >= FIRST_PATIENCE or patience <= FIRST_WAIT:
                self._in_flight += 1
                return 0.0
            return FIRST_WAIT
        now = monotonic()
        if now >= self._reset:
            # A new window, of which nothing is known yet but that it holds as many as the last one, for a second.
            self._tokens = self._limit
            self._reset += math.floor(now - self._reset) + 1.0
            self._guessed = True
        again = turn is not None and turn.in_line
        # Those who wait are served first, or a stream of new calls could keep them waiting for ever.
        served = 0 if again else min(self._waiting, max(self._tokens, 0))
        if self._tokens > served:
            self._tokens -= 1
            return 0.0
        delay = self._reset - now
        if delay > self.max_wait:
            return 0.0
        # They come back one by one over the windows ahead, not all at once; who was there in vain, in the next one.
        windows, place = divmod(self._waiting - served, self._limit)
        if again:
            self._in_vain += 1
            windows, place = 0, self._in_vain % self._limit
        return delay + MARGIN + windows + 0.9 * place / self._limit

    def leave(self, turn: Turn) -> None:
        """Give up the place of a call that does not wait any longer.

        Args:
            turn: of the call.
        """
        with self._lock:
            self._waiting -= turn.in_line
            turn.in_line = False

    def forget(self) -> None:
        """Give back the leave of a call that got no answer, while the first answer is awaited."""
        with self._lock:
            self._in_flight = max(0, self._in_flight - 1)

    def observe(
        self, seen: RateLimit | None, *, date: bytes | str | None = None, refused_for: float | None = None
    ) -> None:
        """Learn from an answer.

        Args:
            seen: what its headers said, or None when they said nothing.
            date: its `Date` header, by which the server's clock is known.
            refused_for: seconds to keep quiet, when the answer was a 429.
        """
        if seen is None or seen.remaining is None or seen.reset_at is None:
            if self._announced is None:
                self._announced = False
            return
        reset = seen.reset_at.timestamp()
        with self._lock:
            self._announced = True
            self._limit = max(seen.limit or 0, seen.remaining, 1)
            if reset > self._server_reset:
                self._server_reset = reset
                left = self._left(reset, date)
                # Calls of this window may be under way already, sent on the strength of the guess.
                self._tokens = min(self._tokens, seen.remaining) if self._guessed else seen.remaining
                self._guessed = False
                # By the local clock the reset may seem to be long past: then the clocks differ.
                self._reset = monotonic() + (1.0 if left <= -1.0 else left)
            elif reset == self._server_reset:
                self._tokens = min(self._tokens, seen.remaining)
            if refused_for is not None:
                self._tokens = 0
                self._reset = max(self._reset, monotonic() + min(refused_for, self.max_wait))

    def _left(self, reset: float, date: bytes | str | None) -> float:
        """Seconds until `reset`, which the server's clock tells."""
        now = time.time()
        told = http_date(date.decode("latin-1") if isinstance(date, bytes) else date or "")
        # The header has whole seconds and was some time on its way: the clock is ahead by that much or more.
        ahead = 0.0 if told is None else max(0.0, told - now)
        if ahead > self._ahead or ahead < self._ahead - 2.0:  # or one of the clocks was set
            self._ahead = ahead
        return reset - self._ahead - now


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

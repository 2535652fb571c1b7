# Generated from sensei/_async/pacing.py by scripts/generate_sync.py: change that file and run the script.
"""Waiting for leave to send, while the allowance is used up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensei._concurrency import sleep
from sensei._ratelimit import RateLimiter, Turn
from sensei.errors import RateLimitError

if TYPE_CHECKING:
    from sensei._call import Call


def turn_of(call: Call, limiter: RateLimiter, patience: float) -> None:
    """Wait until `call` may be sent.

    Args:
        call: the call.
        limiter: what paces it.
        patience: seconds that it can wait at most.

    Raises:
        RateLimitError: it would have to wait longer. It is raised at once, not at the end of the time.
    """
    turn = Turn()
    while delay := limiter.admit(turn, patience):
        if delay >= patience:
            raise RateLimitError(
                f"{call.method} {call.route} was not sent: the allowance is used up for {delay:.1f} s more",
                status_code=429,
                code="rate_limited",
                retry_after=delay,
                attempts=call.attempts,
            )
        try:
            sleep(delay)
        except BaseException:
            limiter.leave(turn)
            raise
        patience = call.left()

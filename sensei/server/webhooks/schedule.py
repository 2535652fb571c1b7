"""When a delivery is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

DELAYS_SECONDS = (0, 60, 300, 1_800, 7_200, 28_800, 86_400)
"""Seconds before each attempt, counted from the end of the one before."""

MAX_ATTEMPTS = len(DELAYS_SECONDS)


def next_attempt(attempts_made: int, ended_at: datetime, *, scale: float = 1.0) -> datetime | None:
    """When the attempt after `attempts_made` of this series is due; None when the series is over.

    `scale` multiplies every delay, so that a test can have the whole day in a second.
    """
    if attempts_made >= MAX_ATTEMPTS:
        return None
    return ended_at + timedelta(seconds=DELAYS_SECONDS[attempts_made] * scale)

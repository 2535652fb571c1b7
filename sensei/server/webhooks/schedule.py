"""When a delivery is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta


def next_attempt(attempts_made: int, ended_at: datetime, delays: Sequence[float]) -> datetime | None:
    """When the attempt after `attempts_made` of this series is due; None when the series is over.

    Parameters:
        attempts_made: Attempts of this series so far; 0 for a delivery that is new.
        ended_at: When the last of them ended, or when the delivery was made.
        delays: Seconds between attempts, one fewer than there are attempts. The first attempt waits for nothing.
    """
    if attempts_made == 0:
        return ended_at
    if attempts_made > len(delays):
        return None
    return ended_at + timedelta(seconds=delays[attempts_made - 1])

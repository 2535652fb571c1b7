# Generated from sensei/_async/polling.py by scripts/generate_sync.py: change that file and run the script.
"""Waiting for a state: seconds, not tries."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TypeVar

from sensei._concurrency import sleep
from sensei._pace import Pace
from sensei.errors import WaitTimeoutError

T = TypeVar("T")


def poll(
    fetch: Callable[[], T],
    *,
    until: Callable[[T], bool],
    status: Callable[[T], str],
    what: str,
    timeout: float | None,
    interval: float | None = None,
    on_progress: Callable[[T], object] | None = None,
    pace: Pace | None = None,
) -> T:
    """Ask until `until` says yes, and give what was seen last.

    Args:
        fetch: asks once.
        until: True when the wait is over. It raises when the state can no longer lead there.
        status: what to compare and to show; any change of it brings the fastest pace back.
        what: names the thing in the error, e.g. "connection conn_1".
        timeout: seconds for the whole wait, or None to wait for ever.
        interval: seconds between questions; None adapts them.
        on_progress: called with each thing seen, before `until`.
        pace: the bounds of the adaptive interval.

    Raises:
        WaitTimeoutError: `timeout` passed; what was waited for goes on.
    """
    started = monotonic()
    pace = pace or Pace()
    while True:
        seen = fetch()
        if on_progress is not None:
            on_progress(seen)
        if until(seen):
            return seen
        waited = monotonic() - started
        delay = pace.after(status(seen)) if interval is None else interval
        if timeout is not None:
            if waited >= timeout:
                raise WaitTimeoutError(
                    f"{what} is still {status(seen)} after {waited:.1f} s; it goes on. Wait again, or longer: timeout=",
                    waited=waited,
                    last_status=status(seen),
                )
            delay = min(delay, timeout - waited)
        sleep(delay)

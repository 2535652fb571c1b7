"""Waiting for a state: seconds, not tries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from sensei._arguments import check_wait
from sensei._concurrency import async_sleep
from sensei._http import LONGEST_TIMEOUT
from sensei._poll_interval import SHORTEST_QUESTION, PollInterval
from sensei._request import ORDINARY, RequestExtras
from sensei._retry import LONGEST_OUTAGE
from sensei._tokens import async_resolved
from sensei.errors import APIConnectionError, APIStatusError, RateLimitError, ServerError, WaitTimeoutError

T = TypeVar("T")


async def poll(
    fetch: Callable[[RequestExtras], Awaitable[T]],
    *,
    until: Callable[[T], bool],
    status: Callable[[T], str],
    what: str,
    timeout: float | None,
    interval: float | None = None,
    on_progress: Callable[[T], object] | None = None,
) -> T:
    """Ask until `until` says yes, and give what was seen last.

    An outage does not end a wait that has seen its object before: it goes on until `timeout`, and for at most
    `LONGEST_OUTAGE` seconds since the last answer.

    Args:
        fetch: asks once, with the time of that question in what it is given.
        until: True when the wait is over. It raises when the state can no longer lead there.
        status: what to compare and to show; any change of it brings the fastest pace back.
        what: names the thing in the error, e.g. "connection conn_1".
        timeout: seconds for the whole wait, or None to wait for ever.
        interval: seconds between questions; None adapts them.
        on_progress: called with each thing seen, before `until`, and awaited if it has to be.

    Raises:
        InvalidArgumentError: `timeout` or `interval` is no number of seconds, or `on_progress` no function.
        WaitTimeoutError: `timeout` passed, or the server said to come back later than that; what was waited for
            goes on.
        SenseiError: the first question failed, or the outage lasted too long.
    """
    check_wait(timeout, interval, on_progress, waits=True)  # sync: check_wait(timeout, interval, on_progress)
    started = answered = monotonic()
    ends = None if timeout is None else started + timeout
    pace = PollInterval()
    last: str | None = None
    while True:
        asked = monotonic()
        outage: APIConnectionError | ServerError | RateLimitError | None = None
        pause = 0.0
        try:
            seen = await fetch(ORDINARY if ends is None else RequestExtras(until=max(ends, asked + SHORTEST_QUESTION)))
        except (APIConnectionError, ServerError, RateLimitError) as error:
            outage = error
            if isinstance(error, APIStatusError):
                pause = error.retry_after or 0.0
            late = ends is not None and monotonic() >= ends
            gone = monotonic() - answered + (pause if ends is None else 0.0)
            if not late and (last is None or gone > LONGEST_OUTAGE):
                raise
        else:
            answered = monotonic()
            if on_progress is not None:
                await async_resolved(on_progress(seen))
            if until(seen):
                return seen
            last = status(seen)
        now = monotonic()
        delay = max(pause, pace.after(last) if interval is None else interval)
        if ends is not None:
            if now >= ends or pause > ends - now:  # never earlier than the server said
                raise WaitTimeoutError(
                    _given_up(what, last, now - started, outage), waited=now - started, last_status=last
                ) from outage
            delay = min(delay, ends - now)
        await async_sleep(min(delay, LONGEST_TIMEOUT))


def _given_up(what: str, last: str | None, waited: float, outage: Exception | None) -> str:
    if outage is None:
        return f"{what} is still {last} after {waited:.1f} s; it goes on. Wait again, or longer: timeout="
    state = "was not seen" if last is None else f"was {last} when it was last seen, and goes on"
    return f"{what} {state}; the wait of {waited:.1f} s ended with: {outage}"

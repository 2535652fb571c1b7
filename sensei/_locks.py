"""Locks with a deadline, in two forms: `AsyncLock` for tasks of any event loop, `Lock` for threads."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from sensei._concurrency import async_sleep, call_after_fork, current_loop, loop_token
from sensei._http import LONGEST_TIMEOUT

if TYPE_CHECKING:
    import asyncio

    import anyio

__all__ = ["AsyncLock", "Lock", "async_run_to_completion", "run_to_completion"]

T = TypeVar("T")

_ASK_OTHER_LOOP_AGAIN = 0.01
"""Seconds between looks at a lock that a task of another event loop holds; loops cannot wake each other portably."""


class Lock:
    """A lock for threads that is free again in a forked child, and after an interrupt at whatever moment."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        call_after_fork(self)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()

    def acquire(self, deadline: float | None) -> bool:
        """Wait for the lock, until `deadline` on the monotonic clock; True when it is held."""
        return self._lock.acquire(
            timeout=-1 if deadline is None else max(0.0, min(deadline - monotonic(), LONGEST_TIMEOUT))
        )

    def release(self, taken: bool) -> None:  # noqa: ARG002 - that of tasks needs it
        """Let the next one have the lock, if this thread holds it.

        An interrupt (Ctrl-C in a notebook) can come after the lock is taken and before anybody knows.
        """
        if self._lock.acquire(blocking=False):
            self._lock.release()
            with suppress(RuntimeError):  # nobody had it
                self._lock.release()


class AsyncLock:
    """A lock for tasks. They may run on several event loops, one after the other or side by side in threads."""

    def __init__(self) -> None:
        self._claim = threading.Lock()
        self._locks: dict[object, anyio.Lock] = {}
        self._held: anyio.Lock
        call_after_fork(self)

    def _after_fork(self) -> None:
        self._claim = threading.Lock()
        self._locks = {}

    async def acquire(self, deadline: float | None) -> bool:
        """Wait for the lock, until `deadline` on the monotonic clock; True when it is held."""
        import anyio

        lock = self._lock_of_this_loop()
        with anyio.move_on_after(None if deadline is None else deadline - monotonic()):
            await lock.acquire()
            try:
                while not self._claim.acquire(blocking=False):
                    await async_sleep(_ASK_OTHER_LOOP_AGAIN)
            except BaseException:
                lock.release()
                raise
            self._held = lock
            return True
        return False

    def release(self, taken: bool) -> None:
        """Let the next one have the lock, if it was taken."""
        if taken:
            held = self._held
            self._claim.release()
            held.release()

    def _lock_of_this_loop(self) -> anyio.Lock:
        import anyio

        token = loop_token()
        lock = self._locks.get(token)
        if lock is None:
            # A client outlives many loops in programs that call asyncio.run again and again.
            alive = {one: held for one, held in self._locks.items() if held.statistics().locked}
            lock = alive[token] = anyio.Lock()
            self._locks = alive
        return lock


def run_to_completion(work: Callable[[], T]) -> T:
    """Do `work`. The sync form: a thread cannot be cancelled."""
    return work()


async def async_run_to_completion(work: Callable[[], Awaitable[T]]) -> T:
    """Do `work`, and let it finish even when the caller is cancelled meanwhile.

    Under asyncio the caller leaves at once and the work goes on by itself; under trio it leaves after the work.
    """
    loop = current_loop()
    if loop is not None:
        import asyncio

        async def finish() -> T:
            return await work()

        # Not a cancel scope: those do not hold off a plain `task.cancel()`, which is what `asyncio.wait_for` does.
        task = loop.create_task(finish())
        _unfinished.add(task)
        task.add_done_callback(_finished)
        return await asyncio.shield(task)

    from anyio import CancelScope

    with CancelScope(shield=True):
        return await work()
    raise AssertionError("a shielded scope swallows nothing")  # for type checkers


def _finished(task: asyncio.Task[T]) -> None:
    _unfinished.discard(task)
    if not task.cancelled():
        task.exception()  # marks it as seen: a caller that is still there raises it


_unfinished: set[object] = set()
"""Event loops hold their tasks weakly: without this, a task that nobody awaits any more could vanish."""

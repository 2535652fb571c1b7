"""Sleeping, background work and forks, in two forms: `async_x` and `AsyncX` for the async client, `x` and `X` for
the sync one. The generator of the sync client drops the prefix, so the pairs have the same names and arguments."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable
from time import sleep
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio

__all__ = [
    "AsyncBackground",
    "AsyncSignal",
    "Background",
    "Signal",
    "SurvivesFork",
    "async_place",
    "async_place_is_over",
    "async_shielded",
    "async_sleep",
    "call_after_fork",
    "current_loop",
    "loop_token",
    "place",
    "place_is_over",
    "shielded",
    "sleep",
]

T = TypeVar("T")


async def async_sleep(seconds: float) -> None:
    """Let other tasks run for `seconds`, on asyncio and on trio."""
    import anyio

    await anyio.sleep(seconds)


def loop_token() -> object:
    """What tells one running event loop from another, for asyncio and for trio."""
    running = sys.modules.get("asyncio")
    loop = running._get_running_loop() if running is not None else None
    if loop is not None:
        return loop
    trio = sys.modules.get("trio")  # it has been imported by who runs it
    if trio is None:
        raise RuntimeError("the asynchronous client needs a running event loop, of asyncio or of trio")
    token: object = trio.lowlevel.current_trio_token()
    return token


def current_loop() -> asyncio.AbstractEventLoop | None:
    """The running asyncio loop, or None under trio."""
    running = sys.modules.get("asyncio")
    loop: asyncio.AbstractEventLoop | None = running._get_running_loop() if running is not None else None
    return loop


def async_place() -> object:
    """Where sockets belong: to the running event loop."""
    return loop_token()


def async_place_is_over(place: object) -> bool:
    """True when the event loop that is `place` will never run again."""
    is_closed: Callable[[], bool] | None = getattr(place, "is_closed", None)
    if is_closed is not None:
        return is_closed()
    call_soon: Callable[[Callable[[], object]], object] | None = getattr(place, "run_sync_soon", None)
    try:
        if call_soon is not None:
            call_soon(bool)
    except RuntimeError:  # this is how trio tells
        return True
    return False


def place() -> object:
    """Where sockets belong: to no place, since any thread of the process may use them."""
    return None


def place_is_over(place: object) -> bool:  # noqa: ARG001 - what `async_place_is_over` is for threads
    """False: threads come and go, but their place stays."""
    return False


async def async_shielded(work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` even when the task is being cancelled."""
    import anyio

    with anyio.CancelScope(shield=True):
        await work()


def shielded(work: Callable[[], None]) -> None:
    """Do `work`."""
    work()


class Signal:
    """Something to wait for, that happens once."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Wake who waits."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """True once it has happened."""
        return self._event.is_set()

    def wait(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds; True when it has happened."""
        return self._event.wait(timeout)


class AsyncSignal:
    """Something to wait for, that happens once, in the event loop that waits."""

    def __init__(self) -> None:
        import anyio

        self._event = anyio.Event()

    def set(self) -> None:
        """Wake who waits."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """True once it has happened."""
        return self._event.is_set()

    async def wait(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds; True when it has happened."""
        import anyio

        with anyio.move_on_after(timeout):
            await self._event.wait()
        return self._event.is_set()


class Background(Generic[T]):
    """Work that runs in a thread until its result is asked for."""

    def __init__(self, work: Callable[[], T]) -> None:
        from concurrent.futures import Future

        self._future: Future[T] = Future()
        self._undone: Callable[[], T] | None = None
        try:
            threading.Thread(target=self._run, args=(work,), name="sensei-background", daemon=True).start()
        except RuntimeError:
            # There are no more threads, as when the interpreter ends: it is done when the result is asked for.
            self._undone = work

    def _run(self, work: Callable[[], T]) -> None:
        try:
            result = work()
        except BaseException as error:
            self._future.set_exception(error)
        else:
            self._future.set_result(result)

    def result(self) -> T:
        """Wait for the work; gives its result or raises its error."""
        return self._future.result() if self._undone is None else self._undone()

    def cancel(self) -> None:
        """Forget the work. A thread cannot be stopped: it ends by its own time-outs."""

    def abandon(self) -> None:
        """Forget the work, from wherever this is called."""


class AsyncBackground(Generic[T]):
    """Work that runs in a task until its result is asked for.

    Under trio, which has no free tasks, the work is done when the result is asked for.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None
        loop = current_loop()
        if loop is not None:
            self._task = loop.create_task(self._run())

    async def _run(self) -> T:
        return await self._work()

    async def result(self) -> T:
        """Wait for the work; gives its result or raises its error."""
        return await (self._work() if self._task is None else self._task)

    def cancel(self) -> None:
        """Stop the work and forget it."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
        elif self._task is not None and not self._task.cancelled():
            self._task.exception()  # marks it as seen: nobody will ask any more

    def abandon(self) -> None:
        """Forget the work, from wherever this is called: outside of its event loop it goes on by itself."""
        if self._task is not None and self._task.get_loop() is current_loop():
            self.cancel()


class SurvivesFork(Protocol):
    """Something that must start anew in a forked child."""

    def _after_fork(self) -> None: ...


_survivors: weakref.WeakSet[SurvivesFork] = weakref.WeakSet()


def call_after_fork(survivor: SurvivesFork) -> None:
    """Have `survivor._after_fork()` called in every child that this process forks.

    There it must replace its locks, which another thread may have held at the moment of the fork, and let go of
    its sockets, which still belong to the parent.
    """
    _survivors.add(survivor)


def _in_child() -> None:
    for survivor in list(_survivors):
        survivor._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)

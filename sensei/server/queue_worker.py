"""Works off a queue that is kept in the state: one thread with an event loop, some items at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.to_thread
from sqlalchemy.exc import SQLAlchemyError

log: logging.Logger = logging.getLogger("sensei.server")

_BEGUN_AGAIN_AFTER_SECONDS = 5.0

Item = TypeVar("Item")
T = TypeVar("T")


class QueueWorker(ABC, Generic[Item]):
    """Works off what is due for as long as it runs; what is not settled waits in the state for whoever runs next.

    Parameters:
        name: What it does, for the thread and the log: ``sensei-webhooks`` delivers webhooks.
        looked_every_seconds: How often the queue is looked into when nobody wakes the worker.
        grace_seconds: How long attempts under way may still take once it is stopped.
        forgotten_every: Rounds after which old items are forgotten.
    """

    def __init__(self, name: str, *, looked_every_seconds: float, grace_seconds: float, forgotten_every: int) -> None:
        self._name = name
        self._looked_every = looked_every_seconds
        self._grace = grace_seconds
        self._forgotten_every = forgotten_every
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = anyio.Event()
        self._under_way: dict[str, Item] = {}

    @property
    def under_way(self) -> Sequence[Item]:
        """What is being attempted."""
        return list(self._under_way.values())

    @abstractmethod
    def id_of(self, item: Item) -> str:
        """What tells an item from all others."""

    @abstractmethod
    def take(self, round_number: int) -> list[Item]:
        """Claim what is due and has room, in a thread."""

    @abstractmethod
    async def work_off(self, item: Item) -> None:
        """Attempt an item and record how that went. An item that is not recorded is released."""

    @abstractmethod
    def release(self, item: Item) -> None:
        """Leave an item to the next attempt, in a thread."""

    @abstractmethod
    def forget_old(self) -> None:
        """Remove items that were settled long ago, in a thread."""

    @abstractmethod
    def about(self, item: Item) -> dict[str, str]:
        """What the log says of an item."""

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look into the queue now. May be called from any thread."""
        loop = self._loop
        if loop is not None:
            # A loop that has just ended needs no waking.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._set_woken)

    def stop(self) -> None:
        """Let attempts under way end within the time of grace; others are made by whoever runs next."""
        self._stopped.set()
        self.wake()
        if self._thread is not None:
            self._thread.join()

    def _set_woken(self) -> None:
        # Not the event's own method, as there is a new event each round.
        self._woken.set()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                anyio.run(self._rounds, backend="asyncio")
            except Exception:
                log.exception("%s broke; it begins again", self._name)
                self._stopped.wait(_BEGUN_AGAIN_AFTER_SECONDS)

    async def _rounds(self) -> None:
        number = 0
        self._woken = anyio.Event()
        self._loop = asyncio.get_running_loop()
        async with anyio.create_task_group() as attempts:
            while not self._stopped.is_set():
                for item in await self._taken(number):
                    self._under_way[self.id_of(item)] = item
                    attempts.start_soon(self._attempt, item)
                if number % self._forgotten_every == 0:
                    await self._without_state(self.forget_old)
                number += 1
                with anyio.move_on_after(self._looked_every):
                    await self._woken.wait()
                self._woken = anyio.Event()
            attempts.cancel_scope.deadline = anyio.current_time() + self._grace

    async def _taken(self, number: int) -> list[Item]:
        return await self._without_state(lambda: self.take(number)) or []

    async def _without_state(self, work: Callable[[], T]) -> T | None:
        """Do some work in a thread; None where the state cannot be asked just now.

        What is under way must not be cut for that, as it would be sent twice.
        """
        try:
            return await in_thread(work)
        except SQLAlchemyError:
            log.exception("%s could not ask the state; it asks again", self._name)
            return None

    async def _attempt(self, item: Item) -> None:
        settled = False
        try:
            await self.work_off(item)
            settled = True
        except Exception:
            log.exception("an attempt could not be recorded; it is made again", extra=self.about(item))
        finally:
            # Once recorded, its next attempt may have begun, and even ended, already.
            self._under_way.pop(self.id_of(item), None)
            # There is room for the next one.
            self._woken.set()
            if not settled:
                with anyio.CancelScope(shield=True):
                    await self._without_state(lambda: self.release(item))


async def in_thread(work: Callable[[], T]) -> T:
    """The outcome of some blocking work."""
    return await anyio.to_thread.run_sync(work)
